"""Boards of markers in an image: ChArUco in both of its patterns, AprilGrids, printed dark on light or light on dark.

Pixels here are OpenCV's, the first pixel's center at 0; ``facesolve.calibrate.detect`` converts them once.
"""

from __future__ import annotations

from itertools import product

import cv2
import numpy as np

from facesolve.take import TakeError

from .agreement import fits_board, neighbor_steps
from .board import APRILGRID, CHARUCO, Board

AGREES = 0.25  # of the step: a corner nearer to where the others put it is right
FEWEST = 6  # points of a board that make a detection
TAG_CLEAR = 0.2  # of a tag's side: no other edges are nearer to its corners
CLEAR = 0.85  # of what is clear around a corner: half the window in which it is refined
WINDOWS = (2, 12)  # pixels
_BORDERS = (2, 1)  # bits around a tag's code: Kalibr's grids have two, most others one


def find_markers(gray: np.ndarray, board: Board) -> tuple[np.ndarray, np.ndarray]:
    """Rows (n,) of ``board.points`` and their pixels (n, 2), none when the board is not in ``gray`` (H, W) uint8.

    A board printed light on dark is found too. Corners that the others contradict are left out.
    """
    find = _find_charuco if board.kind == CHARUCO else _find_tags
    for image in (gray, cv2.bitwise_not(gray)):
        ids, corners = find(image, board)
        ids, corners = _agreeing(board, ids, corners)
        if len(ids) >= FEWEST and fits_board(board.points[ids], corners):
            return ids, corners
    return np.zeros(0, np.int64), np.zeros((0, 2))


def check_markers(board: Board) -> None:
    """Raises TakeError when the dictionary of a board of markers does not exist or has too few for it."""
    if board.kind not in (CHARUCO, APRILGRID):
        return
    if board.back is not None:
        check_markers(board.back)
    if not hasattr(cv2.aruco, f"DICT_{board.dictionary}"):
        raise TakeError(f"board: there is no marker dictionary '{board.dictionary}'; 6X6_250 is one of OpenCV's.")
    there = len(_dictionary(board).bytesList)
    wanted = board.columns * board.rows
    what, wanted = ("squares", wanted // 2) if board.kind == CHARUCO else ("tags", wanted)
    if there < board.first + wanted:
        first = f" from {board.first} on" if board.first else ""
        raise TakeError(
            f"board: {board.columns}x{board.rows} {what} need {wanted} markers{first}, {board.dictionary} has {there}; "
            "name the dictionary the board was printed with."
        )


def _find_charuco(gray: np.ndarray, board: Board) -> tuple[np.ndarray, np.ndarray]:
    """ids (n,) and corners (n, 2); of the two ways to lay out a board with an even number of rows the one that fits."""
    best = np.zeros(0, np.int64), np.zeros((0, 2))
    refined = cv2.aruco.DetectorParameters()
    refined.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    for legacy in (False, True)[: 2 - board.rows % 2]:
        cv2.setRNGSeed(0)
        detector = cv2.aruco.CharucoDetector(charuco(board, legacy), detectorParams=refined)
        corners, ids, _, _ = detector.detectBoard(gray)
        if ids is not None and len(ids) > len(best[0]):
            best = ids.ravel().astype(np.int64), corners.reshape(-1, 2).astype(np.float64)
    if len(best[0]) < FEWEST:
        return best
    # OpenCV's own window reaches into the markers, which moves corners by half a pixel
    clear = (board.spacing - board.marker) / 2 / board.spacing * neighbor_steps(best[1])
    return best[0], np.concatenate([_refined(gray, p[None], c) for p, c in zip(best[1], clear, strict=True)])


def charuco(board: Board, legacy: bool = False) -> cv2.aruco.CharucoBoard:
    """OpenCV's description of a ChArUco board. legacy: the pattern before OpenCV 4.6, a marker in the first square."""
    ids = np.arange(board.first, board.first + board.columns * board.rows // 2)
    size = (board.columns, board.rows)
    pattern = cv2.aruco.CharucoBoard(size, board.spacing, board.marker, _dictionary(board), ids)
    pattern.setLegacyPattern(legacy)
    return pattern


def _find_tags(gray: np.ndarray, board: Board) -> tuple[np.ndarray, np.ndarray]:
    """Rows and pixels of the corners of an AprilGrid's tags.

    Grids count their tags from the bottom (Kalibr) or from the top, and dictionaries differ in a tag's first corner:
    one of these orders is the board, the others run as in a mirror or do not fit it at all.
    """
    parameters = cv2.aruco.DetectorParameters()
    for border in _BORDERS:
        parameters.markerBorderBits = border
        corners, found, _ = cv2.aruco.ArucoDetector(_dictionary(board), parameters).detectMarkers(gray)
        tags = {} if found is None else dict(zip(found.ravel().tolist(), corners, strict=True))
        tags = {tag - board.first: place for tag, place in tags.items() if 0 <= tag - board.first < board.tags}
        if 4 * len(tags) < FEWEST:
            continue
        squares = [place.reshape(4, 2).astype(np.float64) for place in tags.values()]
        sides = [np.linalg.norm(square - np.roll(square, 1, axis=0), axis=1).min() for square in squares]
        pixels = np.concatenate([_refined(gray, s, TAG_CLEAR * side) for s, side in zip(squares, sides, strict=True)])
        column, row = np.array(list(tags)) % board.columns, np.array(list(tags)) // board.columns
        for upwards, turn in product((True, False), range(4)):
            place = (board.rows - 1 - row if upwards else row) * board.columns + column
            ids = (4 * place[:, None] + (np.arange(4) + turn) % 4).ravel()
            kept = _agreeing(board, ids, pixels)
            if len(kept[0]) > len(ids) / 2 and fits_board(board.points[kept[0]], kept[1]):
                return kept
    return np.zeros(0, np.int64), np.zeros((0, 2))


def _refined(gray: np.ndarray, corners: np.ndarray, clear: float) -> np.ndarray:
    """(n, 2) corners, moved to where the edges around them meet. clear: pixels around them without other edges."""
    window = int(np.clip(CLEAR * clear, *WINDOWS))
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 60, 1e-3)
    begin = np.ascontiguousarray(corners[:, None], np.float32)
    found = cv2.cornerSubPix(gray, begin, (window, window), (-1, -1), stop).reshape(-1, 2)
    near = np.linalg.norm(found - corners, axis=1, keepdims=True) < window
    return np.where(near, found, corners).astype(np.float64)


def _agreeing(board: Board, ids: np.ndarray, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All points if they can be the board's, else those that one homography explains within a part of its step."""
    if len(ids) < FEWEST or fits_board(board.points[ids], pixels):
        return ids, pixels
    flat = board.points[ids, :2]
    cv2.setRNGSeed(0)
    matrix, _ = cv2.findHomography(flat, pixels, cv2.LMEDS)
    if matrix is None:
        return ids[:0], pixels[:0]
    mapped = cv2.perspectiveTransform(np.stack([flat, flat + np.array([board.spacing, 0.0])]), matrix)
    step = np.linalg.norm(mapped[1] - mapped[0], axis=1)
    right = np.linalg.norm(mapped[0] - pixels, axis=1) < AGREES * step
    return ids[right], pixels[right]


def _dictionary(board: Board) -> cv2.aruco.Dictionary:
    return cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, f"DICT_{board.dictionary}"))
