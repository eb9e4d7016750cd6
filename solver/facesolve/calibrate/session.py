"""What was photographed: board images of cameras and views, and the points found in them. Opens no file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .board import Board


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
    """Points of the board in one photograph. ids: (n,) int, rows of ``Board.points``; pixels: (n, 2), center at .5."""

    camera: str
    view: str
    ids: np.ndarray
    pixels: np.ndarray


@dataclass(frozen=True, eq=False)
class Session:
    """All detections of a board. sizes: (width, height) pixels of each camera, in the order of the cameras.

    images: how many images of each camera were searched; empty where the detections came from elsewhere.
    """

    board: Board
    sizes: Mapping[str, tuple[int, int]]
    detections: tuple[Detection, ...]
    images: Mapping[str, int] = field(default_factory=dict)

    @property
    def cameras(self) -> tuple[str, ...]:
        """Camera names in order."""
        return tuple(self.sizes)

    @property
    def views(self) -> tuple[str, ...]:
        """Names of the views in which some camera sees the board, sorted."""
        return tuple(sorted({detection.view for detection in self.detections}))

    def of_camera(self, camera: str) -> list[Detection]:
        """The detections of one camera, in order."""
        return [detection for detection in self.detections if detection.camera == camera]
