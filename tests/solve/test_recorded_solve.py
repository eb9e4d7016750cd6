"""All that a solve records for a GPU can be recorded: a whole solve whose recordings refuse what CUDA graphs refuse."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from facesolve.geometry.smooth_fields import smooth_fields
from facesolve.runtime.checkpoint import NoCheckpoint
from facesolve.runtime.devices import choose_device
from facesolve.runtime.progress import Silent
from facesolve.solve.pipeline import solve_take
from facesolve.take import read_take
from tests.runtime.imitated_graphs import Recording, imitate_graphs
from tests.synthetic import head_scene
from tests.textured import write_filmed_take


def test_whatever_a_solve_records_waits_for_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_filmed_take(tmp_path, 3)
    take = read_take(tmp_path)
    take = replace(take, settings=replace(take.settings, quality="standard"))
    device = choose_device("cpu")
    plain = solve_take(take, device, Silent(), NoCheckpoint()).joint.pose
    functions = imitate_graphs(monkeypatch)
    recorded = solve_take(take, device, Silent(), NoCheckpoint()).joint.pose
    assert len(functions) > 4, "of frames, keyframes and rounds, the beginning and the steps of each"
    torch.testing.assert_close(recorded.controls, plain.controls, atol=2e-3, rtol=0)
    torch.testing.assert_close(recorded.head, plain.head, atol=2e-3, rtol=0)


def test_a_recording_refuses_what_waits() -> None:
    model = head_scene().problem.model
    with Recording(), pytest.raises(AssertionError, match=r"geometry/smooth_fields\.py:\d+: nonzero is not permitted"):
        smooth_fields(model.neutral.double(), model.triangles, model.face_weight > 0, 1.5)
