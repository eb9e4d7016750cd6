"""A residual that somebody else wrote: landmarks hold the head where paint that shows no height lets it slide."""

from dataclasses import dataclass, replace
from functools import cache

import pytest
import torch
from torch import Tensor

from facesolve.geometry.pose import Pose
from facesolve.geometry.rig import apply_head
from facesolve.geometry.rigid import step_basis
from facesolve.residuals.normal_equations import to_controls
from facesolve.residuals.photometric import Template
from facesolve.residuals.quadratic import Quadratic
from facesolve.residuals.residual import BUNDLE, JOINT, REFINE, STAGES, TRACK, Known, Residual
from facesolve.stages.bundle import BundleOptions, bundle
from facesolve.stages.frame_fit import FrameFitOptions, fit_frames
from facesolve.stages.problem import Problem
from facesolve.stages.refine import joint_pass
from tests.synthetic import FRAMES, Scene, film, head_rig, make_problem, make_take, performance

PIXELS = 0.3  # standard deviation of a landmark
EVERY = 40  # samples of the surface, one landmark


@dataclass(frozen=True, eq=False)
class Landmarks:
    """Points on the rig at samples (n,) that were seen at pixels (F, C, n, 2) of the undistorted images."""

    samples: Tensor
    pixels: Tensor
    stages: tuple[str, ...] = STAGES

    def quadratic(self, known: Known, frames: Tensor, pose: Pose) -> Quadratic:
        """See ``Residual``."""
        deformation = known.model.deformation(pose.controls.to(known.model.dtype))
        points = known.samples.positions(deformation)[:, self.samples]  # (B, n, 3)
        cameras = known.views.cameras(0, frames.tolist())
        world = apply_head(pose.head.to(points), points)
        projection, J_pixel_world = cameras.project_with_jacobian(world[:, None])
        seen = projection.valid.double() / PIXELS**2
        residual = (projection.pixels - self.pixels[frames]).double()
        J_world = pose.head[:, None, :3, :3].to(points) @ torch.cat(
            [known.samples.basis[self.samples].expand(len(frames), -1, -1, -1), step_basis(points)], 3
        )
        J = (J_pixel_world @ J_world[:, None]).double()
        A = torch.einsum("bcnip,bcniq,bcn->bpq", J, J, seen)
        b = -torch.einsum("bcnip,bcni,bcn->bp", J, residual, seen)
        A, b = to_controls(A, b, deformation.J_unknown_control)
        return Quadratic(A, b, 0.5 * (seen[..., None] * residual**2).sum((1, 2, 3)))


def upright_stripes(points: Tensor) -> Tensor:
    """Paint that is the same at every height."""
    return 0.5 + 0.2 * torch.sin(2.1 * points[..., 0]) + 0.15 * torch.sin(3.7 * points[..., 0] + 1)


@cache
def striped() -> Scene:
    problem, truth = make_problem(make_take(head_rig())), performance()
    return Scene(problem, truth, film(problem.model, problem.take.cameras, truth, upright_stripes))


def landmarks(stages: tuple[str, ...] = STAGES) -> Landmarks:
    """Where the truth shows every so many samples."""
    scene = striped()
    problem, rows = scene.problem, torch.arange(0, len(scene.problem.samples.weight), EVERY)
    deformation = problem.model.deformation(scene.truth.controls.float())
    world = apply_head(scene.truth.head.float(), problem.samples.positions(deformation)[:, rows])
    return Landmarks(rows, problem.views.cameras(0, list(range(FRAMES))).project(world[:, None]).pixels, stages)


def with_residuals(*residuals: Residual) -> Problem:
    return replace(striped().problem, residuals=residuals)


def risen() -> Pose:
    """All heads 3 mm too high along their own axes."""
    step = torch.zeros(FRAMES, 11, dtype=torch.float64)
    step[:, 9] = 0.3
    return striped().truth.stepped(step)


def height_off(pose: Pose) -> float:
    """The most that a head is too high or too low, cm."""
    apart = pose.head[:, :3, 3] - striped().truth.head[:, :3, 3]
    return float((striped().truth.head[:, :3, 1] * apart).sum(1).abs().max())


def refined(problem: Problem, stage: str = REFINE) -> Pose:
    """The frames from where they are too high, against a template of which nothing is known yet."""
    scene, start = striped(), risen()
    unknown = torch.zeros_like(scene.problem.samples.weight)
    template = Template(unknown, torch.stack([unknown, unknown], 1), unknown)
    options = FrameFitOptions(6, stage=stage)
    return fit_frames(problem, template, scene.views(start), start, scene.frames, 0, options).pose


def bundled(problem: Problem) -> Pose:
    scene, start = striped(), risen()
    return bundle(problem, scene.views(start), start, scene.frames, 0, BundleOptions(6)).pose


def joined(problem: Problem) -> Pose:
    count = problem.model.control_count + 6
    A = torch.eye(count, dtype=torch.float64).repeat(FRAMES, 1, 1)
    nothing = Quadratic(1e-3 * A, 0 * A[:, 0], 0 * A[:, 0, 0])
    return joint_pass(problem, risen(), nothing).pose


def test_it_has_the_gradient_and_curvature_of_its_cost():
    scene, residual, frames = striped(), landmarks(), torch.tensor([1, 3])
    problem = make_problem(scene.problem.take, dtype=torch.float64)
    pose = risen().at(frames)
    found = residual.quadratic(problem, frames, pose)
    for k in range(11):
        step = torch.zeros(2, 11, dtype=torch.float64)
        step[:, k] = 1e-5
        ahead, behind = (residual.quadratic(problem, frames, pose.stepped(sign * step)) for sign in (1, -1))
        torch.testing.assert_close(found.b[:, k], -(ahead.cost - behind.cost) / 2e-5, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("solved", [refined, bundled])
def test_landmarks_hold_the_head_where_the_paint_lets_it_slide(solved):
    without, held = solved(with_residuals()), solved(with_residuals(landmarks()))
    assert height_off(without) > 0.1
    assert height_off(held) < 0.03
    assert striped().errors(held).mean() < 0.5 * striped().errors(without).mean()


def test_the_joint_pass_listens_to_it_too():
    assert height_off(joined(with_residuals())) > 0.2
    assert height_off(joined(with_residuals(landmarks()))) < 0.1


def test_it_is_not_asked_in_stages_that_it_leaves_out():
    elsewhere = with_residuals(landmarks((TRACK, JOINT)))
    torch.testing.assert_close(refined(elsewhere).head, risen().head)
    torch.testing.assert_close(bundled(elsewhere).head, bundled(with_residuals()).head)
    assert height_off(refined(elsewhere, TRACK)) < 0.03
    assert height_off(joined(with_residuals(landmarks((BUNDLE,))))) > 0.2


def test_a_problem_made_anew_keeps_its_residuals():
    residual = landmarks()
    problem = with_residuals(residual)
    anew = problem.made_anew(samples=problem.samples.thinned(2))
    assert anew.residuals == (residual,)
    assert anew.graphs is not problem.graphs
    assert anew.contours is not problem.contours
