"""From what a solve found to a solution: what all frames share, standard deviations, confused controls."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from facesolve.residuals.quadratic import Quadratic
from facesolve.take import ConfusedPair, Solution
from facesolve.take.verdict import FITS, Verdict
from facesolve.verdict.cameras_apart import TOGETHER
from tests.synthetic import head_rig, make_take, performance

MODULE = import_module("facesolve.solve.solution")  # ``facesolve.solve`` is a function, too
FRAMES, WIDTH = 3, 11
OWN, SHARED = 0.11, 0.25  # variances
COMMON = 3.0  # times that what all frames share is less sure than their matrix has it


@pytest.fixture
def solution(monkeypatch: pytest.MonkeyPatch) -> Solution:
    """Of a solve whose first two controls are mistaken for each other with opposite signs; the last one is held."""
    information = 100 * torch.eye(WIDTH, dtype=torch.float64)
    information[0, 1] = information[1, 0] = 98.0
    full = Quadratic(information.repeat(FRAMES, 1, 1), torch.zeros(FRAMES, WIDTH), torch.zeros(FRAMES))
    monkeypatch.setattr(MODULE, "with_priors", lambda *_: full)
    monkeypatch.setattr(MODULE, "expected_error", lambda *_: 1.0)
    monkeypatch.setattr(MODULE, "off_calibration", lambda *_: ())
    monkeypatch.setattr(MODULE, "judge", lambda _: Verdict(FITS, "all agree."))
    variance = torch.full((FRAMES, WIDTH), OWN, dtype=torch.float64)
    variance[:, 4] = 0.0
    nothing = torch.zeros(FRAMES, 3)
    solved = SimpleNamespace(
        problem=None,
        joint=SimpleNamespace(pose=performance(FRAMES), variance=variance),
        photometric=full,
        keyframes=torch.tensor([0, 2]),
        bundled=SimpleNamespace(
            A=torch.eye(2 * WIDTH, dtype=torch.float64) / (2 * SHARED / COMMON), errors=None, common=COMMON
        ),
        say=torch.ones(head_rig().vertex_count),
        seen=SimpleNamespace(
            residual=nothing,
            correlation=nothing + 0.9,
            hidden=torch.zeros(FRAMES),
            clear=torch.ones(FRAMES),
            of_clear=torch.ones(FRAMES),
        ),
        size=(0.0, 0.01),
        apart=TOGETHER,
        actor=None,
        agreement=None,
    )
    return MODULE.make_solution(make_take(head_rig(), frames=FRAMES), solved, {})  # type: ignore[arg-type]


def test_deviations_are_roots_of_what_a_frame_has_alone_and_what_all_share(solution: Solution) -> None:
    free = np.sqrt(OWN + SHARED)
    np.testing.assert_allclose(solution.control_std[:, :4], free, rtol=1e-6)
    np.testing.assert_allclose(solution.head_std, free, rtol=1e-6)
    assert not solution.control_std[:, 4].any(), "what is held is certain, whatever is shared"


def test_controls_that_cancel_each_other_out_are_confused_too(solution: Solution) -> None:
    (pair,) = solution.confused
    assert replace(pair, correlation=0.0) == ConfusedPair("puff", "puff_other", 0.0)
    assert pair.correlation == pytest.approx(-0.98, abs=1e-3)
