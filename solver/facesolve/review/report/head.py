"""The solved head in motion, small enough for a page: a thinned mesh, few shapes for all frames, where it is unsure.

Knows neither HTML nor how it is drawn.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from facesolve.appearance.own_tiles import own_tiles
from facesolve.geometry.rig import RigModel
from facesolve.take import Rig, Solution, Take
from facesolve.take.regions import REGIONS, region_of
from facesolve.take.rig_evaluation import RigEvaluator, control_columns

from .skin import skin_record
from .thinning import thinned

MOST_VERTICES = 5000
MOST_SHAPES = 48
SAMPLED = 300  # frames that the shapes are taken from
CHUNK = 16  # frames evaluated at once
FACE = 0.1  # of the largest motion: vertices that no control moves so far are no face
UNSURE = 40  # controls whose deviations are shown on the surface, those that move it most
MILLIMETERS = 10.0  # in a centimeter


def head_record(solution: Solution, take: Take, texture: Sequence[Path] = ()) -> dict[str, Any]:
    """The head of every frame: ``mean + coefficients @ shapes`` in the rig's space, cm, then its head transform.

    Numbers are base64: float32, shapes as int16 with a scale each, triangles as uint16, reach as uint8. reach: by how
    many millimeters a standard deviation of a control moves each vertex, of the controls that matter most; ``sway``:
    the same over the face for each control, in the solution's order; ``say``: how far each vertex drove the solve, 0 to
    255, or None; ``points``: vertices of the thinned mesh by what moves there; ``skin``: the baked texture, in files
    ``texture``.
    """
    rig = solution.fitted_rig(take.rig)
    controls = control_columns(solution.controls, solution.control_names, rig, "solution")
    mesh = thinned(rig, MOST_VERTICES)
    kept = mesh.kept
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
        "triangles": _packed(mesh.triangles, "<u2"),
        "mean": _packed(mean, "<f4"),
        "shapes": _packed(whole, "<i2"),
        "scales": scale.tolist(),
        "coefficients": _packed(coefficients, "<f4"),
        "head": _packed(solution.head[:, :3, :], "<f4"),
        "reach": _packed(np.rint(255 * reach / top), "<u1"),
        "reach_top": top,
        "deviations": _packed(std[:, deviating], "<f4"),
        "sway": _sway(rig, moves, solution),
        "say": None if solution.say is None else _packed(np.rint(255 * solution.say[kept]), "<u1"),
        "points": _points(rig, moves),
        "skin": head_skin(rig, texture),
        "cameras": [_camera(take, index, solution) for index in range(len(take.cameras))],
    }


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


def head_skin(rig: Rig, texture: Sequence[Path]) -> dict[str, Any] | None:
    """``skin`` of ``head_record``, alone."""
    if not texture or not len(rig.face_uvs):
        return None
    return skin_record(own_tiles(RigModel(rig)), thinned(rig, MOST_VERTICES), list(texture))


def _sway(rig: Rig, moves: np.ndarray, solution: Solution) -> list[float]:
    """Millimeters, root mean square over the face, by a unit of each control, in the solution's order."""
    spans = np.array([[control.maximum - control.minimum] for control in rig.controls])
    furthest = (moves * spans).max(axis=0, initial=0.0)
    face = furthest > FACE * furthest.max(initial=0.0)
    mean = MILLIMETERS * np.sqrt((moves[:, face] ** 2).mean(axis=1)) if face.any() else np.zeros(len(moves))
    by_name = dict(zip(rig.control_names, mean.tolist(), strict=True))
    return [round(by_name.get(name, 0.0), 5) for name in solution.control_names]


def _points(rig: Rig, moves: np.ndarray) -> dict[str, int]:
    """What a loupe may follow, and the vertex that its controls move most: lips, lids of either side, regions."""
    found = {}
    for name, wanted in _FOLLOWED:
        chosen = [k for k, control in enumerate(rig.control_names) if wanted(control)]
        total = moves[chosen].sum(axis=0) if chosen else np.zeros(moves.shape[1])
        if total.max(initial=0.0) > 0:
            found[name] = int(total.argmax())
    return found


def _speaks(*parts: str) -> Callable[[str], bool]:
    """Whether a control's name holds one of the words and, where two groups are given, its side."""
    words, sides = parts[0].split("|"), parts[1].split("|") if len(parts) > 1 else []

    def holds(control: str) -> bool:
        low = control.lower()
        return any(word in low for word in words) and (not sides or any(low.endswith(side) for side in sides))

    return holds


_FOLLOWED: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("Left lids", _speaks("blink|squint|eyewide|lid", "left|_l")),
    ("Right lids", _speaks("blink|squint|eyewide|lid", "right|_r")),
    ("Upper lip", _speaks("mouthupperup|upperlip|lipupper|mouthrollupper")),
    ("Lower lip", _speaks("mouthlowerdown|lowerlip|liplower|mouthrolllower")),
    *((region, lambda control, region=region: region_of(control) == region) for region in REGIONS),
)


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
