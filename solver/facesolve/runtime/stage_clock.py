"""How long each stage of a task took, and a log of what it said. Knows nothing about what the task does."""

from __future__ import annotations

import time
from pathlib import Path

from .progress import Progress
from .task_log import TaskLog


class StageClock:
    """Passes progress on, and keeps how long each stage took and a log of what was said."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._stage, self._stage_begun = "", time.monotonic()
        self.seconds: dict[str, float] = {}
        self.lines: list[str] = []
        self._log = TaskLog(self.lines.append)

    def stage(self, name: str, total: int) -> None:
        self.close()
        self._stage, self._stage_begun = name, time.monotonic()
        self._log.stage(name, total)
        self._progress.stage(name, total)

    def advance(self, count: int = 1) -> None:
        self._progress.advance(count)

    def message(self, text: str) -> None:
        self._log.message(text)
        self._progress.message(text)

    def picture(self, path: Path) -> None:
        self._progress.picture(path)

    def close(self) -> None:
        """Ends the present stage."""
        if self._stage:
            self.seconds[self._stage] = round(time.monotonic() - self._stage_begun, 2)
            self._stage = ""
