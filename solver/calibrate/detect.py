"""Finds a board in photographs: circle grids, chessboards, ChArUco; many images at once.

The only place where OpenCV's pixels (first centre at 0) become ours (at 0.5).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from solver.camera import pixels_from_opencv
from solver.footage.container import UnreadableImage
from solver.footage.decode import read_pixels
from solver.progress import Progress
from solver.take import FootageError, TakeError

from .board import CHARUCO, CHESSBOARD, Board
from .circles import find_circles
from .session import BoardImage, Detection, Session

FEWEST = 6  # points of a board that make a detection
CORNER_WINDOW = 0.3  # of the distance to the nearest neighbour: half the window in which a corner is refined
CORNER_WINDOWS = (2, 15)  # pixels


def detect_session(images: Sequence[BoardImage], board: Board, progress: Progress) -> Session:
    """Looks for the board in every image. Images without it are left out; a camera that never saw it is an error.

    Raises FootageError for an image that cannot be read or a camera whose images differ in size, TakeError when a
    camera has no detection.
    """
    check_board(board)
    progress.stage("find the board", len(images))
    sizes: dict[str, tuple[int, int]] = {}
    detections = []

    def look(image: BoardImage) -> tuple[tuple[int, int], Detection | None]:
        gray = read_gray(image.path)
        return (gray.shape[1], gray.shape[0]), detect(gray, board, image.camera, image.view)

    with ThreadPoolExecutor(max(1, min(8, os.cpu_count() or 1))) as workers:
        pending = workers.map(look, images)
        try:
            for image, (size, found) in zip(images, pending, strict=True):
                if sizes.setdefault(image.camera, size) != size:
                    width, height = sizes[image.camera]
                    raise FootageError(
                        f"images: '{image.path}' is {size[0]}x{size[1]} pixels, other images of camera "
                        f"'{image.camera}' are {width}x{height}; a calibration is for one size."
                    )
                if found is not None:
                    detections.append(found)
                progress.advance()
        finally:
            workers.shutdown(cancel_futures=True)
    for camera in sizes:
        if not any(detection.camera == camera for detection in detections):
            count = sum(image.camera == camera for image in images)
            raise TakeError(
                f"camera '{camera}': the board was found in none of its {count} images; check --board (columns, rows) "
                "and that the whole board is in sight and sharp."
            )
    return Session(board, sizes, tuple(detections))


def detect(gray: np.ndarray, board: Board, camera: str, view: str) -> Detection | None:
    """The board in ``gray`` (H, W) uint8, or None."""
    if board.kind == CHARUCO:
        ids, pixels = _find_charuco(gray, board)
    else:
        found = _find_chessboard(gray, board) if board.kind == CHESSBOARD else find_circles(gray, board)
        pixels = np.zeros((0, 2)) if found is None else found
        ids = np.arange(len(pixels))
    return Detection(camera, view, ids, pixels_from_opencv(pixels)) if len(ids) >= FEWEST else None


def check_board(board: Board) -> None:
    """Raises TakeError when a ChArUco board's dictionary does not exist or has too few markers for it."""
    if board.kind == CHARUCO:
        if not hasattr(cv2.aruco, f"DICT_{board.dictionary}"):
            raise TakeError(f"board: there is no marker dictionary '{board.dictionary}'; 6X6_250 is one of OpenCV's.")
        markers = len(_dictionary(board).bytesList)
        if markers < board.columns * board.rows // 2:
            raise TakeError(
                f"board: {board.columns}x{board.rows} squares need {board.columns * board.rows // 2} markers, "
                f"{board.dictionary} has {markers}; name the dictionary the board was printed with."
            )


def read_gray(path: Path) -> np.ndarray:
    """(H, W) uint8 of an image file; deeper images are stretched from their 0.1 to their 99.9 percentile.

    Raises FootageError that names the file.
    """
    try:
        stored = read_pixels(path)
    except UnreadableImage as problem:
        raise FootageError(f"images: '{path}' {problem}") from None
    if stored.dtype != np.uint8:
        finite = np.nan_to_num(stored.astype(np.float32), posinf=0.0, neginf=0.0)
        low, high = np.percentile(finite, [0.1, 99.9])
        stored = np.clip((finite - low) * (255.0 / max(high - low, 1e-9)), 0, 255).astype(np.uint8)
    return stored if stored.ndim == 2 else cv2.cvtColor(stored, cv2.COLOR_RGB2GRAY)


def _find_chessboard(gray: np.ndarray, board: Board) -> np.ndarray | None:
    """(N, 2) corners, found by sectors (Duda & Frese 2018) or else by quads, then refined by the edges around them."""
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
    return _refined_corners(gray, grid)


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


def _find_charuco(gray: np.ndarray, board: Board) -> tuple[np.ndarray, np.ndarray]:
    """ids (n,) and corners (n, 2); of the two ways to lay out a board with an even number of rows the one that fits."""
    best = np.zeros(0, np.int64), np.zeros((0, 2))
    for legacy in (False, True)[: 2 - board.rows % 2]:
        pattern = cv2.aruco.CharucoBoard((board.columns, board.rows), board.spacing, board.marker, _dictionary(board))
        pattern.setLegacyPattern(legacy)
        refined = cv2.aruco.DetectorParameters()
        refined.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
        detector = cv2.aruco.CharucoDetector(pattern, detectorParams=refined)
        corners, ids, _, _ = detector.detectBoard(gray)
        if ids is not None and len(ids) > len(best[0]):
            best = ids.ravel().astype(np.int64), corners.reshape(-1, 2).astype(np.float64)
    return best


def _dictionary(board: Board) -> cv2.aruco.Dictionary:
    return cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, f"DICT_{board.dictionary}"))
