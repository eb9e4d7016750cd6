"""The solver's progress lines (``facesolve.runtime.progress.JsonLines``) as typed events. Knows no processes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Callable, Dict, Optional, Union


@dataclass(frozen=True)
class Stage:
    """A stage of ``total`` steps begins."""

    name: str
    total: int


@dataclass(frozen=True)
class StageProgress:
    """``done`` of ``total`` steps of ``stage`` are over; ``seconds_left`` is for this stage, None when unknown."""

    stage: str
    done: int
    total: int
    seconds_left: Optional[float]


@dataclass(frozen=True)
class Message:
    """One sentence worth reading."""

    text: str


@dataclass(frozen=True)
class Picture:
    """An overlay picture of the present state was written to ``path``."""

    path: str


@dataclass(frozen=True)
class Done:
    """The solve ended well; its solution is in the folder ``path``."""

    path: str
    seconds: float


@dataclass(frozen=True)
class Error:
    """The solve ended with an error."""

    text: str


Event = Union[Stage, StageProgress, Message, Picture, Done, Error]

_READERS: Dict[str, Callable[[Dict[str, Any]], Event]] = {
    "stage": lambda r: Stage(str(r["name"]), int(r["total"])),
    "progress": lambda r: StageProgress(
        str(r["stage"]),
        int(r["done"]),
        int(r["total"]),
        None if r.get("seconds_left") is None else float(r["seconds_left"]),
    ),
    "message": lambda r: Message(str(r["text"])),
    "picture": lambda r: Picture(str(r["path"])),
    "done": lambda r: Done(str(r["path"]), float(r["seconds"])),
    "error": lambda r: Error(str(r["text"])),
}


def parse_event(line: str) -> Optional[Event]:
    """The event in one line of the solver's output.

    None for a blank line and for events that a later solver may add. Text that is not an event (a library that prints)
    becomes a Message, so that nothing a person might need is lost.
    """
    text = line.strip()
    if not text:
        return None
    try:
        record = json.loads(text)
        kind = record["event"]
    except (ValueError, KeyError, TypeError):
        return Message(text)
    reader = _READERS.get(kind)
    if reader is None:
        return None
    try:
        return reader(record)
    except (KeyError, TypeError, ValueError):
        return Message(text)
