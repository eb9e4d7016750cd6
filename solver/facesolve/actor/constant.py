"""What is known about the constant part of the controls, so that they do not stand in for how the neutral differs.

An offset of the neutral and a control that is on in all frames look the same. Knows no images.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from facesolve.optimize.robust import robust_loss, robust_weight

KNOWN = 0.03  # of a control's range: deviation of a pose that a person has made
POSED = 0.08  # of it, of what a person has moved in a pose that may be wrong
USUAL = 0.15  # of it, of the mean over frames from the default
DOUBTED = 3.0  # deviations from which such a pose is wrong
UNTOUCHED = 1e-6  # of a control's range


@dataclass(frozen=True, eq=False)
class ConstantPrior:
    """values: (K,) what controls should be at some of F frames on average, deviation: (K,) of that average.

    of_frames: (F,) float64 the weights of the average, which add up to 1 where all its frames are there. doubted:
    deviations from which what is known is taken for wrong instead, control by control; infinite for never. counted:
    times that it counts, where what the footage says about the constant part is counted as often, too.
    """

    values: Tensor
    deviation: Tensor
    of_frames: Tensor
    doubted: float = float("inf")
    counted: float = 1.0

    @staticmethod
    def at(frame: int, values: Tensor, span: Tensor, count: int) -> ConstantPrior:
        """A person has posed take frame index ``frame`` of ``count``. values: (K,); span: (K,) of the ranges."""
        return ConstantPrior(values, KNOWN * span, _only(frame, values, count))

    @staticmethod
    def about(frame: int, values: Tensor, default: Tensor, span: Tensor, count: int) -> ConstantPrior:
        """Likewise, of a pose that may be wrong. What was left at its ``default`` (K,) says less."""
        touched = (values - default).abs() > UNTOUCHED * span
        deviation = torch.where(touched, POSED, USUAL) * span
        return ConstantPrior(values, deviation, _only(frame, values, count), DOUBTED)

    @staticmethod
    def usual(default: Tensor, span: Tensor, count: int) -> ConstantPrior:
        """Nobody said anything: on average over frames controls are not far from their default."""
        return ConstantPrior(
            default, USUAL * span, torch.full((count,), 1 / count, dtype=default.dtype, device=default.device)
        )

    def add_to(self, blocks: Tensor, b: Tensor, frames: Tensor, controls: Tensor) -> Tensor:
        """Adds to the matrix (M, K+6, M, K+6) and force (M, K+6) of M frames in place; returns the cost.

        frames: (M,) take frame indices, controls: (M, K).
        """
        count = controls.shape[1]
        weights = self.of_frames[frames]
        there = weights.sum()
        weights = weights / torch.where(there > 0, there, 1)
        off = weights @ controls - self.values
        # of frames without a weight nothing is known; not asked for with an "if", which would wait for a GPU
        scale, information = self.doubted * self.deviation, self.counted * (there > 0) / self.deviation**2
        cost = (information * robust_loss(off, scale)).sum()
        information = information * robust_weight(off, scale)
        own = blocks[:, :count, :, :count].diagonal(dim1=1, dim2=3)  # (M, M, K)
        own += weights[:, None, None] * weights[:, None] * information
        b[:, :count] -= weights[:, None] * (information * off)
        return cost


def _only(frame: int, like: Tensor, count: int) -> Tensor:
    weights = like.new_zeros(count)
    weights[frame] = 1
    return weights
