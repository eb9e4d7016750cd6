"""The start frame: from the pose that was given to one on which all cameras agree. Knows no other frame."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from facesolve.footage.matte import Matte
from facesolve.footage.stream import FramePixels
from facesolve.geometry.pose import Pose
from facesolve.residuals.contour import Outlines
from facesolve.residuals.observation import Views
from facesolve.residuals.residual import ALIGN
from facesolve.residuals.template import KnownColors
from facesolve.runtime.devices import indices_on

from .bundle import BundleOptions, Evidence, bundle
from .known_template import known_template
from .problem import Problem

ROUNDS = 2  # times the views are made anew at the coarsest level; after that they are nearly what they were
ITERATIONS = 3
OUTLINE_SIZE = 400  # pixels, the longest side of images whose outlines are compared
MOST_OUTLINES = 24  # images of a bundle that give outlines
HOLD_DEVIATION = 0.05  # of a control's range: one frame alone says little about the controls


def align(problem: Problem, pixels: FramePixels, pose: Pose, frame: int) -> Pose:
    """Pose (B = 1) of take frame index ``frame`` on which the cameras agree about the surface's colors.

    The outline and the rig's own texture, where there are any, have their say. The head transform comes first, over
    all levels, then the controls follow on a short leash. With one camera and no texture nothing can disagree, and the
    pose is returned as it is.
    """
    if len(problem.take.cameras) < 2 and problem.texture is None:
        return pose
    frames = torch.tensor([frame], device=pose.head.device)
    for level in range(problem.coarsest, problem.rough_level - 1, -1):
        rounds = ROUNDS if level == problem.coarsest else 1
        pose = improve(problem, pixels, pose, frames, level, free_controls=False, rounds=rounds)
    return improve(problem, pixels, pose, frames, problem.rough_level, free_controls=True, rounds=1)


def improve(
    problem: Problem,
    pixels: FramePixels,
    pose: Pose,
    frames: Tensor,
    level: int,
    free_controls: bool,
    deviation: float = HOLD_DEVIATION,
    rounds: int = ROUNDS,
) -> Pose:
    """Pose (B = 1) improved at one pyramid level. deviation: of a control's range, how far it may go from its value.

    rounds: times the views are made anew.
    """
    options = BundleOptions(ITERATIONS, free_controls, 1 / (deviation * problem.prior.span) ** 2, ALIGN)
    # an outline is only as sharp as its matte: at the finest levels the colors decide alone
    outlines = level if level >= outline_level(problem) else None
    mattes: Sequence[Matte] = ()
    for _ in range(rounds):
        views, evidence, mattes = gather_evidence(problem, [pixels], pose, frames, level, outlines, mattes)
        pose = bundle(problem, views, pose, frames, level, options, evidence).pose
    return pose


def outline_level(problem: Problem) -> int:
    """The pyramid level at which all images are small enough for their outlines: finer ones are not surer."""
    longest = max(max(camera.width, camera.height) for camera in problem.take.cameras)
    return max(0, math.ceil(math.log2(longest / OUTLINE_SIZE)))


def gather_evidence(
    problem: Problem,
    pixels: Sequence[FramePixels],
    pose: Pose,
    frames: Tensor,
    level: int,
    outlines: int | None,
    mattes: Sequence[Matte] = (),
) -> tuple[Views, Evidence, Sequence[Matte]]:
    """Views of M frames at a pose, with their outlines at a level, if any, and the rig's own texture, where it has one.

    outlines: their pyramid level, None for none. At most ``MOST_OUTLINES`` images give outlines, those of frames spread
    evenly. mattes: of the same frames at another pose nearby, of which those not refused are taken over; empty the
    first time. Returns the views, what else is known, and the mattes, for the next call.
    """
    indices = frames.tolist()
    visibility = problem.views.visibility(problem.samples, level, indices, pose.controls, pose.head)
    found = None
    if outlines is not None and problem.take.settings.contour > 0:
        most = max(1, MOST_OUTLINES // len(problem.take.cameras))
        chosen = np.unique(np.linspace(0, len(indices) - 1, most).round().astype(int)).tolist()
        rows = indices_on(frames.device, chosen)
        every = len(chosen) == len(indices)
        coverage = visibility.coverage if every else [image[rows] for image in visibility.coverage]
        some = pose.at(rows)
        mattes = problem.contours.mattes([pixels[row] for row in chosen], coverage, outlines, mattes)
        their_frames = [indices[row] for row in chosen]
        points = problem.contours.build(mattes, coverage, some.controls, some.head, their_frames, outlines)
        found = Outlines(rows, points)
    known = None
    if problem.texture is not None:
        known = KnownColors.of(known_template(problem, problem.texture, pose.at([0]), frames[:1], level))
    views = problem.views.build(visibility, level, indices, pixels)
    return views, Evidence(found, known), mattes
