"""Photometric residuals: every derivative and every normal equation against finite differences, in float64.

Images are bilinear functions of the pixel, which bilinear look-up reproduces exactly, slopes included.
"""

from dataclasses import dataclass, replace
from functools import cache

import pytest
import torch

from facesolve.geometry.pose import Pose
from facesolve.geometry.rigid import step_basis
from facesolve.optimize.robust import residual_scale, robust_loss, robust_sum, robust_weight
from facesolve.residuals.against_template import Photometric
from facesolve.residuals.normal_equations import normal_equations, step_jacobian, to_controls
from facesolve.residuals.observation import Observation, Views, image_stacks, observe
from facesolve.residuals.photometric import (
    Template,
    sample_normals,
    surface_slopes,
    template_covectors,
)
from facesolve.stages.problem import Problem
from tests.synthetic import compound_rig, make_problem, make_take, performance

FRAMES, SAMPLES = 2, 30
STEP = 1e-5


def bilinear_image(seed, height, width):
    """(H, W): a + b x + c y + d x y of the pixel position in hundreds of pixels."""
    a, b, c, d = torch.randn(4, dtype=torch.float64, generator=torch.manual_seed(seed))
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    x, y = x.double() / 100, y.double() / 100
    return a + b * x + c * y + d * x * y


@dataclass(frozen=True, eq=False)
class Bench:
    """Two frames of the head with in-betweens and a combination, and views of bilinear images."""

    problem: Problem
    pose: Pose
    views: Views

    def observe(self, pose: Pose) -> Observation:
        return observe(self.problem.samples, self.problem.model, pose.controls, pose.head, self.views)

    def numeric(self, function) -> torch.Tensor:
        """d function(pose) / d step, step (FRAMES, K+6) of each frame; function gives (FRAMES, ...)."""
        width = self.pose.controls.shape[1] + 6
        columns = []
        for i in range(width):
            step = torch.zeros(FRAMES, width, dtype=torch.float64)
            step[:, i] = STEP
            columns.append((function(self.pose.stepped(step)) - function(self.pose.stepped(-step))) / (2 * STEP))
        return torch.stack(columns, -1)


@cache
def bench() -> Bench:
    problem = make_problem(make_take(compound_rig(), frames=FRAMES), SAMPLES, torch.float64)
    pose = performance(FRAMES)
    frames = list(range(FRAMES))
    cameras = problem.views.cameras(0, frames)
    images = tuple(
        torch.stack([bilinear_image(10 * c + f, int(h), int(w)) for f in frames])
        for c, (h, w) in enumerate(zip(cameras.heights, cameras.widths, strict=True))
    )
    weights = torch.rand(FRAMES, len(images), SAMPLES, dtype=torch.float64, generator=torch.manual_seed(1))
    edges = problem.views.visibility(problem.samples, 0, frames, pose.controls, pose.head).edges
    return Bench(problem, pose, Views(image_stacks(images), cameras, weights, edges))


@cache
def template() -> Template:
    """Colors about a third off what is seen, some unknown."""
    seen = bench().observe(bench().pose)
    values = seen.values.mean((0, 1)) + 0.3 * torch.randn(SAMPLES, dtype=torch.float64, generator=torch.manual_seed(2))
    slopes = torch.randn(SAMPLES, 2, dtype=torch.float64, generator=torch.manual_seed(3))
    return Template(values, slopes, (torch.arange(SAMPLES) % 5 != 0).double())


def test_points_follow_controls_and_head():
    points = bench().observe(bench().pose).points
    _, jacobian = bench().problem.model.activations(bench().pose.controls)
    J_control = torch.einsum("nis,fsk->fnik", bench().problem.samples.basis, jacobian)
    numeric = bench().numeric(lambda pose: bench().observe(pose).points)
    torch.testing.assert_close(numeric[..., :-6], J_control, atol=1e-8, rtol=1e-6)
    assert not numeric[..., -6:].any(), "points are in rig space, the head does not move them"
    assert points.isfinite().all()


def test_covectors_are_the_derivative_of_the_value_with_respect_to_the_surface_point():
    seen = bench().observe(bench().pose)
    samples = bench().problem.samples
    for axis in range(3):
        shift = STEP * torch.eye(3, dtype=torch.float64)[axis]
        ahead, behind = (
            observe(
                replace(samples, neutral=samples.neutral + sign * shift),
                bench().problem.model,
                bench().pose.controls,
                bench().pose.head,
                bench().views,
            ).values
            for sign in (1, -1)
        )
        torch.testing.assert_close(seen.covectors[..., axis], (ahead - behind) / (2 * STEP), atol=1e-8, rtol=1e-6)


def test_covectors_with_head_and_rig_bases_are_the_derivative_with_respect_to_the_step():
    torch.testing.assert_close(
        analytic_jacobian(), bench().numeric(lambda p: bench().observe(p).values), atol=1e-7, rtol=1e-6
    )


def analytic_jacobian():
    """d values / d step, (FRAMES, C, N, K+6), from the covectors."""
    seen, samples = bench().observe(bench().pose), bench().problem.samples
    basis = torch.stack([torch.cat([samples.basis, step_basis(points)], 2) for points in seen.points])
    _, jacobian = bench().problem.model.activations(bench().pose.controls)
    return torch.einsum("fcni,fnis,fsk->fcnk", seen.covectors, basis, step_jacobian(jacobian))


def test_rays_point_from_the_camera_in_rig_space():
    seen, cameras = bench().observe(bench().pose), bench().views.cameras
    rotation, translation = bench().pose.head[:, :3, :3], bench().pose.head[:, :3, 3]
    for camera in range(3):
        center = -cameras.rotation[:, camera].mT @ cameras.translation[:, camera, :, None]
        local = rotation.mT @ (center - translation[..., None])
        expected = torch.nn.functional.normalize(seen.points - local.mT, dim=-1)
        torch.testing.assert_close(seen.rays[:, camera], expected)


def test_moving_along_the_ray_changes_no_value():
    seen = bench().observe(bench().pose)
    along = (seen.covectors * seen.rays).sum(-1)
    assert along.abs().max() < 1e-12 * seen.covectors.norm(dim=-1).max()


def test_samples_outside_the_image_weigh_nothing():
    step = torch.zeros(FRAMES, bench().pose.controls.shape[1] + 6, dtype=torch.float64)
    step[1, -3] = 100
    weights = bench().observe(bench().pose.stepped(step)).weights
    torch.testing.assert_close(weights[0], bench().views.visibility[0])
    assert not weights[1].any()


def test_surface_slopes_are_differences_along_the_edges():
    seen = bench().observe(bench().pose)
    slopes = surface_slopes(seen, bench().views.edges)
    for edge in range(2):
        expected = (seen.covectors * bench().views.edges[:, None, :, edge]).sum(-1)
        torch.testing.assert_close(slopes[..., edge], expected)


def frozen_cost(pose, weights):
    """Half the weighted squared residuals of each frame: (FRAMES,)."""
    return 0.5 * (weights * (bench().observe(pose).values - template().values) ** 2).sum((1, 2))


def test_normal_equations_are_those_of_the_numeric_jacobian():
    """A is J^T W J, b minus the gradient of the cost with frozen weights."""
    seen = bench().observe(bench().pose)
    residual = seen.values - template().values
    weights = seen.weights * robust_weight(residual, 0.5)
    information, force = sample_normals(seen.covectors, weights, residual)
    A, b = normal_equations(seen.placed, information, force)
    _, jacobian = bench().problem.model.activations(bench().pose.controls)
    A, b = to_controls(A, b, jacobian)
    J = bench().numeric(lambda pose: bench().observe(pose).values)
    torch.testing.assert_close(A, torch.einsum("fcni,fcn,fcnj->fij", J, weights, J), atol=1e-6, rtol=1e-6)
    gradient = bench().numeric(lambda pose: frozen_cost(pose, weights))
    torch.testing.assert_close(b, -gradient, atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(A, A.mT, atol=0, rtol=1e-12)


def test_quadratic_force_is_minus_the_gradient_of_the_robust_cost():
    """With the footage's own gradient and a given scale nothing is approximated."""
    scale = torch.full((FRAMES,), 0.4, dtype=torch.float64)

    def quadratic(pose):
        return Photometric.of(template(), bench().views, 0, template_share=0.0).judged(bench().problem, pose, scale)[0]

    gradient = bench().numeric(lambda pose: quadratic(pose).cost)
    torch.testing.assert_close(quadratic(bench().pose).b, -gradient, atol=1e-5, rtol=1e-6)


def test_normal_equations_of_frames_do_not_mix():
    seen = bench().observe(bench().pose)
    parts = sample_normals(seen.covectors, seen.weights, seen.values)
    A, b = normal_equations(seen.placed, *parts)
    alone = normal_equations(replace(seen.placed, points=seen.points[1:]), parts[0][1:], parts[1][1:])
    torch.testing.assert_close(A[1:], alone[0])
    torch.testing.assert_close(b[1:], alone[1])


def random_template_inputs(count=50):
    generator = torch.manual_seed(4)
    slopes, edges = (
        torch.randn(*shape, dtype=torch.float64, generator=generator) for shape in ((count, 2), (2, count, 2, 3))
    )
    rays = torch.randn(2, 3, count, 3, dtype=torch.float64, generator=generator)
    return slopes, torch.nn.functional.normalize(rays, dim=-1), edges


def test_template_covectors_give_back_the_slopes_and_nothing_along_the_ray():
    slopes, rays, edges = random_template_inputs()
    covectors = template_covectors(slopes, rays, edges)
    normal = torch.nn.functional.normalize(torch.linalg.cross(edges[:, :, 0], edges[:, :, 1]), dim=-1)
    steep = (normal[:, None] * rays).sum(-1).abs() > 0.01
    given_back = torch.einsum("bcni,bnji->bcnj", covectors, edges)
    torch.testing.assert_close(given_back[steep], slopes.expand(2, 3, -1, -1)[steep])
    assert steep.double().mean() > 0.9
    along = (covectors * rays).sum(-1).abs()
    assert (along < 1e-9 * covectors.norm(dim=-1)).all()


def test_template_covectors_stay_bounded_at_grazing_angles_and_for_degenerate_triangles():
    slopes, rays, edges = random_template_inputs()
    rays[:, 0] = torch.nn.functional.normalize(edges[:, :, 0], dim=-1)  # within the surface
    edges[:, :5, 1] = -0.3 * edges[:, :5, 0]  # no area but for rounding
    edges[:, 5, 1] = 0
    covectors = template_covectors(slopes, rays, edges)
    assert covectors.isfinite().all()
    assert not covectors[:, :, :6].any()


@pytest.mark.parametrize("flip", [False, True])
def test_template_covectors_are_the_derivative_of_the_color_seen_through_a_moved_point(flip):
    """A painted plane, two cameras: the color at a moved point's pixel is the paint where its ray meets the plane."""
    generator = torch.manual_seed(5)
    origin, first, second, gradient = torch.randn(4, 3, dtype=torch.float64, generator=generator)
    if flip:
        first, second = second, first
    normal = torch.linalg.cross(first, second)
    centers = origin + 20 * torch.randn(2, 3, dtype=torch.float64, generator=generator)
    samples = origin + torch.rand(6, 2, dtype=torch.float64, generator=generator) @ torch.stack([first, second])

    def color(points):
        """(2, n) colors that the cameras see in the direction of points (n, 3); the paint is linear in space."""
        direction = points - centers[:, None]
        distance = ((origin - centers) @ normal)[:, None] / (direction @ normal)
        return (centers[:, None] + distance[..., None] * direction) @ gradient

    rays = torch.nn.functional.normalize(samples - centers[:, None], dim=-1)[None]
    slopes = torch.stack([first @ gradient, second @ gradient]).expand(6, 2)
    covectors = template_covectors(slopes, rays, torch.stack([first, second]).expand(1, 6, 2, 3))[0]
    for axis in range(3):
        shift = 1e-6 * torch.eye(3, dtype=torch.float64)[axis]
        numeric = (color(samples + shift) - color(samples - shift)) / 2e-6
        torch.testing.assert_close(covectors[..., axis], numeric, atol=1e-7, rtol=1e-6)


def test_robust_weight_is_the_derivative_of_the_loss():
    residual = torch.linspace(-3, 3, 61, dtype=torch.float64)
    for scale in (0.1, 1.0, 5.0):
        slope = (robust_loss(residual + 1e-6, scale) - robust_loss(residual - 1e-6, scale)) / 2e-6
        torch.testing.assert_close(robust_weight(residual, scale) * residual, slope, atol=1e-8, rtol=1e-6)


def test_residual_scale_is_two_deviations_of_what_is_seen():
    deviation = torch.tensor([[0.3], [0.1], [0.2]], dtype=torch.float64)
    residual = deviation * torch.randn(3, 200_000, dtype=torch.float64, generator=torch.manual_seed(6))
    weights = (torch.arange(200_000) % 2).double().expand(3, -1)
    scales = residual_scale(torch.where(weights > 0, residual, 100.0), weights)
    torch.testing.assert_close(scales, 2 * deviation[:, 0], rtol=0.03, atol=0)
    nothing = torch.tensor([1.0, 0.0, 1.0]).double()[:, None]
    assert float(residual_scale(residual, weights * nothing)[1]) == 1.0
    torch.testing.assert_close(
        residual_scale(residual, weights * nothing)[[0, 2]], residual_scale(residual, weights)[[0, 2]]
    )
    assert (residual_scale(residual * 0, weights) > 0).all()


@pytest.mark.parametrize(("scale", "least", "most"), [(10.0, 0.9, 1.0), (2.0, 0.5, 0.62), (0.3, 0.4, 0.4)])
def test_a_robust_sum_has_the_weights_the_loss_and_its_curvature_over_that_of_its_parabola(scale, least, most):
    """Residuals of unit deviation: small against the scale, half of it as in footage, and mostly outliers."""
    residual = torch.randn(2, 3, 4000, dtype=torch.float64, generator=torch.manual_seed(6)).requires_grad_()
    seen = torch.rand(residual.shape, dtype=torch.float64, generator=torch.manual_seed(7))
    (slope,) = torch.autograd.grad((seen * robust_loss(residual, scale)).sum(), residual, create_graph=True)
    (bend,) = torch.autograd.grad(slope.sum(), residual)
    parabola = seen * robust_weight(residual.detach(), scale)
    expected = (bend.sum((1, 2)) / parabola.sum((1, 2))).clamp(0.4, 1)
    found = robust_sum(residual.detach(), seen, torch.full((2,), scale).double())
    torch.testing.assert_close(found.curvature, expected)
    assert ((found.curvature >= least) & (found.curvature <= most)).all()
    torch.testing.assert_close(found.weights, parabola)
    torch.testing.assert_close(found.cost, (seen * robust_loss(residual.detach(), scale)).sum((1, 2)))
