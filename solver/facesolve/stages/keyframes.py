"""Which frames are solved jointly: those that differ most."""

from __future__ import annotations

import torch
from torch import Tensor

from facesolve.geometry.pose import Pose
from facesolve.geometry.rig import apply_head

from .problem import Problem


def choose_keyframes(problem: Problem, pose: Pose, first: int, believed: Tensor | None = None) -> Tensor:
    """Take frame indices (M,), sorted, of frames that differ most in shape and head position; ``first`` among them.

    Farthest-point selection on a few hundred surface samples in world space. believed: (F,) bool, frames that may be
    chosen, ``first`` always; all if None.
    """
    count = len(pose.controls)
    usable = torch.ones(count, dtype=torch.bool, device=pose.controls.device) if believed is None else believed.clone()
    usable[first] = True
    if int(usable.sum()) <= problem.quality.keyframes:
        return usable.nonzero()[:, 0]
    few = problem.samples.thinned(max(1, len(problem.samples.weight) // 300))
    deformation = problem.model.deformation(pose.controls.to(problem.model.neutral.dtype))
    places = apply_head(pose.head.to(problem.model.neutral.dtype), few.positions(deformation)).flatten(1)
    chosen = [first]
    nearest = torch.where(usable, (places - places[first]).norm(dim=1), -1.0)
    while len(chosen) < problem.quality.keyframes:
        chosen.append(int(nearest.argmax()))
        nearest = torch.minimum(nearest, (places - places[chosen[-1]]).norm(dim=1))
    return torch.tensor(sorted(set(chosen)), device=pose.controls.device)
