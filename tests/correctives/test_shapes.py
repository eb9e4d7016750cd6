"""The algebra of fitting shapes: transposes, normal equations, and what cannot be seen."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from facesolve.correctives.quadratic import Disagreement
from facesolve.correctives.shapes import ShapeSpace, fit_shapes, further_activations, solve_activations, solve_shapes
from facesolve.geometry.smooth_fields import smooth_fields
from facesolve.geometry.surface_samples import SurfaceSamples
from tests.synthetic import head_scene

FRAMES, SHAPES = 4, 2


@pytest.fixture(scope="module")
def space() -> ShapeSpace:
    problem = head_scene().problem
    model = problem.model
    fields = smooth_fields(model.neutral, model.triangles, model.neutral[:, 2] > 4, 2.5)
    few: SurfaceSamples = problem.samples.thinned(8)
    return ShapeSpace.of(model, few, fields, 2.5)


@pytest.fixture(scope="module")
def truth(space: ShapeSpace) -> tuple[Tensor, Tensor]:
    """Coefficients (J, m) and activations (M, J), the largest 1."""
    coefficients = 0.1 * random(SHAPES, space.fields.kernels.shape[1], seed=1)
    activations = torch.tensor([[1.0, 0.2], [0.9, -0.4], [0.8, 1.0], [0.95, 0.1]], dtype=torch.float64)
    return coefficients, activations


@pytest.fixture(scope="module")
def model(space: ShapeSpace, truth: tuple[Tensor, Tensor]) -> Disagreement:
    """A model whose minimum is at the truth, with so much information that priors hardly count."""
    count = len(space.corners)
    covectors = 600 * random(FRAMES, count, 3, 3, seed=2)
    information = covectors @ covectors.mT
    plain = Disagreement(information, torch.zeros(FRAMES, count, 3).double(), 50 * random(FRAMES, count, 3, seed=3))
    displaced = torch.einsum("fj,jni->fni", truth[1], space.at_samples(space.shapes(truth[0])))
    return Disagreement(information, plain.multiplied(displaced), plain.shared)


def random(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_pulling_back_is_the_transpose_of_displacing(space: ShapeSpace) -> None:
    x = random(SHAPES, space.fields.kernels.shape[1], seed=4)
    forces = random(SHAPES, len(space.corners), 3, seed=5)
    left = (space.at_samples(space.shapes(x)) * forces).sum()
    assert float(left) == pytest.approx(float((x * space.pulled_back(forces)).sum()))


def test_displacement_is_along_the_normals(space: ShapeSpace) -> None:
    shape = space.shapes(random(1, space.fields.kernels.shape[1], seed=6))[0]
    assert float(torch.linalg.cross(shape, space.normals).abs().max()) < 1e-12
    assert float(shape.norm()) > 0.1


def test_the_model_is_that_of_its_definition(model: Disagreement) -> None:
    d = random(*model.force.shape, seed=7).requires_grad_()
    common = (model.shared * d).sum((0, 2))
    alone = torch.einsum("fni,fnik,fnk->", d, model.information, d)
    value = 0.5 * (alone - (common**2).sum()) - (d * model.force).sum()
    (gradient,) = torch.autograd.grad(value, d)
    torch.testing.assert_close(gradient, (model.multiplied(d) - model.force).detach())


def test_a_recentered_model_counts_from_the_undisplaced_surface(model: Disagreement) -> None:
    present, step = random(*model.force.shape, seed=8), random(*model.force.shape, seed=9)
    moved = model.recentered(present)
    torch.testing.assert_close(moved.multiplied(present + step) - moved.force, model.multiplied(step) - model.force)


def test_shapes_and_activations_are_found_again(
    space: ShapeSpace, model: Disagreement, truth: tuple[Tensor, Tensor]
) -> None:
    everywhere = torch.ones(truth[0].shape[1], dtype=torch.bool)
    found = solve_shapes(space, model, truth[1], torch.zeros_like(truth[0]), everywhere)
    wanted = space.at_samples(space.shapes(truth[0]))
    miss = space.at_samples(space.shapes(found)) - wanted
    assert float(miss.norm()) < 0.08 * float(wanted.norm())
    torch.testing.assert_close(solve_activations(space, model, truth[0]), truth[1], atol=1e-2, rtol=0)


def test_alternation_finds_the_displacement_from_a_guess(
    space: ShapeSpace, model: Disagreement, truth: tuple[Tensor, Tensor]
) -> None:
    everywhere = torch.ones(truth[0].shape[1], dtype=torch.bool)
    guess = truth[1] + 0.2 * random(FRAMES, SHAPES, seed=10)
    coefficients, activations = fit_shapes(space, model, guess, torch.zeros_like(truth[0]), everywhere)
    assert activations.abs().amax(0).tolist() == pytest.approx([1.0, 1.0])
    wanted = torch.einsum("fj,jm->fm", truth[1], truth[0])
    found = torch.einsum("fj,jm->fm", activations, coefficients)
    assert float((found - wanted).norm()) < 0.1 * float(wanted.norm())


def test_kernels_that_may_not_take_part_stay_at_zero(
    space: ShapeSpace, model: Disagreement, truth: tuple[Tensor, Tensor]
) -> None:
    allowed = torch.arange(truth[0].shape[1]) % 2 == 0
    found = solve_shapes(space, model, truth[1], truth[0], allowed)
    assert float(found[:, ~allowed].abs().max()) == 0
    assert float(found[:, allowed].abs().max()) > 0.05


def test_noise_makes_no_shape(space: ShapeSpace, model: Disagreement, truth: tuple[Tensor, Tensor]) -> None:
    everywhere = torch.ones(truth[0].shape[1], dtype=torch.bool)
    deviation = torch.linalg.cholesky(model.information)
    noise = (deviation @ random(*model.force.shape, 1, seed=11))[..., 0]
    found = solve_shapes(
        space, Disagreement(model.information, noise, 0 * model.shared), truth[1][:, :1], 0 * truth[0][:1], everywhere
    )
    alone = torch.einsum("f,fnik->nik", truth[1][:, 0] ** 2, model.information)[None]
    deviations = found.abs() * space.information(alone).sqrt()
    assert float(deviations.median()) < 0.3


def test_further_activations_are_those_of_what_is_left(
    space: ShapeSpace, model: Disagreement, truth: tuple[Tensor, Tensor]
) -> None:
    everywhere = torch.ones(truth[0].shape[1], dtype=torch.bool)
    first = torch.einsum("f,jni->fni", truth[1][:, 0], space.at_samples(space.shapes(truth[0][:1])))
    left = model.recentered(-first)
    found = further_activations(space, left, 1, everywhere)[:, 0]
    cosine = (found * truth[1][:, 1]).sum() / (found.norm() * truth[1][:, 1].norm())
    assert abs(float(cosine)) > 0.98
