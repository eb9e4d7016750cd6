"""Whether calibrated cameras stand upright in a scene, and whether their distances make sense. Knows no scene."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Optional, Sequence, Tuple

import numpy as np

from facesolve.take.calibration import CalibratedCamera, read_calibrated_cameras

NEAREST, FARTHEST = 2.0, 3000.0  # centimeters between neighboring cameras of a stage
UP = {"y": np.array([0.0, 1.0, 0.0]), "z": np.array([0.0, 0.0, 1.0])}


def upright(records: Sequence[CalibratedCamera], axis: str, up: Optional[str] = None) -> np.ndarray:
    """(3, 3) rotation by right angles, row vectors, after which the calibration's up is the scene's up axis.

    The identity where it is already: a calibration made of a board lying on its side has another up than the scene.
    axis: ``y`` or ``z``. up: the calibration's own, as its file states it (cameras may be mounted on their side); None
    where it does not, so that the cameras' tops tell.
    """
    if up is None:
        top = np.mean([-np.asarray(record.rotation, np.float64)[1] for record in records], axis=0)
    else:
        top = np.eye(3)["xyz".index(up[-1])] * (-1.0 if up.startswith("-") else 1.0)
    turns = [matrix for matrix in _right_angles()]
    best = max(turns, key=lambda matrix: float((top @ matrix) @ UP[axis]) + 1e-3 * float(np.trace(matrix)))
    return np.eye(3) if float(top @ UP[axis]) > 0.5 * float(np.linalg.norm(top)) else best


def remarks(calibration: Path) -> Tuple[str, ...]:
    """What looks odd about the distances in a calibration, in sentences."""
    places = [
        -np.asarray(record.rotation).T @ np.ravel(record.translation) for record in read_calibrated_cameras(calibration)
    ]
    gaps = [float(np.linalg.norm(a - b)) for index, a in enumerate(places) for b in places[:index]]
    if not gaps or NEAREST <= min(gaps) <= FARTHEST:
        return ()
    return ("The nearest two cameras are {:.3g} cm apart: is the calibration in centimeters?".format(min(gaps)),)


def _right_angles() -> Tuple[np.ndarray, ...]:
    """The 24 rotations that put axes onto axes."""
    found = []
    for order in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)):
        for signs in product((1.0, -1.0), repeat=3):
            matrix = np.zeros((3, 3))
            matrix[range(3), order] = signs
            if np.linalg.det(matrix) > 0:
                found.append(matrix)
    return tuple(found)
