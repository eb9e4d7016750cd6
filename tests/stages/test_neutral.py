"""A bundle on the face of somebody whom the rig is not: the neutral is learned, and only where the footage is sure."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import torch

from facesolve.geometry.camera import scaled
from facesolve.geometry.rig import RigModel, apply_head
from facesolve.stages.bundle import NO_EVIDENCE, BundleFit, BundleOptions, bundle
from facesolve.stages.neutral import NeutralPrior, constant_priors, expected_neutral, with_neutral
from facesolve.stages.problem import Problem
from facesolve.take import Rig, Settings, StartPose, Take
from facesolve.take.frame_range import part_of_take
from tests.synthetic import COLOR_ONLY, Scene, film, head_rig, make_problem, make_take, performance

FRAMES = 4
HEIGHT = 0.8  # cm
LARGER = 2  # times the images of other scenes: a pixel there is too coarse for anybody to be sure


def actors_rig() -> Rig:
    """The head, fuller at one cheek and flatter at the other side of the brow."""
    rig = head_rig()
    outward = rig.neutral / np.linalg.norm(rig.neutral, axis=1, keepdims=True)
    places = ((3.5, -2.0, 7.0), (-3.0, 2.5, 7.0))
    fades = [np.exp(-0.5 * ((rig.neutral - place) ** 2).sum(1) / 2.0**2) for place in places]
    return replace(rig, neutral=rig.neutral + HEIGHT * (fades[0] - fades[1])[:, None] * outward)


def posed_take(cameras: tuple[int, ...] = (0, 1, 2), settings: Settings = COLOR_ONLY) -> Take:
    """With large images, posed by hand at the first frame."""
    take, truth = make_take(head_rig(), settings, FRAMES), performance(FRAMES)
    start = StartPose(0, truth.controls[0].numpy(), truth.head[0].numpy())
    lenses = tuple(scaled(take.cameras[c], LARGER) for c in cameras)
    return replace(take, cameras=lenses, footage=tuple(take.footage[c] for c in cameras), start=start)


@cache
def scene(of_actor: bool, cameras: tuple[int, ...] = (0, 1, 2)) -> Scene:
    take, truth = posed_take(cameras), performance(FRAMES)
    problem = replace(make_problem(take, samples=2400), pixels_per_cm=LARGER * make_problem(take, 10).pixels_per_cm)
    return Scene(problem, truth, film(RigModel(actors_rig() if of_actor else head_rig()), take.cameras, truth))


def fitted(scene: Scene, neutral: NeutralPrior | None = None) -> BundleFit:
    free = None if neutral is None else neutral.free(scene.problem)
    options = BundleOptions(6, neutral=free)
    return bundle(scene.problem, scene.views(scene.truth), scene.truth, scene.frames, 0, options)


@cache
def trusting(of_actor: bool) -> BundleFit:
    """What is found where the rig is believed."""
    return fitted(scene(of_actor))


def expected(of_actor: bool, problem: Problem | None = None) -> NeutralPrior | None:
    shown = scene(of_actor)
    given = (shown.views(shown.truth), trusting(of_actor), shown.frames, 0, NO_EVIDENCE, None, [0])
    return expected_neutral(shown.problem if problem is None else problem, *given)


def off_surface(model: RigModel, fit: BundleFit) -> float:
    """Mean distance in cm, across the surface, of the front of the head from where it was filmed."""
    actor, truth = RigModel(actors_rig()), performance(FRAMES)
    there = actor.vertices(truth.controls.float())
    across = actor.vertex_normals(there) @ truth.head[:, :3, :3].mT.float()
    here = apply_head(fit.pose.head.float(), model.vertices(fit.pose.controls.float()))
    apart = ((here - apply_head(truth.head.float(), there)) * across).sum(2)
    return float(apart[:, actor.neutral[:, 2] > 3].abs().mean())


@cache
def learned() -> tuple[NeutralPrior, BundleFit]:
    prior = expected(True)
    assert prior is not None
    return prior, fitted(scene(True), prior)


def test_the_neutral_of_another_person_is_learned() -> None:
    prior, fit = learned()
    assert fit.offset is not None
    assert fit.covariance is not None
    problem = scene(True).problem
    offset = prior.space.offsets(fit.offset)
    model = with_neutral(problem, offset).model
    assert off_surface(model, fit) < 0.7 * off_surface(problem.model, trusting(True))
    truth = torch.as_tensor(actors_rig().neutral - problem.take.rig.neutral)
    seen = prior.space.fields.kernels.to_dense().sum(1) > 0.5
    assert np.corrcoef(offset[seen].flatten(), truth[seen].flatten())[0, 1] > 0.7
    deviations = prior.space.deviations(fit.covariance)[seen]
    assert 0 < float(deviations.max()) < 3 * prior.deviation


def test_the_rig_of_the_actor_is_left_as_it_is() -> None:
    assert expected(False) is None


def test_who_says_so_learns_nothing() -> None:
    told = posed_take(settings=replace(COLOR_ONLY, profile=False))
    assert expected(True, scene(True).problem.made_anew(told)) is None


def test_where_no_camera_sees_the_skin_nothing_is_learned() -> None:
    shown = scene(True)
    views = shown.views(shown.truth)
    blind = replace(views, visibility=torch.zeros_like(views.visibility))
    given = (blind, trusting(True), shown.frames, 0, NO_EVIDENCE, None, [0])
    assert expected_neutral(shown.problem, *given) is None


def test_with_the_profile_two_cameras_are_nearer_than_three_without() -> None:
    prior, fit = learned()
    assert fit.offset is not None
    two = scene(True, (0, 2))
    known = with_neutral(two.problem, prior.space.offsets(fit.offset))
    second = fitted(Scene(known, two.truth, two.pixels))
    assert off_surface(known.model, second) < off_surface(scene(True).problem.model, trusting(True))


def test_frames_that_are_neutral_say_more_than_the_start_pose() -> None:
    problem = scene(True).problem
    (of_start,) = constant_priors(problem, [0])
    np.testing.assert_array_equal(of_start.values, performance(FRAMES).controls[0])
    told = problem.made_anew(posed_take(settings=replace(COLOR_ONLY, neutral=(2, 3))))
    assert [prior.of_frames.nonzero()[:, 0].tolist() for prior in constant_priors(told, [2, 3])] == [[2], [3]]
    assert not any(prior.values.any() for prior in constant_priors(told, [2, 3]))
    (elsewhere,) = constant_priors(problem.made_anew(part_of_take(problem.take, 1, 3)), [0])
    assert not elsewhere.values.any()  # the start frame is not among them
    nobody = replace(problem.take, start=None)
    (usual,) = constant_priors(problem.made_anew(nobody), [])
    assert bool((usual.of_frames > 0).all())
