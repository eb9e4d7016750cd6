"""Box-constrained quadratic steps by projected Newton, batched. Knows nothing about faces."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

MAX_ROUNDS = 30  # badly conditioned systems need most; the usual is five
HALVINGS = 6  # of the step along the path that is bent at the box
CONVERGED = 1e-14  # decrease still to be had, relative to that of the force


def solve_box(A: Tensor, b: Tensor, lower: Tensor, upper: Tensor) -> Tensor:
    """Minimises ``x^T A x / 2 - b^T x`` with ``lower <= x <= upper``.

    A: (B, P, P) symmetric positive definite; b, lower, upper: (B, P), infinities allowed, lower <= upper.
    Returns (B, P), always feasible. See ``projected_newton``.
    """

    def multiply(x: Tensor) -> Tensor:
        return (A @ x[..., None])[..., 0]

    def solve_free(force: Tensor, free: Tensor) -> Tensor:
        both = (free[:, :, None] & free[:, None, :]).to(A.dtype)
        system = A * both + torch.diag_embed((~free).to(A.dtype))
        return torch.cholesky_solve(force[..., None], torch.linalg.cholesky(system))[..., 0]

    return projected_newton(multiply, solve_free, b, lower, upper)


def projected_newton(
    multiply: Callable[[Tensor], Tensor],
    solve_free: Callable[[Tensor, Tensor], Tensor],
    b: Tensor,
    lower: Tensor,
    upper: Tensor,
) -> Tensor:
    """``solve_box`` for any way of storing A (Bertsekas 1982, "Projected Newton methods for optimization problems with
    simple constraints").

    Variables at a face that the gradient pushes against are held, the others take the Newton step, bent into the box.
    Every round lowers the cost, so the result is never worse than the point of the box nearest to zero.

    multiply: x (B, P) -> A x. solve_free: (force (B, P), free (B, P) bool) -> A^-1 force over the free variables, 0 for
    the others, where force is 0 too. b, lower, upper: (B, P). Returns (B, P).
    """
    x = torch.zeros_like(b).clamp(lower, upper)
    for _ in range(MAX_ROUNDS):
        product = multiply(x)
        gradient = product - b
        free = ~(((x <= lower) & (gradient >= 0)) | ((x >= upper) & (gradient <= 0)))
        force = torch.where(free, -gradient, 0.0)
        direction = solve_free(force, free)
        size = (x * b).abs().sum(1)
        if bool(((force * direction).sum(1) <= CONVERGED * size).all()):
            break
        x = _step(multiply, x, direction, gradient, b, lower, upper)
    return x


def _step(
    multiply: Callable[[Tensor], Tensor],
    x: Tensor,
    direction: Tensor,
    gradient: Tensor,
    b: Tensor,
    lower: Tensor,
    upper: Tensor,
) -> Tensor:
    """The best of some points on the path along ``direction`` bent at the box, all (B, P); always a descent."""
    outward = ((x <= lower) & (direction < 0)) | ((x >= upper) & (direction > 0))
    straight = torch.where(outward, 0.0, direction)
    curvature = (straight * multiply(straight)).sum(1)
    lowest = -(gradient * straight).sum(1) / torch.where(curvature > 0, curvature, torch.inf)
    face = torch.where(straight > 0, upper, lower)
    reach = torch.where(straight != 0, (face - x) / torch.where(straight != 0, straight, 1.0), torch.inf).amin(1)
    # up to the first face the cost falls for certain; the bent path beyond it reaches many faces at once
    best = (x + torch.minimum(lowest, reach)[:, None] * straight).clamp(lower, upper)
    least = (best * (multiply(best) / 2 - b)).sum(1)
    for halving in range(HALVINGS):
        trial = (x + 0.5**halving * direction).clamp(lower, upper)
        cost = (trial * (multiply(trial) / 2 - b)).sum(1)
        best = torch.where((cost < least)[:, None], trial, best)
        least = torch.minimum(cost, least)
    return best
