"""Sums patch by patch equal those of all samples at once, and what is left out for its size does not matter."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from facesolve.geometry import sample_patches
from facesolve.geometry.deformation import Deformation
from facesolve.geometry.rig import RigModel
from facesolve.geometry.sample_patches import MOVED
from facesolve.geometry.surface_samples import PlacedSamples, SurfaceSamples, samples_at
from facesolve.residuals.color_elimination import sides_by_samples
from facesolve.residuals.normal_equations import exact_gram, gathered_forces, normal_equations
from facesolve.residuals.patch_sums import information_by_patches, shared_by_patches, sides_by_patches
from tests.take import jointed

FRAMES, CAMERAS, UNKNOWNS, COUNT, SHAPES = 3, 2, 4, 600, 24


@pytest.fixture(autouse=True)
def small_patches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_patches, "MOST_SAMPLES", 40)


def random(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def local_samples(tail: float = 0.0) -> SurfaceSamples:
    """On a square of 20 cm; each shape moves what is within 4 cm of its center, and all else by ``tail``."""
    places = torch.rand(COUNT, 3, dtype=torch.float64, generator=torch.manual_seed(1)) * torch.tensor([20.0, 20.0, 1.0])
    distance = (places[:, None] - places[:SHAPES]).norm(dim=2)
    motion = torch.where(distance < 4, 1 - distance / 4, 0.0) + tail
    basis = motion[:, None] * random(SHAPES, 3, seed=2).T
    triangles = torch.zeros(COUNT, dtype=torch.int64)
    return SurfaceSamples(triangles, places, places, basis, torch.ones(COUNT).double(), 1.0)


def placed(samples: SurfaceSamples) -> PlacedSamples:
    still = Deformation(random(FRAMES, SHAPES, seed=3), random(FRAMES, SHAPES, 5, seed=4))
    return PlacedSamples(samples, samples.positions(still), still)


def skinned() -> PlacedSamples:
    """At the poses of a rig with joints, shapes before its skin and after it."""
    model = RigModel(jointed.rig(), dtype=torch.float64)
    triangles = torch.arange(60) % 3
    barycentrics = torch.rand(60, 3, dtype=torch.float64, generator=torch.manual_seed(5)) + 0.1
    barycentrics /= barycentrics.sum(1, keepdim=True)
    samples = samples_at(model, triangles, barycentrics, torch.ones(60, dtype=torch.float64), 1.0)
    controls = torch.rand(FRAMES, 3, dtype=torch.float64, generator=torch.manual_seed(6))
    return samples.placed(model.deformation(controls))


def information_at(count: int) -> torch.Tensor:
    covectors = random(FRAMES, count, CAMERAS, 3, seed=7)
    return covectors.mT @ covectors


def rows_of(placed: PlacedSamples) -> torch.Tensor:
    """(B, N, 3, U+6) all rows, those of the head by its step's definition."""
    axes = torch.eye(3, dtype=torch.float64)
    points = placed.points
    turns = torch.stack([torch.linalg.cross(axis.expand_as(points), points) for axis in axes], -1)
    rig = torch.stack([placed.rows(frame) for frame in range(len(points))])
    return torch.cat([rig, turns, axes.expand(*points.shape, 3)], -1)


def test_every_sample_is_in_one_patch_and_most_shapes_are_in_few() -> None:
    patches = local_samples().patches
    assert torch.cat([patch.samples for patch in patches]).sort()[0].tolist() == list(range(COUNT))
    assert max(len(patch.samples) for patch in patches) <= 40
    work = sum(len(patch.samples) * len(patch.shapes) ** 2 for patch in patches) / (COUNT * SHAPES**2)
    assert work < 0.15


@pytest.mark.parametrize("rig", ["linear", "skinned"])
def test_sums_by_patches_equal_those_of_explicit_rows(rig: str) -> None:
    at = placed(local_samples()) if rig == "linear" else skinned()
    rows, count = rows_of(at), at.points.shape[1]
    information, shared = information_at(count), random(FRAMES, count, 3, seed=8)
    A = (rows.mT @ information @ rows).sum(1)
    torch.testing.assert_close(information_by_patches(at, information), A, rtol=1e-12, atol=1e-9)
    along = torch.einsum("bnxi,bnx->bni", rows, shared)
    square = (along.transpose(0, 1).flatten(1).T @ along.transpose(0, 1).flatten(1)).view(
        FRAMES, -1, FRAMES, A.shape[1]
    )
    torch.testing.assert_close(shared_by_patches(at, shared), square, rtol=1e-12, atol=1e-9)
    covectors = random(FRAMES, CAMERAS, count, 3, seed=9)
    columns, own = random(FRAMES, CAMERAS, count, UNKNOWNS, seed=10), random(count, CAMERAS * UNKNOWNS, seed=11)
    sides = sides_by_samples(at, covectors, columns, shared, own)
    torch.testing.assert_close(sides_by_patches(at, covectors, columns, shared, own), sides, rtol=1e-12, atol=1e-9)


def test_forces_of_a_skinned_rig_equal_those_of_explicit_rows() -> None:
    at = skinned()
    force = random(FRAMES, 60, 3, seed=12)
    _, b = normal_equations(at, information_at(60), force)
    torch.testing.assert_close(b, torch.einsum("bnxi,bnx->bi", rows_of(at), force), rtol=1e-12, atol=1e-12)


def test_what_a_shape_hardly_moves_changes_the_matrix_by_a_few_thousandths_and_the_force_not_at_all() -> None:
    """As in rigs from scans, where every shape moves everything a little."""
    at = placed(local_samples(tail=0.5 * MOVED))
    patches = at.samples.patches
    assert sum(len(patch.shapes) for patch in patches) < 0.5 * SHAPES * len(patches)
    information, force = information_at(COUNT), random(FRAMES, COUNT, 3, seed=13)
    A, b = normal_equations(at, information, force)
    exact = exact_gram(at.samples.basis, information, at.points)
    size = exact.diagonal(dim1=1, dim2=2).sqrt()
    assert ((A - exact) / (size[:, :, None] * size[:, None])).abs().max() < 5 * MOVED
    torch.testing.assert_close(b, gathered_forces(at.samples.basis, force, at.points), rtol=1e-12, atol=1e-12)


def test_single_precision_sums_are_those_of_double_precision_up_to_its_rounding() -> None:
    exact = placed(local_samples())
    samples = exact.samples
    single = replace(samples, neutral=samples.neutral.float(), basis=samples.basis.float())
    information = information_at(COUNT)
    rounded = information_by_patches(
        PlacedSamples(single, exact.points.float(), exact.deformation), information.float()
    )
    A = information_by_patches(exact, information)
    size = A.diagonal(dim1=1, dim2=2).sqrt()
    assert ((rounded - A) / (size[:, :, None] * size[:, None])).abs().max() < 1e-6


def test_sums_are_the_same_to_the_last_bit_on_one_thread_and_on_two() -> None:
    at = placed(local_samples())
    shared, information = random(FRAMES, COUNT, 3, seed=8), information_at(COUNT)
    columns, covectors = random(FRAMES, CAMERAS, COUNT, UNKNOWNS, seed=9), random(FRAMES, CAMERAS, COUNT, 3, seed=10)
    own = random(COUNT, CAMERAS * UNKNOWNS, seed=11)
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            sums = shared_by_patches(at, shared), information_by_patches(at, information)
            found.append((*sums, sides_by_patches(at, covectors, columns, shared, own)))
    finally:
        torch.set_num_threads(before)
    for one, other in zip(*found, strict=True):
        assert torch.equal(one, other)
