"""The targets of one blendShape node on one geometry, as offsets from its rest. Changes nothing.

Rules as in maya-usd's ``meshWriterBlendShapes.cpp``: item index = 5000 + 1000 * weight; the weight's index is the
target group's; piecewise linear through the in-betweens (checked against meshes that Maya wrote).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Tuple

import maya.api.OpenMaya as om
import numpy as np
from maya import cmds

from facesolve_maya.scene.findings import SAMPLING, Refusal, Report
from facesolve_maya.scene.geometry import plug_points
from facesolve_maya.scene.plugs import data_object, has_attribute, indices, numbers, source, value_range

from .history import Step

_NORMAL = 0  # nodeState: compute as usual
_BEFORE = 0  # deformationOrder: offsets are added as they are
_LOCAL = 1  # origin: targets are compared in their own space
_SWITCHES = (
    ("nodeState", _NORMAL, "does not compute (node behavior is not Normal)", "Set Node Behavior to Normal."),
    (
        "deformationOrder",
        _BEFORE,
        "deforms after other deformers (Deformation Order is not Before)",
        "Set Deformation Order to Before. Or: " + SAMPLING + ".",
    ),
    ("origin", _LOCAL, "compares targets in world space", "Set Origin to local, or duplicate and re-add the targets."),
    ("parallelBlender", False, "blends in parallel", "Turn Parallel Blender off. Or: " + SAMPLING + "."),
)


@dataclass(frozen=True, eq=False)
class WeightedTarget:
    """A target as the node holds it. weight: plug ``node.weight[i]``; alias: the name users see.

    shapes: (activation, offsets (V, 3) centimeters, object space) by rising activation; envelope and painted weights
    are in the offsets.
    """

    node: str
    index: int
    weight: str
    alias: str
    shapes: Tuple[Tuple[float, np.ndarray], ...]


def aliases(blend_shape: str) -> Dict[int, str]:
    """Weight index -> alias. Weights may have none."""
    words = cmds.aliasAttr(blend_shape, query=True) or []
    found = {}
    for alias, attribute in zip(words[::2], words[1::2]):
        name, _, rest = attribute.partition("[")
        if name in ("weight", "w"):
            found[int(rest.rstrip("]"))] = alias
    return found


def read_targets(step: Step, count: int, times: Tuple[float, ...], first: bool, report: Report) -> List[WeightedTarget]:
    """The targets of a blendShape on one geometry of ``count`` vertices.

    first: it is the first blendShape of the chain; live targets on a later one are refused, because their offset
    would depend on the earlier ones' weights. Refusal names what is not supported.
    """
    node = step.node
    _refuse_switches(node, step.geometry)
    _refuse_weighted_groups(node, times)
    envelope = steady(node + ".envelope", node, "envelope", times)
    base = "{}.inputTarget[{}]".format(node, step.geometry)
    painted = envelope * members(node, step.geometry, count) * vertex_weights(base + ".baseWeights", count)
    names = aliases(node)
    found = []
    for index in indices(base + ".inputTargetGroup"):
        alias = names.get(index, "weight[{}]".format(index))
        if _hidden(node, index):
            report.note("{}.{}".format(node, alias), "this target is hidden in the Shape Editor and is left out.")
            continue
        group = "{}.inputTargetGroup[{}]".format(base, index)
        _refuse_group(node, alias, group, index)
        weights = painted * vertex_weights(group + ".targetWeights", count)
        shapes = []
        for item in indices(group + ".inputTargetItem"):
            if item == 5000:
                raise Refusal(_of(node, alias), "it has an in-between at weight 0.", "Delete that in-between.")
            offsets = _item_offsets(step, "{}.inputTargetItem[{}]".format(group, item), count, first, _of(node, alias))
            shapes.append(((item - 5000) / 1000.0, offsets * weights[:, None]))
        if shapes and min(shapes)[0] < 0 and not cmds.getAttr(node + ".supportNegativeWeights"):
            raise Refusal(
                _of(node, alias),
                "it has a shape at a negative weight, which Maya shows as 0.",
                "Turn on Support Negative Weights, or delete that shape.",
            )
        if not shapes:
            report.note(_of(node, alias), "this target holds no shape and is left out.")
            continue
        weight = "{}.weight[{}]".format(node, index)
        found.append(WeightedTarget(node, index, weight, alias, tuple(sorted(shapes, key=lambda shape: shape[0]))))
    return found


def _of(node: str, alias: str) -> str:
    return "{}.{}".format(node, alias)


def _refuse_weighted_groups(node: str, times: Tuple[float, ...]) -> None:
    for place in indices(node + ".targetDirectory"):
        share = steady("{}.targetDirectory[{}].directoryWeight".format(node, place), node, "target group", times)
        if abs(share - 1.0) > 1e-6:
            raise Refusal(
                node, "a group of its targets has the weight {:g}.".format(share), "Set the group's weight to 1."
            )


def steady(plug: str, node: str, what: str, times: Tuple[float, ...]) -> float:
    """The value of a plug that must not change over the take."""
    low, high = value_range(plug, times)
    if high - low > 1e-6:
        raise Refusal(
            node,
            "its {} is animated ({:.4g} to {:.4g}) within the frame range.".format(what, low, high),
            "Hold the {} still over the range.".format(what),
        )
    return low


def _refuse_switches(node: str, geometry: int) -> None:
    for attribute, plain, sentence, remedy in _SWITCHES:
        if cmds.getAttr("{}.{}".format(node, attribute)) != plain:
            raise Refusal(node, "this blendShape {}.".format(sentence), remedy)
    if has_attribute(node, "componentTagExpression"):
        tag = cmds.getAttr("{}.input[{}].componentTagExpression".format(node, geometry))
        if tag not in (None, "", "*"):
            raise Refusal(node, "it deforms only the component tag '{}'.".format(tag), "Deform the whole mesh ('*').")


def members(node: str, geometry: int, count: int) -> np.ndarray:
    """(count,) 1 for the vertices of the blendShape's deformer set, which are the ones that it moves; else 0."""
    plug = "{}.input[{}].inputGeometry".format(node, geometry)
    groups = cmds.listConnections(plug, source=True, destination=False, type="groupParts") or []
    mask = np.ones(count)
    for group in groups:
        components = cmds.getAttr(group + ".inputComponents")
        if components and "vtx[*]" not in components:
            inside = _component_vertices(group + ".inputComponents", count)
            mask[np.setdiff1d(np.arange(count), inside)] = 0.0
    return mask


def _refuse_group(node: str, alias: str, group: str, index: int) -> None:
    if has_attribute(node, "postDeformersMode") and cmds.getAttr(group + ".postDeformersMode"):
        raise Refusal(
            _of(node, alias),
            "its offsets are relative to the deformed surface (tangent space or transform).",
            "Duplicate the target's mesh and add it again as an ordinary target.",
        )
    if has_attribute(node, "normalizationId") and cmds.getAttr(group + ".normalizationId"):
        raise Refusal(
            _of(node, alias), "it belongs to a normalization group.", "Take the target out of the normalization group."
        )
    info = "{}.inbetweenInfoGroup[{}].inbetweenInfo".format(node, index)
    for item in indices(info):
        if cmds.getAttr("{}[{}].inbetweenTargetType".format(info, item)):
            raise Refusal(
                _of(node, alias),
                "its in-between at {:g} is relative to the main target.".format((item - 5000) / 1000.0),
                "Make the in-between absolute (Shape Editor: In-Between Type).",
            )
        _refuse_curve(_of(node, alias), "{}[{}].interpolationCurve".format(info, item))


def _refuse_curve(name: str, curve: str) -> None:
    for point in indices(curve):
        position, value = numbers(cmds.getAttr("{}[{}]".format(curve, point)))[:2]
        if abs(position - value) > 1e-6:
            raise Refusal(
                name,
                "an in-between has an interpolation curve that is not straight.",
                "Reset the curve in the Shape Editor (Edit > Reset Interpolation Curve).",
            )


def _hidden(node: str, index: int) -> bool:
    """True when the Shape Editor has switched the target off."""
    return any(
        has_attribute(node, attribute)
        and index in indices("{}.{}".format(node, attribute))
        and not cmds.getAttr("{}.{}[{}]".format(node, attribute, index))
        for attribute in ("targetVisibility", "targetParentVisibility")
    )


def vertex_weights(plug: str, count: int) -> np.ndarray:
    """(count,) painted weights; 1 where none was painted."""
    values = np.ones(count)
    places = np.array([index for index in indices(plug) if index < count], np.int64)
    for run in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1) if len(places) else []:
        # One question a run: a vertex each takes seconds on a painted head.
        values[run] = numbers(cmds.getAttr("{}[{}:{}]".format(plug, run[0], run[-1])))
    return values


def _item_offsets(step: Step, item: str, count: int, first: bool, name: str) -> np.ndarray:
    """(count, 3) offsets of one target item: from its live mesh where connected, else from the stored points."""
    if source(item + ".inputGeomTarget") is not None:
        return _live_offsets(step, item, count, first, name)
    offsets = np.zeros((count, 3))
    points = data_object(item + ".inputPointsTarget")
    if points is None:
        return offsets
    stored = np.array(om.MFnPointArrayData(points).array(), np.float64).reshape(-1, 4)[:, :3]
    vertices = _component_vertices(item + ".inputComponentsTarget", count)
    if len(vertices) != len(stored):
        raise Refusal(
            name,
            "it stores {} offsets for {} vertices.".format(len(stored), len(vertices)),
            "Rebuild the target: extract it as a mesh and add it again.",
        )
    if len(vertices) and vertices.max() >= count:
        raise Refusal(
            name, "it moves vertex {} of a mesh with {}.".format(vertices.max(), count), "Rebuild the target."
        )
    offsets[vertices] = stored
    return offsets


def _live_offsets(step: Step, item: str, count: int, first: bool, name: str) -> np.ndarray:
    if not first:
        raise Refusal(
            name,
            "its target mesh is live on a blendShape that follows another: its offset depends on the other's weights.",
            "Delete the target mesh (the offsets stay in the blendShape) or merge the blendShapes.",
        )
    target, base = plug_points(item + ".inputGeomTarget"), plug_points(step.input)
    if target is None or base is None or len(target) != count:
        raise Refusal(
            name,
            "its target mesh has {} vertices, the head has {}.".format(0 if target is None else len(target), count),
            "Use a target with the head's topology.",
        )
    return target - base


def _component_vertices(plug: str, count: int) -> np.ndarray:
    """Vertex numbers of a component list, in its order."""
    item = data_object(plug)
    found: List[int] = []
    if item is not None:
        components = om.MFnComponentListData(item)
        for index in range(components.length()):
            component = om.MFnSingleIndexedComponent(components.get(index))
            found.extend(range(count) if component.isComplete else list(component.getElements()))
    strange = [vertex for vertex in found if not 0 <= vertex < count]
    if strange:
        raise Refusal(plug, "it names vertex {}, of {}.".format(strange[0], count), "Repair or rebuild this shape.")
    return np.array(found, np.int64)
