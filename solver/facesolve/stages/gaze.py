"""Where eyes look: what turns eyeballs is fitted by samples on the eyeballs alone, and by images made for them.

Next to a whole face, eyes have no say: what is usual on skin decides there which residuals are outliers, and an iris
that is a pixel off is one, so that it stops pulling. And where local contrast is divided out, a highlight dims the iris
around it. Here only what is darker and brighter in the whole eye is taken out, and what is usual on eyeballs decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from facesolve.footage.normalize import blurred
from facesolve.footage.stream import FramePixels
from facesolve.geometry.eye_samples import SAMPLES, Eyes
from facesolve.geometry.pose import Pose
from facesolve.residuals.camera_errors import CameraErrors
from facesolve.residuals.observation import Views, image_stacks, observe
from facesolve.residuals.photometric import Template
from facesolve.residuals.quadratic import Quadratic
from facesolve.residuals.template import agree

from .bundle import BundleOptions, bundle
from .frame_fit import Anchor, FrameFit, FrameFitOptions, fit_frames
from .gaze_search import find_gaze
from .problem import Problem

ROUNDS = 2  # times the views of keyframes are made anew
ITERATIONS = 12
FRAME_OPTIONS = FrameFitOptions(iterations=6, recorded=False)  # each batch is a problem of its own
HOLD_DEVIATION = 0.2  # of a control's range, around where it was: what holds an eye that is closed
COARSER = 2  # pyramid levels, at which surroundings are averaged: they are smooth
SURROUNDINGS = 1.0  # pixels there, the standard deviation of what counts as around
SHUT = 0.5  # of what is seen of an eyeball at rest, in the camera that sees most: less says nothing of the gaze


def fit_gaze(
    problem: Problem,
    pixels: Sequence[FramePixels],
    pose: Pose,
    frames: Tensor,
    errors: CameraErrors | None,
    carried: Pose,
) -> Pose:
    """M poses with the controls that turn eyeballs where the eyes' own colors agree best; all else stays.

    frames: (M,) take frame indices, with their pixels. errors: of the cameras, None where the calibration is trusted;
    carried: poses of all F frames, which tell how fast eyes move where cameras are out of step.
    """
    eyes = problem.eyes
    if eyes is None or len(frames) * len(problem.take.cameras) < 2:
        return pose
    own = _only_eyes(problem, eyes, pose, frames)
    options = BundleOptions(ITERATIONS, hold=1 / (HOLD_DEVIATION * problem.prior.span) ** 2)
    for _ in range(ROUNDS):
        views = _eye_views(own, eyes, pixels, pose, frames, errors, carried)
        pose = find_gaze(own, eyes, views, pose, frames, first=_surest(own, eyes, frames))
        views = _eye_views(own, eyes, pixels, pose, frames, errors, carried)
        pose = bundle(own, views, pose, frames, own.quality.finest, options).pose
    return pose


def _surest(own: Problem, eyes: Eyes, frames: Tensor) -> int:
    """The row of the frame whose gaze is known best: one with all of it pinned, else the one nearest to the start."""
    lower, upper = (bound[frames][:, eyes.controls] for bound in (own.prior.lower, own.prior.upper))
    pinned = (upper == lower).all(1)
    if bool(pinned.any()):
        return int(pinned.to(torch.int64).argmax())
    start = own.take.start
    numbers = torch.as_tensor(own.take.frames, device=frames.device)[frames]
    return 0 if start is None else int((numbers - start.frame).abs().argmin())


def learn_eyes(
    problem: Problem,
    pixels: Sequence[FramePixels],
    pose: Pose,
    frames: Tensor,
    errors: CameraErrors | None,
    carried: Pose,
) -> Template | None:
    """What the eyes look like by M keyframes; None where no control turns an eyeball. Arguments: as of ``fit_gaze``."""
    eyes = problem.eyes
    if eyes is None:
        return None
    own = _only_eyes(problem, eyes, pose, frames)
    views = _eye_views(own, eyes, pixels, pose, frames, errors, carried)
    return agree(observe(own.samples, own.model, pose.controls, pose.head, views), views.edges)[0]


def with_gaze(
    problem: Problem,
    template: Template,
    pixels: Sequence[FramePixels],
    fit: FrameFit,
    begin: Pose,
    frames: Tensor,
    errors: CameraErrors | None,
    carried: Pose,
) -> FrameFit:
    """B frames with the controls that turn eyeballs as the eyes' own colors have them, and what these say about them.

    template: of ``learn_eyes``. begin: B poses from which the gaze is looked for. carried: as of ``fit_gaze``.
    """
    eyes = problem.eyes
    assert eyes is not None  # there is a template
    pose = Pose(torch.where(eyes.controls, begin.controls, fit.pose.controls), fit.pose.head)
    own = _only_eyes(problem, eyes, pose, frames)
    views = _eye_views(own, eyes, pixels, pose, frames, errors, carried)
    found = find_gaze(own, eyes, views, pose, frames, template)
    if not torch.equal(found.controls, pose.controls):
        pose = found
        views = _eye_views(own, eyes, pixels, pose, frames, errors, carried)
    anchor = Anchor(pose.controls, 1 / (HOLD_DEVIATION * problem.prior.span) ** 2)
    gaze = fit_frames(own, template, views, pose, frames, own.quality.finest, FRAME_OPTIONS, anchor)
    turning = torch.cat([eyes.controls, eyes.controls.new_zeros(6)]).to(fit.quadratic.b)
    both, rest = turning[:, None] * turning, (1 - turning)[:, None] * (1 - turning)
    quadratic = Quadratic(
        fit.quadratic.A * rest + gaze.quadratic.A * both,
        fit.quadratic.b * (1 - turning) + gaze.quadratic.b * turning,
        fit.quadratic.cost,
        fit.quadratic.curvature,
    )
    return FrameFit(Pose(gaze.pose.controls.clone(), fit.pose.head), quadratic, fit.scale)


def _only_eyes(problem: Problem, eyes: Eyes, pose: Pose, frames: Tensor) -> Problem:
    """The problem of some frames in which nothing moves but eyeballs, and nothing counts but what is seen of them."""
    own = Problem.of(
        take=replace(problem.take, settings=replace(problem.take.settings, head="fixed")),
        model=problem.model,
        samples=eyes.samples,
        quality=replace(problem.quality, finest_visibility=problem.quality.finest),  # lids are thin
        coarsest=problem.coarsest,
        pixels_per_cm=problem.pixels_per_cm,
    )
    lower, upper = problem.prior.lower.clone(), problem.prior.upper.clone()
    for bound in (lower, upper):
        bound[frames] = torch.where(eyes.controls, bound[frames], pose.controls.to(bound))
    return replace(own, prior=replace(problem.prior, lower=lower, upper=upper), graphs=problem.graphs)


def _eye_views(
    own: Problem,
    eyes: Eyes,
    pixels: Sequence[FramePixels],
    pose: Pose,
    frames: Tensor,
    errors: CameraErrors | None,
    carried: Pose,
) -> Views:
    """Views of B frames whose images are encoded luminance less that of the surroundings; shut eyes are not seen."""
    level, indices = own.quality.finest, frames.tolist()
    visibility = own.views.visibility(own.samples, level, indices, pose.controls, pose.head)
    saw = torch.stack([frame.saw for frame in pixels]).to(visibility.weights)
    fine, wide = ([frame.level(each) for frame in pixels] for each in (level, level + COARSER))
    images = []
    for camera in range(len(own.take.cameras)):
        luminance = torch.stack([frame.luminance[camera] for frame in fine])
        around = torch.stack([frame.luminance[camera] for frame in wide])[:, None]
        around = blurred(around, SURROUNDINGS)
        around = F.interpolate(around, size=luminance.shape[1:], mode="bilinear", align_corners=False)[:, 0]
        images.append(luminance - around)
    cameras = own.views.cameras(level, indices)
    is_open = _opening(own, eyes, level, pose, frames) > SHUT
    seen = visibility.weights * saw[..., None] * is_open.repeat_interleave(SAMPLES, 1)[:, None]
    views = Views(image_stacks(images), cameras, seen, visibility.edges)
    return views if errors is None else errors.seen(views, own.velocity(carried, frames))


def _opening(own: Problem, eyes: Eyes, level: int, pose: Pose, frames: Tensor) -> Tensor:
    """(B, E) what lids leave of each eyeball to the camera that sees most, of what they leave at rest.

    With the eyes straight ahead: more of a front that has turned under a lid may show next to it.
    """
    rest = own.model.default.to(pose.controls).expand_as(pose.controls)
    shares = []
    for controls in (torch.where(eyes.controls, rest, pose.controls), rest):
        seen = own.views.visibility(own.samples, level, frames.tolist(), controls, pose.head).weights > 0
        shares.append(seen.unflatten(2, (-1, SAMPLES)).float().mean(3).amax(1))
    return shares[0] / shares[1].clamp_min(1e-3)
