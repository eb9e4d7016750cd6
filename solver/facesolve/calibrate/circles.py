"""Circle grids in an image: dots by several thresholds and a blob detector, dark or bright, to a small part of a pixel.

Pixels here are OpenCV's, the first pixel's center at 0; ``facesolve.calibrate.detect`` converts them once.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from .agreement import fits_board
from .board import ASYMMETRIC, WHOLE_SIDE, Board, beyond_sides
from .lattice import order_grid

SMALLEST_DOT = 12.0  # square pixels
ROUND = (0.8, 1.2)  # area of a blob over that of its ellipse
ASPECT = 0.15  # short over long axis of a dot seen at the steepest angle
ALIKE = 4.0  # dots of a board differ in area by at most this factor from their median
CROWD = 4  # times the board's dots: more candidates are clutter, and slow
WINDOW_SHARES = (1 / 6, 1 / 20)  # of the image's width: windows of the adaptive thresholds
REFINEMENTS = 3
NEAR = 0.25  # of the step between dots: a dot that far from where the grid would go on belongs to it


def find_circles(gray: np.ndarray, board: Board) -> np.ndarray | None:
    """(N, 2) centers of the board's dots in the order of ``board.points``, or None. gray: (H, W) uint8."""
    for bright in (False, True):
        image = cv2.bitwise_not(gray) if bright else gray
        for candidates in _candidates(image, board):
            for centers in _grids(candidates, board):
                if _goes_on(centers, candidates, board):
                    return None
                centers = _refined(gray, centers, board)
                if fits_board(board.points, centers):
                    return centers
    return None


def _grids(candidates: np.ndarray, board: Board) -> Iterator[np.ndarray]:
    """Grids (N, 2) among the candidates (n, 2), in the board's order."""
    if board.kind != ASYMMETRIC:
        for clustering in (0, cv2.CALIB_CB_CLUSTERING):
            centers = _grid(candidates, board, cv2.CALIB_CB_SYMMETRIC_GRID | clustering)
            if centers is not None:
                yield _seen_from_the_front(centers, board)
    # OpenCV puts asymmetric grids with an even number of rows into a wrong order
    centers = order_grid(candidates, board)
    if centers is not None:
        yield centers


def _grid(candidates: np.ndarray, board: Board, flags: int) -> np.ndarray | None:
    """The candidates (n, 2) that form the grid, in an order of OpenCV's."""
    points, size = candidates.astype(np.float32)[:, None], (board.columns, board.rows)
    cv2.setRNGSeed(0)  # it draws lots: every call must draw the same
    try:
        # without a blob detector it takes the image for points
        found, centers = cv2.findCirclesGrid(points, size, flags, None, cv2.CirclesGridFinderParameters())  # type: ignore[call-overload]
    except cv2.error:  # it asserts on some degenerate sets of candidates instead of finding nothing
        return None
    return centers.reshape(-1, 2).astype(np.float64) if found else None


def _goes_on(centers: np.ndarray, candidates: np.ndarray, board: Board) -> bool:
    """Whether dots go on beyond a side of the grid found: then it is some part of a board that is larger than told."""
    for points, steps in beyond_sides(centers.reshape(board.rows, board.columns, 2), board.kind == ASYMMETRIC):
        apart = np.linalg.norm(points[:, None] - candidates[None], axis=2).min(1)
        if (apart < NEAR * np.linalg.norm(steps, axis=1)).mean() > WHOLE_SIDE:
            return True
    return False


def _candidates(image: np.ndarray, board: Board) -> Iterator[np.ndarray]:
    """Sets of centers (n, 2) of dark blobs, the likeliest way of finding them first."""
    wanted = board.columns * board.rows
    largest = image.size / wanted
    smooth = cv2.GaussianBlur(image, (0, 0), 1.0)
    for blobs in (*_thresholded(smooth, largest), _blobs(image, largest)):
        if len(blobs) < wanted:
            continue
        yield from _of_one_size(blobs, wanted)


def _of_one_size(blobs: np.ndarray, wanted: int) -> Iterator[np.ndarray]:
    """Centers of those blobs (n, 3: x, y, area) that are alike in size; all of them too if they are not many."""
    areas = np.sort(blobs[:, 2])
    # the narrowest range of areas, in ratio, that holds as many blobs as the board has dots
    ratios = areas[wanted - 1 :] / areas[: len(areas) - wanted + 1]
    begin = int(ratios.argmin())
    typical = np.median(areas[begin : begin + wanted])
    alike = blobs[(blobs[:, 2] > typical / ALIKE) & (blobs[:, 2] < typical * ALIKE)]
    if wanted <= len(alike) <= CROWD * wanted:
        yield alike[:, :2]
    if len(alike) < len(blobs) <= CROWD * wanted:
        yield blobs[:, :2]


def _thresholded(image: np.ndarray, largest: float) -> Iterator[np.ndarray]:
    """Blobs (n, 3) under adaptive thresholds of two windows and under Otsu's."""
    for share in WINDOW_SHARES:
        window = max(int(image.shape[1] * share) | 1, 11)
        yield _ellipses(
            cv2.adaptiveThreshold(image, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, window, 7), largest
        )
    yield _ellipses(cv2.threshold(image, 0, 255, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)[1], largest)


def _ellipses(mask: np.ndarray, largest: float) -> np.ndarray:
    """Blobs of a mask that are filled ellipses: (n, 3) x, y, area."""
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    found = []
    for contour in contours:
        area = cv2.contourArea(contour)
        if not SMALLEST_DOT <= area <= largest or len(contour) < 6:
            continue
        (x, y), (long, short), _ = cv2.fitEllipseDirect(contour)
        if min(long, short) < ASPECT * max(long, short):
            continue
        if ROUND[0] < area / max(np.pi / 4 * long * short, 1e-9) < ROUND[1]:
            found.append((x, y, area))
    return np.array(found).reshape(-1, 3)


def _blobs(image: np.ndarray, largest: float) -> np.ndarray:
    """Blobs (n, 3) of OpenCV's detector, which looks for what stays under many thresholds."""
    parameters = cv2.SimpleBlobDetector.Params()
    parameters.minArea, parameters.maxArea = SMALLEST_DOT, largest
    parameters.minThreshold, parameters.maxThreshold, parameters.thresholdStep = 10, 245, 8
    parameters.minDistBetweenBlobs = 3
    parameters.minConvexity, parameters.minInertiaRatio = 0.85, ASPECT**2
    keypoints = cv2.SimpleBlobDetector.create(parameters).detect(image)
    return np.array([(*k.pt, np.pi / 4 * k.size**2) for k in keypoints]).reshape(-1, 3)


def _seen_from_the_front(centers: np.ndarray, board: Board) -> np.ndarray:
    """The centers, put in the order of the front if they run as in a mirror."""
    grid = centers.reshape(board.rows, board.columns, 2)
    along, down = grid[0, -1] - grid[0, 0], grid[-1, 0] - grid[0, 0]
    if along[0] * down[1] - along[1] * down[0] < 0:
        grid = grid[:, ::-1]
    return grid.reshape(-1, 2)


def _refined(gray: np.ndarray, centers: np.ndarray, board: Board) -> np.ndarray:
    """Centers of gravity of the ink inside each dot's cell of the grid.

    A cell is the parallelogram that reaches half-way to the neighbors; its palest values count as paper.
    """
    along, down = _steps(centers, board)
    between = centers + (along + down) / 2
    # a threshold sees holes as well as blobs, so it does not tell which of the two is ink
    bright = _typical(gray, centers) > _typical(gray, between)
    ink = gray.astype(np.float64) if bright else 255.0 - gray
    for _ in range(REFINEMENTS):
        centers = np.stack(
            [_gravity(ink, c, np.stack([a, d], 1)) for c, a, d in zip(centers, along, down, strict=True)]
        )
    return centers


def _typical(gray: np.ndarray, places: np.ndarray) -> float:
    """Median level at places (n, 2)."""
    x, y = np.clip(np.rint(places).astype(int), 0, np.array(gray.shape[::-1]) - 1).T
    return float(np.median(gray[y, x]))


def _steps(centers: np.ndarray, board: Board) -> tuple[np.ndarray, np.ndarray]:
    """Steps (N, 2) in pixels along two edges of each dot's cell, from the neighbors in the grid."""
    grid = centers.reshape(board.rows, board.columns, 2)
    along = np.gradient(grid, axis=1)
    if board.kind == ASYMMETRIC:  # neighbors lie on the diagonals; rows in line are two apart
        down = np.concatenate([grid[2:3] - grid[:1], grid[2:] - grid[:-2], grid[-1:] - grid[-3:-2]]) / 2
        return (along / 2 + down).reshape(-1, 2), (along / 2 - down).reshape(-1, 2)
    return along.reshape(-1, 2), np.gradient(grid, axis=0).reshape(-1, 2)


def _gravity(ink: np.ndarray, center: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """Center of gravity (2,) of ``ink`` above the paper inside the parallelogram ``cell`` (2, 2) about ``center``."""
    reach = np.abs(cell).sum(1) / 2 + 1
    (x0, y0), (x1, y1) = np.floor(center - reach).astype(int), np.ceil(center + reach).astype(int) + 1
    height, width = ink.shape
    if x0 < 0 or y0 < 0 or x1 > width or y1 > height or abs(np.linalg.det(cell)) < 4:
        return center
    x, y = np.meshgrid(np.arange(x0, x1), np.arange(y0, y1))
    offset = np.stack([x - center[0], y - center[1]], -1)
    inside = np.abs(offset @ np.linalg.inv(cell).T).max(-1) < 0.5
    values = ink[y0:y1, x0:x1]
    paper, full = np.percentile(values[inside], [20, 98])
    weight = np.clip((values - paper) / max(full - paper, 1e-6) - 0.2, 0, None) * inside
    if full - paper < 10 or weight.sum() <= 0:
        return center
    refined = center + (weight[..., None] * offset).sum((0, 1)) / weight.sum()
    return refined if np.abs(refined - center).max() < reach.min() / 4 else center
