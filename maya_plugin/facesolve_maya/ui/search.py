"""Something that the solver looks for in the scene's footage, in a process of its own. Knows no Qt, no maya."""

from __future__ import annotations

from typing import Any, Generic, Optional, Tuple, TypeVar

from .bulletin import PROGRESS, STATE, Bulletin
from .runs import RunStatus

Found = TypeVar("Found")


class Search(Generic[Found]):
    """At most one at a time. ``found``: what it found, until that is used or turned down.

    question: said when something was found. topics: of the bulletin that a beginning and an end concern.
    """

    question = ""
    topics: Tuple[str, ...] = (STATE, PROGRESS)

    def __init__(self, bulletin: Bulletin, scene: Any) -> None:
        self._bulletin, self._scene = bulletin, scene
        self._task: Any = None
        self.found: Optional[Found] = None
        self.run: Optional[RunStatus] = None

    @property
    def busy(self) -> bool:
        """True while it runs."""
        return self._task is not None

    def tick(self) -> None:
        """Looks after it; never blocks."""
        task = self._task
        if task is None or self.run is None:
            return
        self.run.take(task.poll())
        self._bulletin.tell(PROGRESS)
        if task.found is not None or task.error:
            self._task, self.found = None, task.found
            self._bulletin.tell_user(task.error or self.question, error=bool(task.error))
            self._bulletin.tell(*self.topics)

    def close(self) -> None:
        """Ends it, and forgets what was found."""
        self.found = None
        if self._task is not None:
            self._task.kill()
            self._task = None

    def _begun(self, task: Any, notice: str) -> None:
        self._task, self.found, self.run = task, None, RunStatus.begin()
        self._bulletin.tell_user(notice)
        self._bulletin.tell(*self.topics)
