"""Chessboards in an image: the inner corners, to a small part of a pixel, of a whole board only.

Pixels here are OpenCV's, the first pixel's center at 0; ``facesolve.calibrate.detect`` converts them once.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from .agreement import fits_board
from .board import WHOLE_SIDE, Board, beyond_sides

CORNER_WINDOW = 0.3  # of the distance to the nearest neighbor: half the window in which a corner is refined
CORNER_WINDOWS = (2, 15)  # pixels
NEAR = 0.2  # of the steps: how far from a corner its squares are looked at; a board's outermost may be narrow
CORNER = 0.25  # of the median contrast: from there on a point is a corner
EVEN = 0.9  # share of the squares between the corners that must be of one level
INSIDE = 0.6  # of the way from a square's middle to its corners


def find_chessboard(gray: np.ndarray, board: Board) -> np.ndarray | None:
    """(N, 2) corners, found by sectors (Duda & Frese 2018) or by quads, then refined by the edges around them.

    gray: (H, W) uint8. None without a board, and for a part of a larger one: which part would differ between images.
    The same image gives the same corners in every run.
    """
    smooth = cv2.GaussianBlur(gray, (0, 0), 1.0)
    for grid in _grids(gray, board):
        if not fits_board(board.points, grid.reshape(-1, 2)):
            continue
        if not _is_whole(smooth, grid):
            return None
        corners = _refined_corners(gray, grid)
        if fits_board(board.points, corners):
            return corners
    return None


def _grids(gray: np.ndarray, board: Board) -> Iterator[np.ndarray]:
    """Grids (rows, columns, 2) of corners, seen from the front, by one way of finding them after the other.

    A way that finds a wrong grid is no reason to give up: the sectors begin at corners drawn by lot, so other draws may
    find the right one.
    """
    size = (board.columns, board.rows)
    thorough = cv2.CALIB_CB_EXHAUSTIVE | cv2.CALIB_CB_ACCURACY | cv2.CALIB_CB_NORMALIZE_IMAGE
    quads = cv2.CALIB_CB_ADAPTIVE_THRESH | cv2.CALIB_CB_NORMALIZE_IMAGE | cv2.CALIB_CB_FAST_CHECK
    cv2.setRNGSeed(0)
    by_sectors = cv2.findChessboardCornersSB(gray, size, flags=thorough)
    yield from _seen_from_the_front(*by_sectors, board)
    yield from _seen_from_the_front(*cv2.findChessboardCorners(gray, size, flags=quads), board)
    for draw in (1, 2) if by_sectors[0] else ():
        cv2.setRNGSeed(draw)
        yield from _seen_from_the_front(*cv2.findChessboardCornersSB(gray, size, flags=thorough), board)


def _seen_from_the_front(found: bool, corners: np.ndarray, board: Board) -> Iterator[np.ndarray]:
    """The grid (rows, columns, 2) of corners, not as in a mirror; none without any."""
    if found:
        grid = corners.reshape(board.rows, board.columns, 2).astype(np.float64)
        along, down = grid[0, -1] - grid[0, 0], grid[-1, 0] - grid[0, 0]
        yield grid[:, ::-1] if along[0] * down[1] - along[1] * down[0] < 0 else grid


def _is_whole(smooth: np.ndarray, grid: np.ndarray) -> bool:
    """Whether the grid (rows, columns, 2) of corners has no corner between its points, and none beyond its sides."""
    along, down = np.gradient(grid, axis=1), np.gradient(grid, axis=0)
    usual = np.median(_contrast(smooth, grid, along, down))
    if (_unevenness(smooth, grid) < usual / 2).mean() < EVEN:
        return False
    sides = zip(beyond_sides(grid), (along[-1], along[0], down[:, -1], down[:, 0]), strict=True)
    for (points, outwards), sideways in sides:
        # steps grow or shrink in perspective, so the corner may be a little before or behind
        near = [_contrast(smooth, points + shift * outwards, outwards, sideways) for shift in (-0.1, 0, 0.1)]
        if (np.max(near, axis=0) > CORNER * usual).mean() > WHOLE_SIDE:
            return False
    return True


def _unevenness(smooth: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """(rows - 1, columns - 1) range of the levels inside each square between the corners of the grid."""
    corners = np.stack([grid[:-1, :-1], grid[:-1, 1:], grid[1:, :-1], grid[1:, 1:]])
    middles = corners.mean(0)
    return np.ptp(_levels(smooth, middles + INSIDE * (corners - middles)), axis=0)


def _contrast(smooth: np.ndarray, points: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """How much darker or lighter two opposite squares around each point are than the other two; 0 where no corner is.

    points, one, other: (..., 2) pixels: places, and steps along both lines of squares. Returns (...) levels.
    """
    a, b, c, d = (
        _levels(smooth, points + NEAR * (across * one + along * other))
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
    """(N, 2) corners of a grid (rows, columns, 2), each refined in a window that stays clear of its neighbors."""
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
