"""Whether the head in the footage is as large as the rig. Knows no limits and no sentences.

Cameras whose focal lengths are all wrong by one factor agree with each other, and so do cameras whose places are in
another unit by little, or that film somebody else's head: about a surface that is larger or smaller than the rig's.
Poses and controls of a solve give way to it in part. What they cannot take up is found as one more unknown.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from facesolve.footage.stream import FramePixels
from facesolve.geometry.pose import Pose
from facesolve.optimize.levenberg_marquardt import regularized
from facesolve.residuals.color_elimination import (
    SampleEquations,
    eliminated_camera_equations,
    eliminated_normal_equations,
)
from facesolve.residuals.observation import observe
from facesolve.residuals.photometric import template_covectors
from facesolve.residuals.template import agree
from facesolve.stages.bundle import BundleFit
from facesolve.stages.problem import Problem

SAMPLES = 10_000  # at most
LEVEL = 1  # of the pyramid, at least: a size shows in coarse images, too


def size_error(
    problem: Problem, pixels: Sequence[FramePixels], bundled: BundleFit, frames: Tensor, velocity: Tensor
) -> tuple[float, float]:
    """By which part of its size the head is larger than the rig (-0.05: 5 % smaller), and the deviation of that.

    pixels: of the bundled frames (M,), take frame indices. velocity: as ``Problem.velocity``, of these frames.
    NaN where nothing can be told.
    """
    stride, level = max(1, len(problem.samples.weight) // SAMPLES), max(LEVEL, problem.quality.finest)
    some, pose = problem.with_samples(problem.samples.thinned(stride)), bundled.pose
    views = some.views.views(some.samples, level, frames.tolist(), pixels, pose.controls, pose.head)
    if bundled.errors is not None:
        views = bundled.errors.seen(views, velocity[:, ::stride])
    seen = observe(some.samples, some.model, pose.controls, pose.head, views)
    template, weights, scale = agree(seen, views.edges)
    residual, covectors = seen.values - template.values, template_covectors(template.slopes, seen.rays, views.edges)
    of_poses = SampleEquations.of(covectors, weights, residual, template.weights)
    A, b = eliminated_normal_equations(seen.placed, of_poses)
    middle = (seen.points * some.samples.weight[:, None]).sum(1, keepdim=True) / some.samples.weight.sum()
    growth = (covectors * (seen.points - middle)[:, None]).sum(-1, keepdim=True)
    of_size = eliminated_camera_equations(seen.placed, growth, covectors, weights, residual, template.weights)
    noise = some.noise_variance(scale, level)
    A, b = _with_priors(some, pose, frames, A / noise, b / noise)
    # one unknown for all cameras
    side, own, force = of_size.frames.sum(1) / noise, of_size.own.sum() / noise, of_size.b.sum() / noise
    lower, upper = (bound.reshape(-1) for bound in some.box(pose, frames))
    free = ~((lower >= 0) & (b < 0)) & ~((upper <= 0) & (b > 0))
    taken_up = torch.linalg.solve(regularized(A[free][:, free]), side[free])
    information = own - side[free] @ taken_up
    if not bool(information > 0):
        return float("nan"), float("nan")
    return float((force - b[free] @ taken_up) / information), float(information**-0.5)


def _with_priors(problem: Problem, pose: Pose, frames: Tensor, A: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Equations of M frames jointly with what is known of the controls of each."""
    prior, count = problem.prior.quadratic(problem, frames, pose), len(frames)
    width = len(b) // count
    A = A.clone()
    blocks = A.view(count, width, count, width).diagonal(dim1=0, dim2=2)  # (K+6, K+6, M)
    known = prior.b.shape[1]
    blocks[:known, :known] += prior.A.permute(1, 2, 0)
    b = b.clone()
    b.view(count, width)[:, :known] += prior.b
    return A, b
