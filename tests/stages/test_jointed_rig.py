"""A head whose jaw and eye turn on joints below a skin is solved like any other, in degrees."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import torch

from facesolve.geometry.pose import Pose
from facesolve.residuals.contour import contour_quadratic
from facesolve.residuals.observation import observe
from facesolve.residuals.template import agree
from facesolve.stages.bundle import BundleOptions, bundle
from facesolve.stages.frame_fit import FrameFitOptions, fit_frames
from facesolve.stages.refine_on_devices import to_device
from facesolve.take import Control, Driver, Pin, Rig, Settings
from facesolve.take.rig_logic import CHANNEL, CONTROL, TARGET, Port, Response
from facesolve.take.skeleton import RIG_SPACE, Channel, Joint, Skin
from tests import synthetic
from tests.synthetic import BALL_CENTER, Scene, film, make_problem, make_take

HINGE = np.array([0.0, -1.0, 0.0])
TURNS = (
    ("jaw turn", 0, "rotateX", 0.0, 20.0),
    ("pitch", 1, "rotateX", -25.0, 25.0),
    ("yaw", 1, "rotateY", -30.0, 30.0),
)


def jointed_head() -> Rig:
    """``synthetic.head_rig`` with a ball before it: a jaw that turns and takes a shape along, an eye that turns."""
    plain = synthetic.with_ball(synthetic.head_rig())
    shapes = len(plain.controls)
    head = synthetic.head_rig().vertex_count
    fade = np.clip((HINGE[1] - plain.neutral[:, 1]) / 5.0, 0.0, 1.0) * (plain.neutral[:, 2] > -3.0)
    weights = np.stack([fade, np.zeros_like(fade), 1.0 - fade], 1)
    weights[head:] = (0.0, 1.0, 0.0)
    joints = (Joint("jaw", translate=HINGE), Joint("eye", translate=np.array(BALL_CENTER)))
    bind = np.tile(np.eye(4), (3, 1, 1))
    bind[0, :3, 3], bind[1, :3, 3] = -HINGE, -np.array(BALL_CENTER)
    ports = [Port(CONTROL, shapes + place) for place in range(3)]
    return replace(
        plain,
        controls=(*plain.controls, *(Control(name, low, high) for name, _, _, low, high in TURNS)),
        drivers=tuple(Driver.identity(k, k) for k in range(shapes)),
        joints=joints,
        channels=tuple(Channel(joint, attribute) for _, joint, attribute, _, _ in TURNS),
        responses=(
            *(Response.linear(Port(CHANNEL, place), port, 1.0) for place, port in enumerate(ports)),
            Response.product(Port(TARGET, 4), (ports[0], Port(CONTROL, 2)), 0.03),
        ),
        skin=Skin.from_dense((0, 1, RIG_SPACE), bind, weights),
        photometric_weight=np.ones(plain.vertex_count, np.float32),
    )


@cache
def scene() -> Scene:
    """Five frames, with the gaze pinned in the first: the colors of a ball tell only how it turns between frames."""
    plain = synthetic.performance()
    time = torch.linspace(0, 1, synthetic.FRAMES, dtype=torch.float64)
    turns = torch.stack([10 + 8 * torch.sin(4 * time), 12 * torch.cos(3 * time), 20 * time - 8], 1)
    truth = Pose(torch.cat([plain.controls, turns], 1), plain.head)
    names = [name for name, *_ in TURNS]
    pins = tuple(Pin(0, names[k], float(turns[0, k])) for k in (1, 2))
    take = make_take(jointed_head(), Settings(contour=0.0, pins=pins))
    problem = make_problem(take, samples=2000)
    return Scene(problem, truth, film(problem.model, take.cameras, truth))


def disturbed() -> Pose:
    """The truth with each frame off by up to 3 degrees at the joints, and a few millimeters of everything else."""
    truth = scene().truth
    step = torch.zeros(len(truth.controls), truth.controls.shape[1] + 6, dtype=torch.float64)
    step[:, :5] = torch.tensor([0.08, -0.06, 0.07, -0.05, 0.06])
    step[:, 5:8] = 3.0 * torch.cos(torch.arange(15.0, dtype=torch.float64)).view(5, 3)
    step[:, 8:] = torch.tensor([0.02, -0.015, 0.012, 0.3, -0.2, 0.25])
    return scene().problem.held(truth.stepped(step), scene().frames)


def test_against_known_colors_jaw_and_gaze_are_found_to_half_a_degree() -> None:
    pose, truth, problem = disturbed(), scene().truth, scene().problem
    assert (pose.controls - truth.controls).abs()[:, 5:].amax() > 2.5
    for level in (1, 0):
        there = scene().views(truth, level)
        template = agree(observe(problem.samples, problem.model, truth.controls, truth.head, there), there.edges)[0]
        views = scene().views(pose, level)
        pose = fit_frames(problem, template, views, pose, scene().frames, level, FrameFitOptions(8, 0.5)).pose
    apart = (pose.controls - truth.controls).abs()
    assert apart[:, 5].amax() < 0.5
    assert apart[:, 6:].amax() < 0.5
    assert apart[:, :5].amax() < 0.05
    assert scene().errors(pose).amax() < 0.02  # cm


def test_a_bundle_brings_all_frames_together() -> None:
    """As near as it brings the same head without joints, in images of this size."""
    pose = disturbed()
    before = scene().errors(pose)
    for level in (1, 0):
        pose = bundle(scene().problem, scene().views(pose, level), pose, scene().frames, level, BundleOptions(4)).pose
    assert before.amin() > 0.3
    assert scene().errors(pose).amax() < 0.1


def test_a_small_piece_that_a_joint_turns_has_samples_of_its_own() -> None:
    samples, model = scene().problem.samples, scene().problem.model
    ball = model.triangles[samples.triangles][:, 0] >= synthetic.head_rig().vertex_count
    assert ball.double().mean() >= 0.03


def test_contours_move_as_their_derivatives_say() -> None:
    """Of the cost at the truth's outline, by differences."""
    problem = make_problem(replace(scene().problem.take, settings=Settings()), samples=50, dtype=torch.float64)
    pose = disturbed()
    pixels = [replace(each) for each in scene().pixels]
    frames = list(range(5))
    visibility = problem.views.visibility(problem.samples, 0, frames, pose.controls, pose.head)
    mattes = problem.contours.mattes(pixels, visibility.coverage, 0)
    points = problem.contours.build(mattes, visibility.coverage, pose.controls, pose.head, frames, 0)
    assert float(points.weight.sum()) > 10
    _, b, _ = contour_quadratic(problem.model, points, pose.controls, pose.head)
    for control in (2, 5, 6):
        ends = []
        for step in (-1e-4, 1e-4):
            controls = pose.controls.clone()
            controls[:, control] += step
            ends.append(contour_quadratic(problem.model, points, controls, pose.head)[2])
        slope = (ends[1] - ends[0]) / 2e-4
        torch.testing.assert_close(-b[:, control], slope, atol=1e-3, rtol=1e-3)


def test_samples_of_a_skin_go_to_another_device_whole() -> None:
    moved = to_device(scene().problem.samples, torch.device("meta"))
    assert moved.skin is not None
    assert moved.skin.basis.device.type == "meta"
