"""Each regularizer: 0 on the undisplaced surface, its derivative against differences, and a value known by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from facesolve.baseline.regularizers import MeshTopology, edge_length, laplacian, normal_consistency
from facesolve.geometry.rig import RigModel
from tests.synthetic import head_rig

Regularizer = Callable[[Tensor], Tensor]


@pytest.fixture(scope="module")
def patch() -> tuple[MeshTopology, Tensor]:
    """Thirty triangles of the bumpy head around one vertex, float64."""
    model = RigModel(head_rig(), dtype=torch.float64)
    near = (model.neutral - model.neutral[40]).norm(dim=1).argsort()[:30]
    place = torch.full((len(model.neutral),), -1)
    place[near] = torch.arange(30)
    triangles = place[model.triangles]
    return MeshTopology.of(triangles[(triangles >= 0).all(1)], 30), model.neutral[near]


@pytest.fixture(params=["laplacian", "edge length", "normal consistency"])
def regularizer(request: pytest.FixtureRequest, patch: tuple[MeshTopology, Tensor]) -> Regularizer:
    topology, rest = patch
    return {
        "laplacian": lambda displacement: laplacian(topology, displacement),
        "edge length": lambda displacement: edge_length(topology, rest, displacement),
        "normal consistency": lambda displacement: normal_consistency(topology, rest, displacement),
    }[request.param]


def test_derivative_is_that_of_the_value(regularizer: Regularizer) -> None:
    displacement = 0.2 * torch.randn(30, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    assert float(regularizer(displacement)) > 1e-4
    assert torch.autograd.gradcheck(regularizer, displacement.requires_grad_(), eps=1e-6, atol=1e-7)


def test_costs_nothing_where_nothing_is_displaced(regularizer: Regularizer) -> None:
    assert float(regularizer(torch.zeros(30, 3, dtype=torch.float64))) == 0
    assert float(regularizer(torch.full((30, 3), 0.7, dtype=torch.float64))) < 1e-20


def test_values_on_two_triangles() -> None:
    rest = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0.5, 1, 0], [0.5, -1, 0]], dtype=torch.float64)
    topology = MeshTopology.of(torch.tensor([[0, 1, 2], [1, 0, 3]]), 4)
    assert topology.edges.tolist() == [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3]]
    assert topology.wings.shape == (1, 4)
    assert set(topology.wings[0, 2:].tolist()) == {2, 3}
    up = torch.zeros(4, 3, dtype=torch.float64)
    up[2, 2] = 1.0  # a fold by 45 degrees along the edge from 0 to 1
    assert float(laplacian(topology, up)) == pytest.approx((1 + 1 / 9 + 1 / 9) / 4)
    length = (2.25**0.5 / 1.25**0.5 - 1) ** 2
    assert float(edge_length(topology, rest, up)) == pytest.approx(2 * length / 5)
    assert float(normal_consistency(topology, rest, up)) == pytest.approx(2 - 2**0.5)


def test_a_fold_does_not_depend_on_winding_of_the_mesh() -> None:
    rest = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0.5, 1, 0], [0.5, -1, 0]], dtype=torch.float64)
    bend = torch.zeros_like(rest)
    bend[3, 2] = -0.4
    values = [
        float(normal_consistency(MeshTopology.of(torch.tensor(triangles), 4), rest, bend))
        for triangles in ([[0, 1, 2], [1, 0, 3]], [[0, 2, 1], [1, 3, 0]])
    ]
    assert values[0] == pytest.approx(values[1])
    assert values[0] > 0.1
