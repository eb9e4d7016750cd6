"""All that a solve records for a GPU can be recorded: a whole solve whose recordings refuse what CUDA graphs refuse."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from facesolve.runtime.checkpoint import NoCheckpoint
from facesolve.runtime.devices import choose_device
from facesolve.runtime.progress import Silent
from facesolve.solve.pipeline import solve_take
from facesolve.take import read_take
from tests.runtime.imitated_graphs import Recording, imitate_graphs
from tests.textured import write_filmed_take


def test_whatever_a_solve_records_waits_for_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_filmed_take(tmp_path, 3)
    take = read_take(tmp_path)
    take = replace(take, settings=replace(take.settings, quality="draft"))
    device = choose_device("cpu")
    plain = solve_take(take, device, Silent(), NoCheckpoint()).joint.pose
    functions = imitate_graphs(monkeypatch)
    recorded = solve_take(take, device, Silent(), NoCheckpoint()).joint.pose
    assert len(functions) > 4, "of frames, keyframes and rounds, the beginning and the steps of each"
    torch.testing.assert_close(recorded.controls, plain.controls, atol=2e-3, rtol=0)
    torch.testing.assert_close(recorded.head, plain.head, atol=2e-3, rtol=0)


def test_a_recording_refuses_what_waits() -> None:
    from facesolve.stages.reliability import _lasting

    with Recording(), pytest.raises(AssertionError, match=r"stages/reliability\.py:\d+: _local_scalar_dense"):
        _lasting(torch.ones(2, 1, 3), torch.ones(2, 1, 3))
