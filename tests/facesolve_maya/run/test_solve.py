"""A solve in a process of its own: events, outcomes, paths. Runs against the fake solver."""

import json
import os
import signal
import time

import pytest

from facesolve.take import SolveError
from facesolve.take.errors import ProcessError
from facesolve.take.events import Done, Message, Picture, Stage, StageProgress
from facesolve_maya.run import (
    DONE,
    FAILED,
    Interpreter,
    SolveRequest,
    SolveTask,
    solve,
)


def seen(request):
    return json.loads((request.out / "seen.json").read_text(encoding="utf-8"))


def test_events_arrive_typed_and_in_order(fake_solver, interpreter):
    request, events = fake_solver(), []
    assert solve(request, interpreter, events.append) == request.out
    assert events == [
        Stage("appearance", 2),
        StageProgress("appearance", 1, 2, 1.5),
        Message("rasterizer: torch — größer"),
        Picture((request.out / "overlay.png").as_posix()),
        Message("plain text from a library"),
        Done(request.out.as_posix(), 0.25),
    ]


def test_paths_with_spaces_and_umlauts_reach_the_solver_whole(fake_solver, interpreter):
    request = fake_solver()
    solve(request, interpreter)
    assert seen(request)["arguments"][:4] == ["solve", str(request.take), "--out", str(request.out)]


def test_options_reach_the_solver(fake_solver, interpreter):
    request = fake_solver()
    full = SolveRequest(request.take, request.out, "cpu", "draft", (-5, 12), resume=True)
    solve(full, interpreter)
    expected = [
        "--no-report",
        "--progress",
        "jsonl",
        "--device",
        "cpu",
        "--quality",
        "draft",
        "--frames=-5-12",
        "--resume",
    ]
    assert seen(full)["arguments"][4:] == expected


def test_maya_settings_do_not_reach_the_solver(fake_solver, interpreter, monkeypatch):
    monkeypatch.setenv("PYTHONHOME", "/usr/autodesk/maya2024")
    monkeypatch.setenv("MAYA_LOCATION", "/usr/autodesk/maya2024")
    request = fake_solver()
    solve(request, interpreter)
    environment = seen(request)["environment"]
    assert "PYTHONHOME" not in environment
    assert "MAYA_LOCATION" not in environment
    assert environment["PYTHONPATH"].endswith(os.path.join("module root ünï", "solver"))


def test_the_solvers_own_sentence_is_the_error(fake_solver, interpreter):
    request = fake_solver(error="camera 'cam1': frame 7 is truncated.", code=2, stderr=["noise"])
    with pytest.raises(SolveError, match=r"^camera 'cam1': frame 7 is truncated\.$"):
        solve(request, interpreter)


def test_a_crash_shows_the_end_of_stderr_and_only_that(fake_solver, interpreter):
    request = fake_solver(silent=True, code=3, stderr=[f"line {n}" for n in range(1000)])
    with pytest.raises(SolveError) as caught:
        solve(request, interpreter)
    assert "exit code 3" in str(caught.value)
    assert "line 999" in str(caught.value)
    assert "line 900" not in str(caught.value)


def test_of_a_traceback_only_the_error_is_shown(fake_solver, interpreter):
    lines = ["Traceback (most recent call last):", '  File "pipeline.py", line 3, in solve', "MemoryError: 8 GB"]
    with pytest.raises(SolveError) as caught:
        solve(fake_solver(silent=True, code=1, stderr=lines), interpreter)
    assert str(caught.value) == "The solver stopped with exit code 1:\nMemoryError: 8 GB"


def test_exit_zero_without_done_is_a_failure(fake_solver, interpreter):
    with pytest.raises(SolveError, match="without reporting"):
        solve(fake_solver(silent=True), interpreter)


def test_done_with_a_bad_exit_code_is_a_failure(fake_solver, interpreter):
    with pytest.raises(SolveError, match="exit code 1"):
        solve(fake_solver(code=1), interpreter)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals")
def test_a_solver_that_the_system_ends_is_said_as_that(fake_solver, interpreter):
    task = SolveTask(fake_solver(seconds=60), interpreter)
    os.kill(task.process.pid, signal.SIGKILL)
    while task.outcome is None:
        task.poll()
    assert task.outcome.text == "The solver was ended by the system (signal 9), as when memory runs out."


def test_polling_never_blocks(fake_solver, interpreter):
    task = SolveTask(fake_solver(), interpreter)
    longest = 0.0
    while task.outcome is None:
        began = time.monotonic()
        task.poll()
        longest = max(longest, time.monotonic() - began)
        time.sleep(0.01)
    assert task.outcome.status == DONE
    assert longest < 0.25


def test_the_end_of_the_log_stays_with_the_outcome(fake_solver, interpreter):
    task = SolveTask(fake_solver(error="bad", code=2, stderr=["Traceback", "RuntimeError: boom"]), interpreter)
    while task.outcome is None:
        task.poll()
    assert (task.outcome.status, task.outcome.text) == (FAILED, "bad")
    assert task.outcome.details.endswith("RuntimeError: boom")


def test_a_folder_without_a_take_starts_nothing(tmp_path, interpreter):
    with pytest.raises(SolveError, match=r"no take\.json"):
        solve(SolveRequest(tmp_path / "no", tmp_path / "out"), interpreter)
    assert not (tmp_path / "out").exists()


def test_an_interpreter_that_cannot_start_is_named(fake_solver, tmp_path):
    with pytest.raises(ProcessError, match="no_python"):
        solve(fake_solver(), Interpreter(tmp_path / "no_python", "the tests"))


@pytest.mark.parametrize(("options", "reason"), [({"device": "tpu"}, "tpu"), ({"frames": (5, 4)}, "empty")])
def test_bad_requests_are_refused(tmp_path, options, reason):
    with pytest.raises(SolveError, match=reason):
        SolveRequest(tmp_path, tmp_path, **options)
