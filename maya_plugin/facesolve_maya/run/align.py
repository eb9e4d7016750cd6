"""``facesolve align`` under way: looks for the head in a take. Knows neither maya nor Qt."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import numpy as np

from facesolve.take.errors import ERROR_LEAD, SolveError, TakeError
from facesolve.take.events import Error, Event, Message, read_event
from facesolve.take.processes import ChildProcess
from facesolve.take.reading import read_json

from .environment import child_environment, module_root
from .interpreter import Interpreter

START, PICTURE = "start.json", "start.png"


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


class AlignTask:
    """A search in a process of its own. ``poll`` never blocks; at the end ``found`` or ``error`` is set."""

    def __init__(self, take: Path, frame: int, interpreter: Interpreter, device: str = "auto") -> None:
        """Starts the search at take frame number ``frame``. Raises ProcessError when it cannot start."""
        self.found: Optional[FoundHead] = None
        self.error = ""
        self._folder = Path(take).absolute().parent
        self._words: List[str] = []
        command = [str(interpreter.path), "-m", "facesolve", "align", str(Path(take).absolute())]
        command += ["--frame={}".format(frame), "--device", device, "--progress", "jsonl", "--overwrite"]
        command += ["--out", str(self._folder / START), "--picture", str(self._folder / PICTURE)]
        self._process = ChildProcess(command, child_environment(os.environ), module_root())

    def poll(self) -> List[Event]:
        """Events since the last call."""
        events = [told[1] for told in map(read_event, self._process.poll()) if told is not None]
        self._words += [event.text for event in events if isinstance(event, Message)]
        failed = [event.text for event in events if isinstance(event, Error)]
        if failed:
            self.error = failed[-1]
        if self._process.exit_code is not None and self.found is None and not self.error:
            self._judge(self._process.exit_code)
        return events

    def kill(self) -> None:
        """Ends the search now."""
        self._process.kill()

    def _judge(self, code: int) -> None:
        if code != 0:
            tail = [line for line in self._process.stderr_tail.splitlines() if line.strip()]
            self.error = tail[-1].rpartition(ERROR_LEAD)[2] if tail else "The search for the head gave no reason."
            return
        try:
            self.found = _read(self._folder, tuple(self._words))
        except (TakeError, SolveError) as error:
            self.error = str(error)


def _read(folder: Path, words: Tuple[str, ...]) -> FoundHead:
    record: Dict[str, Any] = read_json(folder / START, "start pose")
    try:
        controls = {str(name): float(value) for name, value in record["weights"].items()}
        head = np.array(record["head"], np.float64).reshape(4, 4)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise TakeError("start pose: '{}' is malformed ({}).".format(folder / START, error)) from None
    return FoundHead(controls, head, folder / PICTURE, words)
