"""Curves, time, expressions, unit conversions, layers and blends of scalars."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any

from tests.maya_emulator import curve
from tests.maya_emulator.errors import EmulatorError
from tests.maya_emulator.graph import Plug
from tests.maya_emulator.node import Node

from .engine import computes
from .transforms import euler, rotation

if TYPE_CHECKING:
    from .engine import Evaluator


CONVERSION_TICKS = 6000.0  # a second, of conversion nodes, whatever the ticks of the time they convert


@computes("time", "outTime")
def out_time(engine: Evaluator, plug: Plug, time: float) -> float:
    return time


@computes("animCurve", "output")
def curve_output(engine: Evaluator, plug: Plug, time: float) -> float:
    node = plug.node
    over_time = node.type[len("animCurve")] == "T"
    if over_time:
        driver = Plug(node, (("input", None),))
        x = engine.value(driver, time) if engine.graph.source(driver) else time
    else:
        x = engine.input(plug, "input", time)
    return curve_value(engine, node, x, time)


def curve_value(engine: Evaluator, node: Node, x: float, time: float) -> float:
    """Value of the animation curve ``node`` at input ``x`` (ticks for curves over time)."""
    plug = Plug(node, (("output", None),))
    return curve.evaluate(
        node.keys,
        x,
        default_type=int(engine.input(plug, "tangentType", time)),
        weighted=bool(engine.input(plug, "weightedTangents", time)),
        pre=int(engine.input(plug, "preInfinity", time)),
        post=int(engine.input(plug, "postInfinity", time)),
        scale=1.0 / curve.TICKS_PER_SECOND if node.type[len("animCurve")] == "T" else 1.0,
    )


@computes("expression", "output")
def expression_output(engine: Evaluator, plug: Plug, time: float) -> float:
    text = engine.input(plug, "internalExpression", time) or ""
    wanted = f".O[{plug.path[-1][1]}]"
    for statement in re.split(r"[;\n]", text):
        target, _, formula = statement.partition("=")
        if target.strip() == wanted:
            return _arithmetic(engine, plug, formula.strip(), time)
    raise EmulatorError(f"expression '{plug.node.name}' does not set {wanted}: {text!r}")


def _arithmetic(engine: Evaluator, plug: Plug, formula: str, time: float) -> float:
    def number(match: re.Match[str]) -> str:
        return repr(float(engine.value(Plug(plug.node, (("input", int(match.group(1))),)), time)))

    frame = time / engine.units.ticks_per_frame
    tree = ast.parse(re.sub(r"\.I\[(\d+)\]", number, formula), mode="eval")

    def walk(node: ast.AST) -> float:
        if isinstance(node, ast.Expression):
            return walk(node.body)
        if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
            return float(node.value)
        if isinstance(node, ast.Name) and node.id in ("frame", "time"):
            return frame if node.id == "frame" else time / curve.TICKS_PER_SECOND
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -walk(node.operand)
        if isinstance(node, ast.BinOp):
            left, right = walk(node.left), walk(node.right)
            if isinstance(node.op, ast.Add):
                return left + right
            if isinstance(node.op, ast.Sub):
                return left - right
            if isinstance(node.op, ast.Mult):
                return left * right
            if isinstance(node.op, ast.Div):
                return left / right
        raise EmulatorError(f"expression '{plug.node.name}' is more than arithmetic: {formula!r}")

    return walk(tree)


@computes("unitConversion", "output")
def converted(engine: Evaluator, plug: Plug, time: float) -> float:
    return engine.input(plug, "input", time) * engine.input(plug, "conversionFactor", time)


@computes("timeToUnitConversion", "output")
def time_as_number(engine: Evaluator, plug: Plug, time: float) -> float:
    """Factors in scenes that Maya saved count 6000 ticks a second: 0.004 gives frames at 24 a second."""
    seconds = engine.input(plug, "input", time) / curve.TICKS_PER_SECOND
    return seconds * CONVERSION_TICKS * engine.input(plug, "conversionFactor", time)


@computes("unitToTimeConversion", "output")
def number_as_time(engine: Evaluator, plug: Plug, time: float) -> float:
    ticks = engine.input(plug, "input", time) * engine.input(plug, "conversionFactor", time)
    return ticks / CONVERSION_TICKS * curve.TICKS_PER_SECOND


@computes("imagePlane", "outputFrameExtension")
def shown_image(engine: Evaluator, plug: Plug, time: float) -> int:
    return engine.input(plug, "frameExtension", time) + engine.input(plug, "frameOffset", time)


@computes("multDoubleLinear", "output")
def multiplied(engine: Evaluator, plug: Plug, time: float) -> float:
    return engine.input(plug, "input1", time) * engine.input(plug, "input2", time)


@computes("remapValue", "outValue")
def remapped(engine: Evaluator, plug: Plug, time: float) -> float:
    low, high, out_low, out_high = (
        engine.input(plug, name, time) for name in ("inputMin", "inputMax", "outputMin", "outputMax")
    )
    share = min(1.0, max(0.0, (engine.input(plug, "inputValue", time) - low) / (high - low)))
    return out_low + _on_ramp(engine, plug, share, time) * (out_high - out_low)


def _on_ramp(engine: Evaluator, plug: Plug, share: float, time: float) -> float:
    """The value on the node's ramp; without points the ramp is straight."""
    points = []
    for index in engine.graph.indices(plug.node, (("value", None),)):
        place = Plug(plug.node, (("value", index),))
        points.append(
            tuple(engine.child(place, f"value_{name}", time=time) for name in ("Position", "FloatValue", "Interp"))
        )
    points.sort()
    if not points:
        return share
    before = [point for point in points if point[0] <= share]
    after = [point for point in points if point[0] > share]
    if not before or not after:
        return (before[-1] if before else after[0])[1]
    (left, low, kind), (right, high, _) = before[-1], after[0]
    if kind > 1:
        raise EmulatorError(f"'{plug.node.name}': smooth ramps are not evaluated")
    return low if kind == 0 else low + (high - low) * (share - left) / (right - left)


@computes("blendWeighted", "output")
def blended(engine: Evaluator, plug: Plug, time: float) -> float:
    total = 0.0
    for index in engine.graph.indices(plug.node, (("input", None),)):
        weight = engine.value(Plug(plug.node, (("weight", index),)), time)
        total += weight * engine.value(Plug(plug.node, (("input", index),)), time)
    return total


@computes("combinationShape", "outputWeight")
def combined(engine: Evaluator, plug: Plug, time: float) -> float:
    method = engine.input(plug, "combinationMethod", time)
    weights = [
        engine.value(Plug(plug.node, (("inputWeight", index),)), time)
        for index in engine.graph.indices(plug.node, (("inputWeight", None),))
    ]
    if method == 0:
        product = 1.0
        for weight in weights:
            product *= weight
        return product
    if method == 1:
        return min(weights)
    raise EmulatorError(f"combination method {method} is not evaluated")


@computes("animLayer", "foregroundWeight")
def foreground(engine: Evaluator, plug: Plug, time: float) -> float:
    layers = [node for node in engine.graph.order if node.type == "animLayer"]
    soloed = [node for node in layers if engine.value(Plug(node, (("solo", None),)), time)]
    silent = soloed and plug.node not in soloed
    node: Node | None = plug.node
    while node is not None:
        silent = silent or engine.value(Plug(node, (("mute", None),)), time)
        above = engine.graph.inputs.get(Plug(node, (("parentLayer", None),)))
        node = above.node if above is not None else None
    return 0.0 if silent else engine.input(plug, "weight", time)


@computes("animLayer", "backgroundWeight")
def background(engine: Evaluator, plug: Plug, time: float) -> float:
    if not engine.input(plug, "override", time):
        return 1.0
    return 1.0 - engine.value(Plug(plug.node, (("foregroundWeight", None),)), time)


@computes("animBlendNodeBase", "output")
def layered(engine: Evaluator, plug: Plug, time: float) -> Any:
    weights = engine.input(plug, "weightA", time), engine.input(plug, "weightB", time)
    return weights[0] * engine.input(plug, "inputA", time) + weights[1] * engine.input(plug, "inputB", time)


@computes("animBlendNodeAdditiveRotation", "output")
def layered_rotation(engine: Evaluator, plug: Plug, time: float) -> tuple[float, ...]:
    """Accumulation by component: each axis is a weighted sum. By layer, only whole weights are offered."""
    weight_a, weight_b = engine.input(plug, "weightA", time), engine.input(plug, "weightB", time)
    a, b = engine.input(plug, "inputA", time), engine.input(plug, "inputB", time)
    if engine.input(plug, "accumulationMode", time) == 0 or weight_a == 0 or weight_b == 0:
        return tuple(weight_a * x + weight_b * y for x, y in zip(a, b, strict=True))
    if weight_a == weight_b == 1:
        order = engine.input(plug, "rotateOrder", time)
        return euler(rotation(b, order) @ rotation(a, order), order)
    raise EmulatorError(f"'{plug.node.name}' blends rotations by layer with a partial weight")
