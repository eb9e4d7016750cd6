"""Whether points found in an image can be those of a flat board seen through a lens. Knows no images and no cameras.

Detectors return wrong grids now and then: another order, a row too far, two steps for one. The board tells: its points
and their images differ by one homography, bent a little by the lens.
"""

from __future__ import annotations

import cv2
import numpy as np

USUAL_ERROR = 0.08  # of the step between neighbors: root mean square error of a right grid stays below
LARGEST_ERROR = 0.3  # of the step: and that of its worst point
_TERMS = ((30, 3), (18, 2), (0, 1))  # from so many points on, the degree of the lens' bending


def fits_board(points: np.ndarray, pixels: np.ndarray) -> bool:
    """Whether ``pixels`` (n, 2) are ``points`` (n, 2 or 3) of a board, in that order, seen from its front.

    The lens may bend the image smoothly. Fewer than 4 points fit nothing.
    """
    if len(points) < 4:
        return False
    flat = np.asarray(points, np.float64)[:, :2]
    flat = (flat - flat.mean(0)) / np.ptp(flat, axis=0).max()
    matrix, _ = cv2.findHomography(flat, pixels, 0)
    if matrix is None or not np.isfinite(matrix).all():
        return False
    depth = flat @ matrix[2, :2] + matrix[2, 2]
    if depth.min() * depth.max() <= 0 or np.linalg.det(matrix) * np.sign(depth[0]) <= 0:
        return False  # some points behind the camera, or the board as in a mirror
    mapped = cv2.perspectiveTransform(flat[None], matrix)[0]
    error = np.linalg.norm(_bent(mapped, pixels) - pixels, axis=1) / neighbor_steps(pixels)
    return bool(np.sqrt((error**2).mean()) < USUAL_ERROR and error.max() < LARGEST_ERROR)


def _bent(mapped: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """``mapped`` (n, 2) after the polynomial that brings it nearest to ``pixels``; of a low degree for few points."""
    degree = next(degree for least, degree in _TERMS if len(mapped) >= least)
    x, y = ((mapped - mapped.mean(0)) / max(np.ptp(mapped), 1e-9)).T
    terms = np.stack([x**i * y**j for i in range(degree + 1) for j in range(degree + 1 - i)], 1)
    return mapped + terms @ np.linalg.lstsq(terms, pixels - mapped, rcond=None)[0]


def neighbor_steps(pixels: np.ndarray) -> np.ndarray:
    """(n,) distance to the nearest other point, pixels."""
    apart = np.linalg.norm(pixels[:, None] - pixels[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    return np.maximum(apart.min(1), 1e-6)
