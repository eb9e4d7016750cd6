"""The last stages: every frame against the agreed template, then all frames jointly with smoothness over time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from facesolve.footage.stream import FramePixels
from facesolve.geometry.pose import Pose, joined
from facesolve.geometry.rigid import inverse, retract, step_of
from facesolve.geometry.rotation import tangent_from_rotation
from facesolve.optimize.banded import BandedSystem, pulled_back, second_differences
from facesolve.optimize.levenberg_marquardt import regularized
from facesolve.optimize.nested import copied
from facesolve.optimize.robust import robust_weight
from facesolve.residuals.camera_errors import CameraErrors
from facesolve.residuals.observation import Observation, Views, observe
from facesolve.residuals.photometric import Template
from facesolve.residuals.quadratic import PackedQuadratics, Quadratic
from facesolve.residuals.residual import JOINT
from facesolve.residuals.template import agree
from facesolve.runtime.devices import indices_on
from facesolve.take import SolveError

from .covered import LEAST, SPOILED, Cover, cover, usual_correlation
from .frame_fit import Anchor, FrameFit, FrameFitOptions, fit_frames, with_priors
from .gaze import with_gaze
from .problem import Problem

OPTIONS = FrameFitOptions(iterations=3)
TINY = 1e-9
COVER_ROUNDS = 2  # what is covered is known better once the face is where it should be
AS_CLEAR = 0.9  # times the part that was clear when all had a say: less is clear only where the face was lost
ANCHOR_DEVIATION = 0.3  # of a control's range, around where the bundle put it
# standard deviations of the change of velocity between frames, at 30 frames a second
CONTROL_ACCELERATION = 0.02  # of a control's range
ROTATION_ACCELERATION = 0.003  # radians
TRANSLATION_ACCELERATION = 0.03  # centimeters
REFERENCE_FPS = 30.0
SURPRISE = 3.0  # deviations of a second difference from which it is no noise
# shares by which the diagonals of the joint pass' matrix are raised, the first that makes it positive definite: what
# many overlapping shapes leave undetermined is smaller than the rounding of their sums
RIDGES = (0.0, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2)
JOINED_SECONDS = 8.0  # of a take that are joined at once
OVERLAP_SECONDS = 2.0  # with the frames before and after: smoothness reaches a fifth of a second, where little is seen
CONVERGED = 1e-8  # of the joint pass' cost: what is left moves nothing by more than a hundredth of its deviation

Rows = TypeVar("Rows", FrameFit, "Seen")


@dataclass(frozen=True, eq=False)
class LearnedTemplate:
    """The template that keyframes agree on, and how much a look at the face has in common with it
    (``usual_correlation``)."""

    template: Template
    usual: float


def learn_template(
    problem: Problem,
    pixels: list[FramePixels],
    pose: Pose,
    frames: Tensor,
    level: int,
    errors: CameraErrors | None = None,
    velocity: Tensor | None = None,
) -> LearnedTemplate:
    """What the keyframes (M) agree on at a level. frames: (M,) take frame indices.

    errors: of the cameras, with the velocity of the samples (``Problem.velocity``) at the keyframes.
    """
    views = problem.views.views(problem.samples, level, frames.tolist(), pixels, pose.controls, pose.head)
    if errors is not None and velocity is not None:
        views = errors.seen(views, velocity)
    observation = observe(problem.samples, problem.model, pose.controls, pose.head, views)
    return LearnedTemplate(agree(observation, views.edges)[0], usual_correlation(observation))


def carry_correction(before: Pose, keys: Tensor, after: Pose) -> Pose:
    """Moves all F frames as the keyframes (M, sorted indices ``keys``) were moved, linearly in between.

    before: F poses; after: the M keyframes' new poses. Controls are corrected by their change, the head by the rigid
    motion in its own axes.
    """
    at_keys = before.at(keys)
    control_change = after.controls - at_keys.controls
    head_change = step_of(inverse(at_keys.head) @ after.head)
    change = torch.cat([control_change, head_change], 1).cpu().numpy()
    frames = np.arange(len(before.controls))
    columns = [np.interp(frames, keys.cpu().numpy(), column) for column in change.T]
    step = torch.as_tensor(np.stack(columns, 1), dtype=before.controls.dtype, device=before.controls.device)
    count = before.controls.shape[1]
    return Pose(before.controls + step[:, :count], retract(before.head, step[:, count:]))


@dataclass(frozen=True, eq=False)
class Seen:
    """What each of C cameras makes of B frames, NaN where it saw nothing.

    residual: (B, C) root of the robust weighted mean square of its photometric residuals. correlation: (B, C) of its
    view with the template, no residual left out. clear: (B,) part of the visible face that looks as it should, and
    of_clear: (B,) the correlation of that part alone. hidden: (B,) part of the visible face that shows nothing of it.
    """

    residual: Tensor
    correlation: Tensor
    clear: Tensor
    of_clear: Tensor
    hidden: Tensor

    def at(self, rows: Tensor) -> Seen:
        """Some of the frames."""
        return Seen(*(getattr(self, field.name)[rows] for field in fields(self)))


@dataclass(frozen=True, eq=False)
class Target:
    """What frames are refined to: the template of a pyramid level; from where: F poses; and what cameras are off by.

    eyes: what the eyes look like (``gaze.learn_eyes``), None where no control turns an eyeball.
    """

    learned: LearnedTemplate
    level: int
    begin: Pose
    errors: CameraErrors | None = None
    eyes: Template | None = None


def refine_frames(
    problem: Problem, target: Target, frames: Sequence[int], pixels: Sequence[FramePixels]
) -> tuple[FrameFit, Seen]:
    """B frames, take frame indices ``frames``, against a target; and what each camera makes of them."""
    learned, level = target.learned, target.level
    template = learned.template
    index = indices_on(target.begin.head.device, frames)
    pose = problem.held(target.begin.at(index), index)
    anchor = Anchor(pose.controls, 1 / (ANCHOR_DEVIATION * problem.prior.span) ** 2)
    views = problem.views.views(problem.samples, level, frames, pixels, pose.controls, pose.head)
    if target.errors is not None:
        views = target.errors.seen(views, problem.velocity(target.begin, index))
    fit = fit_frames(problem, template, views, pose, index, level, OPTIONS, anchor)
    observation = observe(problem.samples, problem.model, fit.pose.controls, fit.pose.head, views)
    covered = cover(problem, observation, template, learned.usual)
    seen = _seen(observation, template, fit.scale, covered)
    rows = (covered.clear < 1 - SPOILED).nonzero()[:, 0]
    if len(rows):
        # a fit's tensors last until the next fit of as many frames
        fit, seen = _without_covers(problem, target, index, views, _Refined(copied(fit), seen), rows)
    if target.eyes is not None:
        begin, eyes = problem.held(target.begin.at(index), index), target.eyes
        fit = with_gaze(problem, eyes, pixels, copied(fit), begin, index, target.errors, target.begin)
    return fit, seen


@dataclass(frozen=True, eq=False)
class _Refined:
    """B frames as they were refined, and what cameras make of them."""

    fit: FrameFit
    seen: Seen


def _without_covers(
    problem: Problem, target: Target, frames: Tensor, views: Views, refined: _Refined, rows: Tensor
) -> tuple[FrameFit, Seen]:
    """B frames of which some rows (n,) show something else in places: those once more, without these places.

    frames: (B,) take frame indices. What covers the face may have pulled it away, so that nothing is where it should
    be: it is looked for where the frame was carried to. A frame that shows too little then stays as it is.
    """
    template, usual, some = target.learned.template, target.learned.usual, views.at(rows)
    pose = problem.held(target.begin.at(frames[rows]), frames[rows])
    anchor = Anchor(pose.controls, 1 / (ANCHOR_DEVIATION * problem.prior.span) ** 2)
    for _ in range(COVER_ROUNDS):
        observation = observe(problem.samples, problem.model, pose.controls, pose.head, some)
        clear = cover(problem, observation, template, usual).uncovered(some)
        fit = fit_frames(problem, template, clear, pose, frames[rows], target.level, OPTIONS, anchor)
        pose = fit.pose
    observation = observe(problem.samples, problem.model, pose.controls, pose.head, some)
    covered = cover(problem, observation, template, usual)
    better = covered.clear > (AS_CLEAR * refined.seen.clear[rows]).clamp_min(LEAST)
    rows, kept = rows[better], better.nonzero()[:, 0]
    if not len(rows):
        return refined.fit, refined.seen
    seen = _seen(observation, template, fit.scale, covered)
    return _put(refined.fit, fit, rows, kept), _put(refined.seen, seen, rows, kept)


def _put(whole: Rows, part: Rows, rows: Tensor, kept: Tensor) -> Rows:
    """A dataclass of tensors (B, ...), or of such, with some rows from those ``kept`` of another of its kind."""

    def put(one: Any, other: Any) -> Any:
        if isinstance(one, Tensor):
            return one.index_copy(0, rows, other[kept])
        return replace(
            one, **{field.name: put(getattr(one, field.name), getattr(other, field.name)) for field in fields(one)}
        )

    found: Rows = put(whole, part)
    return found


def _seen(observation: Observation, template: Template, scale: Tensor, covered: Cover) -> Seen:
    """What cameras make of B frames at their poses. scale: (B,) robust."""
    residual = observation.values - template.values
    weights = observation.weights * (template.weights > 0)
    power = (weights * observation.values**2).sum(2) * (weights * template.values**2).sum(2)
    correlation = (weights * observation.values * template.values).sum(2) / power.sqrt().clamp_min(TINY)
    correlation = torch.where(weights.sum(2) > 0, correlation, torch.nan)  # a black image is seen, and shows nothing
    weights = weights * robust_weight(residual, scale[:, None, None])
    residual = torch.sqrt((weights * residual**2).sum(2) / weights.sum(2))
    return Seen(residual, correlation, covered.clear, covered.correlation, covered.hidden)


@dataclass(frozen=True, eq=False)
class JointFit:
    """All F frames after the joint pass: poses and variances (F, K+6) of controls and head step."""

    pose: Pose
    variance: Tensor


def joint_pass(problem: Problem, pose: Pose, photometric: Quadratic | PackedQuadratics) -> JointFit:
    """One bounded step of all F frames together: photometric quadratics at ``pose``, priors, smoothness over time.

    A long take is joined in parts that overlap, of which the middle is kept: memory does not grow with its length, and
    what is farther away than the overlap moves nothing.
    Raises SolveError when the quadratics are not finite, or far from convex.
    """
    frames = torch.arange(len(pose.controls), device=pose.controls.device)
    fits = []
    for whole, kept in joint_parts(len(frames), problem.take.fps, problem.take.settings.smoothness):
        rows = frames[whole]
        fit = _joined(problem, pose.at(rows), photometric.at(rows), rows)
        fits.append(JointFit(fit.pose.at(kept), fit.variance[kept]))
    return JointFit(joined([fit.pose for fit in fits]), torch.cat([fit.variance for fit in fits]))


def joint_parts(count: int, fps: float, smoothness: float) -> list[tuple[slice, slice]]:
    """Parts of ``count`` frames that are joined together, and what is kept of each, counted from its first frame."""
    length = math.ceil(JOINED_SECONDS * fps)
    overlap = math.ceil(OVERLAP_SECONDS * fps * max(1.0, smoothness) ** 0.25)  # as far as fourth derivatives reach
    if count <= length + 2 * overlap:
        return [(slice(0, count), slice(0, count))]
    parts = []
    for first in range(0, count, length):
        begin, last = max(first - overlap, 0), min(first + length, count)
        parts.append((slice(begin, min(last + overlap, count)), slice(first - begin, last - begin)))
    return parts


def _joined(problem: Problem, pose: Pose, photometric: Quadratic, frames: Tensor) -> JointFit:
    """Frames that follow each other, joined by themselves. frames: (n,) take frame indices."""
    full = with_priors(problem, photometric, pose, frames, JOINT)
    differences = motion_differences(pose)
    springs = relaxed_springs(smoothness_springs(problem)[frames], differences, full.A)
    system = _positive_definite_system(full.A, springs)
    b = full.b
    if len(differences):
        b = b - pulled_back(springs[1:-1] * differences)
    lower, upper = problem.box(pose, frames)
    step = system.solve_box(b, lower, upper, CONVERGED)
    stepped = pose.stepped(step)
    return JointFit(problem.held(stepped, frames), system.variances(lower >= upper))


def _positive_definite_system(A: Tensor, springs: Tensor) -> BandedSystem:
    for ridge in RIDGES:
        system = BandedSystem(regularized(A, ridge), springs)
        if system.positive_definite():
            return system
    wrong = (~torch.isfinite(A)).flatten(1).any(1).sum()
    raise SolveError(
        f"join all frames: the equations of {int(wrong)} of {len(A)} frames are not finite, and no step can be taken; "
        "pack the take without the frames that 'facesolve inspect' names, or solve with fewer controls."
    )


def smoothness_springs(problem: Problem) -> Tensor:
    """(F, K+6) information of the second difference over time of controls and head step around each frame.

    0 where a frame's neighbors are not as near as frames of the take come: farther apart, motion is not smooth.
    """
    gaps = np.diff(problem.take.frames)
    linked = np.zeros(problem.take.frame_count, bool)
    least = int(gaps.min()) if len(gaps) else 1
    linked[1:-1] = (gaps[1:] == least) & (gaps[:-1] == least)
    slower = (REFERENCE_FPS / problem.take.fps * least) ** 2
    deviation = torch.cat(
        [
            CONTROL_ACCELERATION * problem.prior.span,
            problem.prior.span.new_tensor([ROTATION_ACCELERATION] * 3 + [TRANSLATION_ACCELERATION] * 3),
        ]
    )
    information = problem.take.settings.smoothness / (deviation * slower) ** 2
    return torch.as_tensor(linked, device=information.device)[:, None] * information


def relaxed_springs(springs: Tensor, differences: Tensor, A: Tensor) -> Tensor:
    """The springs (F, P), weaker where the footage is sure of a faster change than they allow, as of a blink.

    differences: (F-2, P) second differences of the poses that each frame has by itself, with matrices A (F, P, P).
    There the change's own size is its deviation, so that the prior neither flattens it nor makes it look certain.
    """
    if not len(differences):
        return springs
    variance = torch.linalg.inv_ex(regularized(A))[0].diagonal(dim1=1, dim2=2).clamp_min(0)
    noise = variance[:-2] + 4 * variance[1:-1] + variance[2:]
    excess = (differences.square() - SURPRISE**2 * noise).clamp_min(0).nan_to_num(nan=0.0)
    relaxed = springs.clone()
    relaxed[1:-1] = springs[1:-1] / (1 + springs[1:-1] * excess)
    return relaxed


def motion_differences(pose: Pose) -> Tensor:
    """(F-2, K+6) second differences over time of controls and head around each frame but the first and the last.

    The head's is taken in the axes of the middle frame: ``log(R_f^T R_f+1) - log(R_f-1^T R_f)`` and
    ``R_f^T (t_f-1 - 2 t_f + t_f+1)``; between neighboring frames its derivative is 1, -2, 1 to first order.
    """
    controls = second_differences(pose.controls)
    if not len(controls):
        return controls.new_zeros(0, controls.shape[1] + 6)
    rotation, translation = pose.head[:, :3, :3], pose.head[:, :3, 3]
    turn = tangent_from_rotation(rotation[:-1].mT @ rotation[1:])
    local = (rotation[1:-1].mT @ second_differences(translation)[..., None])[..., 0]
    return torch.cat([controls, turn[1:] - turn[:-1], local], 1)
