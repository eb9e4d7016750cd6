"""Rigs with joints and skin as tensors: as numpy evaluates them, and every derivative against finite differences."""

from __future__ import annotations

import cProfile
import pstats
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from facesolve.geometry.rig import RigModel
from facesolve.geometry.surface_samples import SurfaceSamples, samples_at
from facesolve.residuals.normal_equations import gram_of_one, normal_equations, to_controls
from facesolve.take import Rig
from facesolve.take.rig_evaluation import RigEvaluator
from tests.geometry.test_rig import central_difference
from tests.take import jointed, rigs


def model_of(rig: Rig) -> RigModel:
    return RigModel(rig, dtype=torch.float64)


def early_only() -> Rig:
    """Nothing after the skin."""
    rig = jointed.rig()
    return replace(rig, targets=tuple(replace(target, after_skin=False) for target in rig.targets))


RIGS = {
    "shapes before and after the skin": jointed.rig,
    "shapes before the skin": early_only,
    "no shape": lambda: replace(
        jointed.rig(), targets=(), drivers=(), combinations=(), responses=jointed.without_targets()
    ),
    "joints that nothing moves": lambda: replace(jointed.rig(), responses=(), channels=()),
}


def controls_at(count: int) -> torch.Tensor:
    """Away from the corners of the curves."""
    values = torch.rand(count, 3, dtype=torch.float64, generator=torch.manual_seed(1))
    return values + 0.005 * ((values * 100).frac() < 0.01)


@pytest.mark.parametrize("kind", RIGS)
def test_tensors_evaluate_as_numpy_does(kind: str) -> None:
    rig = RIGS[kind]()
    controls = np.random.default_rng(2).uniform(-0.3, 1.3, (40, 3))
    model, evaluator = model_of(rig), RigEvaluator(rig)
    tensor = torch.from_numpy(controls)
    np.testing.assert_allclose(model.target_weights(tensor), evaluator.target_weights(controls), atol=1e-12)
    np.testing.assert_allclose(model.vertices(tensor), evaluator.vertices(controls), atol=1e-6)
    assert model.moving_vertices().tolist() == evaluator.moving_vertices().tolist()


@pytest.mark.parametrize("kind", RIGS)
def test_samples_and_vertices_move_as_their_derivatives_say(kind: str) -> None:
    model, controls = model_of(RIGS[kind]()), controls_at(6)
    samples = samples_of(model)
    placed = samples.placed(model.deformation(controls))
    corners = model.vertices(controls)[:, model.triangles[samples.triangles]]
    torch.testing.assert_close(placed.points, (corners * samples.barycentrics[..., None]).sum(2))
    J = torch.stack([placed.rows(b) @ slopes for b, slopes in enumerate(placed.deformation.J_unknown_control)])
    numeric = central_difference(lambda c: samples.positions(model.deformation(c)), controls)
    torch.testing.assert_close(J, numeric, atol=1e-7, rtol=1e-6)

    vertices = torch.tensor([4, 0, 2])
    points, slopes = model.at_vertices(controls, vertices)
    torch.testing.assert_close(points, model.vertices(controls)[:, vertices])
    numeric = central_difference(lambda c: model.vertices(c)[:, vertices], controls)
    torch.testing.assert_close(slopes, numeric, atol=1e-7, rtol=1e-6)


def samples_of(model: RigModel) -> SurfaceSamples:
    triangles = torch.tensor([0, 1, 2, 0, 2])
    barycentrics = torch.rand(5, 3, dtype=torch.float64, generator=torch.manual_seed(3))
    barycentrics /= barycentrics.sum(1, keepdim=True)
    return samples_at(model, triangles, barycentrics, torch.ones(5, dtype=torch.float64), 1.0)


def test_a_linear_rig_runs_no_line_of_skins_and_logic() -> None:
    model = model_of(rigs.rig())
    controls = torch.rand(2, len(model.rig.controls), dtype=torch.float64, generator=torch.manual_seed(4))
    profile = cProfile.Profile()
    profile.enable()
    samples = samples_at(
        model, torch.tensor([0]), torch.ones(1, 3, dtype=torch.float64) / 3, torch.ones(1, dtype=torch.float64), 1.0
    )
    placed = samples.placed(model.deformation(controls))
    placed.along(torch.ones(2, 1, 3, dtype=torch.float64))
    placed.pulled(0, torch.ones(1, 3, dtype=torch.float64))
    model.vertices(controls)
    profile.disable()
    called = {(Path(file).stem, name) for file, _, name in pstats.Stats(profile).stats}
    assert ("rig", "deformation") in called
    assert not [name for module, name in called if module in ("skeleton", "rig_logic", "deformation")]


def test_vertices_are_differentiable() -> None:
    model, controls = model_of(jointed.rig()), controls_at(1)
    actual = torch.autograd.functional.jacobian(model.vertices, controls)[:, :, :, 0]
    _, slopes = model.at_vertices(controls, torch.arange(5))
    torch.testing.assert_close(actual, slopes)


def test_normal_equations_are_those_of_explicit_rows() -> None:
    """Also what samples say together, and the matrix in half precision."""
    model, controls = model_of(jointed.rig()), controls_at(3)
    placed = samples_of(model).placed(model.deformation(controls))
    generator = torch.manual_seed(4)
    covector, force = (torch.randn(3, 5, 3, dtype=torch.float64, generator=generator) for _ in range(2))
    information = covector[..., None] * covector[..., None, :]
    A, b = normal_equations(placed, information, force)
    A, b = to_controls(A, b, placed.deformation.J_unknown_control)
    points = placed.points
    turning = [torch.linalg.cross(axis.expand_as(points), points) for axis in torch.eye(3, dtype=points.dtype)]
    head = torch.cat([torch.stack(turning, -1), torch.eye(3, dtype=points.dtype).expand(3, 5, 3, 3)], -1)
    numeric = central_difference(lambda c: placed.samples.positions(model.deformation(c)), controls)
    J = torch.cat([numeric, head], -1)
    torch.testing.assert_close(A, torch.einsum("bnxi,bnxy,bnyj->bij", J, information, J), atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(b, torch.einsum("bnxi,bnx->bi", J, force), atol=1e-6, rtol=1e-6)

    along = torch.einsum("buk,nbu->bnk", placed.deformation.J_unknown_control, placed.along(force))
    torch.testing.assert_close(along, torch.einsum("bnxk,bnx->bnk", numeric, force), atol=1e-6, rtol=1e-6)

    rows = placed.rows(0)
    exact, _ = normal_equations(placed, information, force)
    quick = gram_of_one(rows.float(), information[:1].float(), points[:1].float())
    size = exact[0].diagonal().sqrt().clamp_min(1e-6)
    assert ((quick[0] - exact[0]) / (size[:, None] * size)).abs().max() < 2e-3
