"""The contour of many images at once against that of each alone: of several sizes, kinds and reasons to refuse."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
import torch
from torch import Tensor

from facesolve.footage.matte import Matte
from facesolve.footage.stream import FramePixels
from facesolve.geometry.camera import scaled
from facesolve.geometry.pose import Pose
from facesolve.residuals.contour import GPU_WORK, ContourBuilder, ContourPoints, Outlines, contour_quadratic
from facesolve.residuals.visibility import Visibility
from facesolve.stages.bundle import BundleOptions, Evidence, bundle
from facesolve.stages.problem import Problem
from facesolve.take import Settings
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
    # in single precision a pose's rounding, which the batch decides, may move points along their edges
    problem, truth = make_problem(take, dtype=torch.float64), performance(len(FRAMES))
    pixels = [_filmed(frame, coverages(problem.model, truth.at([frame]), lenses)) for frame in FRAMES]
    step = torch.tensor([0.05, -0.05, 0.04, 0.0, 0.02, 0.01, -0.01, 0.02, 0.1, -0.1, 0.2], dtype=torch.float64)
    return problem, truth.stepped(step.expand(len(FRAMES), -1)), pixels


def _filmed(frame: int, alphas: list[Tensor]) -> FramePixels:
    images, masks = [], []
    alphas = [alpha.double() for alpha in alphas]
    for camera, alpha in enumerate(alphas):
        background = BACKGROUND + 0.003 * noise(*alpha.shape, seed=10 * frame + camera)
        if (frame, camera) == (1, RIGHT):
            background = background + 0.2 * noise(*alpha.shape).abs()
        if (frame, camera) == (2, FRONT):
            background[30:70, 2:30] = 0.6
        skin = BACKGROUND if (frame, camera) == (1, LEFT) else SKIN
        unseen = (frame, camera) in ((2, LEFT), (2, LATE)) or frame == 3
        masks.append(torch.zeros_like(alpha) if unseen else alpha.new_ones(()).expand(alpha.shape))
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
    together.pixels_at_once, apart.pixels_at_once = GPU_WORK, 1
    return together, apart


def built(builder: ContourBuilder, level: int, finer: int) -> ContourPoints:
    """Points at a level, with coverage that is ``finer`` by so many."""
    _, pose, _ = scene()
    coverage = seen(level - finer).coverage
    return builder.build(mattes(builder, level), coverage, pose.controls, pose.head, FRAMES, level)


def mattes(builder: ContourBuilder, level: int) -> list[Matte]:
    return builder.mattes(scene()[2], seen(level).coverage, level)


def test_mattes_of_many_images_are_those_of_each_alone() -> None:
    together, apart = builders()
    for level in (0, 1):
        many, single = mattes(together, level), mattes(apart, level)
        reasons = [[matte.refusal for matte in many[4 * frame : 4 * frame + 4]] for frame in FRAMES]
        assert reasons[0] == ["", "", "", ""]
        assert ["separated from" in reasons[1][LEFT], "uniform" in reasons[1][RIGHT]] == [True, True]
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


@pytest.mark.parametrize(("level", "finer"), [(0, 0), (1, 0), (1, 1)])
def test_points_of_many_images_are_those_of_each_alone(level: int, finer: int) -> None:
    together, apart = builders()
    many, single = built(together, level, finer), built(apart, level, finer)
    assert many.refusals == single.refusals
    for frame in FRAMES:
        here, there = many.weight[frame] > 0, single.weight[frame] > 0
        widths, heights = many.cameras.widths[frame], many.cameras.heights[frame]
        for name in ("neutral", "basis", "normals", "crossings", "weight"):
            torch.testing.assert_close(getattr(many, name)[frame][here], getattr(single, name)[frame][there])
        torch.testing.assert_close(many.cameras.translation[frame][here], single.cameras.translation[frame][there])
        assert bool((many.crossings[frame][here] < torch.stack([widths, heights], 1)[here]).all())
        assert int(here.sum()) == 0 if frame == 3 else int(here.sum()) > 100
    assert many.cameras.widths[0][many.weight[0] > 0].unique().tolist() == [160 >> level, 240 >> level]


def test_frames_together_cost_what_each_costs_alone() -> None:
    """The frames have different numbers of points, and the last has none."""
    problem, pose, pixels = scene()
    together, _ = builders()
    A, b, cost = contour_quadratic(problem.model, built(together, 0, 0), pose.controls, pose.head)
    for frame in FRAMES:
        one = pose.at([frame])
        coverage = problem.views.visibility(problem.samples, 0, [frame], one.controls, one.head).coverage
        found = together.mattes([pixels[frame]], coverage, 0)
        points = together.build(found, coverage, one.controls, one.head, [frame], 0)
        alone = contour_quadratic(problem.model, points, one.controls, one.head)
        for part, other in zip((A, b, cost), alone, strict=True):
            torch.testing.assert_close(part[frame], other[0], rtol=1e-9, atol=1e-6)
            assert bool(other.any()) == (frame != 3)


def test_outlines_enter_a_bundle_at_their_frames() -> None:
    problem, pose, pixels = scene()
    together, _ = builders()
    views = problem.views.views(problem.samples, 0, FRAMES, pixels, pose.controls, pose.head)
    rows = torch.tensor([2, 0])
    some = pose.at(rows)
    coverage = tuple(image[rows] for image in seen(0).coverage)
    chosen = [matte for row in (2, 0) for matte in mattes(together, 0)[4 * row : 4 * row + 4]]
    points = together.build(chosen, coverage, some.controls, some.head, [2, 0], 0)
    outlines, frames, still = Outlines(rows, points), torch.tensor(FRAMES), BundleOptions(iterations=0)
    without, joint = (
        bundle(problem, views, pose, frames, 0, still, evidence).A for evidence in (Evidence(), Evidence(outlines))
    )
    found = outlines.quadratic(problem, frames, pose)
    A, b, cost = contour_quadratic(problem.model, points, some.controls, some.head)
    empty = torch.zeros_like(A[0])
    torch.testing.assert_close(joint, without + torch.block_diag(A[1], empty, A[0], empty))
    torch.testing.assert_close(found.b, torch.stack([b[1], empty[0], b[0], empty[0]]))
    torch.testing.assert_close(found.cost, torch.stack([cost[1], 0 * cost[0], cost[0], 0 * cost[0]]))
    assert A.any(2).any(1).all()


def test_head_that_no_camera_sees_has_no_outline() -> None:
    problem, pose, _ = scene()
    for builder in builders():
        known = mattes(builder, 0)
        for shift in (300.0, -40.0):  # behind the cameras, and beside all images
            head = pose.head.clone()
            head[:, 2 if shift > 0 else 1, 3] += shift
            coverage = problem.views.visibility(problem.samples, 0, FRAMES, pose.controls, head).coverage
            points = builder.build(known, coverage, pose.controls, head, FRAMES, 0)
            assert not bool(points.weight.any())
            A, b, cost = contour_quadratic(problem.model, points, pose.controls, head)
            assert A.shape[0] == len(FRAMES)
            assert not any(bool(part.any()) for part in (A, b, cost))
