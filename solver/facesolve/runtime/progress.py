"""How a long task tells whoever waits for it how far it is. Knows nothing about what the task does."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

from facesolve.take.events import (
    Done,
    Error,
    Event,
    EventProgress,
    Message,
    Picture,
    Stage,
    StageProgress,
    event_record,
)
from facesolve.take.solve_steps import FIRST, part_done, words_of

from .openjd import OpenJobLines
from .task_log import TaskLog

PROGRESS_MODES = ("bar", "jsonl", "openjd", "quiet")


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

    def heard(self, task: str, event: Event) -> None:
        """One of several tasks that run side by side said ``event``."""

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

    def heard(self, task: str, event: Event) -> None:
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


class Callback(EventProgress):
    """Calls a function with each event's record (``take.events.event_record``)."""

    def __init__(self, listener: Callable[[dict[str, Any]], None]) -> None:
        super().__init__(lambda event: listener(event_record(event)))
        self._listener = listener

    def heard(self, task: str, event: Event) -> None:
        self._listener(event_record(event, task))

    def __enter__(self) -> Callback:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class JsonLines(Callback):
    """One event a line on stdout, as JSON and flushed, for programs that watch a task."""

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__(self._write)
        self._stream = sys.stdout if stream is None else stream

    def _write(self, record: dict[str, Any]) -> None:
        self._stream.write(json.dumps(record) + "\n")
        self._stream.flush()


class Bars(Silent):
    """A bar for each stage with the time left, and for a solve one of the whole; or for each of several tasks."""

    def __init__(self, console: Console) -> None:
        self.bars = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {}
        self._whole: TaskID | None = None
        self._stage, self._done, self._total = "", 0, 0

    def stage(self, name: str, total: int) -> None:
        for task in self.bars.tasks:
            if task.id != self._whole:
                self.bars.stop_task(task.id)
        self._stage, self._done, self._total = name, 0, total
        if self._whole is None and name == FIRST:
            self._whole = self.bars.add_task("The whole solve, %", total=100)
        self.bars.add_task(words_of(name), total=total)
        self._show_whole()

    def advance(self, count: int = 1) -> None:
        if self.bars.tasks:
            self.bars.advance(self.bars.tasks[-1].id, count)
            self._done += count
            self._show_whole()

    def _show_whole(self) -> None:
        part = part_done(self._stage, self._done, self._total)
        if self._whole is not None and part is not None:
            self.bars.update(self._whole, completed=int(100 * part))

    def message(self, text: str) -> None:
        self.bars.console.print(text, markup=False, highlight=False)

    def picture(self, path: Path) -> None:
        self.message(f"picture: {path}")

    def heard(self, task: str, event: Event) -> None:
        if isinstance(event, Stage):
            if task not in self._tasks:
                self._tasks[task] = self.bars.add_task(task)
            self.bars.reset(self._tasks[task], total=event.total, description=f"{task}: {event.name}")
        elif isinstance(event, StageProgress) and task in self._tasks:
            self.bars.update(self._tasks[task], completed=event.done)
        elif (said := _sentence(task, event)) is not None:
            self.message(said)
        if isinstance(event, Done | Error) and task in self._tasks:
            self.bars.remove_task(self._tasks.pop(task))

    def __enter__(self) -> Bars:
        self.bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bars.stop()


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

    def heard(self, task: str, event: Event) -> None:
        if isinstance(event, Stage):
            self.message(f"{task}: {event.name} ({event.total})")
        elif (said := _sentence(task, event)) is not None:
            self.message(said)


class Logged(Lines):
    """Passes everything on to ``reporter``, and writes the lines of the task's log to ``stream``."""

    def __init__(self, reporter: Reporter, stream: TextIO) -> None:
        super().__init__(stream)
        self._reporter = reporter
        self._log = TaskLog(super().message)

    def stage(self, name: str, total: int) -> None:
        self._reporter.stage(name, total)
        self._log.stage(name, total)

    def advance(self, count: int = 1) -> None:
        self._reporter.advance(count)

    def message(self, text: str) -> None:
        self._reporter.message(text)
        self._log.message(text)

    def picture(self, path: Path) -> None:
        self._reporter.picture(path)
        self._log.message(f"picture: {path}")

    def heard(self, task: str, event: Event) -> None:
        self._reporter.heard(task, event)
        if isinstance(event, Stage):
            self._log.stage(f"{task}: {event.name}", event.total)
        elif (said := _sentence(task, event)) is not None:
            self._log.message(said)

    def done(self, folder: Path) -> None:
        self._reporter.done(folder)

    def error(self, text: str) -> None:
        self._reporter.error(text)


def _sentence(task: str, event: Event) -> str | None:
    """What is worth a line of what a task says."""
    if isinstance(event, Done):
        return f"{task}: done in {event.seconds:.0f} s"
    if isinstance(event, Message | Error):
        return f"{task}: {event.text}"
    return f"{task}: picture: {event.path}" if isinstance(event, Picture) else None


class StopsOnFile:
    """Passes progress on, and raises KeyboardInterrupt at the next step once ``file`` exists, which it removes.

    This is how a program that started the task asks it to stop where no signal can be sent (Windows).
    """

    def __init__(self, progress: Progress, file: Path) -> None:
        self._progress, self._file = progress, file
        self._stopped = False

    def stage(self, name: str, total: int) -> None:
        self._check_cancelled()
        self._progress.stage(name, total)

    def advance(self, count: int = 1) -> None:
        self._check_cancelled()
        self._progress.advance(count)

    def message(self, text: str) -> None:
        self._progress.message(text)

    def picture(self, path: Path) -> None:
        self._progress.picture(path)

    def _check_cancelled(self) -> None:
        if self._file.exists():
            self._stopped = True
            self._file.unlink(missing_ok=True)  # else the next task here would stop as well
        if self._stopped:
            raise KeyboardInterrupt


def open_reporter(mode: str, log: bool = False) -> Reporter:
    """The display for one of PROGRESS_MODES: ``bar`` and plain lines go to stderr, ``jsonl`` and ``openjd`` to stdout.

    log: the task's log goes to stderr, where it takes the place of a bar.
    """
    if log:
        return Logged(JsonLines() if mode == "jsonl" else Silent(), sys.stderr)
    if mode == "jsonl":
        return JsonLines()
    if mode == "quiet":
        return Silent()
    if mode == "openjd":
        return OpenJobLines()
    console = Console(stderr=True)
    return Bars(console) if console.is_terminal else Lines(sys.stderr)
