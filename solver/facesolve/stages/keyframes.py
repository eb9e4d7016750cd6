"""Which frames are solved jointly: those that differ most."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from facesolve.geometry.pose import Pose
from facesolve.geometry.rig import apply_head
from facesolve.take import Take

from .problem import Problem


def posed_frames(take: Take, first: int) -> list[int]:
    """Take frame indices whose controls a person has told: those that are neutral, else the start frame ``first``."""
    neutral = [int(np.flatnonzero(take.frames == frame)[0]) for frame in take.settings.neutral]
    return neutral or [first]


def choose_keyframes(problem: Problem, pose: Pose, among: Sequence[int], believed: Tensor | None = None) -> Tensor:
    """Take frame indices (M,), sorted, of frames that differ most in shape and head position; ``among`` them some.

    Farthest-point selection on a few hundred surface samples in world space. believed: (F,) bool, frames that may be
    chosen, those of ``among`` always; all if None.
    """
    count = len(pose.controls)
    usable = torch.ones(count, dtype=torch.bool, device=pose.controls.device) if believed is None else believed.clone()
    usable[list(among)] = True
    if int(usable.sum()) <= problem.quality.keyframes:
        return usable.nonzero()[:, 0]
    few = problem.samples.thinned(max(1, len(problem.samples.weight) // 300))
    deformation = problem.model.deformation(pose.controls.to(problem.model.neutral.dtype))
    places = apply_head(pose.head.to(problem.model.neutral.dtype), few.positions(deformation)).flatten(1)
    chosen = list(among)
    apart = torch.stack([(places - places[one]).norm(dim=1) for one in chosen]).amin(0)
    nearest = torch.where(usable, apart, -1.0)
    while len(chosen) < problem.quality.keyframes:
        chosen.append(int(nearest.argmax()))
        nearest = torch.minimum(nearest, (places - places[chosen[-1]]).norm(dim=1))
    return torch.tensor(sorted(set(chosen)), device=pose.controls.device)
