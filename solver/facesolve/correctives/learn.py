"""Correctives from a take's footage, on top of poses that a solve has found: the stages in reading order.

1. ``learn``  at a few keyframes: smooth shapes and their activations with the surface's color eliminated, first
              anywhere, then only where they explained what the frames disagreed about.
2. ``follow`` every frame against the template that the keyframes agree on, and all frames together, smooth over time,
              with the solved controls and head transforms held.

Second order throughout: the normal equations of the photometric residuals in smooth kernels are solved, rather than
descended along, so that a deformation of a pixel or two is found in a dozen linearizations.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from facesolve.footage.stream import FramePixels, TakeFootage
from facesolve.geometry.face_weight import connected_pieces
from facesolve.geometry.pose import Pose
from facesolve.geometry.smooth_fields import smooth_fields
from facesolve.runtime.progress import Progress
from facesolve.stages.problem import Problem
from facesolve.stages.refine import joint_pass, learn_template
from facesolve.stages.refine_on_devices import Target, gathered, refined_batches

from .apply import corrected_take, extended
from .keyframes import Found, Keyframes
from .search import Search
from .shapes import ShapeSpace
from .span import RigSpan

FREE_LEVELS = (1, 1, 1, 0, 0, 0)  # pyramid levels of the fits with kernels anywhere
KEPT_LEVELS = (0, 0, 0)  # and of those with the kernels that explained something
NOT_NEEDED = "the rig explains the footage wherever the cameras agree"
LEAST_SIZE = 0.005  # cm: shapes that move nothing farther are not worth a target


@dataclass(frozen=True, eq=False)
class Learned:
    """shapes: (J, V, 3) cm, rig space, free of the rig's span; activations: (M, J) at the keyframes."""

    shapes: Tensor
    activations: Tensor


def learn(
    problem: Problem,
    pixels: Sequence[FramePixels],
    pose: Pose,
    frames: Tensor,
    search: Search,
    progress: Progress,
    usable: Tensor | None = None,
) -> Learned | str:
    """Shapes from M keyframes (take frame indices ``frames``) and their solved poses; where there are none, why.

    While shapes are sought the poses are solved along with them: what of a deformation the rig's controls had stood in
    for goes back, and the shapes stay local; at the end they are freed of the rig's span. What was found freely is
    judged kernel by kernel, and what passes is fitted again from where the solve ended: highlights and lids that pull
    the surface about do not make the frames agree. usable: (V,) bool, where kernels may be centered, None for anywhere.
    """
    finest = problem.quality.finest
    space, span = _spaces(problem, pose, frames, search, usable)
    keyframes = Keyframes(problem, pixels, frames, space, progress)
    progress.stage("find correctives", len(FREE_LEVELS) + len(KEPT_LEVELS))
    everywhere = torch.ones(space.fields.kernels.shape[1], dtype=torch.bool, device=pose.controls.device)
    nothing = Found(pose.controls.new_zeros(1, len(everywhere)), pose.controls.new_ones(len(frames), 1), pose)
    freely = keyframes.fitted(nothing, [max(level, finest) for level in FREE_LEVELS], everywhere, search.shapes)
    explaining = keyframes.explaining(nothing, freely, finest)
    if not bool(explaining.any()):
        return NOT_NEEDED
    begin = replace(freely, coefficients=freely.coefficients * explaining, pose=pose)
    kept = keyframes.fitted(begin, [max(level, finest) for level in KEPT_LEVELS], explaining, search.shapes)
    kept = replace(kept, coefficients=kept.coefficients * keyframes.explaining(nothing, kept, finest))
    shapes = space.shapes(kept.coefficients)
    size = shapes.norm(dim=2).amax(1) * kept.activations.abs().amax(0)  # cm
    too_large = size > search.largest / 10
    sentence = (
        f"a shape of {10 * float(size.max()):.1f} mm is left out: more than {search.largest:g} mm is no detail that "
        "the rig lacks, so look at the pose and the footage"
    )
    chosen = ~too_large & (shapes.norm(dim=2).amax(1) > LEAST_SIZE)
    if not bool(chosen.any()):
        return sentence if bool(too_large.any()) else NOT_NEEDED
    if bool(too_large.any()):
        progress.message(sentence)
    gain = keyframes.gain(nothing, replace(kept, coefficients=kept.coefficients * chosen[:, None]), finest)
    if gain < search.gain:
        return (
            f"what was found explains {gain:.1%} of the disagreement of cameras and frames, less than {search.gain:.1%}"
        )
    return Learned(span.removed_from(shapes[chosen]), kept.activations[:, chosen])


@dataclass(frozen=True, eq=False)
class Followed:
    """activations: (F, J); deviation: (F, J) standard deviations; residual: (F, C) of each camera with correctives."""

    activations: Tensor
    deviation: Tensor
    residual: Tensor


def follow(
    problem: Problem,
    footage: TakeFootage,
    key_pixels: Sequence[FramePixels],
    solved: Pose,
    frames: Tensor,
    learned: Learned,
    progress: Progress,
) -> Followed:
    """Activations at all F frames. solved: the F poses of the solve, which are held; frames: (M,) keyframes."""
    count, finest = problem.take.frame_count, problem.quality.finest
    full = extended(problem, corrected_take(problem.take, learned.shapes.cpu().numpy(), solved.controls.cpu().numpy()))
    keys = frames.cpu().numpy()
    columns = [np.interp(np.arange(count), keys, column) for column in learned.activations.T.cpu().numpy()]
    guess = torch.as_tensor(np.stack(columns, 1)).to(solved.controls)
    start = Pose(torch.cat([solved.controls, guess], 1), solved.head)
    target = Target(learn_template(full, list(key_pixels), start.at(frames), frames, finest), finest, start)
    progress.stage("follow the correctives", count)
    parts = []
    with closing(refined_batches(full, footage, target, range(count))) as batches:
        for part in batches:
            parts.append(part)
            progress.advance(len(part.frames))
    whole = gathered(parts, full.model.device)
    joint = joint_pass(full, whole.pose, whole.quadratic)
    own = slice(solved.controls.shape[1], -6)
    return Followed(joint.pose.controls[:, own.start :], joint.variance[:, own].sqrt(), whole.seen.residual)


def _spaces(
    problem: Problem, pose: Pose, frames: Tensor, search: Search, usable: Tensor | None
) -> tuple[ShapeSpace, RigSpan]:
    """Fields over the surface that drives the solve and that some camera sees at a keyframe; and the rig's span."""
    model = problem.model
    weight = model.face_weight.double()
    seen = torch.zeros_like(weight, dtype=torch.bool)
    for row, frame in enumerate(frames.tolist()):
        triangles = problem.views.seen_triangles(problem.quality.finest, frame, pose.controls[row], pose.head[row])
        seen[model.triangles[triangles]] = True
    centers = seen & (weight > 0)
    if usable is not None:
        centers &= usable
    fields = smooth_fields(model.neutral, model.triangles, centers, search.spacing)
    piece = torch.as_tensor(connected_pieces(model.rig), device=model.device)
    skin = torch.zeros(int(piece.max()) + 1, dtype=torch.bool, device=model.device)
    skin[piece[weight > 0]] = True
    span = RigSpan(model, fields.area * weight, still=~skin[piece])
    return ShapeSpace.of(model, problem.samples, fields, search.spacing), span
