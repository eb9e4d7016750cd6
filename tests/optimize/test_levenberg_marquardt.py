"""The loop that every fit runs: it finds minima, within bounds, each problem for itself, and says why it stopped."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch import Tensor

from facesolve.optimize.levenberg_marquardt import (
    Linearized,
    Options,
    Stop,
    factor_of,
    levenberg_marquardt,
    regularized,
)

STARTS = torch.tensor([[-1.2, 1.0], [0.0, 0.0], [2.0, -1.0]], dtype=torch.float64)
TOLERANCE = Options(60, step_tolerance=1e-9)


@dataclass(frozen=True, eq=False)
class Valley:
    """Rosenbrock's curved valley with its lowest point at (1, 1), for a batch of starts (B, 2)."""

    lower: float = -np.inf
    upper: float = np.inf

    def linearize(self, at: Tensor, scale: Tensor | None) -> Linearized:
        x, y = at.unbind(1)
        residual = torch.stack([10 * (y - x**2), 1 - x], 1)
        zero = torch.zeros_like(x)
        J = torch.stack([torch.stack([-20 * x, zero + 10], 1), torch.stack([zero - 1, zero], 1)], 1)
        b = -(J.mT @ residual[..., None])[..., 0]
        return Linearized(J.mT @ J, b, 0.5 * residual.square().sum(1), None)

    def stepped(self, at: Tensor, step: Tensor) -> Tensor:
        return at + step

    def bounds(self, at: Tensor) -> tuple[Tensor, Tensor] | None:
        return None if np.isinf(self.upper) else (self.lower - at, self.upper - at)


def test_every_problem_of_a_batch_finds_its_minimum():
    end = levenberg_marquardt(Valley(), STARTS, TOLERANCE)
    torch.testing.assert_close(end.state, torch.ones_like(STARTS))
    assert end.reasons() == [Stop.CONVERGED] * 3


def test_no_problem_depends_on_the_others_of_its_batch():
    together = levenberg_marquardt(Valley(), STARTS, Options(7))
    for row in range(3):
        alone = levenberg_marquardt(Valley(), STARTS[row : row + 1], Options(7))
        torch.testing.assert_close(together.state[row], alone.state[0])
        torch.testing.assert_close(together.costs[:, row], alone.costs[:, 0])


def test_bounds_hold_on_the_way_and_at_the_end():
    end = levenberg_marquardt(Valley(-2.0, 0.5), STARTS[:2], TOLERANCE)
    assert (end.state <= 0.5).all()
    torch.testing.assert_close(end.state, torch.tensor([[0.5, 0.25]] * 2).double())


def test_the_history_holds_costs_and_dampings_before_and_after_each_step():
    end = levenberg_marquardt(Valley(), STARTS, Options(5, first_damping=1e-2))
    assert end.costs.shape == end.dampings.shape == (6, 3)
    torch.testing.assert_close(end.costs[0], Valley().linearize(STARTS, None).cost)
    torch.testing.assert_close(end.costs[-1], end.model.cost)
    assert (end.costs[1:] <= end.costs[:-1]).all()
    steps = end.dampings[1:] / end.dampings[:-1]
    kept = end.costs[1:] < end.costs[:-1]
    torch.testing.assert_close(steps, torch.where(kept, 0.3, 10.0).double())
    assert end.reasons() == [Stop.ITERATIONS] * 3


def test_a_model_at_the_end_is_that_of_the_state_at_the_end():
    end = levenberg_marquardt(Valley(), STARTS, Options(4))
    torch.testing.assert_close(end.model.b, Valley().linearize(end.state, None).b)


@dataclass(frozen=True, eq=False)
class Uphill(Valley):
    """A model whose every step leads up."""

    def linearize(self, at: Tensor, scale: Tensor | None) -> Linearized:
        true = super().linearize(at, scale)
        return replace(true, b=-true.b)


def test_a_problem_without_a_step_that_helps_is_given_up_where_it_began():
    end = levenberg_marquardt(Uphill(), STARTS, Options(90, most_damping=1e8))
    assert end.reasons() == [Stop.DAMPING] * 3
    assert torch.equal(end.state, STARTS)
    assert len(end.costs) < 20


@dataclass(frozen=True, eq=False)
class Lifted(Valley):
    """The valley, whose lowest point costs 1."""

    def linearize(self, at: Tensor, scale: Tensor | None) -> Linearized:
        true = super().linearize(at, scale)
        return replace(true, cost=true.cost + 1)


def test_a_small_decrease_ends_a_fit():
    soon, late = (levenberg_marquardt(Lifted(), STARTS, Options(60, small_decrease=share)) for share in (1e-2, 1e-12))
    assert soon.reasons() == late.reasons() == [Stop.CONVERGED] * 3
    assert len(soon.costs) < len(late.costs) < 60
    torch.testing.assert_close(late.state, torch.ones_like(STARTS))


def test_a_step_tolerance_may_differ_between_unknowns():
    strict, loose = (
        levenberg_marquardt(Valley(), STARTS, Options(60, step_tolerance=torch.tensor([1e-8, second]).double()))
        for second in (1e-8, 10.0)
    )
    assert len(loose.costs) <= len(strict.costs)
    either = levenberg_marquardt(Valley(), STARTS, Options(60, step_tolerance=torch.tensor([10.0, 10.0]).double()))
    assert torch.equal(either.state, STARTS), "no step was worth taking"


@dataclass(frozen=True, eq=False)
class Scaled:
    """One number towards 0, whose cost is in units of a scale that depends on where it is first asked."""

    def linearize(self, at: Tensor, scale: Tensor | None) -> Linearized:
        scale = at.abs() if scale is None else scale
        return Linearized(1 / scale[..., None, None] ** 2, -at[..., None] / scale[..., None] ** 2, at**2 / 2, scale)

    def stepped(self, at: Tensor, step: Tensor) -> Tensor:
        return at + step[..., 0]

    def bounds(self, at: Tensor) -> None:
        return None


def test_the_scale_stays_that_of_the_start():
    start = torch.tensor([3.0, 5.0], dtype=torch.float64)
    end = levenberg_marquardt(Scaled(), start, Options(4))
    assert end.model.scale is not None
    assert end.model.scale.tolist() == [3.0, 5.0]


@dataclass(frozen=True, eq=False)
class Arrays:
    """A single problem whose state is no tensor."""

    def linearize(self, at: dict[str, float], scale: Tensor | None) -> Linearized:
        off = torch.tensor([at["x"] - 2.0, at["y"] + 1.0], dtype=torch.float64)
        return Linearized(torch.eye(2).double(), -off, 0.5 * (off**2).sum(), None)

    def stepped(self, at: dict[str, float], step: Tensor) -> dict[str, float]:
        x, y = step.tolist()
        return {"x": at["x"] + x, "y": at["y"] + y}

    def bounds(self, at: dict[str, float]) -> None:
        return None


def test_the_state_of_a_single_problem_may_be_anything():
    end = levenberg_marquardt(Arrays(), {"x": 0.0, "y": 0.0}, Options(20, step_tolerance=1e-12))
    assert end.state == pytest.approx({"x": 2.0, "y": -1.0})
    assert end.reasons() == [Stop.CONVERGED]


def test_a_step_that_raises_the_cost_a_little_is_kept_only_where_that_is_allowed():
    start = torch.tensor([1.0, 1.0], dtype=torch.float64)[None]

    @dataclass(frozen=True, eq=False)
    class Misled(Valley):
        def linearize(self, at: Tensor, scale: Tensor | None) -> Linearized:
            true = super().linearize(at, scale)
            return replace(true, b=true.b + 1e-3, cost=true.cost + 1.0)

    strict = levenberg_marquardt(Misled(), start, Options(1))
    lenient = levenberg_marquardt(Misled(), start, Options(1, cost_tolerance=1e-2))
    assert torch.equal(strict.state, start)
    assert not torch.equal(lenient.state, start)


def test_regularized_raises_the_diagonal_alone_and_makes_singular_matrices_solvable():
    A = torch.diag_embed(torch.tensor([[4.0, 0.0], [9.0, 1.0]], dtype=torch.float64))
    A[0, 0, 1] = A[0, 1, 0] = 0.0
    raised = regularized(A, torch.tensor([0.5, 0.0]).double())
    torch.testing.assert_close(raised.diagonal(dim1=1, dim2=2), torch.tensor([[6.0, 5e-9], [9.0, 1.0]]).double())
    assert not (raised - torch.diag_embed(raised.diagonal(dim1=1, dim2=2))).any()
    assert torch.linalg.cholesky_ex(raised)[1].tolist() == [0, 0]
    assert torch.equal(A[1], torch.diag(torch.tensor([9.0, 1.0]).double())), "the matrix itself is left alone"


class Rounded(Valley):
    """Its matrix has lost a little too much to rounding; and a state that is no number costs nothing."""

    def linearize(self, at: Tensor, scale: Tensor | None) -> Linearized:
        model = super().linearize(at, scale)
        lost = 1.0001 * torch.linalg.eigvalsh(model.A)[:, 0].nan_to_num()[:, None, None] * torch.eye(2, dtype=at.dtype)
        return replace(model, A=model.A - lost, cost=model.cost.nan_to_num(nan=0.0))


def test_a_step_that_is_not_finite_is_taken_back_and_more_damping_mends_it():
    starts = STARTS[::2]  # where the valley bends: no diagonal entry is negative
    end = levenberg_marquardt(Rounded(), starts, Options(80, first_damping=1e-12, step_tolerance=1e-9))
    torch.testing.assert_close(end.state, torch.ones_like(starts), atol=1e-4, rtol=0)
    assert (end.dampings > 1e-12).any(0).all()


def test_a_step_that_was_taken_back_is_followed_by_a_shorter_one():
    end = levenberg_marquardt(Uphill(), STARTS, Options(4))
    assert torch.equal(end.costs, end.costs[:1].expand_as(end.costs)), "every step leads up"
    assert (end.dampings[1:] > end.dampings[:-1]).all()


def test_a_matrix_that_rounding_left_indefinite_is_factored_with_the_diagonal_a_little_raised():
    A = torch.diag(torch.tensor([1e6, 1.0, -1e-2], dtype=torch.float64))
    factor = factor_of(A)
    torch.testing.assert_close(factor @ factor.mT, regularized(A, floor=1e-7))
    with pytest.raises(ArithmeticError, match="not positive definite"):
        factor_of(torch.diag(torch.tensor([1.0, torch.nan], dtype=torch.float64)))
