"""Which part of a rig's surface may drive a solve where nobody painted it: the skin that the controls move."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np

from facesolve.take import Rig
from facesolve.take.rig_evaluation import joint_motions

SAME_PLACE = 1e-4  # cm: vertices nearer than this are one, doubled at a seam of the UVs
# motion of a vertex by its liveliest control, as a share of the usual control's largest motion: up to the first the
# surface is no face, from the second on it is
STILL, LIVELY = 1 / 8, 1 / 2
WHOLE_HEAD = 0.5  # share of the skin from which a shape that moves it is no expression (a turn of the head, its size)
_PIECES: WeakKeyDictionary[Rig, np.ndarray] = WeakKeyDictionary()  # several stages want them
MOVED = 0.25  # of a shape's largest motion, from which it moves a vertex


def photometric_weight(rig: Rig) -> np.ndarray:
    """(V,) float32: how far each vertex's color may drive the solve.

    The rig's own weights where it has them. Else of the skin, the connected piece of surface with the largest area,
    what the controls move: neck, scalp and shoulders have a say only as far as expressions reach. Eyeballs, teeth and
    tongue hide what is behind them but do not pull on the skin's shapes. What a joint turns without touching the skin,
    as eyeballs are turned, tells about that joint alone and has a say.
    """
    if rig.photometric_weight is not None:
        return rig.photometric_weight
    area = _vertex_area(rig)
    piece = connected_pieces(rig)
    skin = piece == np.argmax(np.bincount(piece, weights=area))
    motion = _expression_motion(rig, area * skin)
    if motion is None:
        return np.maximum(skin, _turned_alone(rig, skin)).astype(np.float32)
    share = np.clip((motion - STILL) / (LIVELY - STILL), 0, 1) * skin
    return np.maximum(share if share.any() else skin, _turned_alone(rig, skin)).astype(np.float32)


def _turned_alone(rig: Rig, skin: np.ndarray) -> np.ndarray:
    """(V,) 1 on what a control of joints moves that leaves the skin alone, else 0."""
    turned = np.zeros(rig.vertex_count)
    for motion in joint_motions(rig):
        if motion.any() and not motion[skin].any():
            turned[motion > 0] = 1.0
    return turned


def share_with_a_say(rig: Rig) -> float:
    """Share, by area, of the surface that expressions move whose color may drive the solve; 1 where none moves any.

    Eyeballs, teeth and tongue belong to what is moved, wherever expressions move them.
    """
    area = _vertex_area(rig)
    motion = _expression_motion(rig, area)
    moved = area * (motion > LIVELY) if motion is not None else np.zeros(len(area))
    return float(moved @ photometric_weight(rig) / moved.sum()) if moved.any() else 1.0


def _expression_motion(rig: Rig, skin_area: np.ndarray) -> np.ndarray | None:
    """(V,) how far each vertex is moved by what moves it most, in units of the usual one's largest motion.

    What moves it is a shape or a control of joints. None when none moves a part of the skin only. skin_area: (V,) cm^2,
    0 elsewhere.
    """
    motion = np.zeros(rig.vertex_count)
    peaks = []
    everywhere = np.arange(rig.vertex_count)
    moves = [(s.vertices, np.linalg.norm(s.deltas, axis=1)) for target in rig.targets for s in target.shapes]
    for vertices, length in [*moves, *((everywhere, by_joint) for by_joint in joint_motions(rig))]:
        on_skin = skin_area[vertices] > 0
        peak = float(length[on_skin].max(initial=0.0))
        reach = skin_area[vertices[length > MOVED * peak]].sum() / max(skin_area.sum(), 1e-12)
        if peak > 0 and reach < WHOLE_HEAD:
            peaks.append(peak)
            motion[vertices] = np.maximum(motion[vertices], length)  # none is there twice
    return motion / float(np.median(peaks)) if peaks else None


def connected_pieces(rig: Rig) -> np.ndarray:
    """(V,) int: number of the connected piece of surface that each vertex belongs to.

    Vertices are joined by polygons, and by lying in the same place: meshes of game engines are cut along UV seams.
    """
    known = _PIECES.get(rig)  # which never changes
    if known is None:
        known = _PIECES[rig] = _pieces(rig)
    return known


def _pieces(rig: Rig) -> np.ndarray:
    starts = np.concatenate([[0], np.cumsum(rig.face_counts)])[:-1]
    first = np.repeat(rig.face_vertices[starts], rig.face_counts)
    label = np.arange(rig.vertex_count)
    used = np.unique(rig.face_vertices)
    place = _places(rig.neutral[used])
    there = np.full(len(used), rig.vertex_count)
    while True:
        lowest = label.copy()
        np.minimum.at(lowest, first, label[rig.face_vertices])
        np.minimum.at(lowest, rig.face_vertices, lowest[first])
        there[:] = rig.vertex_count
        np.minimum.at(there, place, lowest[used])
        lowest[used] = there[place]
        lowest = lowest[lowest]
        if np.array_equal(lowest, label):
            return np.unique(label, return_inverse=True)[1]
        label = lowest


def _places(points: np.ndarray) -> np.ndarray:
    """(n,) int: number of the place of each point (n, 3), cm; several may be in one place."""
    cells = np.rint(points / SAME_PLACE)
    order = np.lexsort(cells.T)
    new = (np.diff(cells[order], axis=0) != 0).any(1)
    place = np.empty(len(points), dtype=np.int64)
    place[order] = np.concatenate([[0], np.cumsum(new)])
    return place


def _vertex_area(rig: Rig) -> np.ndarray:
    """(V,) cm^2: of each polygon its first corner's triangle, shared out over its vertices."""
    starts = np.concatenate([[0], np.cumsum(rig.face_counts)])[:-1]
    a, b, c = (rig.neutral[rig.face_vertices[starts + corner]] for corner in range(3))
    share = np.linalg.norm(np.cross(b - a, c - a), axis=1) / rig.face_counts
    return np.bincount(rig.face_vertices, weights=np.repeat(share, rig.face_counts), minlength=rig.vertex_count)
