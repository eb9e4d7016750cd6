"""The report, written by the solver itself for a small solution; the page opens as a local file."""

import os
import sys
import time
from pathlib import Path

import pytest

from facesolve.take import write_solution, write_take
from facesolve.take.errors import ProcessError
from facesolve_maya.run import Interpreter, ReportTask, fresh_report
from tests.take import rigs


@pytest.fixture
def solution(tmp_path):
    """A solution whose take is at hand and whose footage is not."""
    take = rigs.take(tmp_path / "take größe")
    write_take(take, tmp_path / "take größe")
    names = tuple(take.rig.control_names)
    cameras = tuple(camera.name for camera in take.cameras)
    made = rigs.solution(
        count=take.frame_count,
        frames=take.frames,
        scene_times=take.scene_times,
        control_names=names,
        controls=[[0.0, 2.0]] * take.frame_count,
        control_std=[[0.01, 0.01]] * take.frame_count,
        camera_names=cameras,
        residual=[[0.02] * len(cameras)] * take.frame_count,
        provenance={"take": "../take größe"},
    )
    write_solution(made, tmp_path / "solution")
    return tmp_path / "solution"


def finished(task):
    end = time.monotonic() + 300
    while task.page is None and not task.error:
        assert time.monotonic() < end
        task.poll()
        time.sleep(0.05)
    return task


def test_the_page_is_written_beside_the_solution_and_is_fresh_until_the_next_solve(solution):
    assert fresh_report(solution) is None
    task = finished(ReportTask(solution, Interpreter(Path(sys.executable), "the tests")))
    assert (task.page, task.error) == (solution / "report.html", "")
    assert "<html" in task.page.read_text(encoding="utf-8")[:200].lower()
    assert fresh_report(solution) == task.page
    later = task.page.stat().st_mtime + 10
    os.utime(solution / "solution.json", (later, later))
    assert fresh_report(solution) is None


def test_what_the_solver_says_is_the_reason(tmp_path):
    task = finished(ReportTask(tmp_path / "none", Interpreter(Path(sys.executable), "the tests")))
    assert task.page is None
    assert task.error.startswith("The report could not be written: solution: there is no solution.json in ")


def test_a_python_that_is_not_there_is_said_at_once(solution, tmp_path):
    with pytest.raises(ProcessError, match="cannot be started"):
        ReportTask(solution, Interpreter(tmp_path / "python", "the tests"))
