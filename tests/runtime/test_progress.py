"""What each progress display says, and how a file stops a task."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from rich.console import Console

from facesolve.runtime.openjd import OpenJobLines
from facesolve.runtime.progress import (
    PROGRESS_MODES,
    Bars,
    JsonLines,
    Lines,
    Logged,
    Progress,
    Silent,
    StopsOnFile,
    open_reporter,
)
from facesolve.take.events import Done, Error, Event, Message, Stage, StageProgress


def work(progress: Progress) -> None:
    progress.stage("track", 4)
    progress.advance()
    progress.advance(3)
    progress.message("the built-in rasterizer runs")
    progress.picture(Path("out") / "frame.png")


def test_json_lines_follow_their_schema() -> None:
    stream = io.StringIO()
    reporter = JsonLines(stream)
    work(reporter)
    reporter.done(Path("out"))
    reporter.error("no footage")
    events = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [event["event"] for event in events] == [
        "stage",
        "progress",
        "progress",
        "message",
        "picture",
        "done",
        "error",
    ]
    assert events[0] == {"event": "stage", "name": "track", "total": 4}
    assert events[1].items() >= {"stage": "track", "done": 1, "total": 4}.items()
    assert events[1]["seconds_left"] >= 0
    assert (events[2]["done"], events[2]["seconds_left"]) == (4, 0)
    assert events[4] == {"event": "picture", "path": "out/frame.png"}
    assert events[5].keys() == {"event", "path", "seconds"}
    assert events[6] == {"event": "error", "text": "no footage"}


def test_json_lines_count_each_stage_from_zero() -> None:
    stream = io.StringIO()
    reporter = JsonLines(stream)
    for name in ("a", "b"):
        reporter.stage(name, 2)
        reporter.advance()
    last = json.loads(stream.getvalue().splitlines()[-1])
    assert (last["stage"], last["done"]) == ("b", 1)


def test_bars_show_stage_and_count() -> None:
    stream = io.StringIO()
    with Bars(Console(file=stream, force_terminal=True, width=100)) as bars:
        work(bars)
    assert "Following the face" in stream.getvalue()
    assert "4/4" in stream.getvalue()
    assert "the built-in rasterizer runs" in stream.getvalue()
    assert "whole" not in stream.getvalue()


def test_bars_of_a_solve_show_how_much_of_the_whole_is_done() -> None:
    stream = io.StringIO()
    with Bars(Console(file=stream, force_terminal=True, width=100)) as bars:
        bars.stage("align the start pose", 1)
        bars.advance()
        work(bars)
        bars.bars.refresh()
    assert "The whole solve, %" in stream.getvalue()
    assert "35/100" in stream.getvalue()


def test_lines_are_plain_text() -> None:
    stream = io.StringIO()
    work(Lines(stream))
    assert stream.getvalue().splitlines()[:2] == ["track (4)", "the built-in rasterizer runs"]
    assert "\x1b" not in stream.getvalue()


EVENTS: list[tuple[str, Event]] = [
    ("a", Stage("track", 4)),
    ("b", Stage("align", 1)),
    ("a", StageProgress("track", 3, 4, 1.0)),
    ("b", Error("no footage")),
    ("a", Stage("refine", 5)),
    ("a", StageProgress("refine", 2, 5, 1.0)),
    ("a", Message("hello")),
    ("a", Done("out/a", 12.3)),
]


def test_several_tasks_have_a_bar_each() -> None:
    stream = io.StringIO()
    with Bars(Console(file=stream, force_terminal=True, width=100)) as bars:
        for task, event in EVENTS:
            bars.heard(task, event)
            bars.bars.refresh()
    shown = stream.getvalue()
    for text in ("a: track", "3/4", "b: align", "b: no footage", "a: refine", "2/5", "a: hello", "a: done in 12 s"):
        assert text in shown
    assert not bars.bars.tasks


def test_several_tasks_as_lines() -> None:
    stream = io.StringIO()
    for task, event in EVENTS:
        Lines(stream).heard(task, event)
    assert stream.getvalue().splitlines() == [
        *("a: track (4)", "b: align (1)", "b: no footage", "a: refine (5)", "a: hello", "a: done in 12 s")
    ]


def test_silent_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with Silent() as reporter:
        work(reporter)
    assert capsys.readouterr() == ("", "")


def test_every_mode_opens(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = []
    for mode in PROGRESS_MODES:
        with open_reporter(mode) as reporter:
            work(reporter)
            kinds.append(type(reporter))
    assert kinds == [Lines, JsonLines, OpenJobLines, Silent]  # stderr is no terminal here
    captured = capsys.readouterr()
    assert all(line.startswith("openjd_") or json.loads(line) for line in captured.out.splitlines())
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(open_reporter("bar"), Bars)


def test_file_stops_the_task_at_its_next_step(tmp_path: Path) -> None:
    stream = io.StringIO()
    progress = StopsOnFile(JsonLines(stream), tmp_path / "cancel")
    work(progress)
    assert len(stream.getvalue().splitlines()) == 5
    (tmp_path / "cancel").touch()
    with pytest.raises(KeyboardInterrupt):
        progress.advance()
    with pytest.raises(KeyboardInterrupt):
        progress.stage("next", 1)


def test_the_log_goes_beside_what_is_reported() -> None:
    log, reported = io.StringIO(), io.StringIO()
    with Logged(JsonLines(reported), log) as reporter:
        work(reporter)
        reporter.heard("take_b", Stage("refine", 3))
        reporter.heard("take_b", StageProgress("refine", 1, 3))
        reporter.heard("take_b", Message("few keyframes"))
        reporter.error("no footage")
    said = [line.split(" s  ") for line in log.getvalue().splitlines()]
    assert [words for _, words in said] == [
        "stage: track (4)",
        "the built-in rasterizer runs",
        f"picture: {Path('out') / 'frame.png'}",
        "stage: take_b: refine (3)",
        "take_b: few keyframes",
    ]
    assert all(0 <= float(seconds) < 60 for seconds, _ in said)
    events = [json.loads(line)["event"] for line in reported.getvalue().splitlines()]
    assert events == ["stage", "progress", "progress", "message", "picture", "stage", "progress", "message", "error"]


def test_a_log_takes_the_place_of_bars() -> None:
    assert isinstance(open_reporter("bar", log=True), Logged)


def test_farms_hear_how_far_a_solve_is_and_why_it_failed() -> None:
    stream = io.StringIO()
    lines = OpenJobLines(stream)
    lines.stage("track", 4)
    lines.advance(2)
    lines.stage("find the start", 9)  # how much of the whole that is nobody knows
    lines.advance(9)
    lines.stage("refine", 1000)
    for _ in range(1000):
        lines.advance()
    lines.error("the head is in\nno image.")
    said = stream.getvalue().splitlines()
    percents = [float(line.split()[1]) for line in said if line.startswith("openjd_progress: ")]
    assert percents == sorted(percents)
    assert percents[:3] == [5.0, 22.5, 50.0]
    assert len(percents) < 40
    assert [line for line in said if "status" in line] == [
        f"openjd_status: {n}" for n in ("track", "find the start", "refine")
    ]
    assert said[-1] == "openjd_fail: the head is in no image."
