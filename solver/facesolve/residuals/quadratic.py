"""What a residual says about the poses of several frames: a parabola for each. Knows no footage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Quadratic:
    """The local model of B frames' cost: A (B, K+6, K+6) and b (B, K+6) = -gradient, information units; cost (B,).

    Unknowns are the K controls and the head step of ``rigid.retract``; A (B, K, K) and b (B, K) say nothing about the
    head. All float64. curvature: (B,) of the cost, as a share of A, which is that of parabolas above the robust loss;
    None if not known.
    """

    A: Tensor
    b: Tensor
    cost: Tensor
    curvature: Tensor | None = None

    @property
    def said(self) -> Tensor:
        """(B, P) information about each unknown alone."""
        return self.A.diagonal(dim1=1, dim2=2)

    def at(self, rows: Tensor) -> Quadratic:
        """Those of some frames, (n,) indices."""
        curvature = None if self.curvature is None else self.curvature[rows]
        return Quadratic(self.A[rows], self.b[rows], self.cost[rows], curvature)

    def scaled(self, share: Tensor) -> Quadratic:
        """What is said, times a share (B,) for each frame."""
        return Quadratic(self.A * share[:, None, None], self.b * share[:, None], self.cost * share)

    def relaxed(self) -> Quadratic:
        """With the cost's own curvature, for a step; A itself counts information."""
        return self if self.curvature is None else replace(self, A=self.A * self.curvature[:, None, None])

    def plus(self, others: Iterable[Quadratic]) -> Quadratic:
        """The sum with others, of which some may say nothing about the head."""
        others = list(others)
        if not others:
            return Quadratic(self.A, self.b, self.cost)
        A, b, cost = self.A.clone(), self.b.clone(), self.cost
        for other in others:
            count = other.b.shape[1]
            A[:, :count, :count] += other.A
            b[:, :count] += other.b
            cost = cost + other.cost
        return Quadratic(A, b, cost)


@dataclass(frozen=True, eq=False)
class PackedQuadratics:
    """The quadratics of all frames of a take, in a quarter of the memory: of each matrix its lower half, rounded.

    lower: (F, P*(P+1)/2) float32, row after row; b: (F, P), cost: (F,), float64.
    """

    lower: Tensor
    b: Tensor
    cost: Tensor

    @staticmethod
    def of(quadratic: Quadratic) -> PackedQuadratics:
        """Those of B frames."""
        row, column = _lower_half(quadratic.b.shape[1], quadratic.b.device)
        return PackedQuadratics(quadratic.A[:, row, column].float(), quadratic.b, quadratic.cost)

    @staticmethod
    def joined(parts: Sequence[PackedQuadratics]) -> PackedQuadratics:
        """Those of several, one after the other."""
        lower, b, cost = (torch.cat([getattr(part, name) for part in parts]) for name in ("lower", "b", "cost"))
        return PackedQuadratics(lower, b, cost)

    @property
    def said(self) -> Tensor:
        """(F, P) information about each unknown alone."""
        places = torch.arange(self.b.shape[1], device=self.b.device)
        return self.lower[:, places * (places + 3) // 2].double()

    def at(self, rows: Tensor) -> Quadratic:
        """Those of some frames, (n,) indices, with whole matrices."""
        size, lower = self.b.shape[1], self.lower[rows].double()
        row, column = _lower_half(size, lower.device)
        A = lower.new_empty(len(lower), size, size)
        A[:, row, column] = lower
        A[:, column, row] = lower
        return Quadratic(A, self.b[rows], self.cost[rows])

    def some(self, rows: Tensor) -> PackedQuadratics:
        """Those of some frames, (n,) indices, packed."""
        return PackedQuadratics(self.lower[rows], self.b[rows], self.cost[rows])

    def scaled(self, share: Tensor) -> PackedQuadratics:
        """What is said, times a share (F,) for each frame."""
        return PackedQuadratics(self.lower * share[:, None].float(), self.b * share[:, None], self.cost * share)


def _lower_half(size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Rows and columns of the lower half of a (size, size) matrix."""
    row, column = torch.tril_indices(size, size, device=device)
    return row, column
