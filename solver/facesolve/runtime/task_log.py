"""The log of a task: its stages and messages as lines with the time since it began. Knows nothing about the task."""

from __future__ import annotations

import time
from collections.abc import Callable


class TaskLog:
    """Gives each line to ``put``: ``    12.34 s  stage: track (40)``."""

    def __init__(self, put: Callable[[str], None]) -> None:
        self._put = put
        self._begun = time.monotonic()

    def stage(self, name: str, total: int) -> None:
        """A stage of ``total`` steps begins."""
        self.message(f"stage: {name} ({total})")

    def message(self, text: str) -> None:
        """Something was said."""
        self._put(f"{time.monotonic() - self._begun:9.2f} s  {text}")
