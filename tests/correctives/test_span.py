"""What a rig can do already: nothing of it is left in what is freed of it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from facesolve.correctives.span import RigSpan
from facesolve.geometry.rig import RigModel
from facesolve.geometry.rigid import retract
from facesolve.geometry.smooth_fields import cotangent_laplacian
from tests.synthetic import compound_rig


@pytest.fixture(scope="module")
def model() -> RigModel:
    return RigModel(compound_rig(), dtype=torch.float64)


@pytest.fixture(scope="module")
def area(model: RigModel) -> Tensor:
    return cotangent_laplacian(model.neutral, model.triangles)[1]


@pytest.fixture(scope="module")
def span(model: RigModel, area: Tensor) -> RigSpan:
    return RigSpan(model, area)


def bumps(model: RigModel) -> Tensor:
    generator = torch.Generator().manual_seed(5)
    return torch.randn(2, len(model.neutral), 3, dtype=torch.float64, generator=generator)


def test_what_is_left_is_orthogonal_to_every_shape_and_to_rigid_motion(
    model: RigModel, area: Tensor, span: RigSpan
) -> None:
    rest = span.removed_from(bumps(model))
    turned = retract(
        torch.eye(4, dtype=torch.float64)[None], torch.tensor([[1e-6, -2e-6, 1e-6, 2e-6, 0, 1e-6]]).double()
    )
    rigid = model.neutral @ turned[0, :3, :3].T + turned[0, :3, 3] - model.neutral
    for done in (*model.deltas, rigid):
        cosine = (rest * done * area[:, None]).sum((1, 2)) / (done.norm() * rest.norm() * area.mean())
        assert float(cosine.abs().max()) < 1e-6
    assert float(span.share(rest).max()) < 1e-6


def test_what_the_rig_can_do_vanishes(model: RigModel, span: RigSpan) -> None:
    mixed = (model.deltas * torch.linspace(-1, 1, len(model.deltas))[:, None, None]).sum(0)
    assert float(span.removed_from(mixed[None]).norm()) < 1e-8 * float(mixed.norm())
    assert float(span.share(mixed[None])) == pytest.approx(1.0)


def test_removing_twice_changes_nothing(model: RigModel, span: RigSpan) -> None:
    once = span.removed_from(bumps(model))
    torch.testing.assert_close(span.removed_from(once), once)


def test_shapes_stay_where_only_rigid_motion_is_removed(model: RigModel, area: Tensor) -> None:
    rigid = RigSpan(model, area, rigid_only=True)
    assert float(rigid.share(model.deltas[:1])) < 0.9
    assert float(rigid.share((model.neutral * 0 + 1.0)[None])) == pytest.approx(1.0)


def test_a_shape_that_stands_twice_is_no_trouble(model: RigModel, area: Tensor) -> None:
    class Doubled:
        neutral = model.neutral
        deltas = torch.cat([model.deltas, model.deltas[:2] * 3])

    rest = RigSpan(Doubled(), area).removed_from(bumps(model))  # type: ignore[arg-type]
    torch.testing.assert_close(rest, RigSpan(model, area).removed_from(bumps(model)), atol=1e-7, rtol=1e-7)


def test_still_vertices_stay_and_what_is_left_is_orthogonal_all_the_same(model: RigModel, area: Tensor) -> None:
    still = model.neutral[:, 0] > 3
    span = RigSpan(model, area * ~still, still=still)
    rest = span.removed_from(bumps(model))
    assert float(rest[:, still].abs().max()) == 0
    assert float(rest[:, ~still].abs().max()) > 1
    assert float(span.share(rest).max()) < 1e-6
