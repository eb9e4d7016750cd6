"""Robust losses of residuals: weights, costs, curvature and scale. Knows nothing about faces."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

LEAST_CURVATURE = 0.4  # with many outliers the loss has hardly any, and a step would be too long
MEDIAN_OF = 50_000  # residuals: they give a median to about 1 %


def robust_weight(residual: Tensor, scale: Tensor | float) -> Tensor:
    """Weight of iteratively reweighted least squares for the squared-Cauchy loss: ``1 / (1 + (r/scale)^2)^2``."""
    return (1 + (residual / scale) ** 2) ** -2


def robust_loss(residual: Tensor, scale: Tensor | float) -> Tensor:
    """The loss that belongs to ``robust_weight``: half of ``r^2 / (1 + (r/scale)^2)``."""
    return 0.5 * residual**2 / (1 + (residual / scale) ** 2)


@dataclass(frozen=True, eq=False)
class RobustSum:
    """The robust loss of B frames: its weights (B, C, N) for least squares, its sum (B,), and its curvature (B,).

    curvature: the second derivative of the loss, mean over all residuals, over that of the weights' parabolas, in
    ``LEAST_CURVATURE`` to 1. The parabola lies above the loss and touches it: a step to its bottom is too short by
    about this factor (Huber 1981, "Robust Statistics", 7.8).
    """

    weights: Tensor
    cost: Tensor
    curvature: Tensor


def robust_sum(residual: Tensor, visibility_weights: Tensor, scale: Tensor) -> RobustSum:
    """``robust_weight`` and ``robust_loss`` together. residual, visibility_weights: (B, C, N); scale: (B,)."""
    scale = scale[:, None, None]
    square = (residual / scale).square()
    share = (1 + square).reciprocal()
    loss = visibility_weights * share
    weights = loss * share
    total = weights.sum((1, 2))
    # (1 - 3 s) / (1 + s)^3 = (4 / (1 + s) - 3) / (1 + s)^2
    curvature = 4 * (weights * share).sum((1, 2)) / total - 3
    cost = 0.5 * (loss * square).sum((1, 2)) * scale[:, 0, 0].square()
    return RobustSum(weights, cost, curvature.nan_to_num(nan=1.0).clamp(LEAST_CURVATURE, 1))


def residual_scale(residual: Tensor, weights: Tensor) -> Tensor:
    """Twice the standard deviation that the median absolute residual implies, over all seen residuals of each frame.

    residual, weights: (B, ...) -> (B,); 1 for a frame that saw nothing. The median is that of enough of them.
    """
    magnitudes = torch.where(weights > 0, residual.abs(), torch.nan).flatten(1)
    stride = magnitudes.shape[1] // MEDIAN_OF | 1  # odd, so that it keeps in step with nothing
    middle = magnitudes[:, ::stride].nanmedian(1)[0]
    return (2 * 1.4826 * middle).clamp_min(1e-3).nan_to_num(nan=1.0)
