"""The first frame: from the pose left in the scene to one on which all cameras agree. Knows no other frame."""

from __future__ import annotations

import torch
from torch import Tensor

from .bundle import bundle
from .problem import Pose, Problem
from .views import FramePixels

ROUNDS = 2  # times the views are made anew at each level
ITERATIONS = 3
HOLD_DEVIATION = 0.05  # of a control's range: one frame alone says little about the controls


def align(problem: Problem, pixels: FramePixels, pose: Pose, frame: int) -> Pose:
    """Pose (B = 1) of take frame index ``frame`` on which the cameras agree about the surface's colours.

    The head transform comes first, over all levels, then the controls follow on a short leash. With fewer than two
    cameras nothing can disagree, and the pose is returned as it is.
    """
    if len(problem.take.cameras) < 2:
        return pose
    frames = torch.tensor([frame], device=pose.head.device)
    for level in range(problem.coarsest, problem.quality.finest - 1, -1):
        pose = _round(problem, pixels, pose, frames, level, free_controls=False)
    return _round(problem, pixels, pose, frames, problem.quality.finest, free_controls=True)


def _round(problem: Problem, pixels: FramePixels, pose: Pose, frames: Tensor, level: int, free_controls: bool) -> Pose:
    hold = 1 / (HOLD_DEVIATION * problem.prior.span) ** 2
    for _ in range(ROUNDS):
        views = problem.views.views(problem.samples, level, frames.tolist(), [pixels], pose.controls, pose.head)
        pose = bundle(problem, views, pose, frames, level, ITERATIONS, free_controls, hold).pose
    return pose
