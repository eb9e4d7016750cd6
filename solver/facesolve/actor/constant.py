"""What is known about the constant part of the controls, so that they do not stand in for how the neutral differs.

An offset of the neutral and a control that is on in all frames look the same. Knows no images.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

KNOWN = 0.03  # of a control's range: deviation of a pose that a person has made
USUAL = 0.15  # of a control's range: deviation of the mean over frames from the default


@dataclass(frozen=True, eq=False)
class ConstantPrior:
    """values: (K,) what controls should be at some of F frames on average, information: (K,) about that average.

    of_frames: (F,) float64 the weights of the average, which add up to 1 where all its frames are there.
    """

    values: Tensor
    information: Tensor
    of_frames: Tensor

    @staticmethod
    def at(frame: int, values: Tensor, span: Tensor, count: int) -> ConstantPrior:
        """A person has posed take frame index ``frame`` of ``count``. values: (K,); span: (K,) of the ranges."""
        weights = values.new_zeros(count)
        weights[frame] = 1
        return ConstantPrior(values, (KNOWN * span) ** -2, weights)

    @staticmethod
    def usual(default: Tensor, span: Tensor, count: int) -> ConstantPrior:
        """Nobody said anything: on average over frames controls are not far from their default."""
        return ConstantPrior(
            default, (USUAL * span) ** -2, torch.full((count,), 1 / count, dtype=default.dtype, device=default.device)
        )

    def add_to(self, blocks: Tensor, b: Tensor, frames: Tensor, controls: Tensor) -> Tensor:
        """Adds to the matrix (M, K+6, M, K+6) and force (M, K+6) of M frames in place; returns the cost.

        frames: (M,) take frame indices, controls: (M, K).
        """
        count = controls.shape[1]
        weights = self.of_frames[frames]
        if not bool(weights.any()):
            return controls.new_zeros(())
        weights = weights / weights.sum()
        off = weights @ controls - self.values
        own = blocks[:, :count, :, :count].diagonal(dim1=1, dim2=3)  # (M, M, K)
        own += weights[:, None, None] * weights[:, None] * self.information
        b[:, :count] -= weights[:, None] * (self.information * off)
        return 0.5 * (self.information * off.square()).sum()
