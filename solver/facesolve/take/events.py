"""What a task says while it works: events, their JSON lines, and the steps and time left that they tell.

Knows neither the task nor who listens.
"""

from __future__ import annotations

import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Callable, Dict, Optional, Tuple, Type, Union

from .reading import json_value


@dataclass(frozen=True)
class Stage:
    """A stage of ``total`` steps begins; the one before it is over."""

    name: str
    total: int


@dataclass(frozen=True)
class StageProgress:
    """``done`` of ``total`` steps of ``stage`` are over; ``seconds_left`` is for this stage, None when unknown."""

    stage: str
    done: int
    total: int
    seconds_left: Optional[float] = None


@dataclass(frozen=True)
class Message:
    """One sentence worth reading."""

    text: str


@dataclass(frozen=True)
class Picture:
    """A picture of the present state was written to ``path``."""

    path: str


@dataclass(frozen=True)
class Done:
    """The task ended well after ``seconds``; its results are in the folder ``path``."""

    path: str
    seconds: float


@dataclass(frozen=True)
class Error:
    """The task ended with an error; ``text`` is the sentence for the user."""

    text: str


Event = Union[Stage, StageProgress, Message, Picture, Done, Error]

KINDS: Dict[str, Type[Any]] = {
    "stage": Stage,
    "progress": StageProgress,
    "message": Message,
    "picture": Picture,
    "done": Done,
    "error": Error,
}
_NAMES = {kind: name for name, kind in KINDS.items()}
_TYPES: Dict[str, Callable[[Any], Any]] = {
    "total": int,
    "done": int,
    "seconds": float,
    "seconds_left": lambda value: None if value is None else float(value),
}  # of fields that are no text


def event_record(event: Event, task: str = "") -> Dict[str, Any]:
    """The event as JSON values: ``{"event": KIND, ...fields}``, and ``"task"`` where several tasks speak.

    A line of JSON Lines is one such object; ``read_event`` reads it.
    """
    record = dict({"event": _NAMES[type(event)]}, **asdict(event))
    return dict(record, task=task) if task else record


def read_event(line: str) -> Optional[Tuple[str, Event]]:
    """The task's name (empty when only one speaks) and the event in one line of a task's output.

    None for a blank line and for kinds of events that a later version may add. Text that is not an event (a library
    that prints) becomes a Message, so that nothing a person might need is lost.
    """
    text = line.strip()
    if not text:
        return None
    try:
        record = json_value(text)
        kind, task = record["event"], str(record.get("task", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", Message(text)
    if not isinstance(kind, str) or kind not in KINDS:
        return None
    try:
        return task, _event(KINDS[kind], record)
    except (KeyError, TypeError, ValueError, OverflowError):
        return task, Message(text)


def _event(kind: Type[Any], record: Dict[str, Any]) -> Event:
    names = kind.__dataclass_fields__
    event: Event = kind(**{name: _TYPES.get(name, str)(record[name]) for name in names})
    return event


class EventProgress:
    """What a task calls while it works (``runtime.progress.Progress``), as events that are given to ``put``.

    clock: seconds, rising.
    """

    def __init__(self, put: Callable[[Event], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._put, self._clock = put, clock
        self._stage, self._total, self._count = "", 0, 0
        self._opened = self._stage_began = clock()

    def stage(self, name: str, total: int) -> None:
        self._stage, self._total, self._count = name, int(total), 0
        self._stage_began = self._clock()
        self._put(Stage(name, int(total)))

    def advance(self, count: int = 1) -> None:
        self._count += count
        left = None
        if self._count > 0:
            spent = self._clock() - self._stage_began
            left = round(spent / self._count * max(self._total - self._count, 0), 2)
        self._put(StageProgress(self._stage, self._count, self._total, left))

    def message(self, text: str) -> None:
        self._put(Message(text))

    def picture(self, path: Union[str, "os.PathLike[str]"]) -> None:
        self._put(Picture(Path(path).as_posix()))

    def done(self, folder: Union[str, "os.PathLike[str]"]) -> None:
        self._put(Done(Path(folder).as_posix(), round(self._clock() - self._opened, 2)))

    def error(self, text: str) -> None:
        self._put(Error(text))
