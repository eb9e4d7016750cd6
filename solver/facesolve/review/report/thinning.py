"""A rig's mesh thinned by shrinking short edges, so that a page can hold it. Knows no solution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facesolve.take import Rig

MOST_PASSES, LEAST_COSINE = 60, 0.3  # of thinning; cosine by which a triangle may turn
LEAST_AREA = 1e-3  # of a triangle's own that it must keep
STEP = 0.8  # octaves of an edge's length that count as one length


@dataclass(frozen=True, eq=False)
class Thinned:
    """kept: (V',) indices of the vertices that stand for all. triangles: (T, 3) into them. origin: (T,) which of the
    triangles of ``fans`` each one was."""

    kept: np.ndarray
    triangles: np.ndarray
    origin: np.ndarray


def thinned(rig: Rig, most: int) -> Thinned:
    """A mesh of about ``most`` vertices.

    Short edges shrink to one of their ends, many at a time, none next to another and none that would turn a triangle
    over, take a vertex from the border, or leave the border of a piece of the UVs.
    """
    triangles, neutral = fans(rig, rig.face_vertices), rig.neutral.astype(np.float64)
    origin, seam = np.arange(len(triangles)), _seam(rig)
    dice, normals = np.random.default_rng(0), _normals(neutral, triangles)
    for _ in range(MOST_PASSES):
        used = np.unique(triangles)
        if len(used) <= most:
            break
        edges, border = _edges(triangles, len(neutral))
        free = edges[~border[edges].any(axis=1)]
        gone = _shrunk(neutral, normals, triangles, _along(free, seam), len(used) - most, dice)
        place = np.arange(len(neutral))
        place[gone[:, 0]] = gone[:, 1]
        moved = place[triangles]
        whole = _has_corners(moved)
        triangles, origin = moved[whole], origin[whole]
    kept, compact = np.unique(triangles, return_inverse=True)
    return Thinned(kept, compact.reshape(-1, 3), origin)


def _seam(rig: Rig) -> np.ndarray:
    """(V,) whether a vertex has several UVs."""
    if not len(rig.face_uvs):
        return np.zeros(rig.vertex_count, bool)
    pairs = np.unique(np.stack([rig.face_vertices, rig.face_uvs], 1), axis=0)
    return np.asarray(np.bincount(pairs[:, 0], minlength=rig.vertex_count) > 1)


def _along(edges: np.ndarray, seam: np.ndarray) -> np.ndarray:
    """The edges (E, 2), turned so that the end that goes is not the one on a seam, if only one is."""
    turned = seam[edges[:, 0]] & ~seam[edges[:, 1]]
    return np.where(turned[:, None], edges[:, ::-1], edges)


def _edges(triangles: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """(E, 2) edges, each once, and (V,) whether a vertex is at the border."""
    pairs = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    keys, uses = np.unique(pairs[:, 0] * count + pairs[:, 1], return_counts=True)
    edges = np.stack([keys // count, keys % count], 1)
    border = np.zeros(count, bool)
    border[edges[uses != 2]] = True
    return edges, border


def _shrunk(
    neutral: np.ndarray,
    normals: np.ndarray,
    triangles: np.ndarray,
    edges: np.ndarray,
    wanted: int,
    dice: np.random.Generator,
) -> np.ndarray:
    """(n, 2) vertices that go, and those that take their places: shortest edges of their neighborhoods.

    normals: (V, 3) of the mesh as it was, which triangles must go on facing.
    """
    length = np.linalg.norm(neutral[edges[:, 0]] - neutral[edges[:, 1]], axis=1)
    # lots decide among edges of about one length: along a slope of lengths few would be their neighborhood's shortest
    alike = np.floor(np.log2(np.maximum(length, 1e-9)) / STEP)
    rank = np.empty(len(edges), np.int64)
    rank[np.lexsort((dice.random(len(edges)), alike))] = np.arange(len(edges))
    own = np.full(len(neutral), len(edges))
    for end in (0, 1):
        np.minimum.at(own, edges[:, end], rank)
    around = own.copy()
    for end in (0, 1):
        np.minimum.at(around, edges[:, end], own[edges[:, 1 - end]])
    best = (rank == around[edges[:, 0]]) & (rank == around[edges[:, 1]])
    chosen = edges[best][np.argsort(rank[best])][:wanted]
    place = np.arange(len(neutral))
    place[chosen[:, 0]] = chosen[:, 1]
    moved = place[triangles]
    touched = _has_corners(moved) & (moved != triangles).any(axis=1)
    before, after = (_areas(neutral, some[touched]) for some in (triangles, moved))
    size, left = (np.linalg.norm(some, axis=1) for some in (before, after))
    turned = ((before * after).sum(axis=1) < LEAST_COSINE * size * left) | (left < LEAST_AREA * size)
    turned |= (after * normals[moved[touched]].sum(axis=1)).sum(axis=1) <= 0
    return np.asarray(chosen[~np.isin(chosen[:, 0], triangles[touched][turned])])


def _has_corners(triangles: np.ndarray) -> np.ndarray:
    """(T,) whether the three corners are three vertices."""
    a, b, c = triangles.T
    return np.asarray((a != b) & (b != c) & (c != a))


def fans(rig: Rig, corners: np.ndarray) -> np.ndarray:
    """(T, 3) triangles of the rig's polygons. corners: the vertex, or the UV, of each polygon's corner."""
    starts = np.concatenate([[0], np.cumsum(rig.face_counts)[:-1]])
    parts = []
    for count in np.unique(rig.face_counts):
        first = starts[rig.face_counts == count]
        for corner in range(1, int(count) - 1):
            parts.append(np.stack([corners[first + k] for k in (0, corner, corner + 1)], 1))
    return np.concatenate(parts).astype(np.int64)


def _areas(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(T, 3) normals, twice the area long."""
    a, b, c = (vertices[triangles[:, corner]] for corner in range(3))
    return np.cross(b - a, c - a)


def _normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(V, 3) sums of the triangles' around each vertex."""
    area, normals = _areas(vertices, triangles), np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(normals, triangles[:, corner], area)
    return normals
