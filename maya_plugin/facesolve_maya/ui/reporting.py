"""The report of a solution: written where it is missing, then shown. Knows neither Qt nor maya."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Optional

from facesolve.take.errors import FacesolveError
from facesolve_maya.run import Interpreter, ReportTask, fresh_report

from .bulletin import Bulletin

OpenPage = Callable[[Path], None]


class Reporting:
    """At most one report is being written."""

    def __init__(self, bulletin: Bulletin, interpreter: Callable[[], Interpreter]) -> None:
        self._bulletin, self._interpreter = bulletin, interpreter
        self._task: Optional[ReportTask] = None
        self._open_page: OpenPage = lambda page: None

    @property
    def busy(self) -> bool:
        """True while one is being written."""
        return self._task is not None

    def show(self, solution: Optional[Path], open_page: OpenPage) -> bool:
        """Hands the report of ``solution`` to ``open_page``, after having it written where that is needed."""
        if solution is None:
            return self._bulletin.refuse("There is no solution yet; solve first.")
        page = fresh_report(solution)
        if page is not None:
            open_page(page)
            return True
        if self._task is None:
            try:
                self._task = ReportTask(solution, self._interpreter())
            except FacesolveError as error:
                return self._bulletin.refuse(str(error))
        self._open_page = open_page
        self._bulletin.tell_user("Writing the report…")
        return True

    def tick(self) -> None:
        """Looks after it; never blocks."""
        task = self._task
        if task is None:
            return
        task.poll()
        if task.page is None and not task.error:
            return
        self._task = None
        self._bulletin.tell_user(task.error, error=bool(task.error))
        if task.page is not None:
            self._open_page(task.page)

    def close(self) -> None:
        """Ends the writing."""
        if self._task is not None:
            self._task.kill()
            self._task = None
