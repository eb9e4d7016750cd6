"""Scores of head poses on coarse images: each part is greatest at the filmed pose."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from facesolve.footage.stream import TakeFootage
from facesolve.start.evidence import Evidence, gather
from facesolve.start.proxy import HeadProxy, make_proxy
from facesolve.start.scoring import Scores, camera_agreement, score

from .filmed import film, placed, stage

TURN, SHIFT = (3.0, -8.0, 4.0), (0.5, -1.0, 1.5)


@pytest.fixture(scope="module")
def proxy() -> HeadProxy:
    return make_proxy(stage().model)


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    filmed = film(tmp_path_factory.mktemp("even"), placed(TURN, SHIFT))
    with TakeFootage(filmed.take, torch.device("cpu")) as footage:
        ((_, pixels),) = footage.frames([0])
    return gather(filmed.take, 0, pixels)


def scores(proxy: HeadProxy, evidence: Evidence, heads: list[np.ndarray], level: int) -> Scores:
    rotation = torch.tensor(np.stack([head[:3, :3] for head in heads])).float()
    place = rotation @ proxy.center + torch.tensor(np.stack([head[:3, 3] for head in heads])).float()
    return score(proxy, evidence.at(level, 3), rotation, place)


def test_turned_heads_score_less(proxy: HeadProxy, evidence: Evidence) -> None:
    turns = [np.array(TURN) + offset for offset in ((0, 0, 0), (12, 0, 0), (0, 12, 0), (0, -12, 0), (0, 0, 12))]
    found = scores(proxy, evidence, [placed(tuple(turn), SHIFT) for turn in turns], 2)
    assert (found.total(0.5)[0] > found.total(0.5)[1:] + 0.02).all()
    assert (found.symmetry[0] > found.symmetry[2:] + 0.1).all()
    assert (found.outline[0] > found.outline[1:]).all()


def test_moved_heads_score_less(proxy: HeadProxy, evidence: Evidence) -> None:
    shifts = [np.array(SHIFT) + offset for offset in ((0, 0, 0), (2, 0, 0), (0, -2, 0), (0, 0, 2), (0, 0, -2))]
    found = scores(proxy, evidence, [placed(TURN, tuple(shift)) for shift in shifts], 1)
    assert (found.agreement[0] > found.agreement[1:] + 0.03).all()
    assert (found.outline[0] > found.outline[1:] + 0.02).all()


def test_a_head_out_of_view_scores_nothing(proxy: HeadProxy, evidence: Evidence) -> None:
    found = scores(proxy, evidence, [placed(TURN, (400, 0, 0)), placed(TURN, (0, 0, 300))], 2)
    assert found.agreement.abs().max() == 0
    assert found.outline.max() == 0


def test_agreement_is_the_correlation_between_cameras() -> None:
    generator = torch.Generator().manual_seed(0)
    common, noise = torch.randn(1, 1, 4000, generator=generator), torch.randn(1, 3, 4000, generator=generator)
    weights = torch.ones(1, 3, 4000)
    assert camera_agreement(common.expand(1, 3, -1), weights) == pytest.approx(1)
    assert camera_agreement(noise, weights) == pytest.approx(0, abs=0.03)
    assert camera_agreement(common + noise, weights) == pytest.approx(0.5, abs=0.03)
    weights[:, 2] = 0  # what a camera does not see does not count
    assert camera_agreement(torch.cat([common, common, 5 * noise[:, :1]], 1), weights) == pytest.approx(1)


def test_every_camera_has_an_outline_of_the_actor(evidence: Evidence) -> None:
    assert evidence.refusals == ("", "", "")
    coarse = evidence.at(2, 3)
    assert [tuple(look.shape) for look in coarse.looks] == [(62, 50)] * 3
    assert [tuple(actor.shape) for actor in coarse.foreground if actor is not None] == [(31, 25)] * 3
    assert all(0.3 < float(actor.mean()) < 0.8 for actor in coarse.foreground if actor is not None)
    assert all(float(look[0, 0]) == 0 for look in coarse.looks)  # background
