"""The head as points: what is seen from a direction, and which points mirror each other."""

from __future__ import annotations

import pytest
import torch

from facesolve.start.proxy import HeadProxy, make_proxy

from .filmed import stage


@pytest.fixture(scope="module")
def proxy() -> HeadProxy:
    return make_proxy(stage().model)


def test_points_lie_on_the_outside_of_the_head(proxy: HeadProxy) -> None:
    model = stage().model
    assert 1500 < len(proxy.points) <= 3000
    assert (torch.cdist(proxy.points, model.neutral).min(1).values < 1.5).all()
    assert proxy.seen.any(0).all()
    assert 8 < proxy.radius < 13
    assert proxy.axes.forward.tolist() == [0, 0, 1]
    assert 0.9 < proxy.skin.float().mean() < 1  # the eyes are not skin


def test_a_direction_sees_the_side_that_faces_it(proxy: HeadProxy) -> None:
    front = int((proxy.directions @ torch.tensor([0.0, 0.0, 1.0])).argmax())
    back = int((proxy.directions @ torch.tensor([0.0, 0.0, -1.0])).argmax())
    depth = proxy.points[:, 2] - proxy.center[2]
    assert proxy.seen[front][depth > 8].float().mean() > 0.95
    assert proxy.seen[front][depth < -8].float().mean() < 0.1
    assert proxy.seen[back][depth > 8].float().mean() < 0.1


def test_mirror_images_lie_on_the_other_side(proxy: HeadProxy) -> None:
    paired = proxy.mirror >= 0
    assert paired.float().mean() > 0.9
    flipped = proxy.points[paired] * torch.tensor([-1.0, 1.0, 1.0])
    assert (flipped - proxy.points[proxy.mirror[paired]]).norm(dim=1).median() < 0.6


def test_thinned_points_mirror_within_themselves(proxy: HeadProxy) -> None:
    few = proxy.thinned(4)
    assert len(few.points) == -(-len(proxy.points) // 4)
    assert few.mirror.max() < len(few.points)
    assert few.seen.shape == (len(proxy.directions), len(few.points))
    assert (few.mirror >= 0).float().mean() > 0.8
