"""Box-constrained quadratics against scipy's bounded least squares, the optimality conditions, and each other."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import lsq_linear

from facesolve.optimize.box import Factored, inverse_of_lower, solve_box


def random_problem(seed: int, size: int, condition: float = 100.0, active: float = 0.5):
    """A (P, P) of a condition number, b (P,) and a box around 0; the more active, the tighter the box."""
    random = np.random.default_rng(seed)
    basis, _ = np.linalg.qr(random.normal(size=(size, size)))
    A = (basis * np.logspace(0, np.log10(condition), size)) @ basis.T
    b = A @ random.normal(size=size)
    lower, upper = -random.random(size), random.random(size)
    return (A + A.T) / 2, b, lower * (1 - active), upper * (1 - active)


def solve(A, b, lower, upper):
    return solve_box(*(torch.as_tensor(array)[None] for array in (A, b, lower, upper)))[0].numpy()


def reference(A, b, lower, upper):
    """The same minimum as a bounded least-squares problem; variables with equal bounds are eliminated first."""
    fixed = lower >= upper
    factor = np.linalg.cholesky(A).T
    target = np.linalg.solve(factor.T, b) - factor[:, fixed] @ lower[fixed]
    x = np.where(fixed, lower, 0.0)
    if not fixed.all():
        free = lsq_linear(factor[:, ~fixed], target, (lower[~fixed], upper[~fixed]), method="bvls", tol=1e-14)
        x[~fixed] = free.x
    return x


def cost(A, b, x):
    return 0.5 * x @ A @ x - b @ x


def assert_optimal(A, b, lower, upper, x):
    """Karush-Kuhn-Tucker: feasible; the gradient is 0 inside and pushes outwards at a face."""
    assert (x >= lower).all()
    assert (x <= upper).all()
    gradient = A @ x - b
    least = 1e-6 * (np.abs(A) @ np.abs(x) + np.abs(b)).max()
    assert (gradient[x > lower] < least).all()
    assert (gradient[x < upper] > -least).all()


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.integers(1, 12), active=st.sampled_from([0.0, 0.5, 0.9]))
def test_equals_bounded_least_squares(seed, size, active):
    A, b, lower, upper = random_problem(seed, size, active=active)
    x = solve(A, b, lower, upper)
    np.testing.assert_allclose(x, reference(A, b, lower, upper), atol=1e-7)
    assert_optimal(A, b, lower, upper, x)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), seed=st.integers(0, 10**6), size=st.integers(1, 8))
def test_mixed_bounds(data, seed, size):
    """Any mixture of free, one-sided, two-sided and fixed variables; the box need not hold 0."""
    A, b, lower, upper = random_problem(seed, size)
    kinds = data.draw(
        st.lists(st.sampled_from(["both", "free", "lower", "upper", "fixed", "away"]), min_size=size, max_size=size)
    )
    for i, kind in enumerate(kinds):
        if kind in ("free", "upper"):
            lower[i] = -np.inf
        if kind in ("free", "lower"):
            upper[i] = np.inf
        if kind == "fixed":
            lower[i] = upper[i] = 0.3
        if kind == "away":
            lower[i], upper[i] = 0.2, 0.9
    x = solve(A, b, lower, upper)
    np.testing.assert_allclose(x, reference(A, b, lower, upper), atol=1e-7)
    assert (x[[kind == "fixed" for kind in kinds]] == 0.3).all()


@pytest.mark.parametrize("condition", [1e1, 1e4, 1e6])
@pytest.mark.parametrize("size", [5, 25, 60])
def test_badly_conditioned_systems(size, condition):
    """Rigs have shapes that nearly cancel: the cost must come within a thousandth of the least, from any bounds."""
    for seed in range(6):
        A, b, lower, upper = random_problem(seed, size, condition, active=0.3 * (seed % 3))
        x = solve(A, b, lower, upper)
        least = cost(A, b, reference(A, b, lower, upper))
        assert cost(A, b, x) <= least + 1e-3 * abs(least)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.integers(1, 30), digits=st.integers(0, 12))
def test_the_result_is_feasible_and_never_worse_than_no_step(seed, size, digits):
    A, b, lower, upper = random_problem(seed, size, 10.0**digits)
    x = solve(A, b, lower, upper)
    assert (x >= lower).all()
    assert (x <= upper).all()
    assert cost(A, b, x) <= 0


def test_without_bounds_it_is_a_linear_solve():
    A, b, _, _ = random_problem(0, 9)
    infinite = np.full(9, np.inf)
    np.testing.assert_allclose(solve(A, b, -infinite, infinite), np.linalg.solve(A, b), rtol=1e-9)


def test_everything_fixed():
    A, b, lower, _ = random_problem(1, 6)
    assert solve(A, b, lower, lower).tolist() == lower.tolist()


def test_a_force_against_the_face_leaves_zero():
    assert solve(np.eye(2), np.array([-3.0, 5.0]), np.zeros(2), np.array([1.0, 0.0])).tolist() == [0.0, 0.0]


def test_a_coupled_variable_is_let_go_again():
    """Alone the first variable would leave the box below; once the second is held at its face it must come back."""
    A, b = np.array([[1.0, 0.9], [0.9, 1.0]]), np.array([0.5, 1.0])
    box = np.array([0.0, 0.0]), np.array([1.0, 0.2])
    np.testing.assert_allclose(solve(A, b, *box), [0.5 - 0.9 * 0.2, 0.2], atol=1e-12)


def test_problems_of_a_batch_do_not_mix():
    problems = [random_problem(seed, 7, condition) for seed, condition in ((0, 10), (1, 1e4), (2, 1))]
    batch = [torch.as_tensor(np.stack(arrays)) for arrays in zip(*problems, strict=True)]
    together = solve_box(*batch)
    for row, problem in zip(together, problems, strict=True):
        np.testing.assert_allclose(row.numpy(), solve(*problem), atol=1e-9)


@pytest.mark.parametrize("size", [1, 5, 40, 41, 61, 156, 312])
def test_inverses_of_triangles_are_those_of_solving(size):
    generator = torch.manual_seed(size)
    factors = torch.randn(3, size, size, dtype=torch.float64, generator=generator).tril() / size**0.5
    factors.diagonal(dim1=1, dim2=2).abs_().add_(1)
    rhs = torch.randn(3, size, 2, dtype=torch.float64, generator=generator)
    inverse = inverse_of_lower(factors)
    torch.testing.assert_close(inverse @ factors, torch.eye(size, dtype=torch.float64).expand(3, -1, -1))
    solved, multiplied = (Factored(factors, each).solve(rhs) for each in (None, inverse))
    torch.testing.assert_close(solved, multiplied)
    torch.testing.assert_close(Factored(factors, None).inverted(), Factored(factors, inverse).inverted())
