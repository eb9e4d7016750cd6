"""``facesolve align`` under way: looks for the head in a take. Knows neither maya nor Qt."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

import numpy as np

from facesolve.take.errors import ERROR_LEAD, SolveError, TakeError
from facesolve.take.events import Error, Event, Message, read_event
from facesolve.take.processes import ChildProcess
from facesolve.take.reading import read_json

from .environment import child_environment, module_root
from .interpreter import Interpreter

START, PICTURE = "start.json", "start.png"
POLL_SECONDS = 0.1


@dataclass(frozen=True, eq=False)
class FoundHead:
    """A start pose. controls: value by the control's name; head: (4, 4), world space, cm; picture: of it over the
    footage; words: what speaks for it."""

    controls: Dict[str, float]
    head: np.ndarray
    picture: Path
    words: Tuple[str, ...]

    @property
    def summary(self) -> str:
        """How sure it is, and what to beware of."""
        said = [word for index, word in enumerate(self.words) if index == 0 or word.startswith("warning: ")]
        return " ".join("{}{}.".format(word[:1].upper(), word[1:].rstrip(".")) for word in said)


class _Search:
    """``facesolve align`` in a process of its own. ``poll`` never blocks; at the end ``over`` is true."""

    def __init__(self, take: Path, interpreter: Interpreter, device: str, options: List[str]) -> None:
        """Starts it. Raises ProcessError when it cannot start."""
        self.error = ""
        self.words: Tuple[str, ...] = ()
        self.over = False
        command = [str(interpreter.path), "-m", "facesolve", "align", str(Path(take).absolute())]
        command += ["--device", device, "--progress", "jsonl", "--overwrite", *options]
        self.process = ChildProcess(command, child_environment(os.environ), module_root())

    def poll(self) -> List[Event]:
        """Events since the last call."""
        events = [told[1] for told in map(read_event, self.process.poll()) if told is not None]
        self.words += tuple(event.text for event in events if isinstance(event, Message))
        failed = [event.text for event in events if isinstance(event, Error)]
        if failed:
            self.error = failed[-1]
        code = self.process.exit_code
        if code is not None and not self.over:
            self.over = True
            if code != 0 and not self.error:
                tail = [line for line in self.process.stderr_tail.splitlines() if line.strip()]
                self.error = tail[-1].rpartition(ERROR_LEAD)[2] if tail else "The search for the head gave no reason."
        return events

    def kill(self) -> None:
        """Ends the search now."""
        self.process.kill()


class AlignTask:
    """A search that leaves the take as it is. ``poll`` never blocks; at the end ``found`` or ``error`` is set."""

    def __init__(self, take: Path, frame: int, interpreter: Interpreter, device: str = "auto") -> None:
        """Starts the search at take frame number ``frame``. Raises ProcessError when it cannot start."""
        self.found: Optional[FoundHead] = None
        self.error = ""
        self._folder = Path(take).absolute().parent
        options = ["--frame={}".format(frame), "--out", str(self._folder / START)]
        self._search = _Search(take, interpreter, device, [*options, "--picture", str(self._folder / PICTURE)])

    def poll(self) -> List[Event]:
        """Events since the last call."""
        events = self._search.poll()
        self.error = self.error or self._search.error
        if self._search.over and self.found is None and not self.error:
            try:
                self.found = _read(self._folder, self._search.words)
            except (TakeError, SolveError) as error:
                self.error = str(error)
        return events

    def kill(self) -> None:
        """Ends the search now."""
        self._search.kill()


def write_start(
    take: Path, interpreter: Interpreter, device: str = "auto", on_event: Optional[Callable[[Event], None]] = None
) -> Tuple[str, ...]:
    """Looks for the head and writes the start pose into the take; waits for it. Returns what speaks for it.

    Ctrl-C, or anything raised by ``on_event``, ends the search. Raises SolveError or ProcessError.
    """
    search = _Search(take, interpreter, device, ["--write"])
    try:
        while not search.over:
            for event in search.poll():
                if on_event is not None:
                    on_event(event)
            time.sleep(POLL_SECONDS)
    except BaseException:
        search.kill()
        raise
    if search.error:
        raise SolveError(search.error)
    return search.words


def _read(folder: Path, words: Tuple[str, ...]) -> FoundHead:
    record: Dict[str, Any] = read_json(folder / START, "start pose")
    try:
        controls = {str(name): float(value) for name, value in record["weights"].items()}
        head = np.array(record["head"], np.float64).reshape(4, 4)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise TakeError("start pose: '{}' is malformed ({}).".format(folder / START, error)) from None
    return FoundHead(controls, head, folder / PICTURE, words)
