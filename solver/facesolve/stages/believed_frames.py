"""Frames that show something else than the face: what is known about them comes from their neighbors instead.

Judged by the correlation of what a frame shows with the template, which is about the same in all frames that show the
face and near zero in one of noise or of somebody else. A frame in which something covers a part of the face is judged
by the rest of it. An eye that is shut is judged by itself.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from facesolve.geometry.pose import Pose
from facesolve.geometry.rigid import inverse, retract, step_of
from facesolve.residuals.quadratic import PackedQuadratics, Quadratic

from .covered import LEAST, LEAST_USUAL, SPOILED
from .gaze import HOLD_DEVIATION
from .problem import Problem
from .refine import Seen

# of the usual correlation: a frame says nothing below the first, all it can from the second
LOST, BELIEVED = 0.35, 0.65


Quadratics = TypeVar("Quadratics", Quadratic, PackedQuadratics)


def belief(seen: Seen) -> Tensor:
    """(F,) in 0..1 how much each frame is believed. One that no camera saw is not judged: it says nothing anyway."""
    of_frames = seen.correlation.nanmean(1)
    known = of_frames.isfinite()
    if not bool(known.any()):
        return torch.ones_like(of_frames)
    usual = of_frames[known].quantile(0.75).clamp_min(LEAST_USUAL)
    partly = (seen.clear < 1 - SPOILED) & (seen.clear > LEAST)
    of_frames = torch.where(partly, seen.of_clear, of_frames)
    share = ((of_frames / usual - LOST) / (BELIEVED - LOST)).clamp(0, 1)
    return torch.where(known, share.square(), 1.0)


def without_strangers(pose: Pose, quadratic: Quadratics, seen: Seen) -> tuple[Pose, Quadratics]:
    """Poses of F frames and what is said about them, without what frames say that are not believed.

    Those that say nothing are posed between their neighbors.
    """
    trust = belief(seen).to(quadratic.b.dtype)
    if bool((trust == 1).all()):
        return pose, quadratic
    return interpolated(pose, trust == 0), quadratic.scaled(trust)


def through_shut_eyes(problem: Problem, pose: Pose, quadratic: Quadratics) -> tuple[Pose, Quadratics]:
    """Poses of F frames and what is said about them: shut eyes look from where they did before to where they do after.

    Those are controls of eyeballs about which a frame says less than what holds them where they were.
    """
    if problem.eyes is None:
        return pose, quadratic
    count, controls, b = len(problem.prior.span), pose.controls.clone(), quadratic.b.clone()
    shut = (quadratic.said[:, :count] < 1 / (HOLD_DEVIATION * problem.prior.span) ** 2) & problem.eyes.controls
    for control in torch.nonzero(shut.any(0))[:, 0].tolist():
        lost = shut[:, control]
        controls[:, control] = interpolated(pose, lost).controls[:, control]
        b[lost, control] = 0.0
    return Pose(controls, pose.head), replace(quadratic, b=b)


def interpolated(pose: Pose, lost: Tensor) -> Pose:
    """F poses, those that are lost (F,) bool on the way between the nearest that are not, in order of the frames."""
    known = (~lost).nonzero()[:, 0].cpu().numpy()
    if not len(known) or len(known) == len(lost):
        return pose
    controls, head = pose.controls.clone(), pose.head.clone()
    for row in lost.nonzero()[:, 0].tolist():
        after = int(np.searchsorted(known, row))
        low, high = int(known[max(after - 1, 0)]), int(known[min(after, len(known) - 1)])
        share = (row - low) / (high - low) if high > low else 0.0
        controls[row] = torch.lerp(pose.controls[low], pose.controls[high], share)
        step = step_of(inverse(pose.head[low][None]) @ pose.head[high][None])
        head[row] = retract(pose.head[low][None], share * step)[0]
    return Pose(controls, head)
