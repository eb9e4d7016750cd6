"""Box-constrained quadratic steps by projected Newton, batched. Knows nothing about faces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

MAX_ROUNDS = 30  # badly conditioned systems need most; the usual is five
HALVINGS = 6  # of the step along the path that is bent at the box
INVERTED_BLOCK = 40  # rows of the triangles that are inverted one by one
LARGEST_INVERTED = 640  # rows up to which factors are inverted
CONVERGED = 1e-14  # decrease still to be had, relative to that of the force


def solve_box(A: Tensor, b: Tensor, lower: Tensor, upper: Tensor, rounds: int | None = None) -> Tensor:
    """Minimizes ``x^T A x / 2 - b^T x`` with ``lower <= x <= upper``.

    A: (B, P, P) symmetric positive definite; b, lower, upper: (B, P), infinities allowed, lower <= upper.
    rounds: see ``projected_newton``. Returns (B, P), always feasible.
    """

    identity = torch.eye(A.shape[1], dtype=A.dtype, device=A.device)

    def multiply(x: Tensor) -> Tensor:
        return (A @ x.mT).mT

    def solve_free(force: Tensor, free: Tensor) -> Tensor:
        return Factored.of(torch.where(free[:, :, None] & free[:, None], A, identity)).solve(force[..., None])[..., 0]

    return projected_newton(multiply, solve_free, b, lower, upper, rounds)


@dataclass(frozen=True, eq=False)
class Factored:
    """Positive definite matrices (B, P, P) by their lower Cholesky factors, ready to be solved with.

    inverse: of the factors, where that is quicker to multiply with than the factors are to solve with: a GPU takes a
    tenth of a millisecond for each triangular system of a batch, whatever its right-hand side.
    """

    factor: Tensor
    inverse: Tensor | None

    @staticmethod
    def of(matrices: Tensor) -> Factored:
        """Does not wait for the device to report failures: the factor of a matrix that is not positive definite is NaN
        in part or whole, and so is what is solved with it (``positive_definite`` asks)."""
        factor, failed = torch.linalg.cholesky_ex(matrices)
        factor = torch.where(failed[:, None, None] > 0, torch.nan, factor)
        inverts = factor.device.type == "cuda" and factor.shape[1] <= LARGEST_INVERTED
        return Factored(factor, inverse_of_lower(factor) if inverts else None)

    def positive_definite(self) -> bool:
        """Whether all matrices were; waits for the device."""
        return bool(torch.isfinite(self.factor.diagonal(dim1=1, dim2=2)).all())

    def at(self, some: slice) -> Factored:
        """Some of the matrices."""
        return Factored(self.factor[some], None if self.inverse is None else self.inverse[some])

    def solve(self, rhs: Tensor) -> Tensor:
        """``(L L^T)^-1 rhs`` for rhs (B, P, n)."""
        if self.inverse is not None:
            return self.inverse.mT @ (self.inverse @ rhs)
        forward = torch.linalg.solve_triangular(self.factor, rhs, upper=False)
        return torch.linalg.solve_triangular(self.factor.mT, forward, upper=True)

    def inverted(self) -> Tensor:
        """The inverse matrices (B, P, P)."""
        return torch.cholesky_inverse(self.factor) if self.inverse is None else self.inverse.mT @ self.inverse


def inverse_of_lower(factors: Tensor) -> Tensor:
    """Inverses of lower triangular (B, P, P), by small blocks on the diagonal and products of ever larger ones."""
    batch, size = factors.shape[:2]
    block, count = size, 1
    while block > INVERTED_BLOCK:
        count *= 2
        block = -(-size // count)
    missing = block * count - size
    if missing:
        factors = F.pad(factors, (0, missing, 0, missing))
        factors.diagonal(dim1=1, dim2=2)[:, size:] = 1
    diagonal = factors.view(batch, count, block, count, block).diagonal(dim1=1, dim2=3).movedim(3, 1)
    identity = torch.eye(block, dtype=factors.dtype, device=factors.device)
    inverse = torch.zeros_like(factors)
    small = torch.linalg.solve_triangular(diagonal.flatten(0, 1), identity, upper=False)
    inverse.view(batch, count, block, count, block).diagonal(dim1=1, dim2=3)[:] = small.unflatten(
        0, (batch, count)
    ).movedim(1, 3)
    while count > 1:
        count //= 2
        given, found = (_pairs(matrices, count, block) for matrices in (factors, inverse))
        below = found[:, :, 1, :, 1] @ given[:, :, 1, :, 0] @ found[:, :, 0, :, 0]
        found[:, :, 1, :, 0] = -below
        block *= 2
    return inverse[:, :size, :size]


def _pairs(matrices: Tensor, count: int, block: int) -> Tensor:
    """The ``count`` blocks on the diagonal of (B, P, P) cut into 2x2 of size ``block``: a view (B, count, 2, block, 2,
    block)."""
    cut = matrices.view(len(matrices), count, 2, block, count, 2, block)
    return cut.diagonal(dim1=1, dim2=4).movedim(5, 1)


def projected_newton(
    multiply: Callable[[Tensor], Tensor],
    solve_free: Callable[[Tensor, Tensor], Tensor],
    b: Tensor,
    lower: Tensor,
    upper: Tensor,
    rounds: int | None = None,
    converged: float = CONVERGED,
) -> Tensor:
    """``solve_box`` for any way of storing A (Bertsekas 1982, "Projected Newton methods for optimization problems with
    simple constraints").

    Variables at a face that the gradient pushes against are held, the others take the Newton step, bent into the box.
    Every round lowers the cost, so the result is never worse than the point of the box nearest to zero. Each problem of
    the batch stops by itself when little decrease is left to be had; the others do not matter to it.

    multiply: x (B, n, P) -> A x. solve_free: (force (B, P), free (B, P) bool) -> A^-1 force over the free variables, 0
    for the others, where force is 0 too. b, lower, upper: (B, P). rounds: most rounds, for a step of an iteration that
    will be repeated: few are enough then, and the device is not asked whether all are done. converged: the decrease,
    relative to that of the force, that is not worth another round. Returns (B, P).
    """
    x = torch.zeros_like(b).clamp(lower, upper)
    done = torch.zeros(len(b), dtype=torch.bool, device=b.device)
    asks = rounds is None or b.device.type == "cpu"
    lengths = 0.5 ** torch.arange(HALVINGS, dtype=b.dtype, device=b.device)
    for _ in range(MAX_ROUNDS if rounds is None else rounds):
        downhill = b - multiply(x[:, None])[:, 0]
        free = torch.where(downhill > 0, x < upper, x > lower)
        force = downhill * free
        direction = solve_free(force, free)
        if asks:
            done = done | ((force * direction).sum(1) <= converged * (x * b).abs().sum(1))
            if bool(done.all()):
                break
        stepped = _step(multiply, x, direction, downhill, b, lower, upper, lengths)
        x = torch.where(done[:, None], x, stepped) if asks else stepped
    return x


def _step(
    multiply: Callable[[Tensor], Tensor],
    x: Tensor,
    direction: Tensor,
    downhill: Tensor,
    b: Tensor,
    lower: Tensor,
    upper: Tensor,
    lengths: Tensor,
) -> Tensor:
    """The best of some points on the path along ``direction`` bent at the box, all (B, P); always a descent.

    downhill: minus the gradient at x. lengths: (n,) of the path, in steps.
    """
    straight = torch.where((x + direction).clamp(lower, upper) == x, 0.0, direction)
    curvature = (straight * multiply(straight[:, None])[:, 0]).sum(1)
    lowest = (downhill * straight).sum(1) / torch.where(curvature > 0, curvature, torch.inf)
    # to the face ahead of each variable; 0 / 0 for one that stays at its face
    ahead = torch.maximum((lower - x) / straight, (upper - x) / straight)
    reach = ahead.nan_to_num(nan=torch.inf, posinf=torch.inf).amin(1)
    # up to the first face the cost falls for certain; the bent path beyond it reaches many faces at once
    certain = torch.minimum(lowest, reach)[:, None]
    tried = torch.cat([certain, lengths.expand(len(x), -1)], 1)[..., None]
    trials = torch.addcmul(x[:, None], tried, direction[:, None])
    trials = trials.clamp(lower[:, None], upper[:, None])  # (B, 1 + n, P)
    twice_costs = (trials * torch.sub(multiply(trials), b[:, None], alpha=2)).sum(2)
    best = twice_costs.argmin(1)
    return trials.gather(1, best[:, None, None].expand(-1, 1, x.shape[1]))[:, 0]
