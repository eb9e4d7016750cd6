"""How far what was solved lies from the start pose. Knows no images.

Cameras whose principal points are all off the same way, and footage of another time, agree with each other: only a
person who posed the head has said where it is, and when.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from facesolve.geometry.pose import Pose
from facesolve.geometry.rig import apply_head
from facesolve.stages.problem import Problem
from facesolve.take import StartPose

from .heads_apart import heads_apart

SAMPLES = 500
FRAMES_TOGETHER = 64
MILLIMETERS = 10.0  # in a centimeter


@dataclass(frozen=True)
class FromStart:
    """Between the start pose and the pose solved at its frame: degrees and cm of the head, mm of the surface (mean).

    frame: the start pose's. nearest, nearest_mm: the frame whose solved surface lies nearest to the start pose.
    """

    degrees: float = 0.0
    centimeters: float = 0.0
    mm: float = math.nan
    frame: int = 0
    nearest: int = 0
    nearest_mm: float = math.nan


NO_START_POSE = FromStart()  # or one that was looked for


def from_start(problem: Problem, start: StartPose, pose: Pose) -> FromStart:
    """pose: of all frames of the problem's take."""
    take = problem.take
    there = torch.as_tensor(start.controls)[None], torch.as_tensor(start.head)[None]
    given = Pose(there[0].to(pose.controls), there[1].to(pose.head))
    stride = max(1, len(problem.samples.weight) // SAMPLES)
    samples = problem.samples.thinned(stride)
    weight = samples.weight.to(pose.head.dtype)

    def surface(some: Pose) -> torch.Tensor:
        deformation = problem.model.deformation(some.controls.to(problem.model.dtype))
        return apply_head(some.head, samples.positions(deformation).to(some.head.dtype))

    at_start, apart = surface(given), []
    for rows in torch.arange(len(pose.head)).split(FRAMES_TOGETHER):
        off = (surface(pose.at(rows)) - at_start).norm(dim=-1)
        apart.append((off * weight).sum(-1) / weight.sum())
    mm = MILLIMETERS * torch.cat(apart)
    row = int((take.frames == start.frame).argmax())
    turn, shift = heads_apart(take.rig, start.head, pose.head[row].double().cpu().numpy())
    nearest = int(mm.argmin())
    return FromStart(turn, shift, float(mm[row]), start.frame, int(take.frames[nearest]), float(mm[nearest]))
