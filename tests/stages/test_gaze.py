"""Where an eye looks is told by its own colors, whatever highlights stay on it while it turns."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
import torch
from torch import Tensor

from facesolve.demo.head import build_head
from facesolve.demo.jointed import build_jointed_rig
from facesolve.geometry.eye_samples import COARSE, SAMPLES, Eyes
from facesolve.geometry.pose import Pose
from facesolve.geometry.rig import RigModel, apply_head
from facesolve.stages import gaze
from facesolve.stages.gaze import fit_gaze, learn_eyes
from facesolve.stages.refine import Target, learn_template, refine_frames
from facesolve.take.rig_logic import CONTROL, Port
from tests import synthetic
from tests.stages.test_jointed_rig import jointed_head, scene
from tests.synthetic import BALL_CENTER, BALL_RADIUS, Scene, film

GAZE = (6, 7)  # pitch and yaw
RADIUS, LIGHT = 0.7, 0.5  # of a highlight, in pixels, and how much brighter it is; the eye is 17 pixels wide


def with_iris(points: Tensor) -> Tensor:
    """The head's waves, and a dark iris with a darker pupil on the front of the ball."""
    apart = points - torch.tensor(BALL_CENTER)
    angle = torch.rad2deg(torch.acos((apart[..., 2] / apart.norm(dim=-1)).clamp(-1, 1)))
    on_ball = apart.norm(dim=-1) < 1.1 * BALL_RADIUS
    iris = torch.sigmoid(30.0 - angle) * 0.25 + torch.sigmoid(12.0 - angle) * 0.2
    return torch.where(on_ball, 0.75 - iris + 0.3 * (synthetic.texture(points) - 0.5), synthetic.texture(points))


@cache
def with_highlights() -> Scene:
    """The scene of the jointed head with an iris and a spot of light on its eye, which does not turn with it."""
    plain = scene()
    pixels = []
    for index, frame in enumerate(film(plain.problem.model, plain.problem.take.cameras, plain.truth, with_iris)):
        cameras = plain.problem.views.cameras(0, [index])
        place = torch.tensor(BALL_CENTER) + torch.tensor([0.5, 0.4, 1.7])
        (spots,) = cameras.project(apply_head(plain.truth.head[[index]].float(), place[None, None])[:, None]).pixels
        images = tuple(_lit(image, spot[0]) for image, spot in zip(frame.luminance, spots, strict=True))
        pixels.append(replace(frame, luminance=images))
    return replace(plain, pixels=pixels)


def _lit(image: Tensor, place: Tensor) -> Tensor:
    rows, columns = torch.meshgrid(torch.arange(image.shape[0]), torch.arange(image.shape[1]), indexing="ij")
    square = (columns + 0.5 - place[0]).square() + (rows + 0.5 - place[1]).square()
    return image + LIGHT * torch.exp(-square / (2 * RADIUS**2))


def turned_away() -> Pose:
    """The truth, its gaze off by up to 3 degrees but where it is pinned."""
    lit = with_highlights()
    controls = lit.truth.controls.clone()
    controls[:, 6:] += 3.0 * torch.cos(torch.arange(10.0, dtype=torch.float64)).view(5, 2)
    return lit.problem.held(Pose(controls, lit.truth.head), lit.frames)


def degrees(pose: Pose) -> Tensor:
    return (pose.controls - with_highlights().truth.controls)[:, 6:].abs()


def test_the_controls_that_turn_an_eyeball_are_known_by_what_they_do() -> None:
    eyes = scene().problem.eyes
    assert eyes is not None
    assert torch.nonzero(eyes.controls)[:, 0].tolist() == list(GAZE)
    ball = synthetic.head_rig().vertex_count
    assert (scene().problem.model.triangles[eyes.samples.triangles] >= ball).all()


def test_a_head_whose_eyes_do_not_turn_has_no_gaze() -> None:
    """Neither where a control moves nothing of an eyeball, nor where it carries the eyeball along."""
    assert Eyes.of(RigModel(synthetic.with_ball(synthetic.head_rig()))) is None
    rig = jointed_head()
    nodding = replace(
        rig, joints=(rig.joints[0], replace(rig.joints[1], translate=rig.joints[1].translate - (0, 9, 9)))
    )
    bind = rig.skin.inverse_bind.copy()
    bind[1, :3, 3] = -nodding.joints[1].translate
    assert Eyes.of(RigModel(replace(nodding, skin=replace(rig.skin, inverse_bind=bind)))) is None


def test_the_gaze_of_keyframes_is_found_under_highlights_and_nothing_else_moves() -> None:
    lit, pose = with_highlights(), turned_away()
    assert degrees(pose).amax() > 2.5
    found = fit_gaze(lit.problem, lit.pixels, pose, lit.frames, None, pose)
    assert degrees(found).amax() < 1.5
    assert degrees(found).mean() < 0.7
    assert torch.equal(found.controls[:, :6], pose.controls[:, :6])
    assert torch.equal(found.head, pose.head)


def test_a_keyframe_whose_eyes_are_lost_is_found_where_others_look() -> None:
    """A turn by more than the iris is wide, which no gradient takes back."""
    lit, pose = with_highlights(), turned_away()
    lost = pose.controls.clone()
    lost[3, 7] = -28.0  # of a truth of 7 degrees
    found = fit_gaze(lit.problem, lit.pixels, Pose(lost, pose.head), lit.frames, None, pose)
    assert degrees(found)[3].amax() < 2.0


def test_what_is_seen_of_shut_eyes_has_no_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gaze, "SHUT", 2.0)  # every eye is
    lit, pose = with_highlights(), turned_away()
    found = [fit_gaze(lit.problem, seen, pose, lit.frames, None, pose) for seen in (lit.pixels, lit.pixels[::-1])]
    assert torch.equal(found[0].controls, found[1].controls)
    assert (found[0].controls - pose.controls).abs().amax() < 4.0


def test_a_frame_whose_eyes_are_lost_is_found_by_what_eyes_look_like() -> None:
    """Between keyframes an eye may have gone anywhere."""
    lit, begin = with_highlights(), turned_away()
    problem, keys = lit.problem, lit.frames
    template = learn_template(problem, lit.pixels, lit.truth, keys, 0)
    eyes = learn_eyes(problem, lit.pixels, lit.truth, keys, None, lit.truth)
    lost = begin.controls.clone()
    lost[3, 6:] = torch.tensor([-20.0, -28.0])
    fit, _ = refine_frames(problem, Target(template, 0, Pose(lost, begin.head), eyes=eyes), [3], [lit.pixels[3]])
    assert (fit.pose.controls - lit.truth.controls[3])[:, 6:].abs().amax() < 0.5


def test_eyes_that_share_a_control_are_looked_for_together() -> None:
    rig = build_jointed_rig(build_head())
    apart = Eyes.of(RigModel(rig))
    assert apart is not None
    assert [(len(part.controls), len(part.samples)) for part in apart.parts] == [(2, SAMPLES // COARSE)] * 2
    left, right = (rig.control_names.index(f"eye_{side}_yaw") for side in "LR")
    both = next(r for r in rig.responses if r.inputs == (Port(CONTROL, right),))
    shared = replace(both, inputs=(Port(CONTROL, left),))
    together = Eyes.of(RigModel(replace(rig, responses=(*rig.responses, shared))))
    assert together is not None
    assert [(len(part.controls), len(part.samples)) for part in together.parts] == [(4, 2 * SAMPLES // COARSE)]


def test_every_frame_is_refined_by_what_eyes_look_like() -> None:
    lit, begin = with_highlights(), turned_away()
    problem, truth, keys = lit.problem, lit.truth, lit.frames
    template = learn_template(problem, lit.pixels, truth, keys, 0)
    eyes = learn_eyes(problem, lit.pixels, truth, keys, None, truth)
    fit, _ = refine_frames(problem, Target(template, 0, begin, eyes=eyes), keys.tolist(), lit.pixels)
    assert degrees(fit.pose).amax() < 0.5
    without, _ = refine_frames(problem, Target(template, 0, begin), keys.tolist(), lit.pixels)
    assert degrees(fit.pose).mean() < 0.5 * degrees(without.pose).mean() < 0.5
