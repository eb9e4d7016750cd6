"""A start frame that somebody posed well holds what an actor who is not the rig would slide in all frames."""

from dataclasses import replace
from functools import cache

import numpy as np
import torch

from facesolve.actor.constant import ConstantPrior
from facesolve.geometry.pose import Pose
from facesolve.geometry.rig import RigModel
from facesolve.residuals.template import KNOWN_WEIGHT
from facesolve.stages.anchors import StartAnchor, mean_motion, start_controls
from facesolve.stages.bundle import BundleOptions, Evidence, bundle
from facesolve.stages.problem import Problem
from facesolve.take import Settings, StartPose
from tests.synthetic import COLOR_ONLY, Scene, film, head_rig, make_problem, make_take, performance

FRAMES = 4
MISFIT = 0.1  # cm


@cache
def actor_is_not_the_rig() -> Scene:
    """Four frames of a head whose neutral is fuller here and thinner there; the poses are the filmed ones."""
    rig = head_rig()
    waves = np.sin(rig.neutral @ np.array([[0.5, -0.3, 0.2], [0.2, 0.6, -0.4], [-0.4, 0.1, 0.6]]).T)
    actor = replace(rig, neutral=rig.neutral + MISFIT * waves)
    problem, truth = make_problem(make_take(rig, frames=FRAMES), samples=2500), performance(FRAMES)
    return Scene(problem, truth, film(RigModel(actor), problem.take.cameras, truth))


def start_frame(scene: Scene, anchor: StartAnchor | None, told: tuple[ConstantPrior, ...] = ()) -> Pose:
    """The first frame's pose after all have been bundled from the truth."""
    known = None if anchor is None else anchor.colors(scene.problem, scene.pixels[0], 0)
    options = BundleOptions(15, constant=told)
    views = scene.views(scene.truth)
    fit = bundle(scene.problem, views, scene.truth, scene.frames, 0, options, Evidence(known=known))
    return fit.pose.at([0])


def posed(scene: Scene, pose: Pose, **changes: object) -> Problem:
    """The problem of a take whose start frame has a pose (B = 1)."""
    take = scene.problem.take
    start = StartPose(int(take.frames[0]), pose.controls[0].numpy(), pose.head[0].numpy())
    return replace(scene.problem, take=replace(take, start=start, settings=replace(COLOR_ONLY, **changes)))


def votes(scene: Scene, given: Pose, centimeters: float = 0.0) -> float:
    """Of a start pose that alignment has moved by so much."""
    head = given.head.clone()
    head[0, 0, 3] += centimeters
    anchor = StartAnchor.of(scene.problem, given, Pose(given.controls, head), 0)
    return 0.0 if anchor is None else anchor.votes


def calm(scene: Scene) -> Pose:
    """All controls at their default."""
    return Pose(scene.problem.prior.default[None].clone(), scene.truth.head[:1])


def test_a_well_posed_start_frame_drifts_less_with_its_own_colors_voting() -> None:
    scene = actor_is_not_the_rig()
    given = scene.truth.at([0])
    anchor = StartAnchor(0, given, KNOWN_WEIGHT, None)
    drift, held = (float((start_frame(scene, each).controls - given.controls).abs().mean()) for each in (None, anchor))
    assert drift > 0.02
    assert held < 0.5 * drift


def test_its_controls_hold_what_cameras_that_do_not_quite_agree_would_slide() -> None:
    scene = actor_is_not_the_rig()
    given = scene.truth.at([0])
    (told,) = start_controls(posed(scene, given), given, 0)
    counted = replace(told, counted=100.0)
    drift, held = (start_frame(scene, None, each).controls - given.controls for each in ((), (counted,)))
    assert float(held.abs().mean()) < 0.5 * float(drift.abs().mean())


def test_a_rig_left_at_its_default_says_nothing_about_the_start_frame() -> None:
    scene = actor_is_not_the_rig()
    given, left = scene.truth.at([0]), calm(scene)
    assert start_controls(posed(scene, left), left, 0) == ()
    assert start_controls(posed(scene, given, anchor=0.0), given, 0) == ()
    assert len(start_controls(posed(scene, given), given, 0)) == 1


def test_the_farther_alignment_moved_a_start_pose_the_less_it_counts() -> None:
    scene = actor_is_not_the_rig()
    assert votes(scene, calm(scene), 0.05) == KNOWN_WEIGHT
    assert 0.4 < votes(scene, calm(scene), 0.09) / KNOWN_WEIGHT < 0.6
    assert votes(scene, calm(scene), 0.13) == 0


def test_a_pose_in_which_most_controls_are_off_their_default_was_solved_and_does_not_count() -> None:
    scene = actor_is_not_the_rig()
    one, two = calm(scene), calm(scene)
    one.controls[0, 2] += 0.4
    two.controls[0, 1:3] += 0.01
    assert votes(scene, one) == KNOWN_WEIGHT
    assert votes(scene, two) == 0


def test_motion_is_that_of_the_surface() -> None:
    scene = actor_is_not_the_rig()
    given = scene.truth.at([0])
    head = given.head.clone()
    head[0, :3, 3] += torch.tensor([0.3, 0.0, 0.4]).double()
    np.testing.assert_allclose(mean_motion(scene.problem, given, Pose(given.controls, head)), 0.5, rtol=1e-5)


def test_it_can_be_turned_off() -> None:
    scene = actor_is_not_the_rig()
    off = replace(scene.problem, take=replace(scene.problem.take, settings=replace(COLOR_ONLY, anchor=0.0)))
    assert StartAnchor.of(off, calm(scene), calm(scene), 0) is None
    assert Settings().anchor > 0
