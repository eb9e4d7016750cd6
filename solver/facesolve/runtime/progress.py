"""How a long task tells whoever waits for it how far it is. Knows nothing about what the task does."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

PROGRESS_MODES = ("bar", "jsonl", "quiet")
CANCEL_FILE = "cancel"  # in the output folder: asks a task to stop as Ctrl-C does


class Progress(Protocol):
    """What a task calls while it works. Stages follow one another; each counts from 0 to its total."""

    def stage(self, name: str, total: int) -> None:
        """A new stage of ``total`` steps begins; the one before it is over."""

    def advance(self, count: int = 1) -> None:
        """``count`` more steps of the present stage are done."""

    def message(self, text: str) -> None:
        """One sentence worth reading, for example which backend runs."""

    def picture(self, path: Path) -> None:
        """A picture of the present state was written to ``path``."""


class Reporter(Progress, AbstractContextManager["Reporter"], Protocol):
    """A progress display that the command line opens, and closes with one of two ends."""

    def heard(self, task: str, event: Mapping[str, Any]) -> None:
        """One of several tasks that run side by side said ``event``, an object of ``JsonLines``."""

    def done(self, folder: Path) -> None:
        """The task ended well; its results are in ``folder``."""

    def error(self, text: str) -> None:
        """The task ended with an error; ``text`` is the sentence for the user."""


class Silent:
    """Reports nothing."""

    def stage(self, name: str, total: int) -> None:
        pass

    def advance(self, count: int = 1) -> None:
        pass

    def message(self, text: str) -> None:
        pass

    def picture(self, path: Path) -> None:
        pass

    def heard(self, task: str, event: Mapping[str, Any]) -> None:
        pass

    def done(self, folder: Path) -> None:
        pass

    def error(self, text: str) -> None:
        pass

    def __enter__(self) -> Silent:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class JsonLines(Silent):
    """One JSON object a line on stdout, flushed, for programs that watch a task.

    ``{"event": "stage", "name": str, "total": int}``
    ``{"event": "progress", "stage": str, "done": int, "total": int, "seconds_left": float | null}``
    ``{"event": "message", "text": str}``, ``{"event": "picture", "path": str}``
    last: ``{"event": "done", "path": str, "seconds": float}`` or ``{"event": "error", "text": str}``
    What one of several tasks says has ``"task": str``, too.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stdout if stream is None else stream
        self._name, self._total, self._count = "", 0, 0
        self._opened = self._stage_began = time.monotonic()

    def stage(self, name: str, total: int) -> None:
        self._name, self._total, self._count = name, int(total), 0
        self._stage_began = time.monotonic()
        self._write(event="stage", name=name, total=int(total))

    def advance(self, count: int = 1) -> None:
        self._count += count
        left = None
        if self._count > 0:
            spent = time.monotonic() - self._stage_began
            left = round(spent / self._count * max(self._total - self._count, 0), 2)
        self._write(event="progress", stage=self._name, done=self._count, total=self._total, seconds_left=left)

    def message(self, text: str) -> None:
        self._write(event="message", text=text)

    def picture(self, path: Path) -> None:
        self._write(event="picture", path=Path(path).as_posix())

    def heard(self, task: str, event: Mapping[str, Any]) -> None:
        self._write(**event, task=task)

    def done(self, folder: Path) -> None:
        seconds = round(time.monotonic() - self._opened, 2)
        self._write(event="done", path=Path(folder).as_posix(), seconds=seconds)

    def error(self, text: str) -> None:
        self._write(event="error", text=text)

    def _write(self, **event: Any) -> None:
        self._stream.write(json.dumps(event) + "\n")
        self._stream.flush()


class Callback(JsonLines):
    """Calls a function with each event, the objects that ``JsonLines`` writes."""

    def __init__(self, listener: Callable[[dict[str, Any]], None]) -> None:
        super().__init__()
        self._listener = listener

    def _write(self, **event: Any) -> None:
        self._listener(event)


class Bars(Silent):
    """A bar for each stage with the time left, or for each of several tasks, on a terminal."""

    def __init__(self, console: Console) -> None:
        self._bars = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {}

    def stage(self, name: str, total: int) -> None:
        for task in self._bars.tasks:
            self._bars.stop_task(task.id)
        self._bars.add_task(name, total=total)

    def advance(self, count: int = 1) -> None:
        if self._bars.tasks:
            self._bars.advance(self._bars.tasks[-1].id, count)

    def message(self, text: str) -> None:
        self._bars.console.print(text, markup=False, highlight=False)

    def picture(self, path: Path) -> None:
        self.message(f"picture: {path}")

    def heard(self, task: str, event: Mapping[str, Any]) -> None:
        kind = event["event"]
        if kind == "stage":
            if task not in self._tasks:
                self._tasks[task] = self._bars.add_task(task)
            self._bars.reset(self._tasks[task], total=event["total"], description=f"{task}: {event['name']}")
        elif kind == "progress" and task in self._tasks:
            self._bars.update(self._tasks[task], completed=event["done"])
        elif (said := _sentence(task, event)) is not None:
            self.message(said)
        if kind in ("done", "error") and task in self._tasks:
            self._bars.remove_task(self._tasks.pop(task))

    def __enter__(self) -> Bars:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()


class Lines(Silent):
    """A line for each stage and message, for logs and pipes where a bar would smear."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def stage(self, name: str, total: int) -> None:
        self.message(f"{name} ({total})")

    def message(self, text: str) -> None:
        print(text, file=self._stream, flush=True)

    def picture(self, path: Path) -> None:
        self.message(f"picture: {path}")

    def heard(self, task: str, event: Mapping[str, Any]) -> None:
        if event["event"] == "stage":
            self.message(f"{task}: {event['name']} ({event['total']})")
        elif (said := _sentence(task, event)) is not None:
            self.message(said)


def _sentence(task: str, event: Mapping[str, Any]) -> str | None:
    """What is worth a line of what a task says."""
    if event["event"] == "done":
        return f"{task}: done in {event['seconds']:.0f} s"
    text = event.get("text", event.get("path"))
    return None if text is None else f"{task}: {text}"


class StopsOnFile:
    """Passes progress on, and raises KeyboardInterrupt at the next step once ``file`` exists.

    This is how a program that started the task asks it to stop where no signal can be sent (Windows).
    """

    def __init__(self, progress: Progress, file: Path) -> None:
        self._progress, self._file = progress, file

    def stage(self, name: str, total: int) -> None:
        self._look()
        self._progress.stage(name, total)

    def advance(self, count: int = 1) -> None:
        self._look()
        self._progress.advance(count)

    def message(self, text: str) -> None:
        self._progress.message(text)

    def picture(self, path: Path) -> None:
        self._progress.picture(path)

    def _look(self) -> None:
        if self._file.exists():
            raise KeyboardInterrupt


def open_reporter(mode: str) -> Reporter:
    """The display for one of PROGRESS_MODES: ``bar`` and plain lines go to stderr, ``jsonl`` to stdout."""
    if mode == "jsonl":
        return JsonLines()
    if mode == "quiet":
        return Silent()
    console = Console(stderr=True)
    return Bars(console) if console.is_terminal else Lines(sys.stderr)
