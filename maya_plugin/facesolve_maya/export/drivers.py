"""What drives a blendShape weight: keys, a layer, a control, a set-driven key, a combination. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, List, Optional, Tuple

import maya.api.OpenMaya as om
import maya.api.OpenMayaAnim as oma
import numpy as np
from maya import cmds

from facesolve_maya.scene.findings import SAMPLING, Refusal
from facesolve_maya.scene.plugs import driver_of, has_attribute, indices, kinds_of, source, split

FREE = "free"
KEYED = "keyed"
LAYERED = "animation layer"
DIRECT = "control"
DRIVEN_KEY = "set-driven key"
COMBINATION = "combination"

CURVES_OVER_TIME = ("animCurveTL", "animCurveTA", "animCurveTU", "animCurveTT")
DRIVEN_CURVES = ("animCurveUL", "animCurveUA", "animCurveUU", "animCurveUT")
_COMBINATION_METHODS = ("multiply", "lowest")
_SAMPLES = 33
SAMPLE_REMEDY = SAMPLING + " with the controls that drive it, or bake the weight to keys."

Function = Callable[[float], float]


@dataclass(frozen=True)
class Path:
    """One way from a control to a weight. steps: functions of internal units, control first.

    breaks: control values (internal units) where the chain bends; curved: it also bends between them.
    """

    control: str
    kind: str
    steps: Tuple[Function, ...] = ()
    breaks: Tuple[float, ...] = ()
    curved: bool = False

    def __call__(self, value: float) -> float:
        for step in self.steps:
            value = step(value)
        return value


@dataclass(frozen=True)
class Drive:
    """What drives a weight: paths from controls (their contributions add up), or a combination of other weights."""

    kind: str
    paths: Tuple[Path, ...] = ()
    combined: Tuple[str, ...] = ()
    method: str = ""


def classify(weight: str) -> Drive:
    """The drive of a weight plug. Refusal names the node that cannot be read, with the remedy."""
    plug = source(weight)
    if plug is not None and cmds.nodeType(split(plug)[0]) == "combinationShape":
        node = split(plug)[0]
        method = cmds.getAttr(node + ".combinationMethod")
        if method >= len(_COMBINATION_METHODS):
            raise Refusal(
                node,
                "its combination method (lowest weighting, smooth) has no exact counterpart in the solver.",
                "Use Multiplication or Lowest Weighting.",
            )
        inputs = ["{}.inputWeight[{}]".format(node, index) for index in indices(node + ".inputWeight")]
        sources = [source(plug) for plug in inputs]
        if not sources or None in sources:
            raise Refusal(node, "an input of this combination is not connected.", "Connect or remove the input.")
        return Drive(COMBINATION, combined=tuple(str(plug) for plug in sources), method=_COMBINATION_METHODS[method])
    paths = trace(weight)
    kinds = [path.kind for path in paths]
    return Drive(DRIVEN_KEY if DRIVEN_KEY in kinds else kinds[0] if kinds else FREE, tuple(paths))


def trace(plug: str, seen: Tuple[str, ...] = ()) -> List[Path]:
    """Paths from controls to ``plug``: itself when it is free, keyed or on a layer."""
    above = source(plug)
    if above is None:
        if driver_of(plug) is not None:
            raise Refusal(plug, "its parent attribute is connected.", SAMPLE_REMEDY)
        return [Path(plug, FREE)]
    node, attribute = split(above)
    kind = cmds.nodeType(node)
    if above in seen:
        raise Refusal(node, "the connections that drive '{}' form a cycle.".format(plug), "Break the cycle.")
    seen = (*seen, above)
    if kind in CURVES_OVER_TIME:
        return [Path(plug, KEYED)]
    if kind.startswith("animBlendNode"):
        return [Path(plug, LAYERED)]
    if kind in DRIVEN_CURVES:
        return [_through_curve(path, node) for path in trace(node + ".input", seen)]
    if kind == "unitConversion":
        factor = float(cmds.getAttr(node + ".conversionFactor"))
        return [_scaled(path, factor) for path in trace(node + ".input", seen)]
    if kind == "blendWeighted":
        return _through_blend(node, seen)
    if kind == "blendShape" or is_control(node, attribute):
        return [_as_control(path) for path in trace(above, seen)]
    raise Refusal(node, "this {} drives '{}' in a way that cannot be read.".format(kind, plug), SAMPLE_REMEDY)


def is_control(node: str, attribute: str) -> bool:
    """True for what an animator sets: transform channels and attributes added by users."""
    name = attribute.rpartition(".")[2].partition("[")[0]
    if name in (cmds.listAttr(node, userDefined=True) or []):
        return True
    return "transform" in (cmds.nodeType(node, inherited=True) or []) and bool(
        cmds.attributeQuery(name, node=node, keyable=True)
    )


def _as_control(path: Path) -> Path:
    """A path that ends one plug further down; the weight is driven now, whatever keys the control has."""
    kind = DIRECT if path.kind in (FREE, KEYED, LAYERED) else path.kind
    return Path(path.control, kind, path.steps, path.breaks, path.curved)


def _scaled(path: Path, factor: float) -> Path:
    return Path(path.control, path.kind, (*path.steps, lambda x: factor * x), path.breaks, path.curved)


def _through_curve(path: Path, node: str) -> Path:
    curve = oma.MFnAnimCurve(om.MSelectionList().add(node).getDependNode(0))
    keys = [float(curve.input(index)) for index in range(curve.numKeys)]
    if not keys:
        raise Refusal(node, "this set-driven key has no keys.", "Delete it or set its keys.")
    if path.breaks or path.curved:
        raise Refusal(node, "it follows another set-driven key.", SAMPLE_REMEDY)
    scale = path(1.0) - path(0.0)
    straight = all(
        curve.inTangentType(index) == oma.MFnAnimCurve.kTangentLinear
        and curve.outTangentType(index) == oma.MFnAnimCurve.kTangentLinear
        for index in range(len(keys))
    )
    breaks = tuple(sorted((key - path(0.0)) / scale for key in keys))
    return Path(path.control, DRIVEN_KEY, (*path.steps, curve.evaluate), breaks, not straight)


def _through_blend(node: str, seen: Tuple[str, ...]) -> List[Path]:
    paths = []
    given = indices(node + ".weight")
    for index in indices(node + ".input"):
        factor = float(cmds.getAttr("{}.weight[{}]".format(node, index))) if index in given else 1.0
        paths += [_scaled(path, factor) for path in trace("{}.input[{}]".format(node, index), seen)]
    constant = [path for path in paths if split(path.control)[0] == node]
    if constant:
        raise Refusal(node, "an input of this blend is not connected.", "Remove the input from the blendWeighted node.")
    return paths


def limits(plug: str) -> Tuple[Optional[float], Optional[float]]:
    """Minimum and maximum that the attribute itself allows, shown units; None where it sets none."""
    node, attribute = split(plug)
    name = attribute.rpartition(".")[2]
    if "[" in name or name in (cmds.aliasAttr(node, query=True) or [])[::2]:
        return None, None
    low = high = None
    if cmds.attributeQuery(name, node=node, minExists=True):
        low = float(cmds.attributeQuery(name, node=node, minimum=True)[0])
    if cmds.attributeQuery(name, node=node, maxExists=True):
        high = float(cmds.attributeQuery(name, node=node, maximum=True)[0])
    return _channel_limit(node, name, "min", low), _channel_limit(node, name, "max", high)


def _channel_limit(node: str, channel: str, end: str, otherwise: Optional[float]) -> Optional[float]:
    """The limit that a transform sets its channel (Limit Information), where it is switched on; Maya clamps there."""
    for long, short in (("translate", "Trans"), ("rotate", "Rot"), ("scale", "Scale")):
        if channel[:-1] == long:
            limit = "{}.{}{}{}Limit".format(node, end, short, channel[-1])
            enabled = limit.rpartition(".")[2] + "Enable"
            if has_attribute(node, enabled) and cmds.getAttr("{}.{}".format(node, enabled)):
                return float(cmds.getAttr(limit))
    return otherwise


def rest_value(plug: str) -> float:
    """The attribute's default, shown units; 0 for weights."""
    node, attribute = split(plug)
    name = attribute.rpartition(".")[2]
    if "[" in name or name in (cmds.aliasAttr(node, query=True) or [])[::2]:
        return 0.0
    default = (cmds.attributeQuery(name, node=node, listDefault=True) or [0.0])[0]
    return float(default) if default is not None else 0.0


def is_channel(plug: str) -> bool:
    """True for a transform's own channels. Where they rest is the rigger's choice, whatever their default is."""
    node, attribute = split(plug)
    return "transform" in kinds_of(node) and attribute.startswith(("translate", "rotate", "scale"))


def piecewise(path: Path, low: float, high: float, factor: float) -> Tuple[np.ndarray, np.ndarray]:
    """The path as points (inputs in shown units, outputs), exact where it is straight between its breaks.

    low, high: the control's range, shown units. factor: internal units of one shown unit.
    """
    inputs = {low, high}
    inputs.update(x / factor for x in path.breaks if low < x / factor < high)
    if path.curved:
        inputs.update(float(x) for x in np.linspace(low, high, _SAMPLES))
    points = np.array(sorted(inputs), np.float64)
    points = points[np.concatenate([[True], np.diff(points) > 1e-9 * max(1.0, high - low)])]
    return points, np.array([path(x * factor) for x in points])
