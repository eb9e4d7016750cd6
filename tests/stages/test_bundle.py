"""The bundle: its normal equations against explicit variable projection, its gradient, and what it recovers."""

from dataclasses import replace
from functools import cache, partial

import numpy as np
import pytest
import torch

from facesolve.geometry.pose import Pose
from facesolve.geometry.rig import apply_head
from facesolve.residuals.observation import Observation, Views, image_stacks, observe
from facesolve.residuals.photometric import Template, template_covectors
from facesolve.residuals.template import KnownColors, agree
from facesolve.stages.bundle import BundleOptions, bundle, joint_model
from facesolve.stages.problem import Problem
from facesolve.take import ControlSettings, HeadPin, Pin, Rig, Settings
from tests.synthetic import (
    BALL_CENTER,
    BALL_RADIUS,
    Scene,
    compound_rig,
    film,
    head_rig,
    head_scene,
    make_problem,
    make_take,
    performance,
    texture,
    with_ball,
)

STEP = 1e-5


def seen_by(problem: Problem, views: Views, pose: Pose) -> Observation:
    return observe(problem.samples, problem.model, pose.controls, pose.head, views)


def numeric(function, pose: Pose) -> torch.Tensor:
    """d function(pose) / d steps of all frames, (..., M*(K+6))."""
    shape = (len(pose.controls), pose.controls.shape[1] + 6)
    columns = []
    for i in range(shape[0] * shape[1]):
        step = torch.zeros(shape[0] * shape[1], dtype=torch.float64)
        step[i] = STEP
        ahead, behind = (function(pose.stepped(sign * step.view(shape))) for sign in (1, -1))
        columns.append((ahead - behind) / (2 * STEP))
    return torch.stack(columns, -1)


@cache
def compound_scene() -> tuple[Problem, Views, Pose]:
    """Three frames of the head with in-betweens and a combination in float64, disturbed each in its own way."""
    problem, truth = make_problem(make_take(compound_rig(), frames=3), 60, torch.float64), performance(3)
    scene = Scene(problem, truth, film(problem.model, problem.take.cameras, truth))
    noise = torch.randn(3, 11, dtype=torch.float64, generator=torch.manual_seed(0))
    return problem, scene.views(truth), truth.stepped(0.02 * noise)


def known_colors(count: int) -> KnownColors:
    """A texture that three samples of four have, about what the normalized images show."""
    generator = torch.manual_seed(3)
    values, slopes = (torch.randn(*shape, dtype=torch.float64, generator=generator) for shape in ((count,), (count, 2)))
    return KnownColors.of(Template(values, slopes, (torch.arange(count) % 4 > 0).double()))


@pytest.mark.parametrize("texture_known", [False, True])
def test_normal_equations_are_those_of_explicit_variable_projection(texture_known):
    """Dense: the Jacobian of every observation, centered by the weighted mean over all observations of its sample.

    The rig's own texture is one more observation, whose Jacobian is zero.
    """
    problem, views, pose = compound_scene()
    known = known_colors(len(problem.samples.weight)) if texture_known else None
    scale = torch.tensor(0.3, dtype=torch.float64)
    joint = joint_model(problem, views, pose, 0, scale, known)
    everything = seen_by(problem, views, pose)
    template, weights, _ = agree(everything, views.edges, scale, known)
    covectors = template_covectors(template.slopes, everything.rays, views.edges)  # in rig space

    def world(moved: Pose) -> torch.Tensor:
        return apply_head(moved.head, seen_by(problem, views, moved).points)

    J_world = numeric(world, pose)  # (M, N, 3, M*(K+6))
    J_rig = torch.einsum("mji,mnjp->mnip", pose.head[:, :3, :3], J_world)
    J = torch.einsum("mcni,mnip->mcnp", covectors, J_rig).flatten(0, 1)  # (M*C, N, M*(K+6))
    weight, residual = weights.flatten(0, 1), (everything.values - template.values).flatten(0, 1)
    total = template.weights
    own = total - weight.sum(0)  # what the texture counted for
    assert own.abs().max() < 1e-9 or texture_known
    if known is not None:
        J = torch.cat([J, torch.zeros_like(J[:1])])
        weight = torch.cat([weight, own[None]])
        residual = torch.cat([residual, (known.template.values - template.values)[None]])
    mean = (weight[..., None] * J).sum(0) / torch.where(total > 0, total, 1.0)[:, None]
    centered = J - mean
    noise = problem.noise_variance(scale, 0)
    A = torch.einsum("onp,on,onq->pq", centered, weight, centered) / noise
    b = -torch.einsum("onp,on,on->p", centered, weight, residual) / noise
    torch.testing.assert_close(joint.information, A, rtol=1e-6, atol=1e-6 * float(A.abs().max()))
    torch.testing.assert_close(joint.b, b, rtol=1e-6, atol=1e-6 * float(b.abs().max()))
    assert (total > 0).sum() > 20


def test_matrix_is_positive_semidefinite_and_smaller_than_with_a_known_template():
    """Eliminating the color only takes information away, and never more than there is."""
    problem, views, pose = compound_scene()
    A = joint_model(problem, views, pose, 0, None).information
    eigenvalues = torch.linalg.eigvalsh(A)
    assert eigenvalues.min() > -1e-9 * eigenvalues.max()
    torch.testing.assert_close(A, A.T, rtol=0, atol=1e-9 * float(A.abs().max()))


def painted_plane() -> Rig:
    """A square of 12 cm whose controls slide it and lift it, in one piece."""
    y, x = np.mgrid[-6:7:2, -6:7:2].astype(float)
    neutral = np.stack([x, y, 0 * x], -1).reshape(-1, 3)
    corner = (np.arange(6)[:, None] * 7 + np.arange(6)).reshape(-1)
    faces = np.stack([corner, corner + 1, corner + 8, corner + 7], 1).reshape(-1)
    slide, lift = np.tile([1.0, 0.5, 0], (49, 1)), np.tile([0.3, 0, 1.0], (49, 1))
    return Rig.from_dense(neutral, np.stack([slide, lift]), ["slide", "lift"], np.full(36, 4), faces)


def see_through(problem: Problem, pose: Pose, frame: int, camera: int) -> torch.Tensor:
    """(H, W): paint (linear along the plane) where each pixel's ray meets the posed plane."""
    lens = problem.views.cameras(0, [frame])
    height, width = int(lens.heights[camera]), int(lens.widths[camera])
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    pixels = torch.stack([x, y, torch.ones_like(x)], -1).double()
    rotation, translation = lens.rotation[0, camera], lens.translation[0, camera]
    rays = pixels @ torch.linalg.inv(lens.intrinsics[0, camera]).T @ rotation
    head = pose.head[frame]
    origin = (-rotation.T @ translation - head[:3, 3]) @ head[:3, :3]
    rays = rays @ head[:3, :3]
    slide, lift = pose.controls[frame]
    distance = (lift - origin[2]) / rays[..., 2]
    rest = origin + distance[..., None] * rays - torch.stack([slide + 0.3 * lift, 0.5 * slide, lift])
    return 0.3 * rest[..., 0] - 0.2 * rest[..., 1]


@pytest.mark.parametrize("scale", [0.3, 100.0])
def test_force_is_minus_the_gradient_of_the_cost(scale):
    """On a plane the template's slopes are exactly the images', so the force is that of the true cost.

    Each image is brighter by a constant, so that residuals are not zero; half a percent is bilinear interpolation's.
    """
    problem = make_problem(make_take(painted_plane(), frames=2), 150, torch.float64)
    turn = torch.tensor([[0.1, 0.2, 0.0, 0, 0, 0], [-0.2, 0.1, 0.1, 1.0, 0, 0]], dtype=torch.float64)
    pose = Pose(torch.tensor([[0.4, 0.2], [0.7, 0.5]]).double(), torch.eye(4).double().repeat(2, 1, 1))
    pose = pose.stepped(torch.cat([torch.zeros(2, 2).double(), turn], 1))
    offsets = 0.2 * torch.rand(2, 3, 1, 1, dtype=torch.float64, generator=torch.manual_seed(1))
    seen = problem.views.visibility(problem.samples, 0, [0, 1], pose.controls, pose.head)
    images = tuple(torch.stack([see_through(problem, pose, f, c) + offsets[f, c] for f in range(2)]) for c in range(3))
    views = Views(image_stacks(images), problem.views.cameras(0, [0, 1]), seen.weights, seen.edges)
    fixed = torch.tensor(scale, dtype=torch.float64)

    def cost(moved: Pose) -> torch.Tensor:
        return joint_model(problem, views, moved, 0, fixed).cost

    joint = joint_model(problem, views, pose, 0, fixed)
    gradient = numeric(cost, pose)
    assert (joint.b + gradient).norm() < 0.01 * gradient.norm()
    assert gradient.norm() > 0


def fit_rounds(scene: Scene, pose: Pose, rounds: tuple[int, ...] = (1, 1, 0, 0)) -> Pose:
    """The bundle as a solve runs it: views made anew at each of some pyramid levels."""
    for level in rounds:
        pose = bundle(scene.problem, scene.views(pose, level), pose, scene.frames, level, BundleOptions(4)).pose
    return pose


def without_normalization(scene: Scene, pose: Pose) -> Views:
    """Views of the plain luminance, which all cameras agree about at the truth."""
    images = []
    for camera in range(3):
        images.append(5 * torch.stack([pixels.luminance[camera] for pixels in scene.pixels]))
    return replace(scene.views(pose), images=image_stacks(images))


def test_truth_is_a_fixed_point_where_cameras_agree():
    """Plain luminance: after a full fit from the truth, vertices are within 0.1 mm, a twentieth of a pixel."""
    scene = head_scene()
    fit = bundle(
        scene.problem, without_normalization(scene, scene.truth), scene.truth, scene.frames, 0, BundleOptions(6)
    )
    assert scene.errors(fit.pose).max() < 0.01


def test_truth_is_nearly_a_fixed_point_of_normalized_images():
    """Normalization sees each camera's own foreshortening, so 0.2 of the disturbance of the other tests remain."""
    scene = head_scene()
    assert scene.errors(fit_rounds(scene, scene.truth)).max() < 0.2 * scene.errors(scene.disturbed()).mean()


def test_the_cost_falls():
    scene = head_scene()
    start = scene.disturbed()
    views = scene.views(start, 1)
    before = joint_model(scene.problem, views, start, 1, None)
    fit = bundle(scene.problem, views, start, scene.frames, 1, BundleOptions(4))
    after = joint_model(scene.problem, views, fit.pose, 1, before.scale)
    assert float(after.cost) < 0.6 * float(before.cost)


def test_information_is_positive_definite_and_its_inverse_a_small_covariance():
    scene = head_scene()
    fit = bundle(scene.problem, scene.views(scene.truth), scene.truth, scene.frames, 0, BundleOptions(1))
    deviation = torch.linalg.inv(fit.A).diagonal().sqrt().reshape(len(scene.pixels), -1)
    assert torch.linalg.eigvalsh(fit.A).min() > 0
    assert (deviation[:, :5] < 0.5).all(), "never more than what the stiffness alone allows, half a range"
    assert fit.template.weights.shape == (len(scene.problem.samples.weight),)
    assert 0 < float(fit.scale) < 1


def settled(settings: Settings) -> tuple[Scene, Pose]:
    """The head's scene with other settings, and its disturbed start within the bounds."""
    scene = head_scene()
    problem = make_problem(make_take(scene.problem.take.rig, settings))
    start = scene.disturbed()
    scene = replace(scene, problem=problem)
    return scene, Pose(problem.prior.clamped(start.controls, scene.frames), start.head)


def test_locks_and_pins_are_honored_exactly():
    """Even where the footage says otherwise, by a third of the range."""
    curve = np.array([0.1, 0.2, 0.4, 0.3, 0.0])
    settings = Settings(
        controls=(
            ControlSettings("jaw", lock=curve),
            ControlSettings("brow", active=False),
            ControlSettings("puff", lock=np.array([0.25])),
        ),
        pins=(Pin(2, "smile", 0.95),),
        head_pins=(HeadPin(3, head_scene().disturbed().head[3].numpy()),),
    )
    scene, start = settled(settings)
    pose = fit_rounds(scene, start, (1, 0))
    np.testing.assert_allclose(pose.controls[:, 2].numpy(), curve, atol=1e-12)
    np.testing.assert_allclose(pose.controls[:, 0].numpy(), 0.25, atol=1e-12)
    np.testing.assert_allclose(pose.controls[:, 3].numpy(), 0.0, atol=1e-12)
    assert float(pose.controls[2, 4]) == pytest.approx(0.95, abs=1e-12)
    assert torch.equal(pose.head[3], start.head[3])
    assert (pose.controls[:, 1] != start.controls[:, 1]).all(), "the others are solved"
    assert not torch.equal(pose.head[2], start.head[2])


def test_ranges_are_honored():
    scene = head_scene()
    rig = scene.problem.take.rig
    narrow = replace(rig, controls=tuple(replace(c, minimum=0.0, maximum=0.5) for c in rig.controls))
    scene = replace(scene, problem=make_problem(make_take(narrow)))
    start = Pose(scene.problem.prior.clamped(scene.truth.controls, scene.frames), scene.truth.head)
    controls = fit_rounds(scene, start, (1, 0)).controls
    assert (controls >= 0).all()
    assert (controls <= 0.5).all()
    assert (controls == 0.5).any()


def test_a_fixed_head_stays():
    scene, start = settled(Settings(head="fixed"))
    pose = fit_rounds(scene, start, (1,))
    torch.testing.assert_close(pose.head, start.head, atol=1e-12, rtol=0)
    assert (pose.controls != start.controls).any()


def test_held_controls_stay_near_where_they_began():
    scene, start = head_scene(), head_scene().disturbed().at([0])
    views = scene.view(start, 0)
    frames = torch.tensor([0])
    moved = []
    for information in (1.0, 1e8):
        hold = torch.full((5,), information, dtype=torch.float64)
        fit = bundle(scene.problem, views, start, frames, 0, BundleOptions(3, hold=hold))
        moved.append(float((fit.pose.controls - start.controls).abs().max()))
    assert moved[1] < 1e-3 < moved[0]


def test_controls_that_are_not_free_stay():
    scene, start = head_scene(), head_scene().disturbed().at([0])
    fit = bundle(
        scene.problem, scene.view(start, 0), start, torch.tensor([0]), 0, BundleOptions(3, free_controls=False)
    )
    assert torch.equal(fit.pose.controls, start.controls)
    assert (fit.pose.head != start.head).any()


def turning_ball(frame: int, points: torch.Tensor) -> torch.Tensor:
    """The head's texture, but on the ball a pattern that moves from frame to frame."""
    on_ball = (points - points.new_tensor(BALL_CENTER)).norm(dim=-1) < BALL_RADIUS + 0.01
    pattern = 0.5 + 0.4 * torch.sin(4 * points[..., 0] + 2.5 * frame) * torch.sin(4 * points[..., 1] + frame)
    return torch.where(on_ball, pattern, texture(points))


def filmed(rig: Rig) -> Scene:
    """The performance of the head, with the ball's paint turning where there is a ball."""
    problem, truth = make_problem(make_take(rig)), performance()
    lenses = problem.take.cameras
    pixels = [
        film(problem.model, lenses, truth.at([frame]), partial(turning_ball, frame))[0]
        for frame in range(len(truth.controls))
    ]
    return Scene(problem, truth, pixels)


def test_an_occluder_does_not_move_the_skin():
    """An eyeball's paint turns on its own: the skin behind and around it is found as well as without it."""
    scene = filmed(with_ball(head_rig()))
    error = scene.errors(fit_rounds(scene, scene.disturbed())).mean()
    alone = head_scene().errors(fit_rounds(head_scene(), head_scene().disturbed())).mean()
    assert error < 1.3 * alone
