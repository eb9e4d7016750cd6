"""Measures a solution against the truth of a synthetic or scanned take. Knows nothing about how it was solved."""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from solver.rig import RigModel
from solver.rotation import tangent_from_rotation
from solver.take import Rig, Solution, Take, TakeError, read_take
from solver.take.files import read_npz
from solver.take.take import check_rigid

MILLIMETRES = 10.0  # in a centimetre
ACTIVE_WEIGHT = 0.01
FACE = "face"


@dataclass(frozen=True, eq=False)
class Truth:
    """What really happened. weights: (F, K); names: (K,); head: (F, 4, 4) world space, centimetres."""

    weights: np.ndarray
    names: tuple[str, ...]
    head: np.ndarray


@dataclass(frozen=True, eq=False)
class RegionErrors:
    """Vertex errors of one part of the face in millimetres, per frame (F,) and over all frames and vertices.

    world: distances with the head transform; rig: with the head transform removed (controls only).
    """

    name: str
    vertex_count: int
    world_mean: float
    world_p95: float
    world_max: float
    rig_mean: float
    rig_p95: float
    rig_max: float
    frame_world_mean: np.ndarray
    frame_world_max: np.ndarray
    frame_rig_mean: np.ndarray
    frame_rig_max: np.ndarray


@dataclass(frozen=True, eq=False)
class Evaluation:
    """All measures of a solution; arrays are per frame (F,).

    regions: first the face (every vertex that a control moves), then the region asked for, if any.
    head_rotation: degrees. weight_error: mean absolute difference of the controls. active: controls whose magnitude
    exceeds 0.01. jerk: mean norm of the third difference of the face's world vertices, metres per second cubed; NaN
    for fewer than four frames.
    """

    frames: np.ndarray
    regions: tuple[RegionErrors, ...]
    head_rotation: np.ndarray
    weight_error: np.ndarray
    active: np.ndarray
    active_truth: np.ndarray
    jerk: float
    jerk_truth: float
    control_error: dict[str, float] = field(default_factory=dict)


def read_truth(path: Path) -> Truth:
    """The truth in an ``.npz`` of weights (F, K), names (K) and head (F, 4, 4). Raises TakeError."""
    arrays = read_npz(path, "truth")
    missing = [name for name in ("weights", "names", "head") if name not in arrays]
    if missing:
        raise TakeError(f"truth: '{path}' lacks {', '.join(missing)}.")
    weights, head = arrays["weights"], arrays["head"]
    names = tuple(str(name) for name in np.atleast_1d(arrays["names"]))
    if weights.ndim != 2 or weights.shape[1] != len(names) or head.shape != (len(weights), 4, 4):
        raise TakeError(
            f"truth: '{path}' has weights {weights.shape}, {len(names)} names and head {head.shape}; expected (frames, "
            "controls), one name a control and (frames, 4, 4)."
        )
    if not (np.isfinite(weights).all() and np.isfinite(head).all()):
        raise TakeError(f"truth: '{path}' holds a number that is not finite.")
    return Truth(weights.astype(np.float64), names, head.astype(np.float64))


def parse_region(text: str) -> tuple[int, int]:
    """First vertex and the one after the last, of ``A:B``. Raises TakeError for anything else."""
    first, _, last = text.partition(":")
    if not (first.isdigit() and last.isdigit()) or int(last) <= int(first):
        raise TakeError(f"region: '{text}' is not a vertex range; write it as 0:6706 (the last one is not included).")
    return int(first), int(last)


def find_take(solution: Solution, solution_folder: Path) -> Take:
    """The take that ``solution`` was made from, by the path in its provenance (relative to ``solution_folder``)."""
    recorded = solution.provenance.get("take")
    if not isinstance(recorded, str):
        raise TakeError(f"solution: '{solution_folder}' does not say which take it solves; give it with --take.")
    folder = Path(os.path.normpath(solution_folder / recorded))
    if not (folder / "take.json").is_file():
        raise TakeError(f"solution: its take is not at '{folder}' any more; give its folder with --take.")
    return read_take(folder)


def evaluate(solution: Solution, take: Take, truth: Truth, region: tuple[int, int] | None = None) -> Evaluation:
    """Compares ``solution`` with ``truth``, whose rows are the frames of ``take``. Errors in millimetres and degrees.

    region: vertex range [first, last) measured beside the whole face. Raises TakeError when frames or controls of the
    two do not correspond.
    """
    rig = take.rig
    if len(truth.weights) != take.frame_count:
        raise TakeError(f"truth: it has {len(truth.weights)} frames, the take has {take.frame_count}.")
    rows = take_rows(solution, take)
    solved = control_columns(solution.controls, solution.control_names, rig, "solution")
    true = control_columns(truth.weights[rows], truth.names, rig, "truth")
    for index, row in enumerate(rows):
        check_rigid(truth.head[row], f"truth: the head transform of frame {solution.frames[index]}")
    difference = np.abs(solved - true)
    regions, jerk, jerk_truth = _compare_vertices(solution, rig, solved, true, truth.head[rows], region)
    relative = np.einsum("fji,fjk->fik", truth.head[rows][:, :3, :3], solution.head[:, :3, :3])
    return Evaluation(
        frames=solution.frames,
        regions=regions,
        head_rotation=np.degrees(tangent_from_rotation(torch.from_numpy(relative)).norm(dim=1).numpy()),
        weight_error=difference.mean(axis=1),
        active=(np.abs(solved) > ACTIVE_WEIGHT).sum(axis=1),
        active_truth=(np.abs(true) > ACTIVE_WEIGHT).sum(axis=1),
        jerk=jerk,
        jerk_truth=jerk_truth,
        control_error=dict(zip(rig.control_names, difference.mean(axis=0).tolist(), strict=True)),
    )


def take_rows(solution: Solution, take: Take) -> np.ndarray:
    """(F,) 0-based take frame of each of the solution's frames. Raises TakeError for one that the take lacks."""
    strangers = sorted(set(solution.frames.tolist()) - set(take.frames.tolist()))
    if strangers:
        raise TakeError(f"solution: its frame {strangers[0]} is not one of the take's; is this the right take?")
    return np.searchsorted(take.frames, solution.frames)


def control_columns(values: np.ndarray, names: tuple[str, ...], rig: Rig, what: str) -> np.ndarray:
    """``values`` (F, K) with columns in the order of the rig's controls. Raises TakeError naming ``what``."""
    if set(names) != set(rig.control_names) or len(names) != len(rig.controls):
        odd = sorted(set(names) ^ set(rig.control_names))
        raise TakeError(f"{what}: its controls are not the take's (for example '{odd[0] if odd else names[0]}').")
    return values[:, [names.index(name) for name in rig.control_names]]


def _compare_vertices(
    solution: Solution,
    rig: Rig,
    solved: np.ndarray,
    true: np.ndarray,
    true_head: np.ndarray,
    region: tuple[int, int] | None,
) -> tuple[tuple[RegionErrors, ...], float, float]:
    """Errors of every region, and the jerk of solution and truth, in one walk over the frames."""
    model = RigModel(rig, dtype=torch.float64)
    parts = {FACE: np.flatnonzero(model.moving_vertices().numpy())}
    if region is not None:
        if region[1] > rig.vertex_count:
            raise TakeError(f"region: {region[0]}:{region[1]} exceeds the rig's {rig.vertex_count} vertices.")
        parts[f"{region[0]}:{region[1]}"] = np.arange(*region)
    face = parts[FACE]
    distances: dict[str, list[np.ndarray]] = {name: [] for name in parts}
    recent: tuple[deque[np.ndarray], deque[np.ndarray]] = (deque(maxlen=4), deque(maxlen=4))
    jerks: tuple[list[float], list[float]] = ([], [])
    for index in range(len(solved)):
        both = torch.from_numpy(np.stack([solved[index], true[index]]))
        in_rig = model.vertices(both).numpy()
        in_world = _transform(solution.head[index], in_rig[0]), _transform(true_head[index], in_rig[1])
        apart = np.stack([np.linalg.norm(a - b, axis=1) for a, b in (in_world, in_rig)]) * MILLIMETRES
        for name, vertices in parts.items():
            distances[name].append(apart[:, vertices].astype(np.float32))
        for window, jerk, vertices in zip(recent, jerks, in_world, strict=True):
            window.append(vertices[face])
            if len(window) == 4:
                third = window[3] - 3 * window[2] + 3 * window[1] - window[0]
                jerk.append(float(np.linalg.norm(third, axis=1).mean()) * solution.fps**3 / 100.0)
    regions = tuple(_region(name, np.stack(distances[name], axis=1)) for name in parts)
    means = [float(np.mean(jerk)) if jerk else float("nan") for jerk in jerks]
    return regions, means[0], means[1]


def _transform(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    return points @ matrix[:3, :3].T + matrix[:3, 3]


def _region(name: str, distances: np.ndarray) -> RegionErrors:
    """distances: (2, F, n) millimetres, in world space and in rig space."""
    world, rig = distances
    return RegionErrors(
        name=name,
        vertex_count=world.shape[1],
        world_mean=float(world.mean()),
        world_p95=float(np.percentile(world, 95)),
        world_max=float(world.max()),
        rig_mean=float(rig.mean()),
        rig_p95=float(np.percentile(rig, 95)),
        rig_max=float(rig.max()),
        frame_world_mean=world.mean(axis=1),
        frame_world_max=world.max(axis=1),
        frame_rig_mean=rig.mean(axis=1),
        frame_rig_max=rig.max(axis=1),
    )
