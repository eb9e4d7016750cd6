"""Block-banded systems over a take: blocks of one frame on the diagonal, coupled by differences over time."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .box import CONVERGED, Factored, projected_newton


class BandedSystem:
    """``blockdiag(A_f) + sum over f of second differences``, solved in time linear in the number of frames.

    A: (F, P, P) symmetric; springs: (F, P) strength of each parameter's squared second difference around each frame, 0
    where there is none.
    Frames are taken in pairs, which makes the block-pentadiagonal matrix block-tridiagonal; that is factored by cyclic
    reduction (Golub & Van Loan, Matrix Computations, 4.5.4), in as many batched steps as the take has doublings.
    """

    def __init__(self, A: Tensor, springs: Tensor) -> None:
        self._frames, self._width = A.shape[0], A.shape[1]
        self.diagonal, self.lower = _pair_blocks(A, second_difference_bands(springs))

    def solve_box(self, b: Tensor, lower: Tensor, upper: Tensor, converged: float = CONVERGED) -> Tensor:
        """Minimizes ``x^T M x / 2 - b^T x`` with bounds, as ``box.solve_box`` does. All (F, P).

        converged: see ``box.projected_newton``.
        """

        def multiply(x: Tensor) -> Tensor:
            return self.multiply(x.view(-1, *b.shape)).view_as(x)

        def solve_free(force: Tensor, free: Tensor) -> Tensor:
            diagonal, off = self._masked(~free.view_as(b))
            solution = _solve(_reduce(diagonal, off), self._to_pairs(force.view_as(b)))
            return self._to_frames(solution).reshape(1, -1)

        flat = (b.reshape(1, -1), lower.reshape(1, -1), upper.reshape(1, -1))
        return projected_newton(multiply, solve_free, *flat, converged=converged).view_as(b)

    def positive_definite(self) -> bool:
        """Whether the matrix is, up to rounding; waits for the device. If it is, it is so with some variables held."""
        reduction: _Reduction | None = _reduce(self.diagonal, self.lower)
        while reduction is not None:
            if not reduction.own.positive_definite():
                return False
            reduction = reduction.rest
        return True

    def multiply(self, x: Tensor) -> Tensor:
        """M x for x (..., F, P)."""
        pairs = self._to_pairs(x).transpose(0, -2)[..., None]  # (pairs, ..., 2P, 1)
        diagonal, lower = (
            part.view(len(part), *[1] * (x.ndim - 2), *part.shape[1:]) for part in (self.diagonal, self.lower)
        )
        result = diagonal @ pairs
        result[1:] += lower @ pairs[:-1]
        result[:-1] += lower.mT @ pairs[1:]
        return self._to_frames(result[..., 0].transpose(0, -2))

    def variances(self, held: Tensor) -> Tensor:
        """Diagonal of the inverse, (F, P); 0 for held (F, P) parameters."""
        inverse, _ = _selected_inverse(_reduce(*self._masked(held)))
        diagonals = self._to_frames(inverse.diagonal(dim1=1, dim2=2))
        return torch.where(held, 0.0, diagonals)

    def _masked(self, held: Tensor) -> tuple[Tensor, Tensor]:
        """The blocks with held rows and columns replaced by those of the identity."""
        free = (~self._to_pairs(held, fill=True)).to(self.diagonal.dtype)
        diagonal = self.diagonal * free[:, :, None] * free[:, None, :] + torch.diag_embed(1 - free)
        return diagonal, self.lower * free[1:, :, None] * free[:-1, None, :]

    def _to_pairs(self, x: Tensor, fill: bool = False) -> Tensor:
        """(..., F, P) -> (..., pairs, 2P)."""
        if self._frames % 2:
            x = F.pad(x, (0, 0, 0, 1), value=fill)
        return x.reshape(*x.shape[:-2], -1, 2 * self._width)

    def _to_frames(self, pairs: Tensor) -> Tensor:
        """(..., pairs, 2P) -> (..., F, P)."""
        return pairs.reshape(*pairs.shape[:-2], -1, self._width)[..., : self._frames, :]


def _pair_blocks(A: Tensor, bands: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Diagonal blocks (n, 2P, 2P) of frames taken two by two and the blocks (n-1, 2P, 2P) below them.

    The empty partner of an odd last frame gets the identity.
    """
    frames, width = A.shape[0], A.shape[1]
    if frames % 2:
        A = torch.cat([A, torch.eye(width, dtype=A.dtype, device=A.device)[None]])
    count = len(A) // 2
    # band r couples frame f to frame f + r
    same, next_, after = (torch.diag_embed(F.pad(band, (0, 0, 0, 2 * count - len(band)))) for band in bands)
    even, odd = slice(0, None, 2), slice(1, None, 2)
    diagonal = torch.cat(
        [
            torch.cat([A[even] + same[even], next_[even]], 2),
            torch.cat([next_[even], A[odd] + same[odd]], 2),
        ],
        1,
    )
    # rows: the next pair; columns: this pair
    lower = torch.cat(
        [
            torch.cat([after[even], next_[odd]], 2),
            torch.cat([torch.zeros_like(after[odd]), after[odd]], 2),
        ],
        1,
    )
    return diagonal, lower[: count - 1]


@dataclass(frozen=True, eq=False)
class _Reduction:
    """One halving of a block-tridiagonal system of n blocks: every second block, from index 1 on, is eliminated.

    own: the eliminated blocks (m, Q, Q), factored. before: (m, Q, Q), after: (m', Q, Q):
    ``D_j^-1 L`` to the neighbor before and after each of them (the last may have none after). rest: the reduction of
    what is left, or None when nothing was eliminated, and ``own`` is the only block.
    """

    own: Factored
    before: Tensor
    after: Tensor
    rest: _Reduction | None


def _reduce(diagonal: Tensor, lower: Tensor) -> _Reduction:
    """Cyclic reduction of blocks D (n, Q, Q) with L (n-1, Q, Q) below."""
    if len(diagonal) == 1:
        return _Reduction(Factored.of(diagonal), lower, lower, None)
    own = Factored.of(diagonal[1::2])
    to_before, to_after = lower[0::2], lower[1::2]  # rows j: L_{j, j-1}; rows j+1: L_{j+1, j}
    before = own.solve(to_before)
    after = own.at(slice(len(to_after))).solve(to_after.mT)
    remaining = diagonal[0::2].clone()
    remaining[: len(before)] -= to_before.mT @ before
    remaining[1:] -= to_after @ after
    coupling = -to_after @ before[: len(to_after)]
    return _Reduction(own, before, after, _reduce(remaining, coupling))


def _solve(reduction: _Reduction, rhs: Tensor) -> Tensor:
    """x (n, Q) of the reduced system for rhs (n, Q)."""
    if reduction.rest is None:
        return reduction.own.solve(rhs[..., None])[..., 0]
    odd = rhs[1::2]
    even = rhs[0::2].clone()
    before, after = reduction.before, reduction.after
    even[: len(before)] -= (before.mT @ odd[..., None])[..., 0]
    even[1:] -= (after.mT @ odd[: len(after), :, None])[..., 0]
    kept = _solve(reduction.rest, even)
    eliminated = reduction.own.solve(odd[..., None])
    eliminated = eliminated - before @ kept[: len(before), :, None]
    eliminated[: len(after)] -= after @ kept[1:, :, None]
    solution = torch.empty_like(rhs)
    solution[0::2], solution[1::2] = kept, eliminated[..., 0]
    return solution


def _selected_inverse(reduction: _Reduction) -> tuple[Tensor, Tensor]:
    """The blocks of the inverse on the diagonal (n, Q, Q) and below it (n-1, Q, Q): (j+1, j).

    Read the inverse as a covariance. Given its neighbors i and k, which are kept, an eliminated block is
    ``x_j = -before x_i - after x_k`` plus what is its own, of covariance ``D_j^-1`` and independent of them. So

        cov(j, i) = -before cov(i, i) - after cov(k, i)
        cov(j, k) = -before cov(i, k) - after cov(k, k)
        cov(j, j) = D_j^-1 - cov(j, i) before^T - cov(j, k) after^T,

    and the covariances of the kept blocks are those of the smaller system.
    """
    own = reduction.own.inverted()
    if reduction.rest is None:
        return own, own[:0]
    kept, below = _selected_inverse(reduction.rest)  # below: between kept neighbors, (i+1, i)
    before, after = reduction.before, reduction.after
    links = len(after)
    with_before = -before @ kept[: len(before)]  # covariance (j, j-1)
    with_before[:links] -= after @ below
    with_after = -(before[:links] @ below.mT + after @ kept[1:])  # covariance (j, j+1)
    eliminated = own - with_before @ before.mT
    eliminated[:links] -= with_after @ after.mT
    count = len(kept) + len(own)
    diagonal = torch.cat([kept[:1]] * count)
    diagonal[0::2], diagonal[1::2] = kept, eliminated
    off = torch.cat([kept[:1]] * (count - 1))
    off[0::2], off[1::2] = with_before, with_after.mT
    return diagonal, off


def second_difference_bands(springs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Bands of ``D^T S D`` where D takes second differences and S their strengths: (F, P), (F-1, P), (F-2, P).

    springs: (F, P); the first and last frame cannot be the middle of a difference and are ignored.
    """
    middle = springs.clone()
    if len(middle):
        middle[0] = middle[-1] = 0
    band0 = 4 * middle
    band0[:-1] += middle[1:]
    band0[1:] += middle[:-1]
    band1 = -2 * (middle[:-1] + middle[1:])
    return band0, band1, middle[1:-1].clone()


def second_differences(values: Tensor) -> Tensor:
    """``D values``, those around each frame but the first and the last: (F, P) -> (F-2, P)."""
    return values[:-2] - 2 * values[1:-1] + values[2:] if len(values) > 2 else values[:0]


def pulled_back(differences: Tensor) -> Tensor:
    """``D^T differences``: (F-2, P) -> (F, P), for at least three frames."""
    return F.pad(differences, (0, 0, 0, 2)) - 2 * F.pad(differences, (0, 0, 1, 1)) + F.pad(differences, (0, 0, 2, 0))
