"""The report, written by the solver itself for a small solution; the page opens as a local file."""

import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from facesolve.take import read_solution, write_solution, write_take
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
        provenance={"take": "../take größe", "texture": None},
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


def test_a_texture_that_the_solve_left_out_is_baked_first_and_need_not_be(solution, monkeypatch):
    commands = []

    class Ended:
        exit_code, stderr_tail = 1, "facesolve: error: no footage"

        def __init__(self, command, environment, folder):
            commands.append(command[3:])

        def poll(self):
            if commands[-1][0] == "report":
                self.exit_code = 0
                (solution / "report.html").write_text("page", encoding="utf-8")

    monkeypatch.setattr("facesolve_maya.run.report.ChildProcess", Ended)
    python = Interpreter(Path(sys.executable), "the tests")
    assert finished(ReportTask(solution, python)).page is not None
    assert [command[0] for command in commands] == ["report"], "it was baked, or cannot be"
    found = read_solution(solution)
    write_solution(replace(found, provenance={"take": "../take größe"}), solution)
    assert finished(ReportTask(solution, python)).page is not None
    bake = ["solve", str(solution.parent / "take größe"), "--out", str(solution), "--resume", "--no-report"]
    assert commands[1:] == [bake, ["report", str(solution), "--out", str(solution / "report.html")]]


def test_what_the_solver_says_is_the_reason(tmp_path):
    task = finished(ReportTask(tmp_path / "none", Interpreter(Path(sys.executable), "the tests")))
    assert task.page is None
    assert task.error.startswith("The report could not be written: solution: there is no solution.json in ")


def test_a_python_that_is_not_there_is_said_at_once(solution, tmp_path):
    with pytest.raises(ProcessError, match="cannot be started"):
        ReportTask(solution, Interpreter(tmp_path / "python", "the tests"))
