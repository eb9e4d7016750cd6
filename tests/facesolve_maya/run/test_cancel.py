"""Cancel: politely, then with force; in every case nothing is left running."""

import time

import pytest

from facesolve.take.events import StageProgress
from facesolve.take.processes import Patience
from facesolve_maya.run import CANCELLED, SolveTask, solve
from tests.facesolve_maya.run.conftest import process_exists


def run_until(task, condition, seconds=30.0):
    """Polls until the condition holds; returns the events seen."""
    events, began = [], time.monotonic()
    while not condition(events):
        assert time.monotonic() - began < seconds, "waited too long"
        events += task.poll()
        time.sleep(0.02)
    return events


def working(events):
    return any(isinstance(event, StageProgress) and event.stage == "pyramid" for event in events)


def cancel_and_wait(request, interpreter, patience):
    """Cancels in mid-solve; returns the task and the seconds the cancel took."""
    task = SolveTask(request, interpreter, patience)
    run_until(task, working)
    began = time.monotonic()
    task.cancel()
    assert task.cancelling
    run_until(task, lambda _: task.outcome is not None)
    return task, time.monotonic() - began


def test_a_polite_solver_stops_by_the_cancel_file_alone(fake_solver, interpreter):
    request = fake_solver(work=True)
    task, seconds = cancel_and_wait(request, interpreter, Patience(20.0, 20.0))
    assert task.outcome.status == CANCELLED
    assert seconds < 5.0
    assert not process_exists(task.process.pid)


def test_the_cancel_file_does_not_stop_the_next_solve(fake_solver, interpreter):
    request = fake_solver(work=True)
    cancel_and_wait(request, interpreter, Patience(20.0, 20.0))
    assert not (request.out / "cancel").exists()
    (request.out / "cancel").write_bytes(b"")
    (request.take / "behavior.json").write_text("{}", encoding="utf-8")
    assert solve(request, interpreter) == request.out


@pytest.mark.parametrize("grandchild", [False, True])
def test_a_deaf_solver_is_killed_with_all_it_started(fake_solver, interpreter, grandchild):
    request = fake_solver(work=True, deaf=True, grandchild=grandchild)
    task, seconds = cancel_and_wait(request, interpreter, Patience(0.3, 0.3))
    assert task.outcome.status == CANCELLED
    assert 0.5 < seconds < 10.0
    assert not process_exists(task.process.pid)
    if grandchild:
        assert not process_exists(int((request.out / "grandchild").read_text()))


def test_a_grandchild_left_behind_by_a_good_solve_is_swept(fake_solver, interpreter):
    request = fake_solver(grandchild=True)
    solve(request, interpreter)
    assert not process_exists(int((request.out / "grandchild").read_text()))


def test_kill_ends_it_now(fake_solver, interpreter):
    task = SolveTask(fake_solver(work=True, deaf=True), interpreter)
    run_until(task, working)
    task.kill()
    assert task.outcome.status == CANCELLED
    assert not process_exists(task.process.pid)


def test_an_error_in_the_listener_leaves_nothing_running(fake_solver, interpreter):
    request, numbers = fake_solver(work=True, grandchild=True), []

    def listener(event):
        if working([event]):
            numbers.append(int((request.out / "grandchild").read_text()))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        solve(request, interpreter, listener)
    assert numbers
    assert not process_exists(numbers[0])


def test_a_second_cancel_changes_nothing(fake_solver, interpreter):
    task = SolveTask(fake_solver(work=True, deaf=True), interpreter, Patience(0.5, 0.2))
    run_until(task, working)
    began = time.monotonic()
    task.cancel()
    time.sleep(0.3)
    task.cancel()
    run_until(task, lambda _: task.outcome is not None)
    assert time.monotonic() - began < 5.0
