"""The solved head in motion, small enough for a page: a thinned mesh, few shapes for all frames, where it is unsure.

Knows neither HTML nor how it is drawn.
"""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from facesolve.take import Rig, Solution, Take
from facesolve.take.regions import REGIONS, region_of
from facesolve.take.rig_evaluation import RigEvaluator, control_columns

MOST_VERTICES = 5000
MOST_PASSES, LEAST_COSINE = 60, 0.3  # of thinning; cosine by which a triangle may turn
LEAST_AREA = 1e-3  # of a triangle's own that it must keep
STEP = 0.8  # octaves of an edge's length that count as one length
MOST_SHAPES = 48
SAMPLED = 300  # frames that the shapes are taken from
CHUNK = 16  # frames evaluated at once
UNSURE = 40  # controls whose deviations are shown on the surface, those that move it most
MILLIMETERS = 10.0  # in a centimeter


def head_record(solution: Solution, take: Take) -> dict[str, Any]:
    """The head of every frame: ``mean + coefficients @ shapes`` in the rig's space, cm, then its head transform.

    Numbers are base64: float32, shapes as int16 with a scale each, triangles as uint16, reach as uint8. reach: by how
    many millimeters a standard deviation of a control moves each vertex, of the controls that matter most; ``points``:
    vertices of the thinned mesh by the region that moves there.
    """
    rig = take.rig
    controls = control_columns(solution.controls, solution.control_names, rig, "solution")
    kept, triangles = thinned(rig, MOST_VERTICES)
    surface = _surfaces(rig, controls, kept)  # (F, V', 3)
    mean, shapes, coefficients = _few_shapes(surface.reshape(len(surface), -1))
    scale = np.abs(shapes).max(axis=1, initial=0.0) / 32767
    whole = np.rint(shapes / np.where(scale > 0, scale, 1.0)[:, None])
    std = np.nan_to_num(control_columns(solution.control_std, solution.control_names, rig, "solution"))
    middle = controls[len(controls) // 2]
    moves = _moves(rig, middle, kept)  # (K, V') cm by unit of the control
    deviating = np.argsort(-(std.mean(axis=0) * np.sqrt((moves**2).mean(axis=1))))[:UNSURE]
    reach = MILLIMETERS * moves[deviating]
    top = max(float(reach.max(initial=0.0)), 1e-9)
    return {
        "vertices": len(kept),
        "triangles": _packed(triangles, "<u2"),
        "mean": _packed(mean, "<f4"),
        "shapes": _packed(whole, "<i2"),
        "scales": scale.tolist(),
        "coefficients": _packed(coefficients, "<f4"),
        "head": _packed(solution.head[:, :3, :], "<f4"),
        "reach": _packed(np.rint(255 * reach / top), "<u1"),
        "reach_top": top,
        "deviations": _packed(std[:, deviating], "<f4"),
        "points": _points(rig, moves),
        "cameras": [_camera(take, index, solution) for index in range(len(take.cameras))],
    }


def thinned(rig: Rig, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Vertices that stand for all, (V',) indices, about ``most`` of them, and triangles (T, 3) between them.

    Short edges shrink to one of their ends, many at a time, none next to another and none that would turn a triangle
    over or take a vertex from the border.
    """
    triangles, neutral = _triangles(rig), rig.neutral.astype(np.float64)
    dice, normals = np.random.default_rng(0), _normals(neutral, triangles)
    for _ in range(MOST_PASSES):
        used = np.unique(triangles)
        if len(used) <= most:
            break
        edges, border = _edges(triangles, len(neutral))
        gone = _shrunk(neutral, normals, triangles, edges[~border[edges].any(axis=1)], len(used) - most, dice)
        place = np.arange(len(neutral))
        place[gone[:, 0]] = gone[:, 1]
        moved = place[triangles]
        triangles = moved[_has_corners(moved)]
    kept, compact = np.unique(triangles, return_inverse=True)
    return kept, compact.reshape(-1, 3)


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


def _triangles(rig: Rig) -> np.ndarray:
    """(T, 3) fans of the rig's polygons."""
    starts = np.concatenate([[0], np.cumsum(rig.face_counts)[:-1]])
    fans = []
    for count in np.unique(rig.face_counts):
        first = starts[rig.face_counts == count]
        for corner in range(1, int(count) - 1):
            fans.append(np.stack([rig.face_vertices[first + k] for k in (0, corner, corner + 1)], 1))
    return np.concatenate(fans).astype(np.int64)


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


def _surfaces(rig: Rig, controls: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """(F, V', 3) float32 in the rig's space."""
    evaluator = RigEvaluator(rig)
    chunks = [controls[first : first + CHUNK] for first in range(0, len(controls), CHUNK)]
    return np.concatenate([evaluator.vertices(chunk)[:, kept].astype(np.float32) for chunk in chunks])


def _few_shapes(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean (N,), shapes (S, N) and coefficients (F, S) whose product is ``rows`` (F, N), as nearly as S shapes can."""
    mean = rows.mean(axis=0)
    some = np.unique(np.linspace(0, len(rows) - 1, SAMPLED).round().astype(int))
    sample = rows[some] - mean
    values, vectors = np.linalg.eigh(sample.astype(np.float64) @ sample.T.astype(np.float64))
    order = np.argsort(-values)[:MOST_SHAPES]
    order = order[values[order] > max(values.max(initial=0.0), 1e-12) * 1e-9]
    shapes = (vectors[:, order].T @ sample) / np.sqrt(values[order])[:, None]
    return mean, shapes.astype(np.float32), ((rows - mean) @ shapes.T).astype(np.float32)


def _moves(rig: Rig, controls: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """(K, V') cm by which a unit of each control moves each vertex, around ``controls``."""
    evaluator, moves = RigEvaluator(rig), np.zeros((len(controls), len(kept)))
    for k, control in enumerate(rig.controls):
        ends = np.stack([controls, controls])
        step = 0.1 * (control.maximum - control.minimum)
        ends[1, k] += step if controls[k] + step <= control.maximum else -step
        low, high = evaluator.vertices(ends)
        moves[k] = np.linalg.norm(high[kept] - low[kept], axis=1) / max(abs(step), 1e-12)
    return moves


def _points(rig: Rig, moves: np.ndarray) -> dict[str, int]:
    """For each region of the face the vertex that its controls move most."""
    found = {}
    for region in REGIONS:
        of_region = [k for k, name in enumerate(rig.control_names) if region_of(name) == region]
        total = moves[of_region].sum(axis=0) if of_region else np.zeros(moves.shape[1])
        if total.max(initial=0.0) > 0:
            found[region] = int(total.argmax())
    return found


def _camera(take: Take, index: int, solution: Solution) -> dict[str, Any]:
    camera = take.cameras[index]
    row = int(np.searchsorted(take.frames, solution.frames[0]))
    intrinsics, rotation, translation = camera.at(row)
    return {
        "name": camera.name,
        "size": [camera.width, camera.height],
        "intrinsics": [
            float(intrinsics[0, 0]),
            float(intrinsics[1, 1]),
            float(intrinsics[0, 2]),
            float(intrinsics[1, 2]),
        ],
        "rotation": np.asarray(rotation, float).ravel().tolist(),
        "translation": np.asarray(translation, float).ravel().tolist(),
    }


def _packed(values: np.ndarray, kind: str) -> str:
    return base64.b64encode(np.ascontiguousarray(values).astype(kind).tobytes()).decode("ascii")
