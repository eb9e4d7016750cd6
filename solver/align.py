"""The first frame: from the pose left in the scene to one on which all cameras agree. Knows no other frame."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

from .bundle import Evidence, bundle
from .known_texture import known_template
from .problem import Pose, Problem
from .residuals.contour import ContourPoints
from .residuals.photometric import Views
from .views import FramePixels

ROUNDS = 2  # times the views are made anew at each level
ITERATIONS = 3
MOST_THREADS = 8
HOLD_DEVIATION = 0.05  # of a control's range: one frame alone says little about the controls


def align(problem: Problem, pixels: FramePixels, pose: Pose, frame: int) -> Pose:
    """Pose (B = 1) of take frame index ``frame`` on which the cameras agree about the surface's colours.

    The outline and the rig's own texture, where there are any, have their say. The head transform comes first, over
    all levels, then the controls follow on a short leash. With one camera and no texture nothing can disagree, and the
    pose is returned as it is.
    """
    if len(problem.take.cameras) < 2 and problem.texture is None:
        return pose
    frames = torch.tensor([frame], device=pose.head.device)
    for level in range(problem.coarsest, problem.quality.finest - 1, -1):
        pose = _round(problem, pixels, pose, frames, level, free_controls=False)
    return _round(problem, pixels, pose, frames, problem.quality.finest, free_controls=True)


def _round(problem: Problem, pixels: FramePixels, pose: Pose, frames: Tensor, level: int, free_controls: bool) -> Pose:
    hold = 1 / (HOLD_DEVIATION * problem.prior.span) ** 2
    for _ in range(ROUNDS):
        # an outline is only as sharp as its matte: at full resolution the colours decide alone
        views, evidence = look(problem, [pixels], pose, frames, level, outlines=level > 0)
        pose = bundle(problem, views, pose, frames, level, ITERATIONS, free_controls, hold, evidence).pose
    return pose


def look(
    problem: Problem, pixels: Sequence[FramePixels], pose: Pose, frames: Tensor, level: int, outlines: bool = True
) -> tuple[Views, Evidence]:
    """Views of M frames at a pose, with their outlines if wanted and the rig's own texture, where there are any."""
    indices = frames.tolist()
    visibility = problem.views.visibility(problem.samples, level, indices, pose.controls, pose.head)

    def outline(m: int) -> ContourPoints:
        coverage = [image[m : m + 1] for image in visibility.coverage]
        one = pose.at([m])
        return problem.contours.build(pixels[m], coverage, one.controls, one.head, indices[m], level)

    contours: list[ContourPoints] = []
    if outlines and problem.take.settings.contour > 0:
        # much of it is done by the processor: beside a GPU, its cores take a frame each
        with ThreadPoolExecutor(1 if pose.head.device.type == "cpu" else MOST_THREADS) as threads:
            contours = list(threads.map(outline, range(len(indices))))
    known = None
    if problem.texture is not None:
        known = known_template(problem, problem.texture, pose.at([0]), frames[:1], level)
    return problem.views.build(visibility, level, indices, pixels), Evidence(contours, known)
