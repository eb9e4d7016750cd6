"""The rig of a take from the scene's meshes and blendShapes. Changes nothing."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

import numpy as np
from maya import cmds

from facesolve.take import Mesh, Rig, Shape, Target
from facesolve.take.rig_evaluation import shape_activations
from facesolve.take.rig_logic import TARGET, Port
from facesolve_maya.scene.findings import ERROR, ExportError, Refusal, Report
from facesolve_maya.scene.geometry import Topology, read_topology, transformed
from facesolve_maya.scene.plugs import short_name

from .blendshape import WeightedTarget, read_targets
from .carried import CarriedMesh, carried_mesh, check_blending, contract_joints, joined_skin, moving_numbers
from .controls import ControlSet, DrivenTarget, plugs_of, read_controls, same_plugs
from .expressions import Expression
from .history import blend_shape_span, visible_meshes
from .joints import LIMITS, Joints, ReadJoint
from .logic import Logic

NEGLIGIBLE = 1e-7  # cm; smaller offsets are dropped


@dataclass(frozen=True, eq=False)
class RigGeometry:
    """Neutral (V, 3) cm in rig space, topology and meshes of all shapes joined; ``shapes`` are their long names."""

    neutral: np.ndarray
    topology: Topology
    meshes: Tuple[Mesh, ...]
    shapes: Tuple[str, ...]


_Key = Tuple[Tuple[str, ...], str, Tuple[float, ...]]


@dataclass(eq=False)
class _Reading:
    """A rig that was read, or not, and what was found."""

    report: Report = field(default_factory=Report)
    found: Optional[Tuple[Rig, ControlSet]] = None


_readings: Optional[Dict[_Key, _Reading]] = None


@contextmanager
def reading_once() -> Iterator[None]:
    """``read_rig`` inside reads each rig from the scene once, for reading a rig is slow. The scene must not change."""
    global _readings
    outer, _readings = _readings, {} if _readings is None else _readings
    try:
        yield
    finally:
        _readings = outer


def read_rig(meshes: Tuple[str, ...], head: str, times: Tuple[float, ...], report: Report) -> Tuple[Rig, ControlSet]:
    """Rig and controls of ``meshes`` with the transform of ``head`` taken off at ``times``.

    Raises ExportError for what cannot be read; findings about single targets and weights go to ``report``.
    """
    key = (meshes, head, times)
    reading = None if _readings is None else _readings.get(key)
    if reading is None:
        reading = _Reading()
        with reading.report.collecting("rig"):
            reading.found = read_parts(meshes, head, times, reading.report)
        if _readings is not None:
            _readings[key] = reading
    report.take_up(reading.report)
    if reading.found is None:
        raise ExportError(tuple(finding for finding in reading.report.findings if finding.severity == ERROR))
    return reading.found


def read_parts(meshes: Tuple[str, ...], head: str, times: Tuple[float, ...], report: Report) -> Tuple[Rig, ControlSet]:
    shapes = visible_meshes(meshes)
    joints = Joints(cmds.ls(head, long=True)[0], times, report)
    spans = [blend_shape_span(shape, times, report) for shape in shapes]
    carried = [carried_mesh(shape, span, joints, report) for shape, span in zip(shapes, spans)]
    joints.settle()
    for mesh in carried:
        check_blending(mesh, joints)
    moving = moving_numbers(joints.joints)
    neutrals: List[np.ndarray] = []
    per_mesh: List[List[WeightedTarget]] = []
    for span, mesh in zip(spans, carried):
        bake = span.skin is not None and not moving
        found: List[WeightedTarget] = []
        for step in span.blends:
            with report.collecting(step.node):
                targets = read_targets(step, len(span.rest), times, step is span.blends[0], report)
                found += [_in_rig_space(target, mesh, bake) for target in targets]
        per_mesh.append(found)
        neutral = transformed(span.rest, mesh.to_rig)
        neutrals.append(mesh.baked(neutral) if bake else neutral)
    report.raise_errors()
    if not (any(per_mesh) or moving):
        raise Refusal(
            short_name(shapes[0]),
            "no blendShape moves this mesh, and no channel of its joints has limits: there is nothing to solve.",
            LIMITS,
        )
    joined = _joined_targets(per_mesh, [len(neutral) for neutral in neutrals])
    driven = [
        DrivenTarget(target.name, weight, tuple(shape.weight for shape in target.shapes), _size(target))
        for target, weight in joined
    ]
    controls = read_controls(driven, times, report, [expression for _, _, expression in moving])
    report.raise_errors()
    geometry = join([read_topology(shape, report) for shape in shapes], neutrals, shapes)
    rig = make_rig(geometry, tuple(target for target, _ in joined), controls)
    return _with_logic(rig, controls, joints.joints, moving, carried), controls


def _with_logic(
    rig: Rig,
    controls: ControlSet,
    joints: Sequence[ReadJoint],
    moving: Sequence[Tuple[int, int, Expression]],
    carried: Sequence[CarriedMesh],
) -> Rig:
    """The rig with what its weights and joints are besides drivers and combinations, if anything."""
    if not controls.expressions and not moving:
        return rig
    places = plugs_of(controls)
    factors = {control.plug: factor for control, factor in zip(controls.controls, controls.factors)}
    logic = Logic(places, factors)
    for target, expression in controls.expressions.items():
        logic.add_whole(expression, Port(TARGET, target))
    if not moving:
        return replace(rig, signals=tuple(logic.signals), responses=tuple(logic.responses))
    named = [(joint, place, same_plugs(expression)) for joint, place, expression in moving]
    made, channels = contract_joints(joints, named, logic)
    return replace(
        rig,
        joints=made,
        channels=channels,
        signals=tuple(logic.signals),
        responses=tuple(logic.responses),
        skin=joined_skin(carried),
    )


def make_rig(geometry: RigGeometry, targets: Tuple[Target, ...], controls: ControlSet) -> Rig:
    """The contract's rig of parts that were read."""
    topology = geometry.topology
    return Rig(
        neutral=geometry.neutral.astype(np.float32),
        face_counts=topology.counts,
        face_vertices=topology.corners,
        targets=targets,
        controls=controls.controls,
        drivers=controls.drivers,
        combinations=controls.combinations,
        uvs=topology.uvs,
        face_uvs=topology.corner_uvs,
        meshes=geometry.meshes,
    )


def join(topologies: List[Topology], neutrals: List[np.ndarray], shapes: List[str]) -> RigGeometry:
    """Several meshes as one; UVs only when every mesh has them."""
    starts = np.concatenate([[0], np.cumsum([len(neutral) for neutral in neutrals])])
    uv_starts = np.concatenate([[0], np.cumsum([len(topology.uvs) for topology in topologies])])
    with_uvs = all(len(topology.corner_uvs) for topology in topologies)
    uvs = np.concatenate([t.uvs for t in topologies]) if with_uvs else np.zeros((0, 2), np.float32)
    corner_uvs = (
        np.concatenate([t.corner_uvs + start for t, start in zip(topologies, uv_starts)])
        if with_uvs
        else np.zeros(0, np.int32)
    )
    return RigGeometry(
        np.concatenate(neutrals),
        Topology(
            np.concatenate([t.counts for t in topologies]),
            np.concatenate([t.corners + start for t, start in zip(topologies, starts)]).astype(np.int32),
            uvs,
            corner_uvs.astype(np.int32),
        ),
        tuple(Mesh(short_name(s), len(n), len(t.counts)) for s, n, t in zip(shapes, neutrals, topologies)),
        tuple(shapes),
    )


def _in_rig_space(target: WeightedTarget, mesh: CarriedMesh, bake: bool) -> WeightedTarget:
    """The target in rig space; carried as at the first time if ``bake``."""
    shapes = [(weight, offsets @ mesh.to_rig[:3, :3]) for weight, offsets in target.shapes]
    if bake:
        shapes = [(weight, mesh.baked(offsets, offsets=True)) for weight, offsets in shapes]
    return replace(target, shapes=tuple(shapes))


def _joined_targets(per_mesh: List[List[WeightedTarget]], counts: List[int]) -> List[Tuple[Target, str]]:
    """Targets with their weight plugs; a weight that moves several meshes becomes one target over all of them."""
    together: Dict[str, List[Tuple[int, WeightedTarget]]] = {}
    for mesh, targets in enumerate(per_mesh):
        for target in targets:
            together.setdefault(target.weight, []).append((mesh, target))
    aliases = [parts[0][1].alias for parts in together.values()]
    joined = []
    for weight, parts in together.items():
        first = parts[0][1]
        name = first.alias if aliases.count(first.alias) == 1 else "{}.{}".format(first.node, first.alias)
        activations = sorted({activation for _, target in parts for activation, _ in target.shapes})
        shapes = []
        for activation in activations:
            dense = [np.zeros((count, 3)) for count in counts]
            for mesh, target in parts:
                dense[mesh] = offsets_at(target.shapes, activation)
            shapes.append(Shape.from_dense(np.concatenate(dense), activation, NEGLIGIBLE))
        joined.append((Target(name, tuple(shapes)), weight))
    return joined


def _size(target: Target) -> float:
    """Centimeters by which a weight of 1 moves the farthest vertex."""
    farthest = (np.linalg.norm(s.deltas, axis=1).max(initial=0.0) / max(abs(s.weight), 1e-3) for s in target.shapes)
    return float(max(farthest, default=0.0))


def offsets_at(shapes: Tuple[Tuple[float, np.ndarray], ...], activation: float) -> np.ndarray:
    """(V, 3) offsets of a target at ``activation``: piecewise linear through zero, ends extrapolated (Maya's rule)."""
    shares = shape_activations([weight for weight, _ in shapes], np.array([activation]))[0]
    return np.tensordot(shares, np.stack([offsets for _, offsets in shapes]), 1)
