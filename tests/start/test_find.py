"""A start pose from nothing: heads turned by up to 20 degrees and centimeters away are found, and doubt is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from facesolve.footage.stream import TakeFootage
from facesolve.runtime.progress import Silent
from facesolve.start.find import How, find_start
from facesolve.start.found import HOPELESS, SURE, FoundStart, confidence
from facesolve.start.proxy import make_proxy
from facesolve.start.settle import settle
from facesolve.take import FootageError, SolveError, StartPose, Take
from tests.demo_stage import stage

from .filmed import expression, film, lenses, placed

DEVICE = torch.device("cpu")


def find(take: Take, frame: int | None = None) -> FoundStart:
    with TakeFootage(take, DEVICE) as footage:
        return find_start(take, footage, DEVICE, Silent(), frame, How("search"))


def test_turned_and_moved_head_before_an_even_background(tmp_path: Path) -> None:
    shape = expression(jawOpen=0.3, mouthSmile_L=0.5, mouthSmile_R=0.5)
    filmed = film(tmp_path, placed((9, -16, 8), (2.5, -1.5, 4.0)), shape)
    found = find(filmed.take)
    millimeters, degrees = filmed.error(found.start)
    assert millimeters < 1.5
    assert degrees < 0.7
    assert found.start.frame == 7
    assert found.sure
    assert "in every camera" in found.notes[0]
    assert found.agreement > found.runner_up or np.isnan(found.runner_up)


def test_head_before_a_cluttered_background(tmp_path: Path) -> None:
    filmed = film(tmp_path, placed((-8, 12, -6), (-3.0, 1.0, -3.0)), clutter=True)
    found = find(filmed.take)
    millimeters, degrees = filmed.error(found.start)
    assert millimeters < 2.0
    assert degrees < 1.0
    assert found.confidence >= SURE
    assert "in 0 of 3 cameras" in found.notes[0]


def test_wrong_poses_are_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filmed = film(tmp_path, placed((0, 0, 0), (0, 0, 0)), among=lenses()[:2])
    wrong = [placed((25, -20, 0), (0, -3, 2))]
    monkeypatch.setattr("facesolve.start.find.search", lambda *_: wrong)
    found = find(filmed.take)
    assert found.confidence < HOPELESS
    assert not found.sure
    assert any(sentence.startswith("warning") for sentence in found.sentences())


@pytest.mark.parametrize(
    ("agreement", "lead", "sure"), [(0.9, 0.3, True), (0.7, 0.4, True), (0.7, 0.04, False), (0.6, 0.9, False)]
)
def test_confidence_needs_agreement_and_a_lead(agreement: float, lead: float, sure: bool) -> None:
    assert (confidence(agreement, lead) >= SURE) is sure


def test_one_camera_is_refused(tmp_path: Path) -> None:
    filmed = film(tmp_path, placed((0, 0, 0), (0, 0, 0)), among=lenses()[:1])
    with pytest.raises(SolveError, match="with one camera the head cannot be searched for"):
        find(filmed.take)


def test_unknown_frame_is_refused(tmp_path: Path) -> None:
    filmed = film(tmp_path, placed((0, 0, 0), (0, 0, 0)), among=lenses()[:2])
    with pytest.raises(SolveError, match=r"frame 8 is not one of the take's frames 7\.\.7"):
        find(filmed.take, 8)


def test_no_image_where_the_head_is_looked_for(tmp_path: Path) -> None:
    filmed = film(tmp_path, placed((0, 0, 0), (0, 0, 0)), among=lenses()[:2])
    for image in tmp_path.glob("*.png"):
        image.unlink()
    with pytest.raises(FootageError, match="no camera has an image"):
        find(replace(filmed.take, on_bad_frame="unseen"))


def test_settling_moves_a_head_that_the_take_holds_fixed(tmp_path: Path) -> None:
    filmed = film(tmp_path, placed((0, 14, 0), (0, 2, 2)))
    take = replace(filmed.take, settings=replace(filmed.take.settings, head="fixed"))
    with TakeFootage(take, DEVICE) as footage:
        ((_, pixels),) = footage.frames([0])
    near = StartPose(7, take.rig.default_controls, placed((1, 12.5, 0), (0.3, 1.9, 2.1)))
    before = filmed.error(near)[0]
    settled = settle(take, stage().model, make_proxy(stage().model), 0, pixels, near)
    assert filmed.error(settled.start)[0] < before / 5
    assert settled.agreement > 0.7
