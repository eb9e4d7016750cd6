"""Correctives on a filmed head: found where it has a bump that its rig lacks, and not where it has none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from facesolve.correctives.apply import corrected_take
from facesolve.correctives.learn import NOT_NEEDED, Learned, learn
from facesolve.correctives.search import Search
from facesolve.correctives.span import RigSpan
from facesolve.geometry.pose import Pose
from facesolve.geometry.rig import RigModel
from facesolve.geometry.smooth_fields import cotangent_laplacian
from facesolve.runtime.progress import Silent
from facesolve.take import TakeError
from tests.correctives.off_rig import PLACE, SPACING, deformed, error, scene
from tests.synthetic import RADII

SEARCH = Search(shapes=2, spacing=SPACING)


@pytest.fixture(scope="module")
def learned() -> Learned:
    filmed = scene(off_rig=True)
    found = learn(filmed.problem, filmed.pixels, filmed.truth, filmed.frames, SEARCH, Silent())
    assert isinstance(found, Learned)
    return found


def test_the_bump_is_found(learned: Learned) -> None:
    filmed = scene(off_rig=True)
    take, truth = filmed.problem.take, filmed.truth
    where = deformed(take.rig)
    before = error(take.rig, truth, where)
    corrected = Pose(torch.cat([truth.controls, learned.activations], 1), truth.head)
    after = error(corrected_take(take, learned.shapes.numpy()).rig, corrected, where)
    assert before > 0.08
    assert after < 0.45 * before


def test_it_comes_and_goes_with_the_smile(learned: Learned) -> None:
    sizes = learned.shapes.norm(dim=2).amax(1)
    activation = learned.activations[:, sizes.argmax()]
    smile = scene(off_rig=True).truth.controls[:, 4]
    assert float(torch.corrcoef(torch.stack([activation, smile]))[0, 1]) > 0.97


def test_it_lies_where_the_bump_is(learned: Learned) -> None:
    model = scene(off_rig=True).problem.model
    largest = learned.shapes[learned.shapes.norm(dim=2).amax(1).argmax()]
    highest = model.neutral[largest.norm(dim=1).argmax()].numpy()
    assert np.linalg.norm(highest - RADII * PLACE / np.linalg.norm(PLACE)) < 2.5


def test_it_fights_neither_rig_nor_head(learned: Learned) -> None:
    model = RigModel(scene(off_rig=True).problem.take.rig)
    _, area = cotangent_laplacian(model.neutral.double(), model.triangles)
    area[-4:] = 0
    assert float(RigSpan(model, area).share(learned.shapes).max()) < 1e-5
    assert float(learned.shapes[:, -4:].abs().max()) == 0, "what lies inside must not move"


def test_a_rig_that_explains_its_footage_needs_none() -> None:
    filmed = scene(off_rig=False)
    assert learn(filmed.problem, filmed.pixels, filmed.truth, filmed.frames, SEARCH, Silent()) == NOT_NEEDED


def test_nothing_is_found_where_none_may_be() -> None:
    filmed = scene(off_rig=True)
    away = (filmed.problem.model.neutral - torch.from_numpy(RADII * PLACE).float()).norm(dim=1) > 9.0
    found = learn(filmed.problem, filmed.pixels, filmed.truth, filmed.frames, SEARCH, Silent(), away)
    assert found == NOT_NEEDED


@pytest.mark.parametrize("wrong", [{"shapes": 0}, {"spacing": 0.0}, {"spacing": float("nan")}])
def test_a_search_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(TakeError, match="at least one shape"):
        Search(**wrong)  # type: ignore[arg-type]


LARGE = replace(SEARCH, shapes=1, largest=0.5)
USELESS = replace(SEARCH, shapes=1, gain=0.9)


@pytest.mark.parametrize(("search", "why"), [(LARGE, "mm is left out: more than 0.5 mm"), (USELESS, "less than 90.0%")])
def test_shapes_too_large_or_of_little_use_are_left_out_with_the_reason(
    search: Search, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for levels in ("FREE_LEVELS", "KEPT_LEVELS"):
        monkeypatch.setattr(f"facesolve.correctives.learn.{levels}", (0,))  # roughly is enough to be left out
    filmed = scene(True)
    found = learn(filmed.problem, filmed.pixels, filmed.truth, filmed.frames, search, Silent())
    assert isinstance(found, str)
    assert why in found
