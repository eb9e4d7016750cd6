"""The stage's frame: which way is up, where the floor is, and whether lengths are right. Turns cameras, knows no files.

A calibration's world is the board's: x to its right, y down, z away from the viewer; a reconstruction's is any. The
stage has an axis up, x along the board (or to the cameras' right), and an origin that the user chooses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from facesolve.take import TakeError
from facesolve.take.calibration import CalibratedCamera
from facesolve.take.finding import NOTE, WARNING, Finding

_BOARD_UP = {"wall": np.array([0.0, -1.0, 0.0]), "floor": np.array([0.0, 0.0, -1.0])}  # in the board's axes
_GIVEN_UP = {"y-up": np.array([0.0, 1.0, 0.0])}
_PLAIN = 45.0  # degrees between the cameras' up and the board's, where it shows how the board stood
_FAR = 0.005  # of a measured length


@dataclass(frozen=True)
class StageFrame:
    """How the stage lies in a calibration's world.

    stands: how the board stood in the view of the origin: ``wall`` (upright) or ``floor`` (flat, printed side up);
    ``auto``: whichever the cameras, which stand upright, show; ``cameras``: up is the cameras' own; ``y-up``: y is up
    already; ``as-is``: nothing is turned. up: the stage's axis that points up. offset: (3,) centimeters, where the
    origin (of the board) is in the stage, in the stage's axes.
    """

    stands: str = "auto"
    up: str = "y"
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)


def staged(cameras: Sequence[CalibratedCamera], frame: StageFrame) -> tuple[tuple[CalibratedCamera, ...], str | None]:
    """The cameras in the stage's frame, and the axis that points up there; None where nobody can tell."""
    if frame.stands == "as-is":
        return _moved(cameras, np.eye(3), frame.offset), None
    up, right = _up_and_right(cameras, frame.stands)
    right = right - (right @ up) * up
    right /= np.linalg.norm(right)
    toward = np.cross(right, up)  # toward the viewer of the board
    turn = np.stack([right, up, toward]) if frame.up == "y" else np.stack([right, -toward, up])
    return _moved(cameras, turn, frame.offset), frame.up


def cameras_up(cameras: Sequence[CalibratedCamera]) -> np.ndarray:
    """(3,) the direction that is up in the cameras' images, on average; unit length, or zero where they contradict."""
    mean = -np.mean([camera.rotation[1] for camera in cameras], 0)
    length = float(np.linalg.norm(mean))
    return mean / length if length > 0.3 else np.zeros(3)


def check_distance(cameras: Sequence[CalibratedCamera], first: str, second: str, measured: float) -> Finding:
    """How the distance of two cameras' centers, centimeters, compares with the one measured: a note, or a warning.

    Raises TakeError for a camera that is not there.
    """
    centers = {camera.name: -camera.rotation.T @ camera.translation for camera in cameras}
    for name in (first, second):
        if name not in centers:
            raise TakeError(f"check: there is no camera '{name}'; there are {', '.join(centers)}.")
    found = float(np.linalg.norm(centers[first] - centers[second]))
    off = found / measured - 1
    text = f"they are {found:.2f} cm apart, {100 * off:+.2f} % of the {measured:g} cm measured."
    subject = f"cameras '{first}' and '{second}'"
    if abs(off) <= _FAR:
        return Finding(NOTE, subject, text)
    return Finding(WARNING, subject, text, "Check the board's size and the measurement, or give --distance.")


def _up_and_right(cameras: Sequence[CalibratedCamera], stands: str) -> tuple[np.ndarray, np.ndarray]:
    along = np.array([1.0, 0.0, 0.0])
    if stands in _BOARD_UP or stands in _GIVEN_UP:
        return {**_BOARD_UP, **_GIVEN_UP}[stands], along
    up = cameras_up(cameras)
    if not up.any():
        raise TakeError("stage: the cameras contradict each other about which way is up; say how the board stood.")
    if stands == "cameras":
        return up, np.mean([camera.rotation[0] for camera in cameras], 0)
    angles = {name: float(np.degrees(np.arccos(np.clip(axis @ up, -1, 1)))) for name, axis in _BOARD_UP.items()}
    nearest = min(angles, key=lambda name: angles[name])
    if angles[nearest] > _PLAIN:
        return up, np.mean([camera.rotation[0] for camera in cameras], 0)
    return _BOARD_UP[nearest], along


def _moved(
    cameras: Sequence[CalibratedCamera], turn: np.ndarray, offset: tuple[float, float, float]
) -> tuple[CalibratedCamera, ...]:
    """turn: (3, 3), from the old world's axes to the new ones'."""
    moved = []
    for camera in cameras:
        rotation = camera.rotation @ turn.T
        moved.append(replace(camera, rotation=rotation, translation=camera.translation - rotation @ np.array(offset)))
    return tuple(moved)
