"""How far the surfaces of two sequences of poses of a rig lie apart, frame by frame. Knows no solution and no truth."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from facesolve.take import TakeError
from facesolve.take.rig_evaluation import RigEvaluator

MILLIMETERS = 10.0  # in a centimeter
FACE = "face"
HELD = 0.05  # mm a frame, mean over the face: below it a pose is held


@dataclass(frozen=True, eq=False)
class Poses:
    """F poses of a rig: controls (F, K) in the rig's order, head (F, 4, 4) world space, centimeters."""

    evaluator: RigEvaluator
    controls: np.ndarray
    head: np.ndarray

    def vertices(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """(V, 3) in the rig's space and (V, 3) in the world, centimeters, at one pose."""
        in_rig = self.evaluator.vertices(self.controls[index : index + 1])[0]
        head = self.head[index]
        return in_rig, in_rig @ head[:3, :3].T + head[:3, 3]


@dataclass(frozen=True, eq=False)
class RegionErrors:
    """Distances of the vertices of one part of the face in millimeters, per frame (F,) and over frames and vertices.

    world: with the head transform; rig: with the head transform removed (controls only).
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
class VertexErrors:
    """Distances of two sequences of poses.

    regions: first the face (every vertex that a control moves), then the region asked for, if any. jerks: of both, mean
    norm of the third difference of the face's world vertices, meters per second cubed; NaN where no four frames follow
    one another. jitter: mm a frame, how far the face of ``one``, without the head, moves where ``other`` holds its
    pose; NaN where it never does. world_mean, rig_mean: (V,) mm, means over the frames, of all vertices. worst: index
    of the frame whose face differs most in the world; world_worst: (V,) mm, in that frame.
    """

    regions: tuple[RegionErrors, ...]
    jerks: tuple[float, float]
    jitter: float
    world_mean: np.ndarray
    rig_mean: np.ndarray
    worst: int
    world_worst: np.ndarray


def vertex_errors(
    one: Poses, other: Poses, frames: np.ndarray, fps: float, region: tuple[int, int] | None = None
) -> VertexErrors:
    """Compares the vertices of two sequences of F poses, numbered by ``frames`` (F,), in one walk over them.

    The rigs have the same vertices. region: vertex range [first, last) measured beside the whole face. Raises TakeError
    when it exceeds the rig.
    """
    parts = _parts(one.evaluator, region)
    face = parts[FACE]
    distances: dict[str, list[np.ndarray]] = {name: [] for name in parts}
    meters = (_Jerk(fps), _Jerk(fps))
    sums = np.zeros((2, one.evaluator.rig.vertex_count))
    worst, largest, world_worst = 0, -1.0, sums[0]
    before: tuple[np.ndarray, np.ndarray] | None = None
    moved_while_held: list[float] = []
    for index, frame in enumerate(frames.tolist()):
        pair = one.vertices(index), other.vertices(index)
        apart = MILLIMETERS * np.stack([np.linalg.norm(pair[0][s] - pair[1][s], axis=1) for s in (1, 0)])
        sums += apart
        for name, vertices in parts.items():
            distances[name].append(apart[:, vertices].astype(np.float32))
        for meter, (_, world) in zip(meters, pair, strict=True):
            meter.add(frame, world[face])
        alone = pair[0][0][face], pair[1][0][face]
        if before is not None and frame - frames[index - 1] == 1:
            moved, held = (MILLIMETERS * _mean_distance(now, then) for now, then in zip(alone, before, strict=True))
            if held < HELD:
                moved_while_held.append(moved)
        before = alone
        mean = float(apart[0, face].mean())
        if mean > largest:
            worst, largest, world_worst = index, mean, apart[0]
    regions = tuple(_region(name, np.stack(distances[name], axis=1)) for name in parts)
    world_mean, rig_mean = sums / len(frames)
    jerks = (meters[0].mean, meters[1].mean)
    jitter = float(np.mean(moved_while_held)) if moved_while_held else float("nan")
    return VertexErrors(regions, jerks, jitter, world_mean, rig_mean, worst, world_worst)


def _mean_distance(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.linalg.norm(one - other, axis=1).mean())


class _Jerk:
    """Mean norm of third differences over runs of frames that follow one another."""

    def __init__(self, fps: float) -> None:
        self._scale = fps**3 / 100.0  # centimeters a frame cubed to meters a second cubed
        self._recent: deque[tuple[int, np.ndarray]] = deque(maxlen=4)
        self._values: list[float] = []

    def add(self, frame: int, vertices: np.ndarray) -> None:
        self._recent.append((frame, vertices))
        if len(self._recent) == 4 and self._recent[3][0] - self._recent[0][0] == 3:
            a, b, c, d = (place for _, place in self._recent)
            self._values.append(float(np.linalg.norm(d - 3 * c + 3 * b - a, axis=1).mean()) * self._scale)

    @property
    def mean(self) -> float:
        return float(np.mean(self._values)) if self._values else float("nan")


def _parts(evaluator: RigEvaluator, region: tuple[int, int] | None) -> dict[str, np.ndarray]:
    parts = {FACE: np.flatnonzero(evaluator.moving_vertices())}
    if region is not None:
        count = evaluator.rig.vertex_count
        if region[1] > count:
            raise TakeError(f"region: {region[0]}:{region[1]} exceeds the rig's {count} vertices.")
        parts[f"{region[0]}:{region[1]}"] = np.arange(*region)
    return parts


def _region(name: str, distances: np.ndarray) -> RegionErrors:
    """distances: (2, F, n) millimeters, in world space and in rig space."""
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
