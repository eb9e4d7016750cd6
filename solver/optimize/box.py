"""Box-constrained quadratic steps by projected Newton, batched. Knows nothing about faces."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

MAX_ROUNDS = 30  # badly conditioned systems need most; the usual is five
HALVINGS = 6  # of the step along the path that is bent at the box
CONVERGED = 1e-14  # decrease still to be had, relative to that of the force


def solve_box(A: Tensor, b: Tensor, lower: Tensor, upper: Tensor, rounds: int | None = None) -> Tensor:
    """Minimises ``x^T A x / 2 - b^T x`` with ``lower <= x <= upper``.

    A: (B, P, P) symmetric positive definite; b, lower, upper: (B, P), infinities allowed, lower <= upper.
    rounds: see ``projected_newton``. Returns (B, P), always feasible.
    """

    def multiply(x: Tensor) -> Tensor:
        return (A @ x.mT).mT

    def solve_free(force: Tensor, free: Tensor) -> Tensor:
        keep = free.to(A.dtype)
        system = A * keep[:, :, None] * keep[:, None, :] + torch.diag_embed(1 - keep)
        return solve_cholesky(cholesky(system), force[..., None])[..., 0]

    return projected_newton(multiply, solve_free, b, lower, upper, rounds)


def cholesky(matrices: Tensor) -> Tensor:
    """Lower factors of (B, P, P) positive definite matrices, without waiting for the device to report failures."""
    return torch.linalg.cholesky_ex(matrices)[0]


def solve_cholesky(factor: Tensor, rhs: Tensor) -> Tensor:
    """``(L L^T)^-1 rhs`` for lower factors (..., P, P) and rhs (..., P, n)."""
    forward = torch.linalg.solve_triangular(factor, rhs, upper=False)
    return torch.linalg.solve_triangular(factor.mT, forward, upper=True)


def finished(done: Tensor) -> bool:
    """Whether all of ``done`` (bool) are, where asking is free: on other devices than the CPU it is never answered
    yes, because a device that is asked has to stop."""
    return done.device.type == "cpu" and bool(done.all())


def projected_newton(
    multiply: Callable[[Tensor], Tensor],
    solve_free: Callable[[Tensor, Tensor], Tensor],
    b: Tensor,
    lower: Tensor,
    upper: Tensor,
    rounds: int | None = None,
) -> Tensor:
    """``solve_box`` for any way of storing A (Bertsekas 1982, "Projected Newton methods for optimization problems with
    simple constraints").

    Variables at a face that the gradient pushes against are held, the others take the Newton step, bent into the box.
    Every round lowers the cost, so the result is never worse than the point of the box nearest to zero. Each problem of
    the batch stops by itself when little decrease is left to be had; the others do not matter to it.

    multiply: x (B, n, P) -> A x. solve_free: (force (B, P), free (B, P) bool) -> A^-1 force over the free variables, 0
    for the others, where force is 0 too. b, lower, upper: (B, P). rounds: most rounds, for a step of an iteration that
    will be repeated: few are enough then, and the device is not asked whether all are done. Returns (B, P).
    """
    x = torch.zeros_like(b).clamp(lower, upper)
    done = torch.zeros(len(b), dtype=torch.bool, device=b.device)
    for _ in range(MAX_ROUNDS if rounds is None else rounds):
        gradient = multiply(x[:, None])[:, 0] - b
        free = ~(((x <= lower) & (gradient >= 0)) | ((x >= upper) & (gradient <= 0)))
        force = torch.where(free, -gradient, 0.0)
        direction = solve_free(force, free)
        done = done | ((force * direction).sum(1) <= CONVERGED * (x * b).abs().sum(1))
        if bool(done.all()) if rounds is None else finished(done):
            break
        x = torch.where(done[:, None], x, _step(multiply, x, direction, gradient, b, lower, upper))
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
    curvature = (straight * multiply(straight[:, None])[:, 0]).sum(1)
    lowest = -(gradient * straight).sum(1) / torch.where(curvature > 0, curvature, torch.inf)
    face = torch.where(straight > 0, upper, lower)
    reach = torch.where(straight != 0, (face - x) / torch.where(straight != 0, straight, 1.0), torch.inf).amin(1)
    # up to the first face the cost falls for certain; the bent path beyond it reaches many faces at once
    certain = (x + torch.minimum(lowest, reach)[:, None] * straight)[:, None]
    lengths = 0.5 ** torch.arange(HALVINGS, dtype=x.dtype, device=x.device)
    trials = torch.cat([certain, x[:, None] + lengths[:, None] * direction[:, None]], 1)
    trials = torch.minimum(torch.maximum(trials, lower[:, None]), upper[:, None])  # (B, 1 + HALVINGS, P)
    costs = (trials * (multiply(trials) / 2 - b[:, None])).sum(2)
    best = costs.argmin(1)
    return trials.gather(1, best[:, None, None].expand(-1, 1, x.shape[1]))[:, 0]
