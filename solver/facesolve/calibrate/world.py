"""A first rig of all cameras: what each found alone, put into one world, labels of boards turned alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .board import Symmetry
from .graph import BoardSeen, Connected, connect
from .session import Session
from .sightings import Rig
from .single import Alone


@dataclass(frozen=True, eq=False)
class World:
    """A first rig of all cameras, what holds it together, and for each detection whether it fits the others'."""

    rig: Rig
    links: tuple[tuple[str, str, int], ...]
    fitting: list[bool]


def one_world(session: Session, alone: Sequence[Alone]) -> tuple[Session, World]:
    """The session with labels turned alike, and a first rig."""
    views = list(session.views)
    seen, order = [], []
    for index, (camera, own) in enumerate(zip(session.cameras, alone, strict=True)):
        for detection, pose in zip(session.of_camera(camera), own.fit.rig.boards, strict=True):
            seen.append(BoardSeen(index, views.index(detection.pose), pose))
            order.append(detection)
    connected = connect(seen, tuple(session.board_by_view.values()), session.cameras)
    boards, upright = _upright(connected, session)
    labeled = []
    for detection, turn in zip(order, connected.turns, strict=True):
        label = np.argsort(session.board_of(detection).symmetries[max(turn, 0)].order)
        label = np.argsort(upright[views.index(detection.pose)].order)[label]
        labeled.append(replace(detection, ids=label[detection.ids]))
    links = tuple((session.cameras[a], session.cameras[b], count) for a, b, count in connected.links)
    lenses = np.concatenate([own.fit.rig.lenses for own in alone])
    shape = np.mean([own.fit.rig.shape for own in alone], 0)
    rig = Rig(lenses, connected.cameras, np.stack(boards), tuple(own.fit.rig.bends(0) for own in alone), shape)
    world = World(rig, links, [turn >= 0 for turn in connected.turns])
    return replace(session, detections=tuple(labeled)), world


def _upright(connected: Connected, session: Session) -> tuple[list[np.ndarray], list[Symmetry]]:
    """Board to world (4, 4) of each view with a board that looks alike when turned turned the right way up, and how.

    The right way up: its x axis points to the right, as the cameras have it on average.
    """
    boards, turns = [], []
    right = connected.cameras[:, 0, :3].sum(0)
    for pose, board in zip(connected.boards, session.board_by_view.values(), strict=True):
        best = max(board.symmetries, key=lambda s: float(right @ (pose @ s.motion)[:3, 0]))
        boards.append(pose @ best.motion)
        turns.append(best)
    return boards, turns


def moved_origin(rig: Rig, view: int) -> Rig:
    """The same rig with the board of ``view`` as the world."""
    origin = rig.boards[view]
    return replace(rig, cameras=rig.cameras @ origin, boards=np.linalg.inv(origin) @ rig.boards)
