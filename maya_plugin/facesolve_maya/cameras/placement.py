"""How calibrated cameras stand: what is up for them, what they look at, which unit makes sense. Knows no scene."""

from __future__ import annotations

from itertools import product
from typing import Dict, Optional, Sequence, Tuple

import numpy as np

from facesolve.take.calibration import CalibratedCamera

UP = {"y": np.array([0.0, 1.0, 0.0]), "z": np.array([0.0, 0.0, 1.0])}
UNITS: Dict[str, float] = {"cm": 1.0, "mm": 0.1, "m": 100.0, "in": 2.54}  # centimeters
GUESSED = ("cm", "mm", "m")
HEAD = 24.0  # centimeters from chin to crown
LEAST_SHARE, LARGEST_SHARE = 0.12, 3.0  # of an image's height that a filmed head takes
SAME_WAY = 1e-3  # of two cameras' directions: too parallel to say what they look at


def upright(tops: np.ndarray, axis: str, up: Optional[str] = None) -> np.ndarray:
    """(3, 3) rotation by right angles, row vectors, after which the calibration's up is the scene's up axis.

    The identity where it is already: a calibration made of a board lying on its side has another up than the scene.
    tops: (n, 3) what is up in each camera's image. axis: ``y`` or ``z``. up: the calibration's own, as its file states
    it (cameras may be mounted on their side); None where it does not, so that the cameras' tops tell.
    """
    if up is None:
        top = np.mean(tops, axis=0)
    else:
        top = np.eye(3)["xyz".index(up[-1])] * (-1.0 if up.startswith("-") else 1.0)
    turns = [matrix for matrix in _right_angles()]
    best = max(turns, key=lambda matrix: float((top @ matrix) @ UP[axis]) + 1e-3 * float(np.trace(matrix)))
    return np.eye(3) if float(top @ UP[axis]) > 0.5 * float(np.linalg.norm(top)) else best


def looked_at(places: np.ndarray, directions: np.ndarray) -> Optional[np.ndarray]:
    """(3,) point nearest to the lines of sight of cameras at ``places`` (n, 3), or None where they do not meet.

    directions: (n, 3) along the lines of sight, forward.
    """
    forward = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    across = np.eye(3) - forward[:, :, None] * forward[:, None, :]
    total = across.sum(axis=0)
    if len(places) < 2 or np.linalg.eigvalsh(total)[0] < SAME_WAY:
        return None
    point: np.ndarray = np.linalg.solve(total, np.einsum("nij,nj->i", across, places))
    return point if float(np.einsum("ni,ni->n", point - places, forward).min()) > 0 else None


def fitting_unit(records: Sequence[CalibratedCamera]) -> str:
    """The unit, of UNITS, in which a head where the cameras look fills as much of the images as filmed heads do.

    Centimeters where that is so, and where no unit makes sense.
    """
    places = np.array([-np.asarray(record.rotation).T @ np.ravel(record.translation) for record in records])
    point = looked_at(places, np.array([np.asarray(record.rotation)[2] for record in records]))
    if point is None:
        return GUESSED[0]
    pixels = np.array([record.intrinsics[1, 1] / (2.0 * record.intrinsics[1, 2]) for record in records])
    shares = HEAD * pixels / np.linalg.norm(places - point, axis=1)
    makes_sense = [unit for unit in GUESSED if LEAST_SHARE < np.median(shares) / UNITS[unit] < LARGEST_SHARE]
    return makes_sense[0] if makes_sense else GUESSED[0]


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
