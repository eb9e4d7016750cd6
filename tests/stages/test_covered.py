"""Something before the lens is told from the face, patch by patch, and what is left of the face poses the frame."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from facesolve.footage.stream import FramePixels
from facesolve.geometry.pose import Pose
from facesolve.residuals.observation import Observation, observe
from facesolve.stages import refine
from facesolve.stages.covered import LEAST, Cover, cover
from facesolve.stages.refine import LearnedTemplate, Target, learn_template, refine_frames
from facesolve.stages.searched_expression import searched_expression
from facesolve.stages.track import Tracker
from tests.synthetic import WIDTH, head_scene

LEVEL = 1


def hidden(frame: FramePixels, cameras: tuple[int, ...], share: float = 0.5) -> FramePixels:
    """A frame with noise over the left share of some cameras' images, as coarse as skin."""
    luminance = list(frame.luminance)
    noise = torch.rand(luminance[0].shape, generator=torch.Generator().manual_seed(3))
    for camera in cameras:
        luminance[camera] = luminance[camera].clone()
        luminance[camera][:, : int(share * WIDTH)] = noise[:, : int(share * WIDTH)]
    return replace(frame, luminance=tuple(luminance))


@pytest.fixture(scope="module")
def learned() -> LearnedTemplate:
    scene = head_scene()
    return learn_template(scene.problem, scene.pixels, scene.truth, scene.frames, LEVEL)


def covered(frame: FramePixels, learned: LearnedTemplate, pose: Pose) -> tuple[Cover, Observation]:
    scene = head_scene()
    views = scene.problem.views.views(scene.problem.samples, LEVEL, [0], [frame], pose.controls, pose.head)
    seen = observe(scene.problem.samples, scene.problem.model, pose.controls, pose.head, views)
    return cover(scene.problem, seen, learned.template, learned.usual), seen


def test_what_one_camera_does_not_show_has_no_say_in_that_camera_alone(learned: LearnedTemplate):
    scene = head_scene()
    found, seen = covered(hidden(scene.pixels[0], (1,)), learned, scene.truth.at([0]))
    known = (seen.weights > 0.1) & (learned.template.weights > 0)
    left = seen.projection.pixels[..., 0] < 0.35 * WIDTH / 2**LEVEL
    right = seen.projection.pixels[..., 0] > 0.65 * WIDTH / 2**LEVEL
    assert found.say[:, 1][(known & left)[:, 1]].mean() < 0.2
    assert found.say[:, 1][(known & right)[:, 1]].mean() > 0.8
    assert found.say[:, [0, 2]][known[:, [0, 2]]].mean() > 0.95
    assert 0.7 < float(found.clear) < 0.9  # a sixth of what three cameras see
    assert 0.04 < float(found.hidden) < 0.2
    clean, _ = covered(scene.pixels[0], learned, scene.truth.at([0]))
    assert float(clean.clear) > 0.97
    assert float(clean.hidden) < 0.01
    nothing, _ = covered(hidden(scene.pixels[0], (0, 1, 2), 1.0), learned, scene.truth.at([0]))
    assert float(nothing.clear) < LEAST
    assert float(nothing.hidden) > 0.8


def test_a_camera_whose_light_differs_all_over_is_not_hidden(learned: LearnedTemplate):
    scene = head_scene()
    luminance = list(scene.pixels[0].luminance)
    noise = torch.randn(luminance[1].shape, generator=torch.Generator().manual_seed(3))
    luminance[1] = luminance[1] + 3 * luminance[1].std() * noise
    found, _ = covered(replace(scene.pixels[0], luminance=tuple(luminance)), learned, scene.truth.at([0]))
    assert float(found.clear) < 0.85
    assert float(found.hidden) < 0.05


def test_a_frame_is_refined_by_what_is_not_covered_and_says_how_much_that_is(
    learned: LearnedTemplate, monkeypatch: pytest.MonkeyPatch
):
    scene = head_scene()
    begin = scene.disturbed()
    target = Target(learned, LEVEL, begin)
    pixels = [hidden(scene.pixels[0], (0, 1, 2)), scene.pixels[1]]
    fit, seen = refine_frames(scene.problem, target, [0, 1], pixels)
    assert 0.3 < float(seen.clear[0]) < 0.8
    assert float(seen.of_clear[0]) > 0.7
    assert float(seen.clear[1]) > 0.97
    monkeypatch.setattr(refine, "SPOILED", 2.0)
    pulled, _ = refine_frames(scene.problem, target, [0, 1], pixels)
    assert scene.errors(fit.pose.at([0]), [0]) < 0.7 * scene.errors(pulled.pose.at([0]), [0])
    assert scene.errors(fit.pose.at([0]), [0]) < 0.25 * scene.errors(begin.at([0]), [0])
    assert torch.equal(fit.pose.head[1], pulled.pose.head[1])


def test_a_black_image_is_seen_and_shows_nothing(learned: LearnedTemplate):
    scene = head_scene()
    black = replace(scene.pixels[0], luminance=tuple(torch.zeros_like(image) for image in scene.pixels[0].luminance))
    _, seen = refine_frames(scene.problem, Target(learned, LEVEL, scene.truth), [0], [black])
    assert (seen.correlation == 0).all()
    assert float(seen.clear) < LEAST


def test_the_tracker_follows_what_is_left_of_the_face_and_does_not_learn_from_it():
    scene = head_scene()
    tracker = Tracker(scene.problem)
    tracker.start(0, scene.pixels[0], scene.truth.at([0]))
    before = tracker.memory[LEVEL].weights.clone()
    pose = tracker.follow([1], [hidden(scene.pixels[1], (0, 1, 2), 0.55)], scene.truth.at([0]), None)
    assert tracker.posed()[1]
    assert not tracker.believed()[1]
    assert scene.errors(pose, [1]) < 0.3 * scene.errors(scene.truth.at([0]), [1])
    assert torch.equal(tracker.memory[LEVEL].weights, before)
    again = Tracker(scene.problem)
    again.restore(tracker.state())
    assert torch.equal(again.posed(), tracker.posed())


def test_an_expression_that_steps_do_not_reach_is_looked_for():
    truth = torch.tensor([[0.8, 0.0, 0.4, 0.1]], dtype=torch.float64)
    free = SimpleNamespace(lower=torch.zeros(1, 4), upper=torch.tensor([[1.0, 1.0, 1.0, 0.0]]))
    problem = SimpleNamespace(prior=SimpleNamespace(**{k: v.double() for k, v in vars(free).items()}))
    begin = Pose(torch.tensor([[0.0, 0.9, 0.3, 0.0]], dtype=torch.float64), torch.eye(4).double()[None])

    def disagreement(pose: Pose) -> torch.Tensor:
        """Bounded, as of what is far from matching: it has no slope."""
        off = (pose.controls - truth).abs()
        return (off / (0.05 + off)).sum(1)

    found, changed = searched_expression(problem, begin, 0, disagreement)
    assert changed
    torch.testing.assert_close(found.controls, torch.tensor([[0.8, 0.0, 0.3, 0.0]], dtype=torch.float64))
    assert not searched_expression(problem, found, 0, disagreement)[1]
