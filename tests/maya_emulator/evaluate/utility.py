"""Arithmetic nodes of rigs, by the formulas of Maya's node reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tests.maya_emulator.errors import EmulatorError
from tests.maya_emulator.graph import Plug

from .engine import computes

if TYPE_CHECKING:
    from .engine import Evaluator

Numbers = tuple[float, ...]


def _elements(engine: Evaluator, plug: Plug, name: str, time: float) -> list:
    return [
        engine.value(Plug(plug.node, ((name, index),)), time)
        for index in engine.graph.indices(plug.node, ((name, None),))
    ]


@computes("multiplyDivide", "output")
def multiplied_or_divided(engine: Evaluator, plug: Plug, time: float) -> Numbers:
    first, second = engine.input(plug, "input1", time), engine.input(plug, "input2", time)
    operation = engine.input(plug, "operation", time)
    pairs = list(zip(first, second, strict=True))
    if operation == 0:
        return tuple(first)
    if operation == 1:
        return tuple(a * b for a, b in pairs)
    if operation == 2:
        return tuple(a / b if b else 0.0 for a, b in pairs)
    return tuple(a**b for a, b in pairs)


@computes("condition", "outColor")
def chosen(engine: Evaluator, plug: Plug, time: float) -> Numbers:
    first, second = engine.input(plug, "firstTerm", time), engine.input(plug, "secondTerm", time)
    holds = (first == second, first != second, first > second, first >= second, first < second, first <= second)
    return engine.input(plug, "colorIfTrue" if holds[engine.input(plug, "operation", time)] else "colorIfFalse", time)


@computes("clamp", "output")
def clamped(engine: Evaluator, plug: Plug, time: float) -> Numbers:
    low, high, value = (engine.input(plug, name, time) for name in ("min", "max", "input"))
    return tuple(min(max(x, a), b) for x, a, b in zip(value, low, high, strict=True))


@computes("setRange", "outValue")
def ranged(engine: Evaluator, plug: Plug, time: float) -> Numbers:
    names = ("value", "min", "max", "oldMin", "oldMax")
    out = []
    for value, low, high, old_low, old_high in zip(*(engine.input(plug, name, time) for name in names), strict=True):
        share = (min(max(value, old_low), old_high) - old_low) / (old_high - old_low) if old_high != old_low else 0.0
        out.append(low + share * (high - low))
    return tuple(out)


@computes("plusMinusAverage", "output1D")
def added(engine: Evaluator, plug: Plug, time: float) -> float:
    return _added(engine, plug, _elements(engine, plug, "input1D", time), time)


@computes("plusMinusAverage", "output3D")
def added_by_axis(engine: Evaluator, plug: Plug, time: float) -> Numbers:
    return tuple(
        _added(engine, plug, axis, time) for axis in zip(*_elements(engine, plug, "input3D", time), strict=True)
    )


def _added(engine: Evaluator, plug: Plug, values: Sequence[float], time: float) -> float:
    operation = engine.input(plug, "operation", time)
    if operation == 0:
        return values[0]
    if operation == 2:
        return values[0] - sum(values[1:])
    return sum(values) / (len(values) if operation == 3 else 1)


@computes("reverse", "output")
def reversed_(engine: Evaluator, plug: Plug, time: float) -> Numbers:
    return tuple(1.0 - value for value in engine.input(plug, "input", time))


@computes("addDoubleLinear", "output")
def sum_of_two(engine: Evaluator, plug: Plug, time: float) -> float:
    return engine.input(plug, "input1", time) + engine.input(plug, "input2", time)


@computes("blendTwoAttr", "output")
def between_two(engine: Evaluator, plug: Plug, time: float) -> float:
    values = _elements(engine, plug, "input", time)
    if len(values) != 2:
        raise EmulatorError(f"'{plug.node.name}' blends {len(values)} inputs, not 2")
    share = engine.input(plug, "attributesBlender", time)
    return (1.0 - share) * values[0] + share * values[1]
