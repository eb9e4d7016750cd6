"""Calibration boards: where their points are, and which rotations of a board look alike. Knows no images."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations

import numpy as np

from facesolve.geometry.rigid import rigid_array
from facesolve.take import TakeError

CIRCLES, ASYMMETRIC, CHESSBOARD, CHARUCO, APRILGRID = "circles", "acircles", "chessboard", "charuco", "aprilgrid"
LARGEST = 200  # points along a side
WHOLE_SIDE = 0.6  # share of a further row or column that is there from which on a grid is part of a larger one
THICKEST = 20.0  # cm
_CM = 0.1  # centimeters in a millimeter

_FORMS = (
    "circles:COLUMNSxROWS:SPACING[:DIAMETER], acircles:COLUMNSxROWS:SPACING[:DIAMETER], "
    "chessboard:COLUMNSxROWS:SQUARE (inner corners), charuco:COLUMNSxROWS:SQUARE:MARKER:DICTIONARY[:FIRST] (squares) "
    "or aprilgrid:COLUMNSxROWS:TAG:GAP[:FAMILY[:FIRST]] (tags), lengths in mm"
)


@dataclass(frozen=True)
class Symmetry:
    """A rotation that maps a board onto itself: ``motion`` (4, 4) takes point i to where point ``order[i]`` is."""

    motion: np.ndarray
    order: np.ndarray


@dataclass(frozen=True)
class Board:
    """A flat board in its own axes: x along its columns, y along its rows, z away from whoever looks at it, cm.

    columns, rows: dots, inner corners, squares (ChArUco) or tags (AprilGrid). spacing: cm between neighbors along both;
    asymmetric circles: between neighboring rows, and half of what is between the dots of a row; AprilGrid: between the
    tags. marker: cm, dictionary: OpenCV's name without ``DICT_``, first: the lowest marker's number (ChArUco,
    AprilGrid). diameter: cm of a dot, 0 when not given. back: the board on the other side, of other markers, middle on
    middle and as upright; thickness: cm between the two.
    """

    kind: str
    columns: int
    rows: int
    spacing: float
    diameter: float = 0.0
    marker: float = 0.0
    dictionary: str = ""
    first: int = 0
    back: Board | None = None
    thickness: float = 0.0

    @property
    def front(self) -> Board:
        """The front alone."""
        return replace(self, back=None, thickness=0.0)

    @property
    def tags(self) -> int:
        """How many tags an AprilGrid has."""
        return self.columns * self.rows

    @cached_property
    def points(self) -> np.ndarray:
        """(N, 3) centimeters, row after row; of an AprilGrid tag after tag, each clockwise from its top left. Those of
        the back come behind those of the front."""
        if self.back is not None:
            ours, theirs = self.front.points, self.back.points
            middle, behind = (ours.min(0) + ours.max(0)) / 2, (theirs.min(0) + theirs.max(0)) / 2
            turned = (theirs - behind) * (-1.0, 1.0, 0.0) + middle + (0.0, 0.0, self.thickness)
            return np.concatenate([ours, turned])
        if self.kind == APRILGRID:
            y, x = (np.mgrid[0 : self.rows, 0 : self.columns] * self.spacing).reshape(2, -1, 1)
            square = self.marker * np.array([(0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (1.0, 1.0, 0.0), (0.0, 1.0, 0.0)])
            return (np.stack([x, y, 0 * x], -1) + square).reshape(-1, 3)
        columns, rows = (self.columns - 1, self.rows - 1) if self.kind == CHARUCO else (self.columns, self.rows)
        y, x = np.mgrid[0:rows, 0:columns].astype(np.float64)
        if self.kind == ASYMMETRIC:
            x = 2 * x + y % 2
        elif self.kind == CHARUCO:
            x, y = x + 1, y + 1  # the board's corner is the origin
        return np.stack([x, y, 0 * x], -1).reshape(-1, 3) * self.spacing

    @cached_property
    def symmetries(self) -> tuple[Symmetry, ...]:
        """The rotations under which the points look alike, the identity first; markers leave only that."""
        middle = (self.points.min(0) + self.points.max(0)) / 2
        found = []
        for quarter in range(1 if self.kind in (CHARUCO, APRILGRID) else 4):
            cosine, sine = np.round(np.cos(quarter * np.pi / 2)), np.round(np.sin(quarter * np.pi / 2))
            turn = np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
            motion = rigid_array(turn, middle - turn @ middle)
            turned = self.points @ motion[:3, :3].T + motion[:3, 3]
            distance = np.linalg.norm(turned[:, None] - self.points[None], axis=2)
            if distance.min(1).max() < 1e-6:
                found.append(Symmetry(motion, distance.argmin(1)))
        return tuple(found)

    @property
    def corners(self) -> np.ndarray:
        """(4, 3) corners of the points' bounding rectangle in order around it, centimeters."""
        (x0, y0, _), (x1, y1, _) = self.front.points.min(0), self.front.points.max(0)
        return np.array([(x0, y0, 0), (x1, y0, 0), (x1, y1, 0), (x0, y1, 0)])

    @property
    def diagonal(self) -> float:
        """Length of the bounding rectangle's diagonal, centimeters."""
        return float(np.linalg.norm(self.corners[2] - self.corners[0]))


def beyond_sides(grid: np.ndarray, staggered: bool = False) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For each side of the grid (rows, columns, 2): pixels (n, 2) of a further row or column, and the steps to them.

    staggered: every other row is shifted by half a step, as in asymmetric circle grids.
    """
    for rows in (grid, grid[::-1]):
        step = rows[-1] - rows[-2]
        yield rows[-2] + rows[-1] - rows[-3] if staggered else rows[-1] + step, step
    for columns in (grid, grid[:, ::-1]):
        step = columns[:, -1] - columns[:, -2]
        yield columns[:, -1] + step, step


def check_distinct(boards: Sequence[Board], subject: str) -> None:
    """Raises TakeError, about ``subject``, for boards that an image does not tell apart."""
    printed = [side for board in boards for side in (board.front, board.back) if side is not None]
    if len(printed) > 1 and any(side.kind not in (CHARUCO, APRILGRID) for side in printed):
        raise TakeError(f"{subject}: all of them must have markers (charuco, aprilgrid), which tell them apart.")
    for one, other in combinations(printed, 2):
        ranges = [range(b.first, b.first + (b.tags if b.kind == APRILGRID else b.tags // 2)) for b in (one, other)]
        if one.dictionary == other.dictionary and set(ranges[0]) & set(ranges[1]):
            raise TakeError(
                f"{subject}: two of them have markers of the same numbers; print others, and give the number of the "
                "first one."
            )


def two_sided(front: Board, back: Board, thickness: float) -> Board:
    """A board that shows ``back`` on its other side. thickness: cm. Raises TakeError for boards that look alike."""
    check_distinct((front, back), "sides of the board")
    if not 0 <= thickness <= THICKEST:
        raise TakeError(f"thickness: {10 * thickness:g} mm is none that a board has; 0 to {10 * THICKEST:g} mm are.")
    return replace(front, back=back, thickness=thickness)


def scaled_board(board: Board, factor: float) -> Board:
    """The board ``factor`` times as large; as thick as it was."""
    back = None if board.back is None else scaled_board(board.back, factor)
    lengths = {name: getattr(board, name) * factor for name in ("spacing", "diameter", "marker")}
    return replace(board, back=back, **lengths)


def parse_board(text: str) -> Board:
    """The board of ``circles:10x10:20``, ``chessboard:9x6:25``, ``charuco:5x7:40:20:6X6_250`` and the like.

    Lengths in the text are millimeters. Raises TakeError that names the forms.
    """
    kind, *fields = text.strip().split(":")
    lengths = {CIRCLES: (1, 2), ASYMMETRIC: (1, 2), CHESSBOARD: (1, 1), CHARUCO: (3, 4), APRILGRID: (2, 4)}
    size = re.fullmatch(r"(\d{1,4})[xX](\d{1,4})", fields[0]) if fields else None
    if kind not in lengths or size is None or not lengths[kind][0] <= len(fields) - 1 <= lengths[kind][1]:
        raise TakeError(f"board: '{text}' is not a board; write {_FORMS}.")
    columns, rows = int(size[1]), int(size[2])
    least = {CHARUCO: 3, ASYMMETRIC: 3, APRILGRID: 1}.get(kind, 2)
    if not (least <= columns <= LARGEST and least <= rows <= LARGEST):
        raise TakeError(f"board: '{text}' must have {least} to {LARGEST} columns and rows.")
    if kind == CHARUCO:
        square, marker = (_length(field, text) for field in fields[1:3])
        if marker >= square:
            raise TakeError(f"board: in '{text}' the marker is not smaller than its square.")
        dictionary = fields[3].upper().removeprefix("DICT_")
        return Board(kind, columns, rows, square, 0.0, marker, dictionary, _number(fields[4:], text))
    if kind == APRILGRID:
        tag, gap = (_length(field, text) for field in fields[1:3])
        family = (fields[3] if len(fields) > 3 else "36H11").upper().removeprefix("DICT_").removeprefix("APRILTAG_")
        family = family.removeprefix("TAG")
        return Board(kind, columns, rows, tag + gap, 0.0, tag, f"APRILTAG_{family}", _number(fields[4:], text))
    spacing, *diameter = (_length(field, text) for field in fields[1:])
    apart = spacing * (2**0.5 if kind == ASYMMETRIC else 1)
    if diameter and diameter[0] >= apart:
        raise TakeError(f"board: in '{text}' the dots touch; give spacing, then diameter, in mm.")
    return Board(kind, columns, rows, spacing, diameter[0] if diameter else 0.0)


def _number(fields: list[str], text: str) -> int:
    """The lowest marker's number, 0 when there is no field for it."""
    if fields and not re.fullmatch(r"\d{1,5}", fields[0]):
        raise TakeError(f"board: '{fields[0]}' in '{text}' is not the number of a marker.")
    return int(fields[0]) if fields else 0


def _length(field: str, text: str) -> float:
    """Centimeters of a field in millimeters."""
    try:
        value = float(field)
    except ValueError:
        value = float("nan")
    if not 0 < value < 1e5:
        raise TakeError(f"board: '{field}' in '{text}' is not a length in mm.")
    return value * _CM
