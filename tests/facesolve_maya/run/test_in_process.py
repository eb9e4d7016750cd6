"""A solve on a thread: same events and outcomes, cancel at the next progress step. The solver is a stand-in."""

import sys
import threading
import time
import types

import pytest

from facesolve.take import TakeError
from facesolve.take.events import Picture, Stage
from facesolve_maya.run import CANCELLED, DONE, FAILED, InProcessTask, SolveRequest, in_process_obstacle


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Runs ``solve(progress)`` as the solver would be run; returns the task and its events."""

    def start(solve, during=lambda task: None):
        module = types.ModuleType("facesolve.jobs.solve_folder")
        module.solve_take_folder = lambda take, out, progress, **options: solve(progress)
        monkeypatch.setitem(sys.modules, "facesolve.jobs.solve_folder", module)
        task, events, began = InProcessTask(SolveRequest(tmp_path, tmp_path / "out")), [], time.monotonic()
        during(task)
        while task.outcome is None and time.monotonic() - began < 20:
            events += task.poll()
            time.sleep(0.01)
        return task, events

    return start


def test_events_and_a_good_end(run):
    def solve(progress):
        progress.stage("track", 2)
        progress.advance()
        progress.picture("a.png")

    task, events = run(solve)
    assert task.outcome.status == DONE
    assert events[0] == Stage("track", 2)
    assert (events[1].done, events[1].total) == (1, 2)
    assert events[1].seconds_left is not None
    assert events[2] == Picture("a.png")


def test_a_cancel_takes_effect_at_the_next_step_and_the_thread_ends(run):
    def solve(progress):
        for _ in range(10000):
            try:
                progress.advance()
            except Exception:  # a solver that guards against everything must not swallow the cancel
                raise AssertionError("the cancel was taken for an error") from None
            time.sleep(0.005)

    task, _ = run(solve, during=lambda task: task.cancel())
    assert task.outcome.status == CANCELLED
    assert not any(thread.name == "facesolve solve" and thread.is_alive() for thread in threading.enumerate())


@pytest.mark.parametrize(
    ("error", "text"),
    [(TakeError("camera 'a' is wrong."), "camera 'a' is wrong."), (RuntimeError("x"), "RuntimeError: x")],
)
def test_errors_reach_the_outcome(run, error, text):
    def solve(progress):
        raise error

    task, _ = run(solve)
    assert (task.outcome.status, task.outcome.text) == (FAILED, text)


def test_the_obstacle_names_what_is_missing(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "torch" else object())
    assert in_process_obstacle() == "This Python lacks torch."
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    assert in_process_obstacle() is None
