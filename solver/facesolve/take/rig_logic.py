"""Functions of a rig's controls in the contract: what sets targets' weights and joints' channels besides drivers.

Holds and validates data only; ``rig_evaluation`` evaluates it. Must not know torch or Maya.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping, Sequence, Tuple

import numpy as np

from .errors import TakeError

CONTROL, SIGNAL, TARGET, CHANNEL = "control", "signal", "target", "channel"
INPUT_KINDS = (CONTROL, SIGNAL)
OUTPUT_KINDS = (TARGET, CHANNEL, SIGNAL)

GRID = "grid"
PRODUCT = "multiply"
LEAST = "lowest"
SUM = "sum"
METHODS = (GRID, PRODUCT, LEAST, SUM)
MOST_AXES = 3


@dataclass(frozen=True)
class Port:
    """A number that a response reads or adds to. kind: ``control``, ``signal``, ``target`` or ``channel``; index: into
    ``Rig.controls``, ``signals``, ``targets`` or ``channels``."""

    kind: str
    index: int


@dataclass(frozen=True, eq=False)
class Response:
    """A function of few numbers, added to an output. All responses of one output add up; an output starts at 0.

    ``grid``: multilinear interpolation of ``values`` over one to three ``axes``; outside, the end cells extrapolate.
    ``multiply`` and ``lowest``: the product or the minimum of any number of inputs, times the number in
    ``values``. ``sum``: any number of inputs, each times its factor in ``values``.

    inputs: controls or signals. axes: for ``grid`` one strictly increasing (n_i,) float64, n_i >= 2, for each input,
    else (). values: (n_1, ...) float64 for ``grid``, (n,) for a ``sum`` of n inputs, else (1,).
    """

    output: Port
    inputs: Tuple[Port, ...]
    values: np.ndarray
    axes: Tuple[np.ndarray, ...] = ()
    method: str = GRID

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", np.ascontiguousarray(self.values, np.float64))
        object.__setattr__(self, "axes", tuple(np.ascontiguousarray(axis, np.float64) for axis in self.axes))

    @staticmethod
    def curve(output: Port, source: Port, inputs: Sequence[float], outputs: Sequence[float]) -> Response:
        """A piecewise linear function of one number; the end segments extrapolate."""
        return Response(output, (source,), np.asarray(outputs), (np.asarray(inputs),))

    @staticmethod
    def linear(output: Port, source: Port, factor: float) -> Response:
        """``factor`` times the source."""
        return Response.curve(output, source, (0.0, 1.0), (0.0, factor))

    @staticmethod
    def product(output: Port, sources: Sequence[Port], factor: float = 1.0) -> Response:
        """``factor`` times the product of the sources."""
        return Response(output, tuple(sources), np.array([factor]), (), PRODUCT)

    @staticmethod
    def weighted(output: Port, sources: Sequence[Port], factors: Sequence[float]) -> Response:
        """The sources, each times its factor, added up."""
        return Response(output, tuple(sources), np.asarray(factors), (), SUM)


def check_responses(responses: Sequence[Response], signals: Sequence[str], counts: Mapping[str, int]) -> None:
    """Raises TakeError for a response that is malformed or reads a signal that is not complete before it.

    counts: how many controls, signals, targets and channels there are, by kind.
    """
    if len(set(signals)) != len(signals):
        raise TakeError("rig: two signals have the same name; names must be unique.")
    last = {r.output.index: place for place, r in enumerate(responses) if r.output.kind == SIGNAL}
    for place, response in enumerate(responses):
        output = response.output
        if output.kind not in OUTPUT_KINDS or not 0 <= output.index < counts[output.kind]:
            raise TakeError("rig: a response sets {} {}, which does not exist.".format(output.kind, output.index))
        label = "the response that sets {} {}".format(output.kind, output.index)
        _check_form(response, label)
        for port in response.inputs:
            if port.kind not in INPUT_KINDS or not 0 <= port.index < counts[port.kind]:
                raise TakeError("rig: {} reads {} {}, which does not exist.".format(label, port.kind, port.index))
            if port.kind == SIGNAL and last.get(port.index, -1) >= place:
                raise TakeError(
                    "rig: {} reads signal '{}' before it is complete; list responses after what they depend on.".format(
                        label, signals[port.index]
                    )
                )


def _check_form(response: Response, label: str) -> None:
    if response.method not in METHODS:
        raise TakeError(
            "rig: {} has method '{}', expected one of {}.".format(label, response.method, ", ".join(METHODS))
        )
    if not response.inputs or not np.isfinite(response.values).all():
        raise TakeError("rig: {} needs at least one input and finite values.".format(label))
    if response.method != GRID:
        factors = len(response.inputs) if response.method == SUM else 1
        if response.axes or response.values.shape != (factors,):
            raise TakeError(
                "rig: {} needs {} and no axes.".format(
                    label, "a factor for each input" if factors > 1 else "one factor"
                )
            )
        return
    sound = len(response.axes) == len(response.inputs) <= MOST_AXES and all(
        axis.ndim == 1 and len(axis) >= 2 and np.isfinite(axis).all() and np.diff(axis).min() > 0
        for axis in response.axes
    )
    if not sound or response.values.shape != tuple(len(axis) for axis in response.axes):
        raise TakeError(
            "rig: {} needs one to three axes of at least two increasing points each, and a value for each "
            "place of the grid.".format(label)
        )
