"""How far what was solved lies from the start pose, and whether the principal points explain it. Knows no images.

Cameras whose principal points are all off the same way, and footage of another time, agree with each other: only a
person who posed the head has said where it is, and when.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from facesolve.geometry.camera import CameraModel
from facesolve.geometry.camera_sense import off_middle_together
from facesolve.geometry.pose import Pose
from facesolve.geometry.rig import apply_head
from facesolve.stages.problem import Problem
from facesolve.take import StartPose

from .heads_apart import heads_apart

SAMPLES = 500
FRAMES_TOGETHER = 64
MILLIMETERS = 10.0  # in a centimeter
EXPLAINED = 0.5  # of an offset of all principal points: the rest of the way from the start pose, in pixels, is less


@dataclass(frozen=True)
class FromStart:
    """Between the start pose and the pose solved at its frame: degrees and cm of the head, mm of the surface (mean).

    frame: the start pose's. nearest, nearest_mm: the frame whose solved surface lies nearest to the start pose.
    off_middle: pixels right and down by which all principal points are off the middle, where images of the start pose
    are off by about as much; else zeros.
    """

    degrees: float = 0.0
    centimeters: float = 0.0
    mm: float = math.nan
    frame: int = 0
    nearest: int = 0
    nearest_mm: float = math.nan
    off_middle: tuple[float, float] = (0.0, 0.0)


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
    off_middle = _off_middle(problem, at_start[0], surface(pose.at(torch.tensor([row])))[0], weight, row)
    of_frame, of_nearest = float(mm[row]), float(mm[nearest])
    return FromStart(turn, shift, of_frame, start.frame, int(take.frames[nearest]), of_nearest, off_middle)


def _off_middle(
    problem: Problem, given: torch.Tensor, solved: torch.Tensor, weight: torch.Tensor, row: int
) -> tuple[float, float]:
    """given, solved: (N, 3) the surface at the start frame. row: that frame's."""
    cameras = CameraModel.from_cameras(problem.take.cameras, row, given.device, given.dtype)
    sizes = torch.stack([cameras.widths, cameras.heights], -1).cpu().numpy()
    off = off_middle_together(cameras.intrinsics.double().cpu().numpy(), sizes)
    if off is None:
        return (0.0, 0.0)
    there, here = cameras.project(given), cameras.project(solved)
    shown = weight * (there.valid & here.valid)  # (C, N)
    moved = ((there.pixels - here.pixels) * shown[..., None]).sum((0, 1)) / shown.sum().clamp_min(1e-9)
    rest = moved.double().cpu().numpy() - off
    explained = bool(np.linalg.norm(rest) < EXPLAINED * np.linalg.norm(off))
    return (float(off[0]), float(off[1])) if explained else (0.0, 0.0)
