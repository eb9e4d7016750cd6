"""Puts cameras that were calibrated alone into one world, through the views that they share.

Boards that look alike when turned (a square grid of dots) may be labeled differently by each camera: the labeling on
which most views agree is taken, and a detection that fits none is dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from facesolve.take import TakeError

from .board import Board

AGREES = 0.25  # of the board's size: corners nearer than this in two cameras' opinions are the same
AGREEING_SHARE = 0.5  # of the views that two cameras share: with fewer, their images do not belong together
TURNED = 1e-3  # what a labeling that differs costs, so that without evidence none does


@dataclass(frozen=True, eq=False)
class BoardSeen:
    """A camera's own opinion of where the board is. camera, view: indices; pose: (4, 4) board to camera, cm."""

    camera: int
    view: int
    pose: np.ndarray


@dataclass(frozen=True, eq=False)
class Connected:
    """cameras: (C, 4, 4) world to camera; boards: (V, 4, 4) board to world; the world is the root camera's axes.

    turns: for each opinion the index of the board's symmetry by which its labels must be turned, -1 for a wrong one.
    links: pairs of cameras that hold the rig together, with the number of views on which they agree.
    """

    cameras: np.ndarray
    boards: np.ndarray
    turns: tuple[int, ...]
    links: tuple[tuple[int, int, int], ...]


def connect(seen: Sequence[BoardSeen], boards_of_views: Sequence[Board], cameras: Sequence[str]) -> Connected:
    """One world from all opinions. boards_of_views: the board of each view, all with as many symmetries.

    Raises TakeError naming the cameras that share no view with the others.
    """
    poses: list[dict[int, np.ndarray]] = [{} for _ in cameras]
    for opinion in seen:
        poses[opinion.camera][opinion.view] = opinion.pose
    links = {}
    for a in range(len(cameras)):
        for b in range(a + 1, len(cameras)):
            found = _relative(poses[a], poses[b], boards_of_views)
            if found is not None:
                links[a, b] = found
    world, tree = _spanning_tree(links, len(cameras), [len(own) for own in poses], cameras)
    boards = np.tile(np.eye(4), (len(boards_of_views), 1, 1))
    turns = {}
    for view, board in enumerate(boards_of_views):
        own = {camera: poses[camera][view] for camera in range(len(cameras)) if view in poses[camera]}
        if own:
            boards[view], of_view = _agreed(own, world, board)
            turns.update({(camera, view): turn for camera, turn in of_view.items()})
    return Connected(world, boards, tuple(turns[o.camera, o.view] for o in seen), tree)


def _relative(
    a: Mapping[int, np.ndarray], b: Mapping[int, np.ndarray], boards: Sequence[Board]
) -> tuple[np.ndarray, int, float, int] | None:
    """Camera b to camera a (4, 4), how many shared views agree with it, how badly all do, and how many there are."""
    shared = sorted(set(a) & set(b))
    if not shared:
        return None
    best: tuple[np.ndarray, int, float, int] | None = None
    in_a = np.stack([_corners(a[view], boards[view]) for view in shared])
    in_b = np.stack([[_corners(b[view] @ s.motion, boards[view]) for s in boards[view].symmetries] for view in shared])
    diagonals = np.array([boards[view].diagonal for view in shared])[:, None]
    for view in shared:
        for symmetry in boards[view].symmetries:
            candidate = a[view] @ np.linalg.inv(b[view] @ symmetry.motion)
            transformed = in_b @ candidate[:3, :3].T + candidate[:3, 3]
            apart = np.linalg.norm(transformed - in_a[:, None], axis=3).mean(2) / diagonals  # (views, symmetries)
            apart = np.minimum(apart, AGREES) + TURNED * (np.arange(apart.shape[1]) > 0)
            least = apart.min(1)
            if best is None or least.sum() < best[2] - 1e-9:
                best = candidate, int((least < AGREES).sum()), float(least.sum()), len(shared)
    return best


def _spanning_tree(
    links: Mapping[tuple[int, int], tuple[np.ndarray, int, float, int]],
    count: int,
    view_counts: Sequence[int],
    cameras: Sequence[str],
) -> tuple[np.ndarray, tuple[tuple[int, int, int], ...]]:
    """(C, 4, 4) world to camera along the links on which most views agree, and those links."""
    root = int(np.argmax(view_counts))
    world = np.tile(np.eye(4), (count, 1, 1))
    reached, tree = [root], []
    while len(reached) < count:
        open_links = [
            (agreeing, -misfit, a, b)
            for (a, b), (_, agreeing, misfit, _) in links.items()
            if (a in reached) != (b in reached) and agreeing > 0
        ]
        if not open_links:
            alone = [name for index, name in enumerate(cameras) if index not in reached]
            raise TakeError(
                f"cameras: {', '.join(repr(name) for name in alone)} and {cameras[root]!r} share no view of the "
                "board, directly or through other cameras; photograph the board where both see it, or calibrate them "
                "separately."
            )
        agreeing, _, a, b = max(open_links)
        b_to_a, _, _, shared = links[a, b]
        if agreeing < AGREEING_SHARE * shared:
            raise TakeError(
                f"cameras: '{cameras[a]}' and '{cameras[b]}' agree on the position of the board in only "
                f"{agreeing} of {shared} shared views; check --board, and that images taken at the same moment have "
                "the same view name."
            )
        if a in reached:
            world[b] = np.linalg.inv(b_to_a) @ world[a]
            reached.append(b)
        else:
            world[a] = b_to_a @ world[b]
            reached.append(a)
        tree.append((a, b, agreeing))
    return world, tuple(tree)


def _agreed(own: Mapping[int, np.ndarray], world: np.ndarray, board: Board) -> tuple[np.ndarray, dict[int, int]]:
    """The pose (4, 4) of a board in the world that most cameras can accept, and each one's symmetry or -1."""
    symmetries = board.symmetries
    placed = {camera: np.linalg.inv(world[camera]) @ pose for camera, pose in own.items()}
    corners = {camera: [_corners(pose @ s.motion, board) for s in symmetries] for camera, pose in placed.items()}
    best, lowest = None, np.inf
    for candidate in placed.values():
        expected = _corners(candidate, board)
        apart = {
            camera: np.array([np.linalg.norm(c - expected, axis=1).mean() / board.diagonal for c in options])
            + TURNED * (np.arange(len(symmetries)) > 0)
            for camera, options in corners.items()
        }
        total = sum(min(float(distances.min()), AGREES) for distances in apart.values())
        if total < lowest - 1e-9:
            lowest = total
            best = candidate, {c: int(d.argmin()) if d.min() < AGREES else -1 for c, d in apart.items()}
    assert best is not None
    return best


def _corners(pose: np.ndarray, board: Board) -> np.ndarray:
    return board.corners @ pose[:3, :3].T + pose[:3, 3]
