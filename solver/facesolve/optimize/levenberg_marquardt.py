"""Levenberg-Marquardt with bounds, for a batch of independent problems: the only such loop. Knows nothing about faces.

A fit says what is fitted: how the cost looks around a state (``linearize``), how a state is stepped, and how far a step
may go. The loop damps the model of the cost, takes the bounded step to its minimum, and keeps it where the cost agrees
(Levenberg 1944, Marquardt 1963; Madsen, Nielsen & Tingleff 2004, "Methods for non-linear least squares problems").

Nothing waits for a GPU within a step, so a fit of tensors may be recorded and replayed (``captured``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import Tensor

from .box import solve_box
from .nested import chosen, copied

FLOOR = 1e-9  # of the largest diagonal entry, and in the matrix' own unit: directions that nothing determines
RISING_FLOORS = (FLOOR, 1e-7, 1e-5, 1e-3)

State = TypeVar("State")
Output = TypeVar("Output")
Model = TypeVar("Model", bound="LocalModel")
Model_co = TypeVar("Model_co", bound="LocalModel", covariant=True)
Bounds = tuple[Tensor, Tensor]


@dataclass(frozen=True, eq=False)
class Options:
    """How a fit is run.

    iterations: most steps that are tried. first_damping: share of the diagonal that is added to it; it is multiplied
    with ``up`` after a step that is taken back and with ``down`` after one that is kept, but not below
    ``least_damping``. Beyond ``most_damping`` a problem is given up.
    cost_tolerance: share by which a step may raise the cost and still be kept. step_tolerance: a problem has converged
    when no unknown would move by as much, one number or one for each unknown (P,), in its unit. small_decrease: share
    of the cost; a problem has converged when a kept step lowers it by less.
    box_rounds: most rounds of the bounded step, None until it is exact. floor: see ``regularized``.
    waits: ask a GPU after each step whether all problems have converged; only worth its while for long steps.
    """

    iterations: int
    first_damping: float = 1e-4
    up: float = 10.0
    down: float = 0.3
    least_damping: float = 0.0
    most_damping: float = float("inf")
    cost_tolerance: float = 0.0
    step_tolerance: float | Tensor = 0.0
    small_decrease: float = 0.0
    box_rounds: int | None = None
    floor: float = FLOOR
    waits: bool = False


class LocalModel(Protocol):
    """The cost (*batch) around a state and the robust scale that it was judged by, None if there is none."""

    @property
    def cost(self) -> Tensor: ...

    @property
    def scale(self) -> Tensor | None: ...

    def damped_step(self, damping: Tensor, bounds: Bounds | None, options: Options) -> Tensor:
        """The step (*batch, P) to the minimum of the model with the diagonal raised by damping (*batch)."""
        ...


class Fit(Protocol[State, Model_co]):
    """What is fitted. Tensors of states and models have the batch's dimensions first, (B,) or none for one problem.

    With one problem on a CPU a state may be anything.
    """

    def linearize(self, state: State, scale: Tensor | None) -> Model_co:
        """The model at a state. scale: the robust scale to judge by, or None to take it from the residuals."""
        ...

    def stepped(self, state: State, step: Tensor) -> State:
        """The state after a step (*batch, P)."""
        ...

    def bounds(self, state: State) -> Bounds | None:
        """Least and largest step (*batch, P) from a state, infinities allowed; None where nothing is bounded."""
        ...


@dataclass(frozen=True, eq=False)
class Linearized:
    """The usual model, a parabola: A (*batch, P, P) positive semidefinite, b (*batch, P) = -gradient, cost (*batch)."""

    A: Tensor
    b: Tensor
    cost: Tensor
    scale: Tensor | None

    def damped_step(self, damping: Tensor, bounds: Bounds | None, options: Options) -> Tensor:
        """See ``LocalModel``."""
        size = self.b.shape[-1]
        A = regularized(self.A, damping, options.floor).view(-1, size, size)
        if bounds is None:
            bounds = torch.full_like(self.b, -torch.inf), torch.full_like(self.b, torch.inf)
        b, lower, upper = (part.reshape(-1, size) for part in (self.b, *bounds))
        return solve_box(A, b, lower, upper, options.box_rounds).view_as(self.b)


def regularized(A: Tensor, damping: Tensor | float = 0.0, floor: float = FLOOR) -> Tensor:
    """Matrices (..., P, P) with the diagonal raised by its share ``damping`` (...) and by a floor.

    The floor keeps a matrix positive definite in directions that nothing determines.
    """
    diagonal = A.diagonal(dim1=-2, dim2=-1)
    share = damping[..., None] if isinstance(damping, Tensor) else damping
    raised = share * diagonal + floor * diagonal.amax(-1, keepdim=True) + floor
    A = A.clone()
    A.diagonal(dim1=-2, dim2=-1).add_(raised)
    return A


def factor_of(A: Tensor) -> Tensor:
    """The lower Cholesky factor of (P, P), whose diagonal is raised as little as that takes.

    Rounding leaves a matrix of many orders of magnitude not quite positive definite. Raises ArithmeticError for one
    that no floor makes so, such as one with NaN.
    """
    for floor in RISING_FLOORS:
        factor, failed = torch.linalg.cholesky_ex(regularized(A, floor=floor))
        if not failed:
            return factor
    raise ArithmeticError("the matrix is not positive definite")


class Stop(Enum):
    """Why the fit of a problem ended."""

    ITERATIONS = "all iterations were used"
    CONVERGED = "the step or the decrease of the cost became too small to matter"
    DAMPING = "the damping became too large: no step lowers the cost"


@dataclass(frozen=True, eq=False)
class Result(Generic[State, Model]):
    """Where a fit ended. state, model: the best found. damping: (*batch) for a further step.

    converged, given_up: (*batch) bool. costs, dampings: (n + 1, *batch) before the first and after each step tried.
    """

    state: State
    model: Model
    damping: Tensor
    converged: Tensor
    given_up: Tensor
    costs: Tensor
    dampings: Tensor

    def reasons(self) -> list[Stop]:
        """Why each problem of the batch stopped; waits for the device."""
        pairs = zip(self.converged.flatten().tolist(), self.given_up.flatten().tolist(), strict=True)
        return [Stop.DAMPING if lost else Stop.CONVERGED if settled else Stop.ITERATIONS for settled, lost in pairs]


class Capture(Protocol):
    """Wraps a step function(given, now) for replay. given: what a fit is made from; now: where it is.

    What the wrapped function returns may be written over by its next call.
    """

    def __call__(self, function: Callable[[Any, Any], Output]) -> Callable[[Any, Any], Output]: ...


def uncaptured(function: Callable[[Any, Any], Output]) -> Callable[[Any, Any], Output]:
    """Records nothing."""
    return function


def levenberg_marquardt(
    fit: Fit[State, Model], start: State, options: Options, captured: Capture = uncaptured
) -> Result[State, Model]:
    """Minimizes the cost of a batch of problems from a state on; no problem's result depends on the others.

    The robust scale is that of the start, so that costs compare. captured: how steps are recorded, if they are.
    """
    given = (fit, options)
    begin, step = captured(_begun), captured(_stepped)
    now: _Iterate[State, Model] = begin(given, start)
    costs, dampings = [now.model.cost.clone()], [now.damping.clone()]
    for _ in range(options.iterations):
        if known_to_hold(now.done, options.waits):
            break
        now = step(given, now)
        costs.append(now.model.cost.clone())
        dampings.append(now.damping.clone())
    now = copied(now)  # out of the memory of a recording
    given_up = now.damping > options.most_damping
    return Result(
        now.state, now.model, now.damping, now.done & ~given_up, given_up, torch.stack(costs), torch.stack(dampings)
    )


def known_to_hold(flags: Tensor, wait: bool = False) -> bool:
    """Whether all flags (bool) hold; where that is not known without waiting for a device: False, unless ``wait``."""
    return (wait or flags.device.type == "cpu") and bool(flags.all())


@dataclass(frozen=True, eq=False)
class _Iterate(Generic[State, Model]):
    """Where a fit is. damping: (*batch); done: (*batch) bool."""

    state: State
    model: Model
    damping: Tensor
    done: Tensor


def _begun(given: tuple[Fit[State, Model], Options], start: State) -> _Iterate[State, Model]:
    fit, options = given
    model = fit.linearize(start, None)
    damping = torch.full_like(model.cost, options.first_damping)
    return _Iterate(start, model, damping, torch.zeros_like(damping, dtype=torch.bool))


def _stepped(given: tuple[Fit[State, Model], Options], now: _Iterate[State, Model]) -> _Iterate[State, Model]:
    fit, options = given
    step = now.model.damped_step(now.damping, fit.bounds(now.state), options)
    done = now.done
    if isinstance(options.step_tolerance, Tensor) or options.step_tolerance > 0:
        done = done | (step.abs() < options.step_tolerance).all(-1)
    if known_to_hold(done):
        return replace(now, done=done)
    state = fit.stepped(now.state, step)
    model = fit.linearize(state, now.model.scale)
    # a matrix that rounding left indefinite gives a step that is not finite: more damping mends it
    better = ~done & torch.isfinite(step).all(-1) & (model.cost <= now.model.cost * (1 + options.cost_tolerance))
    damping = now.damping * torch.where(better, options.down, options.up)
    if options.least_damping > 0:
        damping = damping.clamp_min(options.least_damping)
    if options.small_decrease > 0:
        done = done | (better & (now.model.cost - model.cost < options.small_decrease * now.model.cost))
    if options.most_damping < float("inf"):
        done = done | (damping > options.most_damping)
    return _Iterate(chosen(now.state, state, better), chosen(now.model, model, better), damping, done)
