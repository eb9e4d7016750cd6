"""Plugs that nobody could read: recorded while controls are moved, or else left as the scene has them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable, Dict, Mapping, Tuple

import numpy as np

from facesolve.take.finding import Finding
from facesolve_maya.scene.findings import Report
from facesolve_maya.scene.motion import plug_values
from facesolve_maya.scene.units import internal_factor

from .black_box import Recording, record
from .drivers import limits
from .expressions import Constant, ControlValue, Curve, Expression, Grid, Product, Sum
from .upstream import SCENE

_OVER = "Or have it solved and keyed over what drives it (Controls page, Keys; batch --over-rig NAME)."
_NOTED = 0.02  # of a plug's way: what is recorded worse than that is said


@dataclass(eq=False)
class Unread:
    """times: scene times of the take. what: how plugs are called in messages. still: whether those that the scene holds
    still are plain numbers rather than controls that are locked. sizes: centimeters that 1 of a plug moves the mesh by,
    where known."""

    times: Tuple[float, ...]
    report: Report
    what: str
    still: bool
    sizes: Mapping[str, float] = field(default_factory=dict)
    findings: Dict[str, Finding] = field(default_factory=dict)

    def put(self, plug: str, why: Finding) -> Expression:
        """Stands for a plug until it is ``settled``."""
        self.findings[plug] = why
        return ControlValue(plug, SCENE)

    def settled(self) -> Dict[str, Expression]:
        """What each plug is of the controls that drive it; else itself, as the scene sets it, with a warning."""
        if not self.findings:
            return {}
        recording = record(list(self.findings), self.times[0])
        moved = bool(recording.expressions)
        if moved:
            self._say_recorded(recording)
        return {
            plug: recording.expressions.get(plug) or self._of_scene(plug, why, quiet=moved)
            for plug, why in self.findings.items()
        }

    def _say_recorded(self, recording: Recording) -> None:
        count, left = len(recording.expressions), recording.left
        worst = max(left, key=lambda plug: left[plug] * self.sizes.get(plug, 1.0) * recording.ways[plug])
        text = "{} {} that cannot be read {} recorded while the controls were moved".format(
            count, self.what if count == 1 else self.what + "s", "was" if count == 1 else "were"
        )
        off = "{:.0%} of its way".format(left[worst])
        if worst in self.sizes:
            off = "{:.2f} mm".format(10.0 * self.sizes[worst] * recording.ways[worst] * left[worst])
        if left[worst] > _NOTED:
            self.report.warning(
                worst,
                "{}; at random poses this one is up to {} off.".format(text, off),
                "More than three controls act on each other there: expect that error where all of them are used.",
            )
        else:
            self.report.note(worst, "{}, and put back; at random poses at most {} is left.".format(text, off))

    def _of_scene(self, plug: str, why: Finding, quiet: bool) -> Expression:
        """quiet: say nothing of a plug that neither the controls nor the take moves. One with limits may still be
        solved, and keyed over what drives it."""
        values = plug_values(plug, self.times)
        held = self.still and np.ptp(values) < 1e-9 and None in limits(plug)
        constant = Constant(float(values[0]) * internal_factor(plug)) if held else None
        if quiet and constant is not None:
            return constant
        self.report.warning(
            plug,
            "this {} cannot be read: {} ('{}'); the solve leaves it as it is in the scene.".format(
                self.what, why.sentence.rstrip("."), why.subject
            ),
            why.remedy if constant is not None else "{} {}".format(why.remedy, _OVER),
        )
        return ControlValue(plug, SCENE) if constant is None else constant


def replaced(expression: Expression, change: Callable[[ControlValue], Expression]) -> Expression:
    """The expression with each of its controls replaced."""
    if isinstance(expression, ControlValue):
        return change(expression)
    if isinstance(expression, Sum):
        return Sum(tuple((factor, replaced(term, change)) for factor, term in expression.terms))
    if isinstance(expression, Product):
        return Product(tuple(replaced(factor, change) for factor in expression.factors))
    if isinstance(expression, Curve):
        return Curve(replaced(expression.source, change), expression.function, expression.breaks)
    if isinstance(expression, Grid):
        sources = tuple(replaced(source, change) for source in expression.sources)
        return Grid(sources, expression.axes, expression.values)
    return expression


def put_in(expression: Expression, settled: Mapping[str, Expression]) -> Expression:
    """The expression with what stands for unread plugs now."""
    return replaced(
        expression,
        lambda control: settled.get(control.plug, control) if control.kind == SCENE else control,
    )
