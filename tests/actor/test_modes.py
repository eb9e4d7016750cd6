"""Identity modes at the samples: their equations against explicit rows, and samples that follow the mesh."""

from dataclasses import replace

import torch

from facesolve.actor.modes import SampleModes
from facesolve.geometry.rigid import step_basis
from facesolve.geometry.surface_samples import samples_at
from facesolve.residuals.color_elimination import SampleEquations, eliminated_rows
from facesolve.residuals.normal_equations import step_jacobian
from tests.synthetic import cameras, compound_rig, make_problem, make_take

FRAMES, MODES = 2, 3
PROBLEM = make_problem(make_take(compound_rig(), frames=FRAMES), 40, torch.float64)


def random(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


GIVEN = random(MODES, len(PROBLEM.model.neutral), 3, seed=20)


def test_samples_are_displaced_as_the_mesh_is() -> None:
    samples, model = PROBLEM.samples, PROBLEM.model
    coefficients, controls = random(MODES, seed=1), random(FRAMES, model.control_count, seed=2)
    placed = samples.placed(model.deformation(controls))
    displaced = SampleModes.of(GIVEN, model, samples).displaced(placed, coefficients)
    offset = torch.einsum("m,mvi->vi", coefficients, GIVEN).numpy()
    moved = model.with_neutral(replace(model.rig, neutral=model.rig.neutral + offset))
    again = samples_at(moved, samples.triangles, samples.barycentrics, samples.weight, samples.spacing)
    torch.testing.assert_close(displaced.points, again.positions(moved.deformation(controls)), rtol=1e-5, atol=1e-5)


def test_equations_equal_those_of_explicit_rows() -> None:
    count, unknowns = len(cameras()), 2
    samples, model = PROBLEM.samples, PROBLEM.model
    n = len(samples.weight)
    covectors, columns = random(FRAMES, count, n, 3, seed=0), random(FRAMES, count, n, unknowns, seed=5)
    weights, seen = random(FRAMES, count, n, seed=1).abs(), random(FRAMES, count, n, seed=2)
    total = weights.sum((0, 1))
    residual = seen - (weights * seen).sum((0, 1)) / total
    modes = SampleModes.of(GIVEN, model, samples)
    placed = samples.placed(model.deformation(random(FRAMES, model.control_count, seed=4)))
    found = modes.equations(placed, SampleEquations.of(covectors, weights, residual, total))
    side = modes.with_cameras(placed, columns, covectors, weights, total)
    basis = torch.cat([samples.basis.expand(FRAMES, -1, -1, -1), step_basis(placed.points)], 3)
    J_step = basis @ step_jacobian(placed.deformation.J_unknown_control)[:, None]
    J_frames = (covectors[..., None, :] @ J_step[:, None])[..., 0, :]  # (M, C, N, K+6)
    J_modes = (covectors[..., None, :] @ modes.samples)[..., 0, :]
    width = J_frames.shape[3]
    frames, own = FRAMES * width, count * unknowns
    of_frame = torch.arange(frames).view(FRAMES, width).repeat_interleave(count, 0)
    of_camera = frames + torch.arange(own).view(count, unknowns).repeat(FRAMES, 1)
    of_modes = (frames + own + torch.arange(MODES)).expand(FRAMES * count, -1)
    A, b = eliminated_rows(
        torch.cat([J_frames, columns, J_modes], 3).flatten(0, 1),
        torch.cat([of_frame, of_camera, of_modes], 1),
        frames + own + MODES,
        weights.flatten(0, 1),
        residual.flatten(0, 1),
        total,
    )
    torch.testing.assert_close(found.own, A[-MODES:, -MODES:])
    torch.testing.assert_close(found.frames, A[:frames, -MODES:])
    torch.testing.assert_close(side, A[frames:-MODES, -MODES:])
    torch.testing.assert_close(found.b, b[-MODES:])
