"""One run of a task in stages: each is announced, takes up what an earlier run saved, counts and saves its work.

Knows nothing about what the task does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from .checkpoint import Checkpoint
from .progress import Progress


@dataclass(frozen=True, eq=False)
class Run:
    """progress hears of the stages; checkpoint keeps what they save."""

    progress: Progress
    checkpoint: Checkpoint

    def stage(self, name: str, title: str, count: int) -> Stage:
        """The next stage begins. name: what it is saved as; title: for people; count: steps it will take."""
        self.progress.stage(title, count)
        return Stage(self, name)


@dataclass(frozen=True, eq=False)
class Stage:
    """A stage of a run that is at work."""

    run: Run
    name: str

    @property
    def saved(self) -> dict[str, np.ndarray] | None:
        """What this stage saved last, in this run or the one that it resumes."""
        return self.run.checkpoint.get(self.name)

    def save(self, arrays: Callable[[], Mapping[str, np.ndarray]], now: bool = False) -> None:
        """Saves the stage's work: at once with ``now``, else only if the last saving was some seconds ago."""
        self.run.checkpoint.put(self.name, arrays, now)

    def advance(self, count: int = 1) -> None:
        """``count`` more steps are done."""
        self.run.progress.advance(count)
