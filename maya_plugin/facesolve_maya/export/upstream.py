"""What drives a plug, read through Maya's arithmetic nodes as an expression of the controls. Changes nothing."""

from __future__ import annotations

from bisect import bisect_right
from typing import Callable, Dict, List, Sequence, Tuple

import maya.api.OpenMaya as om
import maya.api.OpenMayaAnim as oma
from maya import cmds

from facesolve_maya.scene.findings import Refusal
from facesolve_maya.scene.plugs import driver_of, indices, source, split
from facesolve_maya.scene.units import internal_factor

from .drivers import CURVES_OVER_TIME, DIRECT, DRIVEN_CURVES, FREE, KEYED, LAYERED, SAMPLE_REMEDY, is_control
from .expressions import Constant, ControlValue, Curve, Expression, Product, Sum
from .formulas import Unreadable, read_formula

SCENE = "scene"  # the kind of a control that the scene sets

_Seen = Tuple[str, ...]
_Reader = Callable[[str, str, _Seen], Expression]  # of a node, the output's suffix (X, R, 1D, ...), what came before


def read_expression(plug: str, seen: _Seen = ()) -> Expression:
    """What ``plug`` is, in internal units. Refusal names the node that cannot be read."""
    above = driver_of(plug)
    if above is None:
        return ControlValue(plug, FREE) if is_control(*split(plug)) or _is_weight(plug) else _stored(plug)
    if source(plug) is None:
        above = _child_of(above, plug)
    node, attribute = split(above)
    kind = cmds.nodeType(node)
    if above in seen:
        raise Refusal(node, "the connections that drive '{}' form a cycle.".format(plug), "Break the cycle.")
    seen = (*seen, above)
    if kind in CURVES_OVER_TIME or kind.startswith("animBlendNode"):
        return _animated(plug, node, KEYED if kind in CURVES_OVER_TIME else LAYERED)
    if kind in DRIVEN_CURVES:
        return _driven_curve(node, seen)
    if kind in _READERS:
        return _READERS[kind](node, _suffix(attribute), seen)
    if kind == "expression":
        return _formula(node, attribute, seen)
    if kind == "blendShape" or is_control(node, attribute):
        found = read_expression(above, seen)
        return ControlValue(found.plug, DIRECT) if isinstance(found, ControlValue) else found
    raise Refusal(node, "this {} drives '{}' in a way that cannot be read.".format(kind, plug), SAMPLE_REMEDY)


def _is_weight(plug: str) -> bool:
    return cmds.nodeType(split(plug)[0]) == "blendShape"


def _animated(plug: str, curve: str, kind: str) -> Expression:
    if is_control(*split(plug)) or _is_weight(plug):
        return ControlValue(plug, kind)
    raise Refusal(curve, "it animates '{}', which is no control.".format(plug), "Hold it still over the range.")


def _stored(plug: str) -> Constant:
    return Constant(float(cmds.getAttr(plug)) * internal_factor(plug))


def _child_of(above: str, plug: str) -> str:
    """The component of a compound that drives ``plug``, a component of the compound that it is connected to."""
    node, attribute = split(plug)
    name = attribute.rpartition(".")[2]
    siblings = cmds.attributeQuery(
        cmds.attributeQuery(name, node=node, listParent=True)[0], node=node, listChildren=True
    )
    source_node, compound = split(above)
    children = cmds.attributeQuery(compound.rpartition(".")[2].partition("[")[0], node=source_node, listChildren=True)
    if not children or len(children) != len(siblings):
        raise Refusal(plug, "its parent attribute is connected.", SAMPLE_REMEDY)
    return "{}.{}".format(source_node, children[siblings.index(name)])


def _suffix(attribute: str) -> str:
    """``X`` of ``outputX``, ``R`` of ``outColorR``, ``x`` of ``output3Dx``, ``1D`` of ``output1D``."""
    name = attribute.rpartition(".")[2]
    return "1D" if name.endswith("1D") else name[-1]


def _driven_curve(node: str, seen: _Seen) -> Expression:
    curve = oma.MFnAnimCurve(om.MSelectionList().add(node).getDependNode(0))
    keys = tuple(float(curve.input(index)) for index in range(curve.numKeys))
    if not keys:
        raise Refusal(node, "this set-driven key has no keys.", "Delete it or set its keys.")
    return Curve(read_expression(node + ".input", seen), curve.evaluate, keys)


def _unit_conversion(node: str, suffix: str, seen: _Seen) -> Expression:
    factor = float(cmds.getAttr(node + ".conversionFactor"))
    return Sum(((factor, read_expression(node + ".input", seen)),))


def _formula(node: str, attribute: str, seen: _Seen) -> Expression:
    output = int(attribute.rpartition("[")[2].rstrip("]"))
    text = cmds.getAttr(node + ".internalExpression") or ""
    try:
        return read_formula(text, output, lambda place: read_expression("{}.input[{}]".format(node, place), seen))
    except Unreadable as problem:
        raise Refusal(node, "this expression is not simple: {}.".format(problem), SAMPLE_REMEDY) from None


def _blend_weighted(node: str, suffix: str, seen: _Seen) -> Expression:
    given = indices(node + ".weight")
    terms: List[Tuple[float, Expression]] = []
    for index in indices(node + ".input"):
        value = read_expression("{}.input[{}]".format(node, index), seen)
        if index in given:
            value = Product((read_expression("{}.weight[{}]".format(node, index), seen), value))
        terms.append((1.0, value))
    return Sum(tuple(terms))


def _multiplied(node: str, suffix: str, seen: _Seen) -> Expression:
    return Product(tuple(read_expression("{}.input{}".format(node, n), seen) for n in (1, 2)))


def _added(node: str, suffix: str, seen: _Seen) -> Expression:
    return Sum(tuple((1.0, read_expression("{}.input{}".format(node, n), seen)) for n in (1, 2)))


def _multiply_divide(node: str, suffix: str, seen: _Seen) -> Expression:
    first, second = (read_expression("{}.input{}{}".format(node, n, suffix), seen) for n in (1, 2))
    operation = int(cmds.getAttr(node + ".operation"))
    if operation == 0:
        return first
    if operation == 1:
        return Product((first, second))
    if operation == 2:
        return Product((first, Curve(second, lambda x: 1.0 / x if x else 0.0)))
    if second.controls:
        raise Refusal(node, "its exponent is driven.", SAMPLE_REMEDY)
    exponent = second.value({})
    return Curve(first, lambda x: float(max(x, 0.0) ** exponent if exponent % 1 else x**exponent))


def _plus_minus(node: str, suffix: str, seen: _Seen) -> Expression:
    path = "{}.input1D[{}]" if suffix == "1D" else "{}.input3D[{}].input3D" + suffix
    places = indices(node + (".input1D" if suffix == "1D" else ".input3D"))
    values = [read_expression(path.format(node, place), seen) for place in places]
    operation = int(cmds.getAttr(node + ".operation"))
    if operation == 0:
        return values[0]
    factors = [1.0] * len(values)
    if operation == 2:
        factors[1:] = [-1.0] * (len(values) - 1)
    if operation == 3:
        factors = [1.0 / len(values)] * len(values)
    return Sum(tuple(zip(factors, values)))


def _reverse(node: str, suffix: str, seen: _Seen) -> Expression:
    return Sum(((1.0, Constant(1.0)), (-1.0, read_expression("{}.input{}".format(node, suffix), seen))))


def _blend_two(node: str, suffix: str, seen: _Seen) -> Expression:
    share = read_expression(node + ".attributesBlender", seen)
    first, second = (read_expression("{}.input[{}]".format(node, index), seen) for index in (0, 1))
    return Sum(((1.0, first), (1.0, Product((share, Sum(((1.0, second), (-1.0, first))))))))


def _clamp(node: str, suffix: str, seen: _Seen) -> Expression:
    low, high = (_steady("{}.{}{}".format(node, name, suffix), seen) for name in ("min", "max"))
    value = read_expression("{}.input{}".format(node, suffix), seen)
    return Curve(value, lambda x: min(max(x, low), high), (low, high))


def _set_range(node: str, suffix: str, seen: _Seen) -> Expression:
    names = ("min", "max", "oldMin", "oldMax")
    low, high, old_low, old_high = (_steady("{}.{}{}".format(node, name, suffix), seen) for name in names)
    value = read_expression("{}.value{}".format(node, suffix), seen)
    return _on_ramp(value, (old_low, old_high), (low, high), [(0.0, 0.0, 1), (1.0, 1.0, 1)])


def _remap_value(node: str, suffix: str, seen: _Seen) -> Expression:
    names = ("inputMin", "inputMax", "outputMin", "outputMax")
    low, high, out_low, out_high = (_steady("{}.{}".format(node, name), seen) for name in names)
    points = []
    for place in indices(node + ".value"):
        name = "{}.value[{}].value_".format(node, place)
        points.append(
            (_steady(name + "Position", seen), _steady(name + "FloatValue", seen), cmds.getAttr(name + "Interp"))
        )
    points.sort()
    if any(kind > 1 for _, _, kind in points):
        raise Refusal(node, "its ramp is smooth, which is no curve that can be read.", SAMPLE_REMEDY)
    value = read_expression(node + ".inputValue", seen)
    return _on_ramp(value, (low, high), (out_low, out_high), points or [(0.0, 0.0, 1), (1.0, 1.0, 1)])


def _on_ramp(
    value: Expression,
    span: Tuple[float, float],
    output: Tuple[float, float],
    points: Sequence[Tuple[float, float, int]],
) -> Expression:
    """A ramp of (position 0..1, height 0..1, 0 for steps or 1 for lines) over a span, flat beyond it."""
    places = [place for place, _, _ in points]
    width = span[1] - span[0]

    def at(x: float) -> float:
        share = min(max((x - span[0]) / width, 0.0), 1.0) if width else 0.0
        right = bisect_right(places, share)
        if right in (0, len(points)):
            height = points[min(right, len(points) - 1)][1]
        else:
            (left, low, kind), (beyond, high, _) = points[right - 1], points[right]
            height = low if kind == 0 else low + (high - low) * (share - left) / (beyond - left)
        return output[0] + height * (output[1] - output[0])

    return Curve(value, at, tuple(sorted(span[0] + place * width for place in {0.0, 1.0, *places})))


def _condition(node: str, suffix: str, seen: _Seen) -> Expression:
    operation = int(cmds.getAttr(node + ".operation"))
    tests: Dict[int, Callable[[float], bool]] = {
        2: lambda x: x > 0,
        3: lambda x: x >= 0,
        4: lambda x: x < 0,
        5: lambda x: x <= 0,
    }
    if operation not in tests:
        raise Refusal(node, "it compares for equality, which is no curve that can be read.", SAMPLE_REMEDY)
    first, second = (read_expression("{}.{}Term".format(node, name), seen) for name in ("first", "second"))
    test = tests[operation]
    holds = Curve(Sum(((1.0, first), (-1.0, second))), lambda x: 1.0 if test(x) else 0.0, (0.0,))
    true, false = (read_expression("{}.colorIf{}{}".format(node, name, suffix), seen) for name in ("True", "False"))
    return Sum(((1.0, false), (1.0, Product((holds, Sum(((1.0, true), (-1.0, false))))))))


def _combination(node: str, suffix: str, seen: _Seen) -> Expression:
    if int(cmds.getAttr(node + ".combinationMethod")) != 0:
        raise Refusal(node, "its combination method is no product.", SAMPLE_REMEDY)
    places = indices(node + ".inputWeight")
    return Product(tuple(read_expression("{}.inputWeight[{}]".format(node, place), seen) for place in places))


def _steady(plug: str, seen: _Seen) -> float:
    """The value of an input that no control may move."""
    found = read_expression(plug, seen)
    if found.controls:
        raise Refusal(split(plug)[0], "its {} is driven.".format(split(plug)[1]), SAMPLE_REMEDY)
    return found.value({})


_READERS: Dict[str, _Reader] = {
    "unitConversion": _unit_conversion,
    "blendWeighted": _blend_weighted,
    "multDoubleLinear": _multiplied,
    "addDoubleLinear": _added,
    "multiplyDivide": _multiply_divide,
    "plusMinusAverage": _plus_minus,
    "reverse": _reverse,
    "blendTwoAttr": _blend_two,
    "clamp": _clamp,
    "setRange": _set_range,
    "remapValue": _remap_value,
    "condition": _condition,
    "combinationShape": _combination,
}
