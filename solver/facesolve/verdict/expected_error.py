"""How far the surface is expected to be from the truth, from the uncertainty of controls and head. Knows no images."""

from __future__ import annotations

import torch
from torch import Tensor

from facesolve.geometry.pose import Pose
from facesolve.geometry.rigid import step_basis
from facesolve.optimize.levenberg_marquardt import regularized
from facesolve.stages.problem import Problem

SAMPLES = 300
MILLIMETERS = 10.0  # in a centimeter


def expected_error(problem: Problem, pose: Pose, information: Tensor, variance: Tensor) -> float:
    """Mean distance in mm that the surface which drives the solve has from the truth, over B poses.

    information: (B, K+6, K+6) of each frame alone, with its priors, which says how errors go together; variance:
    (B, K+6) how large each is, 0 where a control was not free.
    """
    alone = torch.linalg.inv(regularized(information))
    scale = (variance / alone.diagonal(dim1=1, dim2=2).clamp_min(1e-30)).sqrt()
    covariance = alone * scale[:, None] * scale[:, :, None]
    motion, weight = _motion(problem, pose)
    return _mean(torch.einsum("bnij,bjk,bnik->bn", motion, covariance, motion), weight)


def mean_distance(problem: Problem, pose: Pose, steps: Tensor) -> float:
    """How far steps (B, K+6, R) of B poses move that surface, mm: the mean over it of the root of summed squares."""
    motion, weight = _motion(problem, pose)
    return _mean((motion @ steps[:, None]).square().sum((2, 3)), weight)


def _motion(problem: Problem, pose: Pose) -> tuple[Tensor, Tensor]:
    """How a step of controls and head moves some samples, (B, N, 3, K+6) cm, and the weight (N,) of these."""
    stride = max(1, len(problem.samples.weight) // SAMPLES)
    samples, dtype = problem.samples.thinned(stride), torch.float64
    placed = samples.placed(problem.model.deformation(pose.controls.to(samples.neutral.dtype)))
    moved = torch.stack([placed.rows(frame).to(dtype) for frame in range(len(pose.controls))])  # (B, N, 3, U)
    moved = moved @ placed.deformation.J_unknown_control.to(dtype)[:, None]
    return torch.cat([moved, step_basis(placed.points.to(dtype))], -1), samples.weight.to(dtype)


def _mean(squares: Tensor, weight: Tensor) -> float:
    """Of the roots of squares (B, N), cm, in mm."""
    return MILLIMETERS * float(
        (squares.clamp_min(0).sqrt() * weight).sum() / (weight.sum() * len(squares)).clamp_min(1e-9)
    )
