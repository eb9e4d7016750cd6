"""Several takes in child processes: one at a time on a device, failures apart, an end that leaves nothing running."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from facesolve.cli import main
from facesolve.jobs import many_takes
from facesolve.jobs.many_takes import solve_takes, take_jobs, unsolved
from facesolve.jobs.opened_take import taken_part
from facesolve.runtime.progress import JsonLines, Silent
from facesolve.take import SolveError, read_solution, read_take
from facesolve.take.events import Done, Event, Message, Stage
from facesolve.take.processes import Patience
from facesolve.take.settings_record import SettingsChange
from facesolve.take.solved import fingerprint
from tests.textured import write_filmed_take

# does what the file 'manner' in each take's folder says, in the place of its solve
STAND_IN = """
import json, os, pathlib, signal, sys, time
def say(**event):
    print(json.dumps(event), flush=True)
for line in sys.stdin:
    words = json.loads(line)
    take, out, device = pathlib.Path(words[0]), pathlib.Path(words[2]), words[4]
    manner = (take / "manner").read_text()
    out.mkdir(parents=True, exist_ok=True)
    busy = out.parent / f"busy_{device.replace(':', '')}"
    busy.mkdir()
    say(event="stage", name="track", total=4)
    if manner == "bad":
        say(event="error", text="the head is in no image.")
    elif manner == "broken":
        print("Traceback: much\\nValueError: two words", file=sys.stderr)
    elif manner in ("slow", "stubborn"):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # so that the file alone stops it
        (out / "pid").write_text(str(os.getpid()))
        while manner == "stubborn" or not (out / "cancel").exists():
            time.sleep(0.02)
        (out / "stopped").touch()
    else:
        print("a library says hello", flush=True)
        time.sleep(0.3)
        made = {"device": device, "arguments": words[5:], "process": os.getpid()}
        (out / "solution.json").write_text(json.dumps(made))
    busy.rmdir()
    if manner != "good":
        sys.exit({"bad": 2, "broken": 1, "slow": 130}[manner])
    say(event="done", path=str(out), seconds=0.3)
"""


class Listener(Silent):
    """Keeps what was heard of each take."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Event]] = []

    def heard(self, task: str, event: Event) -> None:
        self.events.append((task, event))


@pytest.fixture
def takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Path]]:
    """Makes take folders whose stand-in solves behave in the given manners; named a, b, ..."""
    script = tmp_path / "stand_in.py"
    script.write_text(STAND_IN, encoding="utf-8")
    monkeypatch.setattr(many_takes, "CHILD", (sys.executable, "-S", str(script)))

    def make(*manners: str) -> list[Path]:
        folders = [tmp_path / "takes" / name for name in "abcdefgh"[: len(manners)]]
        for folder, manner in zip(folders, manners, strict=True):
            folder.mkdir(parents=True)
            (folder / "manner").write_text(manner, encoding="utf-8")
        return folders

    return make


def solve(takes: list[Path], devices: tuple[str, ...]) -> tuple[dict[str, str], Listener, Path]:
    out, listener = takes[0].parents[1] / "out", Listener()
    jobs = take_jobs(takes, out)
    failed = solve_takes(jobs, devices, ["--quality", "draft"], cancel=out / "cancel", progress=listener)
    return failed, listener, out


def solutions(out: Path) -> dict[str, Any]:
    return {path.parent.name: json.loads(path.read_text(encoding="utf-8")) for path in out.glob("*/solution.json")}


def runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_each_device_solves_one_take_after_the_other(takes: Any) -> None:
    failed, listener, out = solve(takes(*["good"] * 5), ("cuda:0", "cuda:1"))
    assert failed == {}  # a second solve on a device that is busy would have failed
    made = solutions(out)
    assert sorted(made) == ["a", "b", "c", "d", "e"]
    processes = {(solution["device"], solution["process"]) for solution in made.values()}
    assert sorted(device for device, _ in processes) == ["cuda:0", "cuda:1"]  # each of them has started once
    assert all(solution["arguments"] == ["--progress", "jsonl", "--quality", "draft"] for solution in made.values())
    of_a = [event for task, event in listener.events if task == "a"]
    assert [type(event) for event in of_a] == [Stage, Message, Done]
    assert of_a[1] == Message("a library says hello")


def test_one_that_fails_does_not_stop_the_others(takes: Any) -> None:
    failed, listener, out = solve(takes("bad", "good", "broken", "good"), ("cpu",))
    assert failed == {
        "a": "the head is in no image.",
        "c": "its solve ended with code 1: ValueError: two words.",
    }
    log = (out / "a" / "solve.log").read_text(encoding="utf-8")
    assert log == "error: the head is in no image.\n"  # which the index of all shows
    assert sorted(solutions(out)) == ["b", "d"]
    assert len({solution["process"] for solution in solutions(out).values()}) == 2  # after a failure another one
    assert ("c", Message("Traceback: much\nValueError: two words")) in listener.events


def test_a_reason_that_cannot_be_written_does_not_stop_the_others_either(takes: Any) -> None:
    folders = takes("bad", "good")
    (folders[0].parents[1] / "out" / "a" / "solve.log").mkdir(parents=True)  # where a file should be
    failed, listener, out = solve(folders, ("cpu",))
    assert failed == {"a": "the head is in no image."}
    assert sorted(solutions(out)) == ["b"]
    assert any("log cannot be written" in event.text for _, event in listener.events if isinstance(event, Message))


def test_an_interpreter_that_cannot_be_started_fails_each(takes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many_takes, "CHILD", ("no_such_python",))
    failed, _, _ = solve(takes("good", "good"), ("cpu",))
    assert failed.keys() == {"a", "b"}
    assert "'no_such_python' cannot be started" in failed["a"]


def test_a_fault_of_the_program_is_no_success(takes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many_takes.Crew, "command", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        solve(takes("good"), ("cpu",))


@pytest.mark.skipif(os.name == "nt", reason="looks for processes as POSIX does")
def test_cancel_stops_all_children_politely_or_not(takes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many_takes, "PATIENCE", Patience(polite=1.0, terminate=0.5))
    folders = takes("slow", "stubborn", "good")
    out = folders[0].parents[1] / "out"

    class Cancels(Listener):
        def heard(self, task: str, event: Event) -> None:
            super().heard(task, event)
            if {"a", "b"} <= {task for task, _ in self.events}:
                while not all((out / name / "pid").exists() for name in "ab"):
                    time.sleep(0.01)
                (out / "cancel").touch()

    with pytest.raises(KeyboardInterrupt):
        solve_takes(take_jobs(folders, out), ("cpu", "cuda"), (), cancel=out / "cancel", progress=Cancels())
    assert not (out / "cancel").exists()  # it would stop the next solve as well
    for name in "ab":
        assert not runs(int((out / name / "pid").read_text(encoding="utf-8")))
        assert not (out / name / "cancel").exists()
    assert [(out / name / "stopped").exists() for name in "ab"] == [True, False]
    assert not (out / "c").exists()


def test_an_old_request_to_stop_stops_no_new_solve(takes: Any) -> None:
    folders = takes("good")
    out = folders[0].parents[1] / "out"
    (out / "a").mkdir(parents=True)
    (out / "a" / "cancel").touch()  # of a parent that was killed before it could take it back
    solve(folders, ("cpu",))
    assert not (out / "a" / "cancel").exists()


def test_takes_that_are_solved_with_these_settings_are_left_as_they_are(tmp_path: Path) -> None:
    write_filmed_take(tmp_path / "takes" / "head", frames=3)
    take = read_take(tmp_path / "takes" / "head")
    job = take_jobs([tmp_path / "takes" / "head"], tmp_path / "out")[0]
    job.out.mkdir(parents=True)
    draft = SettingsChange(values={"quality": "draft"})
    solved = {"provenance": {"fingerprint": fingerprint(taken_part(take, draft, None), job.take)}}
    (job.out / "solution.json").write_text(json.dumps(solved), encoding="utf-8")
    listener = Listener()
    assert unsolved([job], draft, None, listener) == []
    assert listener.events == [("head", Message("is already solved"))]
    assert unsolved([job], SettingsChange(), None, listener) == [job]
    assert unsolved([job], draft, (1, 1), listener) == [job]
    (job.out / "checkpoint.npz").touch()  # it was begun anew
    assert unsolved([job], draft, None, listener) == [job]


def test_takes_of_one_name_and_takes_solved_into_themselves_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SolveError, match=r"'one.shot' and 'two.Shot' would both be solved into 'out.shot'"):
        take_jobs([Path("one/shot"), Path("two/Shot")], Path("out"))
    with pytest.raises(SolveError, match="into its own folder"):
        take_jobs([tmp_path / "a", tmp_path / "b"], tmp_path)


def test_commands_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert many_takes.children_environment(["cpu", "cpu"])["OMP_NUM_THREADS"] == "4"
    assert "OMP_NUM_THREADS" not in many_takes.children_environment(["cpu"])
    assert "OMP_NUM_THREADS" not in many_takes.children_environment(["cuda:0", "cuda:1"])


def test_the_command_tells_of_every_take(
    takes: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("facesolve.commands.solve.told_several", lambda *_: 0)  # stand-ins leave no solution to read
    folders = takes("good", "bad")
    out = folders[0].parents[1] / "out"
    command = ["solve", *map(str, folders), "--out", str(out), "--device", "cpu", "--no-report", "--progress"]
    assert main([*command, "jsonl"]) == 2
    captured = capsys.readouterr()
    events = [json.loads(line) for line in captured.out.splitlines()]
    assert {"event": "stage", "name": "track", "total": 4, "task": "b"} in events
    sentence = "1 of 2 takes could not be solved. 'b': the head is in no image."
    assert events[-1] == {"event": "error", "text": sentence}
    assert captured.err == f"facesolve: error: {sentence}\n"
    (folders[1] / "manner").write_text("good", encoding="utf-8")
    assert main([*command, "quiet", "--resume"]) == 0
    assert capsys.readouterr() == ("", "")


def test_real_takes_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_filmed_take(tmp_path / "takes" / "head", frames=3)
    missing = tmp_path / "takes" / "missing"
    takes, out = [str(tmp_path / "takes" / "head"), str(missing)], tmp_path / "out"
    options = ["--devices", "cpu,cpu", "--quality", "draft", "--frames", "1-2", "--progress", "jsonl", "--no-report"]
    assert main(["solve", *takes, "--out", str(out), *options]) == 2
    captured = capsys.readouterr()
    assert "1 of 2 takes could not be solved. 'missing': take: there is no take.json" in captured.err
    done = [event for event in map(json.loads, captured.out.splitlines()) if event["event"] == "done"]
    assert [(event["task"], event["path"]) for event in done] == [("head", (out / "head").as_posix())]
    assert read_solution(out / "head").frames.tolist() == [1, 2]


def test_json_lines_of_several_tasks() -> None:
    stream = io.StringIO()
    JsonLines(stream).heard("a", Message("hello"))
    assert json.loads(stream.getvalue()) == {"event": "message", "text": "hello", "task": "a"}


def test_a_worker_solves_one_real_take_after_the_other(tmp_path: Path) -> None:
    write_filmed_take(tmp_path / "takes" / "head", frames=3)
    take, out = str(tmp_path / "takes" / "head"), tmp_path / "out"
    options = ["--quality", "draft", "--frames", "1-2", "--device", "cpu", "--progress", "jsonl", "--no-report"]
    solves = [[take, "--out", str(out / name), *options, "--no-texture"] for name in ("first", "second", "first")]
    ended = subprocess.run(
        many_takes.CHILD,
        input="\n".join(map(json.dumps, solves)),
        env=many_takes.children_environment(["cpu"]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2  # of the last, which would have replaced the first
    events = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [event["event"] for event in events if event["event"] in ("done", "error")] == ["done", "done", "error"]
    first, second = read_solution(out / "first"), read_solution(out / "second")
    assert first.controls.tolist() == second.controls.tolist()
