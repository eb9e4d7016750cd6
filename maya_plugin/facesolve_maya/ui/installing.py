"""The installation of the solver's own Python from the panel. Knows neither Qt nor maya."""

from __future__ import annotations

from typing import Callable, List, Optional

from facesolve.take.errors import FacesolveError
from facesolve_maya.run import InstallTask, start_installation

from .bulletin import ENVIRONMENT, Bulletin


class Installing:
    """At most one installation. ``log``: what the last one said, for who has to find out why it failed."""

    def __init__(self, bulletin: Bulletin, on_done: Callable[[], None]) -> None:
        self._bulletin, self._on_done = bulletin, on_done
        self._task: Optional[InstallTask] = None
        self.log: List[str] = []

    @property
    def busy(self) -> bool:
        """True while something is installed."""
        return self._task is not None

    @property
    def words(self) -> str:
        """What is being done."""
        return "" if self._task is None else self._task.words

    def begin(self) -> bool:
        """Starts; returns False and leaves a notice when that is not possible."""
        if self._task is not None:
            return False
        try:
            self._task = start_installation()
        except FacesolveError as error:
            return self._bulletin.refuse(str(error))
        self._bulletin.tell_user("Installing the solver. You can use Maya meanwhile.")
        self._bulletin.tell(ENVIRONMENT)
        return True

    def tick(self) -> None:
        """Looks after it; never blocks."""
        task = self._task
        if task is None:
            return
        before = task.words
        try:
            task.poll()
        except FacesolveError as error:  # the next step cannot start
            task.error = str(error)
        self.log = task.log
        if task.done or task.error:
            self._task = None
            text = "The solver is installed." if task.done else "{} Press Details for the rest.".format(task.error)
            self._bulletin.tell_user(text, error=not task.done)
            if task.done:
                self._on_done()
        if self._task is None or task.words != before:
            self._bulletin.tell(ENVIRONMENT)

    def close(self) -> None:
        """Ends it."""
        if self._task is not None:
            self._task.kill()
            self._task = None
