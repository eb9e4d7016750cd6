"""Block-banded systems over a take: blocks of one frame on the diagonal, coupled by differences over time."""

from __future__ import annotations

import torch
from torch import Tensor

from .box import projected_newton


class BandedSystem:
    """``blockdiag(A_f) + sum over f of second differences``, solved in time linear in the number of frames.

    A: (F, P, P) symmetric; coupling: (P,) strength of the squared second difference of each parameter;
    linked: (F,) bool, frame f is the middle of a second difference (its neighbours are its equals in time).
    Frames are taken in pairs, which makes the block-pentadiagonal matrix block-tridiagonal; that is factored by block
    Cholesky (Golub & Van Loan, Matrix Computations, 4.5.1).
    """

    def __init__(self, A: Tensor, coupling: Tensor, linked: Tensor) -> None:
        self._frames, self._width = A.shape[0], A.shape[1]
        self._stencils = second_difference_bands(linked)
        self._coupling = coupling
        self.diagonal, self.lower = self._pair_blocks(A)

    def solve_box(self, b: Tensor, lower: Tensor, upper: Tensor) -> Tensor:
        """Minimises ``x^T M x / 2 - b^T x`` with bounds, as ``box.solve_box`` does. All (F, P)."""

        def multiply(x: Tensor) -> Tensor:
            return self.multiply(x.view_as(b)).view(1, -1)

        def solve_free(force: Tensor, free: Tensor) -> Tensor:
            return self._solve_held(force.view_as(b), ~free.view_as(b)).view(1, -1)

        flat = (values.reshape(1, -1) for values in (b, lower, upper))
        return projected_newton(multiply, solve_free, *flat).view_as(b)

    def multiply(self, x: Tensor) -> Tensor:
        """M x for x (F, P)."""
        pairs = self._to_pairs(x)[..., None]
        result = self.diagonal @ pairs
        result[1:] += self.lower @ pairs[:-1]
        result[:-1] += self.lower.mT @ pairs[1:]
        return self._to_frames(result[..., 0])

    def variances(self, held: Tensor) -> Tensor:
        """Diagonal of the inverse, (F, P); 0 for held (F, P) parameters. Backward recursion over the factor."""
        diagonal, lower = self._masked(held)
        factors, gains = _factor(diagonal, lower)
        covariance = [torch.cholesky_inverse(factors[-1])]
        for index in range(len(factors) - 2, -1, -1):
            gain = gains[index]  # (2P, 2P): L_{i+1,i} D_i^{-1}
            own = torch.cholesky_inverse(factors[index])
            covariance.append(own + gain.mT @ covariance[-1] @ gain)
        diagonals = torch.stack([matrix.diagonal() for matrix in reversed(covariance)])
        return torch.where(held, 0.0, self._to_frames(diagonals))

    def _solve_held(self, force: Tensor, held: Tensor) -> Tensor:
        """M^-1 force over the parameters that are not held; 0 for held ones, where force (F, P) is 0 too."""
        rhs = self._to_pairs(force)
        factors, gains = _factor(*self._masked(held))
        forward = [rhs[0]]
        for index, gain in enumerate(gains):
            forward.append(rhs[index + 1] - gain @ forward[-1])
        solution = [torch.cholesky_solve(forward[-1][:, None], factors[-1])[:, 0]]
        for index in range(len(factors) - 2, -1, -1):
            own = torch.cholesky_solve(forward[index][:, None], factors[index])[:, 0]
            solution.append(own - gains[index].mT @ solution[-1])
        return self._to_frames(torch.stack(solution[::-1]))

    def _masked(self, held: Tensor) -> tuple[Tensor, Tensor]:
        """The blocks with held rows and columns replaced by those of the identity."""
        free = (~self._to_pairs(held, fill=True)).to(self.diagonal.dtype)
        diagonal = self.diagonal * free[:, :, None] * free[:, None, :] + torch.diag_embed(1 - free)
        return diagonal, self.lower * free[1:, :, None] * free[:-1, None, :]

    def _pair_blocks(self, A: Tensor) -> tuple[Tensor, Tensor]:
        width, pairs = self._width, (self._frames + 1) // 2
        diagonal = A.new_zeros(pairs, 2 * width, 2 * width)
        lower = A.new_zeros(max(pairs - 1, 0), 2 * width, 2 * width)
        spring = torch.diag(self._coupling)
        band0, band1, band2 = self._stencils
        for frame in range(2 * pairs):
            pair, half = divmod(frame, 2)
            rows = slice(half * width, (half + 1) * width)
            if frame >= self._frames:  # an odd last frame gets an empty partner
                diagonal[pair, rows, rows] = torch.eye(width, dtype=A.dtype, device=A.device)
                continue
            diagonal[pair, rows, rows] += A[frame] + band0[frame] * spring
            for reach, band in ((1, band1), (2, band2)):
                other = frame - reach
                if other < 0:
                    continue
                other_pair, other_half = divmod(other, 2)
                columns = slice(other_half * width, (other_half + 1) * width)
                if other_pair == pair:
                    diagonal[pair, rows, columns] += band[other] * spring
                    diagonal[pair, columns, rows] += band[other] * spring
                else:
                    lower[other_pair, rows, columns] += band[other] * spring
        return diagonal, lower

    def _to_pairs(self, x: Tensor, fill: bool = False) -> Tensor:
        if self._frames % 2:
            x = torch.cat([x, torch.full_like(x[:1], fill)])
        return x.reshape(-1, 2 * self._width)

    def _to_frames(self, pairs: Tensor) -> Tensor:
        return pairs.reshape(-1, self._width)[: self._frames]


def second_difference_bands(linked: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Bands of ``D^T D`` where D takes the second difference around each linked frame: (F,), (F-1,), (F-2,).

    linked: (F,) bool; the first and last frame cannot be the middle of a difference and are ignored.
    """
    count = len(linked)
    middle = linked.clone().double()
    if count:
        middle[0] = middle[-1] = 0
    band0 = 4 * middle
    band0[:-1] += middle[1:]
    band0[1:] += middle[:-1]
    band1 = -2 * (middle[:-1] + middle[1:])
    return band0, band1, middle[1:-1].clone()


def second_differences(values: Tensor, linked: Tensor) -> Tensor:
    """D^T D values: the gradient of half the squared second differences. values: (F, P), linked: (F,) -> (F, P)."""
    result = torch.zeros_like(values)
    if len(values) < 3:
        return result
    difference = (values[:-2] - 2 * values[1:-1] + values[2:]) * linked[1:-1, None].to(values.dtype)
    result[:-2] += difference
    result[1:-1] -= 2 * difference
    result[2:] += difference
    return result


def _factor(diagonal: Tensor, lower: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """Block Cholesky: factors of the pivots D_i, and gains ``L_{i+1,i} D_i^{-1}``."""
    factors, gains = [torch.linalg.cholesky(diagonal[0])], []
    for index in range(len(lower)):
        gain = torch.cholesky_solve(lower[index].mT, factors[-1]).mT
        gains.append(gain)
        factors.append(torch.linalg.cholesky(diagonal[index + 1] - gain @ lower[index].mT))
    return factors, gains
