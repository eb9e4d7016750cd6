"""The two ways to the matrix of the normal equations agree, and the quick one keeps it positive semidefinite."""

import pytest
import torch

from facesolve.geometry.deformation import Deformation
from facesolve.geometry.surface_samples import PlacedSamples, SurfaceSamples
from facesolve.optimize.levenberg_marquardt import regularized
from facesolve.residuals.normal_equations import exact_gram, half_precision_gram, matrix_roots, normal_equations

FRAMES, COUNT, SHAPES = 3, 5000, 21


def inputs(seen_by: int = 4) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Basis (n, 3, S), information of ``seen_by`` covectors a sample in very different units, force, points."""
    generator = torch.manual_seed(0)
    basis = torch.randn(COUNT, 3, SHAPES, generator=generator) * torch.rand(SHAPES, generator=generator)
    covectors = torch.randn(FRAMES, COUNT, seen_by, 3, generator=generator)
    covectors *= torch.tensor([1e-4, 1.0, 1e5])[:, None, None, None]
    points = 12 * torch.randn(FRAMES, COUNT, 3, generator=generator)
    return basis, covectors.mT @ covectors, torch.randn(FRAMES, COUNT, 3, generator=generator), points


def placed_at(points: torch.Tensor, basis: torch.Tensor) -> PlacedSamples:
    """Samples of a linear rig with a basis, at points (B, N, 3)."""
    frames, shapes = len(points), basis.shape[2]
    still = Deformation(basis.new_zeros(frames, shapes), basis.new_zeros(frames, shapes, 0))
    return PlacedSamples(samples_of(basis), points, still)


def samples_of(basis: torch.Tensor) -> SurfaceSamples:
    still = torch.zeros(COUNT, 3)
    return SurfaceSamples(torch.zeros(len(basis)), still, still, basis, torch.ones(len(basis)), 1)


@pytest.mark.parametrize("seen_by", [0, 1, 2, 4])
def test_roots_give_back_matrices_of_any_rank(seen_by):
    information = inputs(seen_by)[1][1]
    roots = matrix_roots(information)
    assert not roots.tril(-1).any()
    size = information.diagonal(dim1=1, dim2=2).sum(1).clamp_min(1e-9)
    apart = (roots.mT @ roots - information).abs().amax((1, 2)) / size
    assert apart.max() < 1e-2  # about the root of the least pivot
    assert apart.median() < 1e-6


@pytest.mark.parametrize("seen_by", [1, 4])
def test_half_precision_changes_the_matrix_by_less_than_a_thousandth_of_its_diagonal(seen_by):
    basis, information, _, points = inputs(seen_by)
    exact = exact_gram(basis.double(), information.double(), points.double())
    quick = half_precision_gram(samples_of(basis), information, points)
    size = exact.diagonal(dim1=1, dim2=2).sqrt()
    relative = (quick - exact) / (size[:, :, None] * size[:, None])
    assert relative.abs().max() < 1e-3
    assert relative.square().mean().sqrt() < 1e-4


def test_half_precision_leaves_no_direction_of_negative_curvature():
    """Two shapes are the same and one moves nothing: two directions of curvature 0."""
    basis, information, _, points = inputs()
    basis[..., 1], basis[..., 2] = basis[..., 0], 0
    quick = half_precision_gram(samples_of(basis), information, points)
    least = torch.linalg.eigvalsh(quick) / quick.diagonal(dim1=1, dim2=2).amax(1, keepdim=True)
    assert least.min() > -1e-7
    assert (least[:, :2] < 1e-6).all()


@pytest.mark.parametrize("shapes", [300, 800])
def test_very_many_overlapping_shapes_leave_a_matrix_that_a_small_ridge_makes_positive_definite(shapes):
    """Shapes that are sums of fifty leave hundreds of directions of no curvature."""
    basis, information, _, points = inputs()
    mixed = basis[..., :1] * 0 + torch.randn(*basis.shape[:2], 50, generator=torch.manual_seed(1))
    basis = mixed @ torch.rand(50, shapes, generator=torch.manual_seed(2))
    quick = regularized(half_precision_gram(samples_of(basis), information, points), 1e-5)
    assert bool((torch.linalg.cholesky_ex(quick)[1] == 0).all())


def test_a_cpu_takes_the_exact_matrix_whatever_the_number_of_samples():
    basis, information, force, points = (part.double() for part in inputs())
    A, b = normal_equations(placed_at(points, basis), information, force, exact=False)
    torch.testing.assert_close(A, exact_gram(basis, information, points))
    head = torch.cat([torch.linalg.cross(points, force).sum(1), force.sum(1)], 1)
    torch.testing.assert_close(b, torch.cat([torch.einsum("bni,nis->bs", force, basis), head], 1))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("exact", [True, False])
def test_a_gpu_takes_the_same_equations(exact):
    basis, information, force, points = inputs()
    equations = {}
    for device in ("cpu", "cuda"):
        placed = placed_at(points.to(device), basis.to(device))
        equations[device] = normal_equations(placed, information.to(device), force.to(device), exact)
    size = equations["cpu"][0].diagonal(dim1=1, dim2=2).sqrt()
    apart = (equations["cuda"][0].cpu() - equations["cpu"][0]) / (size[:, :, None] * size[:, None])
    assert apart.abs().max() < (1e-5 if exact else 1e-3)
    torch.testing.assert_close(equations["cuda"][1].cpu(), equations["cpu"][1], atol=1e-2, rtol=1e-4)
