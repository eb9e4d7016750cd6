"""What was photographed: board images of cameras and views, and the points found in them. Opens no file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from .board import Board
from .board_shape import all_modes


@dataclass(frozen=True)
class BoardImage:
    """One photograph. Images of one view were taken at one moment: the board stood still for all cameras.

    number: which image of the file, where it is a recording.
    """

    camera: str
    view: str
    path: Path
    number: int | None = None


@dataclass(frozen=True, eq=False)
class Detection:
    """Points of a board in one photograph. ids: (n,) int, rows of ``Board.points``; pixels: (n, 2), center at .5.

    board: which of the session's boards.
    """

    camera: str
    view: str
    ids: np.ndarray
    pixels: np.ndarray
    board: int = 0

    @property
    def pose(self) -> str:
        """The name of where its board stood: of several boards in one view each stood somewhere of its own."""
        return self.view if self.board == 0 else f"{self.view} board {self.board + 1}"


@dataclass(frozen=True, eq=False)
class Session:
    """All detections. sizes: (width, height) pixels of each camera, in the order of the cameras.

    images: how many images of each camera were searched; empty where the detections came from elsewhere. more: further
    boards, each moved on its own.
    """

    board: Board
    sizes: Mapping[str, tuple[int, int]]
    detections: tuple[Detection, ...]
    images: Mapping[str, int] = field(default_factory=dict)
    more: tuple[Board, ...] = ()

    @property
    def boards(self) -> tuple[Board, ...]:
        """All boards, as detections number them."""
        return (self.board, *self.more)

    @property
    def cameras(self) -> tuple[str, ...]:
        """Camera names in order."""
        return tuple(self.sizes)

    @property
    def views(self) -> tuple[str, ...]:
        """Names of the views in which some camera sees the board, sorted; of further boards ``Detection.pose``."""
        return tuple(sorted({detection.pose for detection in self.detections}))

    @property
    def board_by_view(self) -> Mapping[str, Board]:
        """The board of each of the views, in their order."""
        boards = {detection.pose: self.boards[detection.board] for detection in self.detections}
        return {view: boards[view] for view in self.views}

    @cached_property
    def modes(self) -> list[np.ndarray]:
        """Of each board (N, 3, S), see ``board_shape``."""
        return all_modes(self.boards)

    def board_of(self, detection: Detection) -> Board:
        """The board that was seen."""
        return self.boards[detection.board]

    def of_camera(self, camera: str) -> list[Detection]:
        """The detections of one camera, in order."""
        return [detection for detection in self.detections if detection.camera == camera]
