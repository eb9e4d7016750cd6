"""Progress in the words of Open Job Description, which farms read from a task's stdout: how far, what, and why not.

https://github.com/OpenJobDescription/openjd-specifications/wiki/How-Jobs-Are-Run. Knows no farm.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import TracebackType
from typing import TextIO

from facesolve.take.events import Event, Message

from .interrupts import end_with_parent

# per cent of a solve with its report that is over when the stage begins and ends; of other stages only the words count
SHARES = {
    "align the start pose": (0.0, 5.0),
    "track": (5.0, 40.0),
    "bundle the keyframes": (40.0, 50.0),
    "refine": (50.0, 80.0),
    "join all frames": (80.0, 82.0),
    "bake the texture": (82.0, 85.0),
    "render wireframe, footage": (85.0, 98.0),
    "write the page": (98.0, 100.0),
}
STEP = 1.0  # per cent; smaller steps are not worth a line


class OpenJobLines:
    """A line for each per cent, stage and message, and one for the failure."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stdout if stream is None else stream
        self._span: tuple[float, float] | None = None
        self._total, self._done, self._said = 1, 0, -STEP

    def stage(self, name: str, total: int) -> None:
        self._span, self._total, self._done = SHARES.get(name), max(total, 1), 0
        self._say("status", name)
        self._progress()

    def advance(self, count: int = 1) -> None:
        self._done += count
        self._progress()

    def message(self, text: str) -> None:
        self._say("status", text)

    def picture(self, path: Path) -> None:
        """Farms show none."""

    def heard(self, task: str, event: Event) -> None:
        if isinstance(event, Message):
            self._say("status", f"{task}: {event.text}")

    def done(self, folder: Path) -> None:
        self._say("progress", "100.0")

    def error(self, text: str) -> None:
        self._say("fail", text)

    def __enter__(self) -> OpenJobLines:
        end_with_parent()  # a task without its farm's session is nobody's
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def _progress(self) -> None:
        if self._span is None:
            return
        start, end = self._span
        percent = start + (end - start) * min(self._done / self._total, 1.0)
        if percent >= self._said + STEP:
            self._said = percent
            self._say("progress", f"{percent:.1f}")

    def _say(self, kind: str, text: str) -> None:
        self._stream.write(f"openjd_{kind}: {' '.join(text.split())}\n")
        self._stream.flush()
