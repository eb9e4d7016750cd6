"""Smooth fields: kernels where they may be, along the surface and not through it, and their energy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from facesolve.geometry.smooth_fields import SmoothFields, cotangent_laplacian, smooth_fields

SPACING = 1.0


def grid(width: int = 21, step: float = 0.25) -> tuple[Tensor, Tensor]:
    """A flat square of 5 cm, two triangles a cell."""
    along = torch.arange(width) * step
    y, x = torch.meshgrid(along, along, indexing="ij")
    vertices = torch.stack([x, y, torch.zeros_like(x)], -1).reshape(-1, 3).double()
    corner = (torch.arange(width - 1)[:, None] * width + torch.arange(width - 1)).flatten()
    lower = torch.stack([corner, corner + 1, corner + width], 1)
    upper = torch.stack([corner + 1, corner + width + 1, corner + width], 1)
    return vertices, torch.cat([lower, upper])


@pytest.fixture(scope="module")
def fields() -> SmoothFields:
    vertices, triangles = grid()
    return smooth_fields(vertices, triangles, torch.ones(len(vertices), dtype=torch.bool), SPACING)


def test_kernels_are_bumps_that_cover_the_surface(fields: SmoothFields) -> None:
    kernels = fields.kernels.to_dense()
    assert kernels.amax(0).tolist() == pytest.approx([1.0] * kernels.shape[1])
    assert float(kernels.min()) >= 0
    centers = grid()[0][kernels.argmax(0)]
    apart = torch.cdist(centers, centers) + 100 * torch.eye(len(centers))
    assert float(apart.min()) > 0.5 * SPACING
    assert float(torch.cdist(grid()[0], centers).amin(1).max()) <= SPACING
    total = kernels.sum(1)
    assert float(total.min()) > 0.4
    torch.testing.assert_close(fields.transposed.to_dense(), kernels.T)
    torch.testing.assert_close(fields.squared.to_dense(), kernels.T**2)


def test_kernels_are_centered_on_usable_vertices() -> None:
    vertices, triangles = grid()
    usable = vertices[:, 0] < 1.0
    kernels = smooth_fields(vertices, triangles, usable, SPACING).kernels.to_dense()
    assert bool((vertices[kernels.argmax(0), 0] < 1.3).all())
    assert float(kernels[vertices[:, 0] > 1.0 + 3.5 * SPACING].sum()) == 0


def test_kernels_do_not_cross_a_gap_that_is_narrow_in_space() -> None:
    vertices, triangles = grid()
    below = vertices + torch.tensor([0.0, 0.0, -0.01], dtype=torch.float64)
    both = torch.cat([vertices, below])
    usable = torch.arange(len(both)) < len(vertices)
    kernels = smooth_fields(both, torch.cat([triangles, triangles + len(vertices)]), usable, SPACING).kernels.to_dense()
    assert float(kernels[len(vertices) :].abs().max()) == 0


def test_roughness_is_the_integral_of_the_squared_gradient(fields: SmoothFields) -> None:
    vertices, triangles = grid()
    laplacian, area = cotangent_laplacian(vertices, triangles)
    assert float(area.sum()) == pytest.approx(25.0)
    slope = 0.3 * vertices[:, 0] - 0.4 * vertices[:, 1]
    assert float(slope @ (laplacian @ slope)) == pytest.approx(25.0 * 0.25)
    assert float((laplacian @ torch.ones_like(slope)).abs().max()) < 1e-12
    kernel = fields.kernels.to_dense()[:, 3]
    assert float(fields.roughness[3]) == pytest.approx(float(kernel @ (laplacian @ kernel)))
    assert np.isfinite(fields.roughness.numpy()).all()
