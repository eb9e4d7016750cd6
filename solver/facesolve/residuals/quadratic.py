"""What a residual says about the poses of several frames: a parabola for each. Knows no footage."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

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

    def at(self, rows: Tensor) -> Quadratic:
        """Those of some frames, (n,) indices."""
        curvature = None if self.curvature is None else self.curvature[rows]
        return Quadratic(self.A[rows], self.b[rows], self.cost[rows], curvature)

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
