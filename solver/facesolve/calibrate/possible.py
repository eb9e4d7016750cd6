"""What a calibration cannot be: lenses that no camera has, errors that no right board leaves."""

from __future__ import annotations

import numpy as np

from facesolve.take import TakeError

from .session import Session
from .single import Alone, LensRequest, spread

POSSIBLE_FOCAL = (0.1, 100.0)  # of the image's longer side
POSSIBLE_ERROR = 2.0  # pixels, root mean square of a camera's used points; of large images
POSSIBLE_SHARE = 1 / 1000  # of the longer side


def check_error(camera: str, errors: np.ndarray, size: tuple[int, int]) -> None:
    """Raises TakeError when the error left is larger than that of any calibration. errors: (n,) pixels."""
    error = float(np.sqrt((errors**2).mean()))
    if error > max(POSSIBLE_ERROR, POSSIBLE_SHARE * max(size)):
        raise TakeError(
            f"camera '{camera}': no lens and no place bring the board's points nearer than {error:.1f} pixels (RMS) to "
            "where they were found; check --board (columns, rows, lengths), --lens, and that the board is flat and "
            "stood still."
        )


def check_lens(camera: str, own: Alone, session: Session, asked: LensRequest) -> None:
    """Raises TakeError when the lens found is none that a camera can have: the points are not those of the board."""
    size, focal = session.sizes[camera], own.fit.rig.lenses[0, :2]
    low, high = (bound * max(size) for bound in POSSIBLE_FOCAL)
    impossible = not (low <= focal.min() and focal.max() <= high)
    largest = max(POSSIBLE_ERROR, POSSIBLE_SHARE * max(size))
    impossible = impossible or (own.request.focal_assumed and spread(own.fit.residuals) > largest)
    if asked.known is None and impossible:
        count = len(session.of_camera(camera))
        raise TakeError(
            f"camera '{camera}': no lens explains where the board was found in {count} of its "
            f"{session.images.get(camera, count)} images (a focal length of {focal[0]:.3g} pixels); check --board "
            "(columns, rows)."
        )
