"""Chessboards in an image: the inner corners, to a small part of a pixel, of a whole board only.

Pixels here are OpenCV's, the first pixel's centre at 0; ``solver.calibrate.detect`` converts them once.
"""

from __future__ import annotations

import cv2
import numpy as np

from .board import WHOLE_SIDE, Board, beyond_sides

CORNER_WINDOW = 0.3  # of the distance to the nearest neighbour: half the window in which a corner is refined
CORNER_WINDOWS = (2, 15)  # pixels
CHEQUERED = 0.9  # share of neighbouring squares that must differ as those of a chessboard do


def find_chessboard(gray: np.ndarray, board: Board) -> np.ndarray | None:
    """(N, 2) corners, found by sectors (Duda & Frese 2018) or else by quads, then refined by the edges around them.

    gray: (H, W) uint8. None without a board, and for a part of a larger one: which part would differ between images.
    """
    size = (board.columns, board.rows)
    thorough = cv2.CALIB_CB_EXHAUSTIVE | cv2.CALIB_CB_ACCURACY | cv2.CALIB_CB_NORMALIZE_IMAGE
    found, corners = cv2.findChessboardCornersSB(gray, size, flags=thorough)
    if not found:
        quads = cv2.CALIB_CB_ADAPTIVE_THRESH | cv2.CALIB_CB_NORMALIZE_IMAGE | cv2.CALIB_CB_FAST_CHECK
        found, corners = cv2.findChessboardCorners(gray, size, flags=quads)
        if not found:
            return None
    grid = corners.reshape(board.rows, board.columns, 2)
    along, down = grid[0, -1] - grid[0, 0], grid[-1, 0] - grid[0, 0]
    if along[0] * down[1] - along[1] * down[0] < 0:  # as in a mirror
        grid = grid[:, ::-1]
    smooth = cv2.GaussianBlur(gray, (0, 0), 1.0)
    if not _is_chequered(smooth, grid) or _goes_on(smooth, grid):
        return None
    return _refined_corners(gray, grid)


def _is_chequered(smooth: np.ndarray, grid: np.ndarray) -> bool:
    """Whether the squares between the corners (rows, columns, 2) are dark and light by turns."""
    middles = (grid[:-1, :-1] + grid[:-1, 1:] + grid[1:, :-1] + grid[1:, 1:]) / 4
    sign = 1 - 2 * (np.indices(middles.shape[:2]).sum(0) % 2)
    levels = _levels(smooth, middles)
    steps = np.diff(levels, axis=1) * sign[:, 1:], np.diff(levels, axis=0) * sign[1:]
    turned = np.concatenate([step.ravel() for step in steps])
    return not len(turned) or max((turned > 0).mean(), (turned < 0).mean()) >= CHEQUERED


def _goes_on(smooth: np.ndarray, grid: np.ndarray) -> bool:
    """Whether corners go on beyond a side of the grid (rows, columns, 2): then it is part of a larger board."""
    along, down = np.gradient(grid, axis=1), np.gradient(grid, axis=0)
    least = 0.5 * np.median(_alternation(smooth, grid, along, down))
    sides = zip(beyond_sides(grid), (along[-1], along[0], down[:, -1], down[:, 0]), strict=True)
    return any(
        (_alternation(smooth, points, outwards, sideways) > least).mean() > WHOLE_SIDE
        for (points, outwards), sideways in sides
    )


def _alternation(smooth: np.ndarray, points: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """How much darker or lighter two opposite squares around each point are than the other two; 0 where no corner is.

    points, one, other: (..., 2) pixels: places, and steps along both lines of squares. Returns (...) levels.
    """
    a, b, c, d = (
        _levels(smooth, points + (across * one + along * other) / 4)  # a board's outermost squares may be narrow
        for across, along in ((1, 1), (-1, -1), (1, -1), (-1, 1))
    )
    lighter, darker = np.minimum(a, b) - np.maximum(c, d), np.minimum(c, d) - np.maximum(a, b)
    return np.maximum(np.maximum(lighter, darker), 0)


def _levels(smooth: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(...) levels at points (..., 2); 0 outside of the image."""
    x, y = np.moveaxis(points, -1, 0).astype(np.float32)
    levels = cv2.remap(smooth, x.reshape(1, -1), y.reshape(1, -1), cv2.INTER_LINEAR)
    return levels.astype(np.float64).reshape(points.shape[:-1])


def _refined_corners(gray: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """(N, 2) corners of a grid (rows, columns, 2), each refined in a window that stays clear of its neighbours."""
    nearest = np.full(grid.shape[:2], np.inf)
    for axis in (0, 1):
        steps = np.linalg.norm(np.diff(grid, axis=axis), axis=2)
        before = np.pad(steps, [(1, 0) if a == axis else (0, 0) for a in (0, 1)], constant_values=np.inf)
        behind = np.pad(steps, [(0, 1) if a == axis else (0, 0) for a in (0, 1)], constant_values=np.inf)
        nearest = np.minimum(nearest, np.minimum(before, behind))
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 60, 1e-3)
    windows = np.clip(CORNER_WINDOW * nearest, *CORNER_WINDOWS).astype(int).ravel().tolist()
    points = np.ascontiguousarray(grid.reshape(-1, 1, 1, 2), np.float32)
    refined = [cv2.cornerSubPix(gray, p, (w, w), (-1, -1), stop) for p, w in zip(points, windows, strict=True)]
    return np.concatenate(refined).reshape(-1, 2).astype(np.float64)
