"""What a number of the rig is of other numbers: sums, products and curves of controls. Knows no scene."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Dict, FrozenSet, List, Mapping, Sequence, Tuple

import numpy as np

Function = Callable[[float], float]
_BOUND_SAMPLES = 129  # at which a curve's lowest and highest values are looked for
_FIRST_SAMPLES = 33  # of a curve, before it is looked at more closely where it bends
_DEEPEST = 16  # halvings of an interval: what bends within it is taken for a corner


class Expression:
    """A number, in internal units, of the plugs of controls."""

    @property
    def controls(self) -> FrozenSet[str]:
        """The plugs that it depends on."""
        raise NotImplementedError

    def value(self, at: Mapping[str, float]) -> float:
        """Its value where the controls are ``at``."""
        raise NotImplementedError

    def bounds(self, ranges: Mapping[str, Tuple[float, float]]) -> Tuple[float, float]:
        """Between what it lies when the controls are in their ranges."""
        raise NotImplementedError


@dataclass(frozen=True)
class ControlValue(Expression):
    """A control's plug itself. kind: how the plug is set, as ``drivers`` says it."""

    plug: str
    kind: str

    @property
    def controls(self) -> FrozenSet[str]:
        return frozenset((self.plug,))

    def value(self, at: Mapping[str, float]) -> float:
        return at[self.plug]

    def bounds(self, ranges: Mapping[str, Tuple[float, float]]) -> Tuple[float, float]:
        return ranges[self.plug]


@dataclass(frozen=True)
class Constant(Expression):
    """A number that nothing moves."""

    number: float

    @property
    def controls(self) -> FrozenSet[str]:
        return frozenset()

    def value(self, at: Mapping[str, float]) -> float:
        return self.number

    def bounds(self, ranges: Mapping[str, Tuple[float, float]]) -> Tuple[float, float]:
        return self.number, self.number


@dataclass(frozen=True, eq=False)
class Sum(Expression):
    """Terms, each with its factor."""

    terms: Tuple[Tuple[float, Expression], ...]

    @property
    def controls(self) -> FrozenSet[str]:
        return frozenset().union(*(term.controls for _, term in self.terms))

    def value(self, at: Mapping[str, float]) -> float:
        return sum(factor * term.value(at) for factor, term in self.terms)

    def bounds(self, ranges: Mapping[str, Tuple[float, float]]) -> Tuple[float, float]:
        ends = [sorted(factor * end for end in term.bounds(ranges)) for factor, term in self.terms]
        return sum(end[0] for end in ends), sum(end[1] for end in ends)


@dataclass(frozen=True, eq=False)
class Product(Expression):
    """Two factors or more."""

    factors: Tuple[Expression, ...]

    @property
    def controls(self) -> FrozenSet[str]:
        return frozenset().union(*(factor.controls for factor in self.factors))

    def value(self, at: Mapping[str, float]) -> float:
        product = 1.0
        for factor in self.factors:
            product *= factor.value(at)
        return product

    def bounds(self, ranges: Mapping[str, Tuple[float, float]]) -> Tuple[float, float]:
        corners = [1.0]
        for factor in self.factors:
            corners = [corner * end for corner in corners for end in factor.bounds(ranges)]
        return min(corners), max(corners)


@dataclass(frozen=True, eq=False)
class Curve(Expression):
    """A function of one other number. breaks: inputs at which it has a corner."""

    source: Expression
    function: Function
    breaks: Tuple[float, ...] = ()

    @property
    def controls(self) -> FrozenSet[str]:
        return self.source.controls

    def value(self, at: Mapping[str, float]) -> float:
        return self.function(self.source.value(at))

    def bounds(self, ranges: Mapping[str, Tuple[float, float]]) -> Tuple[float, float]:
        low, high = self.source.bounds(ranges)
        inputs = [*np.linspace(low, high, _BOUND_SAMPLES), *(x for x in self.breaks if low < x < high)]
        values = [self.function(float(x)) for x in inputs]
        return min(values), max(values)


@dataclass(frozen=True, eq=False)
class Grid(Expression):
    """Multilinear interpolation of values (n, m, ...) on a grid of two or three numbers."""

    sources: Tuple[Expression, ...]
    axes: Tuple[np.ndarray, ...]
    values: np.ndarray

    @property
    def controls(self) -> FrozenSet[str]:
        return frozenset().union(*(source.controls for source in self.sources))

    def value(self, at: Mapping[str, float]) -> float:
        values = self.values
        for source, axis in zip(self.sources[::-1], self.axes[::-1]):
            values = np.apply_along_axis(
                lambda row, x, places: np.interp(x, places, row), -1, values, source.value(at), axis
            )
        return float(values)

    def bounds(self, ranges: Mapping[str, Tuple[float, float]]) -> Tuple[float, float]:
        return float(self.values.min()), float(self.values.max())


def piecewise_linear(
    function: Function, low: float, high: float, tolerance: float, breaks: Sequence[float] = ()
) -> Tuple[np.ndarray, np.ndarray]:
    """Points (n,), (n,) between which straight lines stay within ``tolerance`` of a function on low..high."""
    inputs = sorted(
        {low, high, *(float(x) for x in np.linspace(low, high, _FIRST_SAMPLES)), *_inside(breaks, low, high)}
    )
    known = [(x, function(x)) for x in inputs]
    points = [known[0]]
    for after in known[1:]:
        points += _between(function, points[-1], after, tolerance, _DEEPEST)
        points.append(after)
    return _without_straight(points, 0.01 * tolerance)


def _inside(values: Sequence[float], low: float, high: float) -> List[float]:
    return [float(value) for value in values if low < value < high]


def _between(
    function: Function, before: Tuple[float, float], after: Tuple[float, float], tolerance: float, depth: int
) -> List[Tuple[float, float]]:
    """Points that an interval needs in between."""
    middle = 0.5 * (before[0] + after[0])
    value = function(middle)
    if depth == 0 or abs(value - 0.5 * (before[1] + after[1])) <= tolerance:
        return []
    here = (middle, value)
    left = _between(function, before, here, tolerance, depth - 1)
    return [*left, here, *_between(function, here, after, tolerance, depth - 1)]


def _without_straight(points: List[Tuple[float, float]], tolerance: float) -> Tuple[np.ndarray, np.ndarray]:
    """The points that a straight line from the last kept one to a later one does not pass through."""
    kept, first = [points[0]], 0
    for index in range(1, len(points) - 1):
        (x0, y0), (x2, y2) = points[first], points[index + 1]
        passed = points[first + 1 : index + 1]
        if any(abs(y0 + (y2 - y0) * (x - x0) / (x2 - x0) - y) > tolerance for x, y in passed):
            kept.append(points[index])
            first = index
    kept.append(points[-1])
    inputs, values = zip(*kept)
    return np.array(inputs, np.float64), np.array(values, np.float64)


def corners(expression: Expression) -> Dict[str, List[float]]:
    """Where curves directly on a control have corners, in internal units, by the control's plug."""
    found: Dict[str, List[float]] = {}
    if isinstance(expression, Curve):
        affine = _affine(expression.source)
        if affine is not None and affine[1]:
            plug, factor, offset = affine
            found.setdefault(plug, []).extend((x - offset) / factor for x in expression.breaks)
        parts: Tuple[Expression, ...] = (expression.source,)
    elif isinstance(expression, Sum):
        parts = tuple(term for _, term in expression.terms)
    else:
        parts = expression.factors if isinstance(expression, Product) else ()
    for part in parts:
        for plug, places in corners(part).items():
            found.setdefault(plug, []).extend(places)
    return found


def _affine(expression: Expression) -> "Tuple[str, float, float] | None":
    """(plug, factor, offset) of an expression that is straight in one control."""
    if isinstance(expression, ControlValue):
        return expression.plug, 1.0, 0.0
    if not isinstance(expression, Sum):
        return None
    plug, factor, offset = "", 0.0, 0.0
    for weight, term in expression.terms:
        if isinstance(term, Constant):
            offset += weight * term.number
            continue
        inner = _affine(term)
        if inner is None or plug not in ("", inner[0]):
            return None
        plug, factor, offset = inner[0], factor + weight * inner[1], offset + weight * inner[2]
    return (plug, factor, offset) if plug else None
