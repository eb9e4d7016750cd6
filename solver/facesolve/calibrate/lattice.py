"""Puts loose points in the order of a grid: neighbors are found step by step, then matched to the board.

Works for any grid whose points are a lattice, so for asymmetric circles as for squares, at any tilt. Knows no images.
"""

from __future__ import annotations

from collections import deque
from itertools import product

import numpy as np

from .board import ASYMMETRIC, Board

NEAR = 0.28  # of the shorter step: a point that far from where the next one is expected belongs to the grid
LEAST_ANGLE = 0.35  # sine between both steps
SEEDS = 6
NEIGHBORS = 8

# every change of a lattice's basis that turns two neighboring steps into two others
_BASES = tuple(
    np.array(entries).reshape(2, 2)
    for entries in product((-1, 0, 1), repeat=4)
    if entries[0] * entries[3] - entries[1] * entries[2] == 1
)


def order_grid(points: np.ndarray, board: Board) -> np.ndarray | None:
    """(N, 2) those of ``points`` (n, 2) that form the board, in the order of ``board.points``; None if none do.

    Among points that lie around the grid the grid must be a region of its own: no more of them may continue it.
    """
    if len(points) < len(board.points):
        return None
    middle = np.median(points, axis=0)
    for seed in np.argsort(np.linalg.norm(points - middle, axis=1))[:SEEDS]:
        labels = _labels(points, int(seed))
        if len(labels) >= len(board.points):
            found = _matched(points, labels, board)
            if found is not None:
                return found
    return None


def _labels(points: np.ndarray, seed: int) -> dict[tuple[int, int], int]:
    """Lattice coordinates of the points that can be reached from ``seed`` by steps that change little."""
    offset = points - points[seed]
    order = np.argsort(np.linalg.norm(offset, axis=1))[1 : NEIGHBORS + 1]
    first = offset[order[0]]
    second = next((offset[i] for i in order[1:] if _sine(first, offset[i]) > LEAST_ANGLE), None)
    if second is None:
        return {}
    if first[0] * second[1] - first[1] * second[0] < 0:
        second = -second
    labels, steps = {(0, 0): seed}, {seed: np.stack([first, second])}
    waiting = deque([(0, 0)])
    while waiting:
        at = waiting.popleft()
        index = labels[at]
        for axis, sign in product((0, 1), (1, -1)):
            label = (at[0] + sign * (axis == 0), at[1] + sign * (axis == 1))
            if label in labels:
                continue
            own = steps[index]
            apart = np.linalg.norm(points - (points[index] + sign * own[axis]), axis=1)
            nearest = int(apart.argmin())
            if nearest in steps or apart[nearest] > NEAR * np.linalg.norm(own, axis=1).min():
                continue
            moved = own.copy()
            moved[axis] = sign * (points[nearest] - points[index])
            labels[label], steps[nearest] = nearest, moved
            waiting.append(label)
    return labels


def _sine(a: np.ndarray, b: np.ndarray) -> float:
    return float(abs(a[0] * b[1] - a[1] * b[0]) / max(np.linalg.norm(a) * np.linalg.norm(b), 1e-12))


def _matched(points: np.ndarray, labels: dict[tuple[int, int], int], board: Board) -> np.ndarray | None:
    """The labeled points in the board's order, by the change of basis that maps the labels onto the board's."""
    wanted = _coordinates(board)
    rows = {tuple(row): index for index, row in enumerate(wanted.tolist())}
    found = np.array(list(labels))
    indices = np.array(list(labels.values()))
    for basis in _BASES:
        turned = found @ basis.T
        place = turned - turned.min(0)
        if len(place) != len(wanted) or (place.max(0) != wanted.max(0)).any():
            continue
        order = [rows.get(tuple(row)) for row in place.tolist()]
        if None not in order and len(set(order)) == len(wanted):
            result = np.empty((len(wanted), 2))
            result[np.array(order, int)] = points[indices]
            return result
    return None


def _coordinates(board: Board) -> np.ndarray:
    """(N, 2) whole numbers of the board's points in its lattice, from 0 on; asymmetric circles along the diagonals."""
    grid = np.rint(board.points[:, :2] / board.spacing).astype(int)
    if board.kind == ASYMMETRIC:
        grid = np.stack([(grid[:, 0] + grid[:, 1]) // 2, (grid[:, 1] - grid[:, 0]) // 2], 1)
    return grid - grid.min(0)
