"""How a real board differs from the one that was meant: it bulges, its print is stretched, its back is not in place.

A few numbers that the views find together with lenses and places. Knows no images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .board import Board

BULGE = 0.001  # of the board's diagonal: how far it is from flat at its corners (one standard deviation)
STRETCH = 0.001  # by how much more a print is stretched along one side than along the other, and sheared
BACK_PLACE, BACK_TURN = 0.1, 0.01  # cm and radians: how far the back's print is from where it was meant to be
_NOTHING = 1e-6  # of the largest: combinations that a board's symmetries leave no room for


def shape_modes(board: Board) -> np.ndarray:
    """(N, 3, S) cm by which each of the S numbers moves the points, for one standard deviation of it.

    The board's middle, tilt and mean size stay as they are. Where a board looks alike when turned, only shapes that do
    so too are told.
    """
    front = board.front
    flat = front.points
    middle, half = (flat.min(0) + flat.max(0)) / 2, front.diagonal / 2
    points = board.points - middle
    x, y = (points[:, :2] / half).T
    nothing = np.zeros_like(x)
    bulges = [_level(term, points, len(flat)) for term in (x * x, x * y, y * y)]
    modes = [np.stack([nothing, nothing, BULGE * front.diagonal * term], 1) for term in bulges]
    halved = STRETCH / 2 * points
    prints = [np.stack([halved[:, 0], -halved[:, 1], nothing], 1), np.stack([halved[:, 1], halved[:, 0], nothing], 1)]
    if board.back is not None:
        behind = (np.arange(len(points)) >= len(flat))[:, None]
        modes += [term * side for term in prints for side in (behind, ~behind)]
        axes = np.eye(3)
        modes += [BACK_PLACE * axis * behind for axis in axes]
        modes += [BACK_TURN * np.cross(axis, points) * behind for axis in axes]
    else:
        modes += prints
    return _alike(np.stack(modes, 2), board)


def all_modes(boards: Sequence[Board]) -> list[np.ndarray]:
    """Of each board (N, 3, S) with the numbers of all boards side by side: its own move it, the others do not."""
    own = [shape_modes(board) for board in boards]
    ends = np.cumsum([modes.shape[2] for modes in own])
    return [
        np.pad(modes, ((0, 0), (0, 0), (end - modes.shape[2], ends[-1] - end)))
        for modes, end in zip(own, ends.tolist(), strict=True)
    ]


def _level(term: np.ndarray, points: np.ndarray, count: int) -> np.ndarray:
    """``term`` (N,) without what moves or tilts the front's ``count`` points as a whole."""
    plane = np.concatenate([np.ones((len(points), 1)), points[:, :2]], 1)
    return np.asarray(term - plane @ np.linalg.lstsq(plane[:count], term[:count], rcond=None)[0])


def _alike(modes: np.ndarray, board: Board) -> np.ndarray:
    """The part of the modes that is the same however a board is turned that looks alike then, each told once."""
    turned = [np.einsum("ij,njs->nis", s.motion[:3, :3].T, modes[s.order]) for s in board.symmetries]
    U, sizes, _ = np.linalg.svd(np.mean(turned, 0).reshape(-1, modes.shape[2]), full_matrices=False)
    kept = sizes > _NOTHING * sizes[0]
    return np.asarray((U * sizes)[:, kept].reshape(len(modes), 3, -1))


@dataclass(frozen=True)
class FoundShape:
    """How a board differs from what was meant. bulge: mm from its lowest to its highest point. stretch: by how many
    percent its print is longer along the columns' axis than along the rows', relative to what was meant; each with its
    standard deviation. unusual: how many times as much as boards usually have, the larger of both."""

    bulge: float
    bulge_deviation: float
    stretch: float
    stretch_deviation: float
    unusual: float

    def record(self) -> dict[str, float]:
        """JSON values."""
        return {
            "bulge_mm": self.bulge,
            "bulge_deviation_mm": self.bulge_deviation,
            "stretch_percent": self.stretch,
            "stretch_deviation_percent": self.stretch_deviation,
        }


def found_shape(board: Board, modes: np.ndarray, shape: np.ndarray, covariance: np.ndarray) -> FoundShape:
    """modes: (N, 3, S) of the board; shape: (S,) as found, with its covariance (S, S)."""
    count = len(board.front.points)
    points = board.front.points - board.front.points.mean(0)
    heights = modes[:count, 2]
    height = heights @ shape
    steepest = heights[height.argmax()] - heights[height.argmin()]
    # slopes of the displacement along x and along y
    along = [modes[:count, axis].T @ points[:, axis] / (points[:, axis] @ points[:, axis]) for axis in (0, 1)]
    longer = along[0] - along[1]
    bulge, stretch = float(np.ptp(height)), float(longer @ shape)
    return FoundShape(
        10 * bulge,
        10 * float(np.sqrt(steepest @ covariance @ steepest)),
        100 * stretch,
        100 * float(np.sqrt(longer @ covariance @ longer)),
        max(bulge / (BULGE * board.diagonal), abs(stretch) / STRETCH),
    )
