"""Where pictures of equal height stand on one canvas, and how large they are. Knows sizes only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

GAP = 2  # pixels between pictures
CANVAS = 18  # of 255: gray between and beside pictures
WIDE = 16 / 9  # the screen that several cameras are to fill
LARGEST = (3840, 2160)  # pixels: what a video is made no larger than, unless asked for
SMALLEST = 16  # pixels of a picture's height


@dataclass(frozen=True)
class Layout:
    """C cameras of P pictures each. A camera's pictures stand side by side; cameras fill rows.

    cell: (width, height) of one picture's place. sizes: (width, height) of each camera's pictures, centerd in theirs.
    canvas: (width, height), even, as video wants; what lies beside the cameras is at its right.
    """

    cell: tuple[int, int]
    sizes: tuple[tuple[int, int], ...]
    columns: int
    panels: int
    canvas: tuple[int, int]

    def place(self, camera: int, panel: int) -> tuple[int, int]:
        """(x, y) of the top left corner of one picture."""
        row, column = divmod(camera, self.columns)
        x = (column * self.panels + panel) * (self.cell[0] + GAP) + (self.cell[0] - self.sizes[camera][0]) // 2
        return x, row * (self.cell[1] + GAP)

    def blank(self) -> np.ndarray:
        """(H, W, 3) uint8, the canvas with nothing on it."""
        return np.full((self.canvas[1], self.canvas[0], 3), CANVAS, np.uint8)


def lay_out(
    cameras: Sequence[tuple[int, int]],
    panels: int,
    columns: int | None = None,
    scale: float | None = None,
    height: int | None = None,
) -> Layout:
    """The layout of cameras of (width, height) footage pixels.

    columns: cameras in a row; None takes the number that shows them largest on a screen of 16:9. Each picture is
    ``scale`` times the (highest) footage high, or what makes the canvas ``height`` high; with neither as high as the
    footage, or less where the canvas would exceed 3840 x 2160.
    """
    full = max(camera_height for _, camera_height in cameras)
    widest = max(width / camera_height for width, camera_height in cameras)
    if columns is None:
        columns = _columns(len(cameras), panels * widest)
    rows = math.ceil(len(cameras) / columns)
    if scale is not None:
        cell_height = round(full * scale)
    elif height is not None:
        cell_height = (height - (rows - 1) * GAP) // rows
    else:
        cell_height = min(full, int(LARGEST[0] / (columns * panels * widest)) - GAP, LARGEST[1] // rows - GAP)
    cell_height = max(SMALLEST, cell_height)
    sizes = tuple((max(1, round(width * cell_height / height)), cell_height) for width, height in cameras)
    cell = (max(width for width, _ in sizes), cell_height)
    canvas = (columns * panels * (cell[0] + GAP) - GAP, rows * (cell[1] + GAP) - GAP)
    return Layout(cell, sizes, columns, panels, (_even(canvas[0]), _even(canvas[1])))


def _columns(count: int, aspect: float) -> int:
    """aspect: width by height of what one camera shows. Among equals the one with the fewest holes."""

    def merit(columns: int) -> tuple[float, int, int]:
        rows = math.ceil(count / columns)
        return round(min(WIDE / (columns * aspect), 1 / rows), 9), -(rows * columns - count), columns

    return max(range(1, count + 1), key=merit)


def _even(length: int) -> int:
    return length + length % 2
