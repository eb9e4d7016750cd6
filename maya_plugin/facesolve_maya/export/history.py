"""The chain of nodes that shapes a mesh, from its blendShapes to what is seen. Changes nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import List, Optional, Tuple

import numpy as np
from maya import cmds

from facesolve_maya.scene.findings import SAMPLING, Refusal, Report
from facesolve_maya.scene.geometry import plug_points
from facesolve_maya.scene.names import overlays
from facesolve_maya.scene.plugs import has_attribute, require_node, short_name, source, split, value_range
from facesolve_maya.scene.undisturbed import undisturbed

_INDEX = re.compile(r"\[(\d+)\]")
_PASS_THROUGH = ("groupParts",)
_STILL = 1e-4  # cm
ENVELOPE_REMEDY = (
    "Set its envelope to 0 while you solve, which then is of the mesh before it, and back to 1 after Apply. Or: "
    + SAMPLING
    + "."
)
SAMPLE_REMEDY = SAMPLING + " with the rig's controls, or delete the node or bake the mesh without it."


@dataclass(frozen=True)
class Step:
    """One node of the chain. geometry: its index in the node's multi inputs; input, output: plugs."""

    node: str
    kind: str
    geometry: int
    input: str
    output: str


def visible_meshes(names: Tuple[str, ...]) -> List[str]:
    """Long names of the mesh shapes that ``names`` mean: shapes, transforms, or a blendShape's geometries, in order."""
    shapes: List[str] = []
    for name in names:
        node = require_node(name, "mesh")
        kind = cmds.nodeType(node)
        if kind == "blendShape":
            found = [shape for shape in _deformed_shapes(short_name(node)) if shape not in shapes]
            if not found:
                raise Refusal(short_name(node), "the blendShape deforms no mesh.", "Choose the head's mesh.")
            shapes += found
            continue
        candidates = [node] if kind == "mesh" else cmds.listRelatives(node, shapes=True, fullPath=True) or []
        meshes = [c for c in candidates if cmds.nodeType(c) == "mesh" and not cmds.getAttr(c + ".intermediateObject")]
        if len(meshes) != 1:
            raise Refusal(
                short_name(node),
                "it has {} visible mesh shapes.".format(len(meshes)),
                "Choose a polygon mesh, or its blendShape node.",
            )
        shapes += meshes
    if not shapes:
        raise Refusal("scene", "no head mesh is given.", "Choose the head's mesh.")
    return shapes


def _deformed_shapes(blend_shape: str) -> List[str]:
    """Long names of the visible meshes that a blendShape shapes, by geometry index."""
    found: List[Tuple[int, str]] = []
    copies = set(overlays())
    for mesh in cmds.ls(type="mesh", long=True) or []:
        if mesh not in copies and not cmds.getAttr(mesh + ".intermediateObject"):
            found += [(step.geometry, mesh) for step in deformation_chain(mesh) if step.node == blend_shape]
    return [mesh for _, mesh in sorted(found)]


def deformation_chain(shape: str) -> List[Step]:
    """Steps between the first geometry and ``shape``, first to last. A mesh without history gives none."""
    steps: List[Step] = []
    plug: Optional[str] = source(shape + ".inMesh")
    while plug is not None:
        node, attribute = split(plug)
        kind = cmds.nodeType(node)
        found = _INDEX.search(attribute)
        geometry = int(found.group(1)) if found else 0
        if has_attribute(node, "inputGeometry"):
            above = node + ".inputGeometry"
            if has_attribute(node, "input"):
                above = "{}.input[{}].inputGeometry".format(node, geometry)
        elif kind == "mesh" and source(node + ".inMesh") is not None:
            above = node + ".inMesh"
        elif has_attribute(node, "inputPolymesh"):  # smoothing, and other tools that edit polygons
            above = node + ".inputPolymesh"
        else:
            break
        steps.insert(0, Step(node, kind, geometry, above, plug))
        plug = source(above)
    return steps


@dataclass(frozen=True, eq=False)
class Span:
    """What a solve computes of a mesh's history. rest: (V, 3) centimeters, all weights at zero, before the skin."""

    blends: List[Step]
    rest: np.ndarray
    skin: Optional[Step]


def blend_shape_span(shape: str, times: Tuple[float, ...], report: Report) -> Span:
    """The blendShapes of ``shape``'s chain, its rest points before a skin, and the skin that comes after them; of a
    face on joints alone just the skin.

    Refusal names a deformer between or after them whose effect a solve could not know.
    """
    chain = deformation_chain(shape)
    blends = [step for step in chain if step.kind == "blendShape"]
    skins = [step for step in chain if step.kind == "skinCluster" and not _switched_off(step, times)]
    if not (blends or skins):
        raise Refusal(
            short_name(shape),
            "no blendShape deforms this mesh, and no skinCluster.",
            "Choose the mesh that the blendShape or the joints deform.",
        )
    first = chain.index((blends or skins)[0])
    base = _incoming(chain[:first], chain[first], times)
    rest = base
    skin: Optional[Step] = None
    for step in chain[first:]:
        if skin is None and step.kind == "skinCluster" and not _switched_off(step, times):
            skin = step
            continue
        if step.kind == "blendShape" and skin is None:
            continue
        offset = _constant_offset(step, times, report, base.shape)
        if skin is not None and np.abs(offset).max() > _STILL:
            raise Refusal(step.node, "it moves points after the skinCluster.", "Move the tweaks before it.")
        rest = rest + offset
    return Span(blends, rest, skin)


def _incoming(before: List[Step], blend: Step, times: Tuple[float, ...]) -> np.ndarray:
    """(V, 3) points that arrive at the first blendShape at the first time; Refusal when a deformer moves them later."""
    deformers = [step for step in before if step.kind not in (*_PASS_THROUGH, "mesh", "tweak")]
    if not deformers:
        return _points(blend)
    with undisturbed((), times[0]):
        base = _points(blend)
        for time in sorted({times[len(times) // 2], times[-1]} - {times[0]}):
            cmds.currentTime(time, edit=True)
            moved = float(np.abs(_points(blend) - base).max())
            if moved > _STILL:
                last = deformers[-1]
                raise Refusal(
                    last.node,
                    "this {} deforms the mesh before its blendShape, and moves it by {:.2g} cm between the frames {:g} "
                    "and {:g}.".format(last.kind, moved, times[0], time),
                    "Put the blendShape before it, hold it still over the range, or: " + SAMPLE_REMEDY,
                )
    return base


def _points(blend: Step) -> np.ndarray:
    points = plug_points(blend.input)
    if points is None:
        raise Refusal(blend.node, "no geometry arrives at this deformer.", "Repair the mesh's construction history.")
    return points


def _switched_off(step: Step, times: Tuple[float, ...]) -> bool:
    return has_attribute(step.node, "envelope") and value_range(step.node + ".envelope", times) == (0.0, 0.0)


def _constant_offset(step: Step, times: Tuple[float, ...], report: Report, shape: Tuple[int, ...]) -> np.ndarray:
    """What a step after the first blendShape adds whatever the weights are; Refusal when that is not constant."""
    if step.kind in _PASS_THROUGH or step.kind == "mesh":
        return np.zeros(shape)
    if step.kind == "tweak":
        before, after = plug_points(step.input), plug_points(step.output)
        if before is None or after is None:
            raise Refusal(step.node, "the tweak node passes no geometry on.", "Repair the mesh's construction history.")
        return after - before
    if _switched_off(step, times):
        report.note(step.node, "this {} is switched off (envelope 0) and is left out.".format(step.kind))
        return np.zeros(shape)
    raise Refusal(
        step.node,
        "this {} deforms the mesh after its blendShape, which the solver cannot compute.".format(step.kind),
        ENVELOPE_REMEDY if has_attribute(step.node, "envelope") else SAMPLE_REMEDY,
    )
