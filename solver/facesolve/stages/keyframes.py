"""Which frames are solved jointly: those that differ most."""

from __future__ import annotations

import torch
from torch import Tensor

from facesolve.geometry.pose import Pose
from facesolve.geometry.rig import apply_head

from .problem import Problem


def choose_keyframes(problem: Problem, pose: Pose, first: int) -> Tensor:
    """Take frame indices (M,), sorted, of frames that differ most in shape and head position; ``first`` among them.

    Farthest-point selection on a few hundred surface samples in world space.
    """
    count = len(pose.controls)
    if count <= problem.quality.keyframes:
        return torch.arange(count, device=pose.controls.device)
    few = problem.samples.thinned(max(1, len(problem.samples.weight) // 300))
    deformation = problem.model.deformation(pose.controls.to(problem.model.neutral.dtype))
    places = apply_head(pose.head.to(problem.model.neutral.dtype), few.positions(deformation)).flatten(1)
    chosen = [first]
    nearest = (places - places[first]).norm(dim=1)
    while len(chosen) < problem.quality.keyframes:
        chosen.append(int(nearest.argmax()))
        nearest = torch.minimum(nearest, (places - places[chosen[-1]]).norm(dim=1))
    return torch.tensor(sorted(set(chosen)), device=pose.controls.device)
