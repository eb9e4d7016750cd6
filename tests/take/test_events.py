"""Events survive their line, foreign lines lose no word, and the time left follows from the steps."""

from __future__ import annotations

import json

import pytest

from facesolve.take.events import (
    KINDS,
    Done,
    Error,
    Event,
    EventProgress,
    Message,
    Picture,
    Stage,
    StageProgress,
    event_record,
    read_event,
)

EVENTS: list[Event] = [
    Stage("track", 4),
    StageProgress("track", 1, 4, 1.5),
    StageProgress("track", 0, 4),
    Message("größer"),
    Picture("out/a.png"),
    Done("out", 12.25),
    Error("no footage."),
]


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("task", ["", "shot_010"])
def test_a_line_gives_the_same_event_back(event: Event, task: str) -> None:
    record = event_record(event, task)
    assert ("task" in record) == bool(task)
    assert read_event(json.dumps(record) + "\n") == (task, event)


def test_every_kind_is_among_those_tested() -> None:
    assert {type(event) for event in EVENTS} == set(KINDS.values())


def test_what_a_library_prints_becomes_a_message() -> None:
    for text in ("plain text", "[1, 2]", "3", '{"note": 1}', '{"event": "stage", "name": "x", "total": "many"}'):
        assert read_event(text) == ("", Message(text))
    assert read_event(json.dumps({"event": "progress", "task": "a"})) == (
        "a",
        Message('{"event": "progress", "task": "a"}'),
    )


def test_blank_lines_and_later_kinds_are_passed_over() -> None:
    for text in ("", "  \n", '{"event": "later", "text": "x"}', '{"event": ["stage"]}'):
        assert read_event(text) is None


def test_the_time_left_follows_from_the_steps_of_the_stage() -> None:
    now, told = [10.0], []
    progress = EventProgress(told.append, clock=lambda: now[0])
    progress.stage("track", 4)
    now[0] = 16.0
    progress.advance(3)
    progress.stage("refine", 2)
    progress.advance(0)
    now[0] = 17.5
    progress.advance()
    progress.done("out")
    assert told == [
        Stage("track", 4),
        StageProgress("track", 3, 4, 2.0),
        Stage("refine", 2),
        StageProgress("refine", 0, 2, None),
        StageProgress("refine", 1, 2, 1.5),
        Done("out", 7.5),
    ]
