"""The campaign that kills workers sees what it is there to see: processes, unfinished files, solutions that differ."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from facesolve.take import write_solution
from tests.bench.farm_campaign import Outcome, judge, processes_of
from tests.review.filmed import solved
from tests.synthetic import make_take
from tests.textured import rig


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_processes_are_found_by_the_folder_they_work_in(tmp_path: Path) -> None:
    code = "import sys, time; print('ready', flush=True); time.sleep(60)"
    worker = subprocess.Popen([sys.executable, "-S", "-c", code, str(tmp_path / "a")], stdout=subprocess.PIPE)
    assert worker.stdout is not None
    worker.stdout.readline()
    assert processes_of(tmp_path) == [worker.pid]
    worker.kill()
    worker.communicate()
    assert processes_of(tmp_path) == []


def test_what_differs_and_what_is_left_over_is_counted(tmp_path: Path) -> None:
    wanted = solved(make_take(rig(), frames=2))
    takes = [tmp_path / name for name in ("same", "other", "lacking")]
    write_solution(wanted, tmp_path / "same")
    write_solution(replace(wanted, controls=wanted.controls + 0.01), tmp_path / "other")
    outcome = Outcome(len(takes))
    judge(takes, tmp_path, {take.name: wanted for take in takes}, outcome)
    assert (outcome.solved, outcome.equal, outcome.partial_files, outcome.sound) == (2, 1, [], False)
    (tmp_path / "same" / "checkpoint.npz").touch()
    (tmp_path / "other" / "solution.npz.12ab.part").touch()
    judge(takes, tmp_path, {take.name: wanted for take in takes}, outcome)
    assert outcome.partial_files == ["other/solution.npz.12ab.part", "same/checkpoint.npz"]
