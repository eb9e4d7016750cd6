"""The contour of many images at once against that of each alone: of several sizes, kinds and reasons to refuse."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import torch
from torch import Tensor

from solver.camera import scaled
from solver.matte import Matte
from solver.problem import Pose, Problem
from solver.residuals.contour import GPU_WORK, ContourBuilder
from solver.take import Settings
from solver.views import FramePixels, Visibility
from tests.residuals.test_contour import BACKGROUND, SKIN, coverages, noise
from tests.synthetic import head_rig, make_problem, make_take, performance

FRAMES = [0, 1, 2, 3]
LEFT, FRONT, RIGHT, LATE = range(4)  # cameras: the front one has larger images, the late one has mattes of its own


@cache
def scene() -> tuple[Problem, Pose, list[FramePixels]]:
    """Four frames at a pose near the one that was filmed. Of the last frame no image has an outline."""
    take = make_take(head_rig(), Settings(contour=1.0), len(FRAMES))
    left, front, right = take.cameras
    lenses = (left, scaled(front, 1.5), right, replace(left, name="late"))
    take = replace(take, cameras=lenses, footage=tuple(replace(take.footage[0], camera=lens.name) for lens in lenses))
    problem, truth = make_problem(take), performance(len(FRAMES))
    pixels = [_filmed(frame, coverages(problem.model, truth.at([frame]), lenses)) for frame in FRAMES]
    step = torch.tensor([0.05, -0.05, 0.04, 0.0, 0.02, 0.01, -0.01, 0.02, 0.1, -0.1, 0.2], dtype=torch.float64)
    return problem, truth.moved(step.expand(len(FRAMES), -1)), pixels


def _filmed(frame: int, alphas: list[Tensor]) -> FramePixels:
    images, masks = [], []
    for camera, alpha in enumerate(alphas):
        background = BACKGROUND + 0.003 * noise(*alpha.shape, seed=10 * frame + camera)
        if (frame, camera) == (1, RIGHT):
            background = background + 0.2 * noise(*alpha.shape).abs()
        if (frame, camera) == (2, FRONT):
            background[30:70, 2:30] = 0.6
        skin = BACKGROUND if (frame, camera) == (1, LEFT) else SKIN
        unseen = (frame, camera) in ((2, LEFT), (2, LATE)) or frame == 3
        masks.append(torch.zeros_like(alpha) if unseen else torch.ones(()).expand(alpha.shape))
        images.append((alpha * skin + (1 - alpha) * background).clamp_min(0).sqrt() * masks[-1])
    mattes = tuple(alpha if camera == LATE else None for camera, alpha in enumerate(alphas))
    chroma = tuple(0.01 * noise(2, image.shape[0] // 2, image.shape[1] // 2).half() for image in images)
    return FramePixels(tuple(images), tuple(masks), chroma, mattes)


def seen(level: int) -> Visibility:
    problem, pose, _ = scene()
    return problem.views.visibility(problem.samples, level, FRAMES, pose.controls, pose.head)


def builders() -> tuple[ContourBuilder, ContourBuilder]:
    """One that works on all images of a kind together, as on a GPU, and one that works on each alone."""
    problem, _, _ = scene()
    together, apart = (ContourBuilder(problem.take, problem.model, problem.views) for _ in range(2))
    together._work, apart._work = GPU_WORK, 1
    return together, apart


def mattes(builder: ContourBuilder, level: int) -> list[Matte]:
    return builder.mattes(scene()[2], seen(level).coverage, level)


def test_mattes_of_many_images_are_those_of_each_alone() -> None:
    together, apart = builders()
    for level in (0, 1):
        many, single = mattes(together, level), mattes(apart, level)
        reasons = [[matte.refusal for matte in many[4 * frame : 4 * frame + 4]] for frame in FRAMES]
        assert reasons[0] == ["", "", "", ""]
        assert ["told from" in reasons[1][LEFT], "uniform" in reasons[1][RIGHT]] == [True, True]
        assert ["empty" in reasons[2][LEFT], "not clean" in reasons[2][FRONT], "empty" in reasons[2][LATE]] == [
            True
        ] * 3
        assert [bool(matte.refusal) for matte in many].count(True) == 5 + 4
        for one, other in zip(many, single, strict=True):
            assert one.refusal == other.refusal
            assert (one.alpha is None) == (other.alpha is None) == bool(one.refusal)
            if one.alpha is not None:
                torch.testing.assert_close(one.alpha, other.alpha, equal_nan=True)


def test_only_images_whose_matte_is_not_known_are_looked_at() -> None:
    together, _ = builders()
    first = mattes(together, 0)
    again = together.mattes(scene()[2], seen(0).coverage, 0, [*first[:3], Matte(None, "not yet"), *first[4:]])
    assert [one is other for one, other in zip(again, first, strict=True)] == [
        image != 3 and not matte.refusal for image, matte in enumerate(first)
    ]
    assert again[3].alpha is not None
