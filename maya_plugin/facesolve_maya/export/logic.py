"""Expressions of the rig's controls as the contract's responses. Knows no scene."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, List, Mapping, Tuple

from facesolve.take import Control
from facesolve.take.rig_logic import CONTROL, SIGNAL, Port, Response

from .expressions import ControlValue, Curve, Expression, Grid, Product, Sum, corners, piecewise_linear

_TOLERANCE = 1e-5  # of an output's whole way: a curve's straight lines stay nearer than that


@dataclass(eq=False)
class Logic:
    """Responses and signals, as far as they are written.

    controls: by plug. factors: internal units of one shown unit, by plug.
    """

    controls: Mapping[str, Tuple[int, Control]]
    factors: Mapping[str, float]
    signals: List[str] = field(default_factory=list)
    responses: List[Response] = field(default_factory=list)
    _known: Dict[int, Tuple[Expression, Port]] = field(default_factory=dict)

    def add(self, expression: Expression, output: Port, factor: float = 1.0) -> float:
        """Makes ``output`` follow ``factor`` times the expression; returns what is constant in it and left out."""
        plugs = expression.controls
        if not plugs:
            return factor * expression.value({})
        if isinstance(expression, ControlValue):
            scale = factor * self.factors[expression.plug]
            self.responses.append(Response.linear(output, self._control(expression.plug), scale))
        elif isinstance(expression, Grid):
            self._grid(expression, output, factor)
        elif len(plugs) == 1:
            self._curve_of_control(expression, output, factor)
        elif isinstance(expression, Sum):
            return sum(self.add(term, output, factor * weight) for weight, term in expression.terms)
        elif isinstance(expression, Product):
            self._product(expression, output, factor)
        else:
            assert isinstance(expression, Curve)
            self._curve_of_signal(expression, output, factor)
        return 0.0

    def add_whole(self, expression: Expression, output: Port) -> None:
        """As ``add``, with what is constant."""
        constant = self.add(expression, output)
        if constant and self.controls:
            port = self._control(sorted(expression.controls or self.controls)[0])
            self.responses.append(Response.curve(output, port, (0.0, 1.0), (constant, constant)))

    def internal_ranges(self) -> Dict[str, Tuple[float, float]]:
        """Lowest and highest value of every control, internal units."""
        return {
            plug: (control.minimum * self.factors[plug], control.maximum * self.factors[plug])
            for plug, (_, control) in self.controls.items()
        }

    def _control(self, plug: str) -> Port:
        return Port(CONTROL, self.controls[plug][0])

    def _curve_of_control(self, expression: Expression, output: Port, factor: float) -> None:
        """Everything that depends on a single control is one curve, however it is made."""
        (plug,) = expression.controls
        unit, control = self.factors[plug], self.controls[plug][1]
        breaks = [place / unit for place in corners(expression).get(plug, ())]

        def shown(x: float) -> float:
            return factor * expression.value({plug: x * unit})

        low, high = (abs(factor) * end for end in expression.bounds(self.internal_ranges()))
        tolerance = max(_TOLERANCE * (high - low), 1e-12)
        inputs, values = piecewise_linear(shown, control.minimum, control.maximum, tolerance, breaks)
        self.responses.append(Response.curve(output, self._control(plug), inputs.tolist(), values.tolist()))

    def _curve_of_signal(self, expression: Curve, output: Port, factor: float) -> None:
        low, high = expression.source.bounds(self.internal_ranges())
        bottom, top = expression.bounds(self.internal_ranges())
        port = self._whole(expression.source)
        if high - low < 1e-12:
            high = low + 1.0

        def scaled(x: float) -> float:
            return factor * expression.function(x)

        tolerance = max(_TOLERANCE * abs(factor) * (top - bottom), 1e-12)
        inputs, values = piecewise_linear(scaled, low, high, tolerance, expression.breaks)
        self.responses.append(Response.curve(output, port, inputs.tolist(), values.tolist()))

    def _grid(self, expression: Grid, output: Port, factor: float) -> None:
        ports, axes = [], []
        for source, axis in zip(expression.sources, expression.axes):
            if isinstance(source, ControlValue):
                ports.append(self._control(source.plug))
                axes.append(axis / self.factors[source.plug])
            else:
                ports.append(self._whole(source))
                axes.append(axis)
        self.responses.append(Response(output, tuple(ports), factor * expression.values, tuple(axes)))

    def _product(self, expression: Product, output: Port, factor: float) -> None:
        ports: List[Port] = []
        for part in expression.factors:
            if not part.controls:
                factor *= part.value({})
                continue
            if isinstance(part, ControlValue):
                factor *= self.factors[part.plug]
                ports.append(self._control(part.plug))
            else:
                ports.append(self._whole(part))
        self.responses.append(Response.product(output, ports, factor))

    def _whole(self, expression: Expression) -> Port:
        """The signal that is the expression."""
        known = self._known.get(id(expression))
        if known is not None:
            return known[1]
        port = Port(SIGNAL, len(self.signals))
        self.signals.append("signal {}".format(len(self.signals) + 1))
        self.add_whole(expression, port)
        self._known[id(expression)] = (expression, port)  # the expression is kept, so that its id stays its own
        return port
