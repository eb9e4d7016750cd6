"""Errors of cameras: derivatives against differences, their equations against explicit rows, cameras either way."""

import numpy as np
import pytest
import torch

from facesolve.geometry.camera import CameraModel
from facesolve.geometry.rigid import step_basis
from facesolve.residuals.camera_errors import UNKNOWNS, CameraErrors, error_columns, information
from facesolve.residuals.color_elimination import (
    SampleEquations,
    eliminated_camera_equations,
    eliminated_normal_equations,
    eliminated_rows,
)
from facesolve.residuals.normal_equations import step_jacobian
from tests.synthetic import cameras, compound_rig, make_problem, make_take

FRAMES, SAMPLES = 2, 40
PROBLEM = make_problem(make_take(compound_rig(), frames=FRAMES), SAMPLES, torch.float64)


def random(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def stage() -> CameraModel:
    return CameraModel.from_cameras(cameras(), [0] * FRAMES, dtype=torch.float64)


def colors(errors: torch.Tensor, points: torch.Tensor, velocity: torch.Tensor, slopes: torch.Tensor) -> torch.Tensor:
    """(B, C, N) colors that depend linearly on pixels, as cameras with such errors see points (B, N, 3)."""
    found = CameraErrors(errors)
    there = points[:, None] + velocity[:, None] * found.delay[:, None, None]
    return (found.applied(stage()).project(there).pixels * slopes).sum(-1)


@pytest.mark.parametrize("unknown", range(UNKNOWNS))
def test_derivatives_equal_finite_differences(unknown: int) -> None:
    count = len(cameras())
    points, velocity = random(FRAMES, 20, 3, seed=0) * 3, random(FRAMES, 20, 3, seed=1)
    slopes = random(FRAMES, count, 20, 2, seed=2)
    errors = 1e-2 * random(count, UNKNOWNS, seed=3)
    found = CameraErrors(errors)
    there = points[:, None] + velocity[:, None] * found.delay[:, None, None]
    as_they_are = found.applied(stage())
    covectors = as_they_are.pull_back(as_they_are.project(there), slopes)
    columns = error_columns(as_they_are, there, covectors, velocity)[..., unknown]
    length = 1e-6
    for camera in range(count):
        step = torch.zeros_like(errors)
        step[camera, unknown] = length
        if unknown < 7:
            # a step acts on the camera as it is, its clock on the points
            ahead, behind = (stepped_after(found, sign * step, there, slopes) for sign in (1, -1))
        else:
            ahead, behind = (colors(errors + sign * step, points, velocity, slopes) for sign in (1, -1))
        torch.testing.assert_close(
            columns[:, camera], ((ahead - behind) / (2 * length))[:, camera], rtol=1e-5, atol=1e-5
        )


def stepped_after(found: CameraErrors, step: torch.Tensor, there: torch.Tensor, slopes: torch.Tensor) -> torch.Tensor:
    return (CameraErrors(step).applied(found.applied(stage())).project(there).pixels * slopes).sum(-1)


def test_equations_equal_those_of_explicit_rows() -> None:
    count, unknowns = len(cameras()), 3
    samples, model = PROBLEM.samples, PROBLEM.model
    n = len(samples.weight)
    covectors, columns = random(FRAMES, count, n, 3, seed=0), random(FRAMES, count, n, unknowns, seed=5)
    weights = random(FRAMES, count, n, seed=1).abs()
    weights[..., 3] = 0
    total = weights.sum((0, 1))
    seen = random(FRAMES, count, n, seed=2)
    residual = seen - (weights * seen).sum((0, 1)) / total.clamp_min(1e-9)
    placed = samples.placed(model.deformation(random(FRAMES, model.control_count, seed=4)))
    points, J_activation_control = placed.points, placed.deformation.J_unknown_control
    equations = SampleEquations.of(covectors, weights, residual, total)
    A, b = eliminated_normal_equations(placed, equations)
    found = eliminated_camera_equations(placed, columns, covectors, weights, residual, total)
    basis = torch.cat([samples.basis.expand(FRAMES, -1, -1, -1), step_basis(points)], 3)
    J_step = basis @ step_jacobian(J_activation_control)[:, None]
    J_frames = (covectors[..., None, :] @ J_step[:, None])[..., 0, :]  # (M, C, N, K+6)
    width = J_frames.shape[3]
    J = torch.cat([J_frames, columns], 3).flatten(0, 1)
    of_frame = torch.arange(FRAMES * width).view(FRAMES, width).repeat_interleave(count, 0)
    of_camera = FRAMES * width + torch.arange(count * unknowns).view(count, unknowns).repeat(FRAMES, 1)
    whole = eliminated_rows(
        J,
        torch.cat([of_frame, of_camera], 1),
        FRAMES * width + count * unknowns,
        weights.flatten(0, 1),
        residual.flatten(0, 1),
        total,
    )
    torch.testing.assert_close(
        torch.cat([torch.cat([A, found.frames], 1), torch.cat([found.frames.T, found.own], 1)]), whole[0]
    )
    torch.testing.assert_close(torch.cat([b, found.b]), whole[1])


def test_cameras_are_corrected_alike_as_tensors_and_in_a_take() -> None:
    errors = CameraErrors(1e-2 * random(len(cameras()), UNKNOWNS, seed=7))
    tensors = errors.applied(CameraModel.from_cameras(cameras(), dtype=torch.float64))
    again = CameraModel.from_cameras(errors.corrected(cameras()), dtype=torch.float64)
    for name in ("intrinsics", "rotation", "translation"):
        torch.testing.assert_close(getattr(tensors, name), getattr(again, name), rtol=1e-9, atol=1e-9)


def test_a_deviation_moves_the_image_by_as_many_pixels() -> None:
    lenses = CameraModel.from_cameras(cameras(), [0], dtype=torch.float64)
    deviation = torch.linalg.inv(information(lenses, torch.zeros(3), pixels=2.0)).diagonal().view(-1, UNKNOWNS).sqrt()
    focal, share = lenses.intrinsics[0, :, 0, 0], (1 - 1 / len(cameras())) ** 0.5  # the mean is no error of theirs
    depth = lenses.translation[0, :, 2]
    np.testing.assert_allclose(deviation[:, 0] * focal, 2.0 * share, rtol=0.15)
    np.testing.assert_allclose(deviation[:, 3] * focal / depth, 2.0 * share, rtol=0.3)


def test_cameras_that_are_moved_together_are_no_error() -> None:
    """The information about a motion of the whole stage is larger than about the same motion of one camera."""
    lenses = CameraModel.from_cameras(cameras(), [0], dtype=torch.float64)
    target = torch.tensor([1.0, -2.0, 3.0])
    prior = information(lenses, target, pixels=0.5)
    turn, shift = torch.tensor([1e-3, -2e-3, 1e-3], dtype=torch.float64), 0.01 * random(3, seed=8)
    rotation = lenses.rotation[0]
    there = rotation @ target.double() + lenses.translation[0]
    errors = torch.zeros(len(cameras()), UNKNOWNS, dtype=torch.float64)
    errors[:, :3] = rotation @ turn
    errors[:, 3:6] = -torch.linalg.cross(errors[:, :3], there) + rotation @ shift
    together = errors.flatten() @ prior @ errors.flatten()
    errors[1:] = 0
    alone = errors.flatten() @ prior @ errors.flatten()
    assert together > 5 * alone
