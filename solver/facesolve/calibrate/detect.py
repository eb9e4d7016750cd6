"""Finds a board in photographs: circle grids, chessboards, markers; many images at once.

The only place where OpenCV's pixels (first center at 0) become ours (at 0.5).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from facesolve.footage.container import UnreadableImage
from facesolve.footage.decode import read_pixels
from facesolve.footage.reader import open_many
from facesolve.geometry.camera import pixels_from_opencv
from facesolve.runtime.progress import Progress
from facesolve.take import Footage, FootageError, TakeError

from .board import APRILGRID, CHARUCO, CHESSBOARD, Board
from .chessboard import find_chessboard
from .circles import find_circles
from .markers import FEWEST, check_markers, find_markers
from .session import BoardImage, Detection, Session


def detect_session(images: Sequence[BoardImage], boards: Sequence[Board], progress: Progress) -> Session:
    """Looks for the boards in every image. Images without it are left out; a camera that never saw it is an error.

    Raises FootageError for an image that cannot be read or a camera whose images differ in size, TakeError when a
    camera has no detection.
    """
    for board in boards:
        check_markers(board)
    progress.stage("find the board", len(images))
    sizes: dict[str, tuple[int, int]] = {}
    detections = []

    def look(image: BoardImage) -> tuple[tuple[int, int], list[Detection]]:
        gray = read_gray(image.path)
        return (gray.shape[1], gray.shape[0]), detect_all(gray, boards, image.camera, image.view)

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
                detections += found
                progress.advance()
        finally:
            workers.shutdown(cancel_futures=True)
    counts = {camera: sum(image.camera == camera for image in images) for camera in sizes}
    for camera, count in counts.items():
        if not any(detection.camera == camera for detection in detections):
            where = "not found in its image" if count == 1 else f"found in none of its {count} images"
            raise TakeError(
                f"camera '{camera}': the board was {where}; check --board (columns, rows) and that the whole board is "
                "in sight and sharp."
            )
    return Session(boards[0], sizes, tuple(detections), counts, tuple(boards[1:]))


def detect_all(gray: np.ndarray, boards: Sequence[Board], camera: str, view: str) -> list[Detection]:
    """Those of the boards that are seen in ``gray`` (H, W) uint8."""
    found = [(index, detect(gray, board, camera, view)) for index, board in enumerate(boards)]
    return [replace(detection, board=index) for index, detection in found if detection is not None]


def detect(gray: np.ndarray, board: Board, camera: str, view: str) -> Detection | None:
    """The board in ``gray`` (H, W) uint8, or None; of a board of two sides the one that is seen."""
    if board.back is not None:
        front = detect(gray, board.front, camera, view)
        back = None if front is not None else detect(gray, board.back, camera, view)
        return front if back is None else replace(back, ids=back.ids + len(board.front.points))
    if board.kind in (CHARUCO, APRILGRID):
        ids, pixels = find_markers(gray, board)
    else:
        found = find_chessboard(gray, board) if board.kind == CHESSBOARD else find_circles(gray, board)
        pixels = np.zeros((0, 2)) if found is None else found
        ids = np.arange(len(pixels))
    return Detection(camera, view, ids, pixels_from_opencv(pixels)) if len(ids) >= FEWEST else None


def read_gray(path: Path) -> np.ndarray:
    """(H, W) uint8 of an image file; deeper images are stretched from their 0.1 to their 99.9 percentile.

    Raises FootageError that names the file.
    """
    try:
        return to_gray(read_pixels(path))
    except UnreadableImage as problem:
        raise FootageError(f"images: '{path}' {problem}") from None


def gray_of(image: BoardImage) -> np.ndarray:
    """(H, W) uint8 of a view: an image file, or an image of a recording. Raises FootageError that names the file."""
    if image.number is None:
        return read_gray(image.path)
    try:
        file = open_many(Footage(image.camera, image.path.as_posix()))
        try:
            return to_gray(file.read(image.number))
        finally:
            file.close()
    except UnreadableImage as problem:
        raise FootageError(f"images: '{image.path}' {problem}") from None


def to_gray(stored: np.ndarray) -> np.ndarray:
    """(H, W) uint8 of stored pixels (H, W[, 3]); deeper ones are stretched from the 0.1 to the 99.9 percentile."""
    if stored.dtype != np.uint8:
        finite = np.nan_to_num(stored.astype(np.float32), posinf=0.0, neginf=0.0)
        low, high = np.percentile(finite, [0.1, 99.9])
        stored = np.clip((finite - low) * (255.0 / max(high - low, 1e-9)), 0, 255).astype(np.uint8)
    return stored if stored.ndim == 2 else cv2.cvtColor(stored, cv2.COLOR_RGB2GRAY)
