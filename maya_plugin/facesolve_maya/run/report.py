"""Has the solver write the report of a solution, a page for the browser. Knows neither maya nor Qt."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Optional

from facesolve.take.errors import ERROR_LEAD
from facesolve.take.names import REPORT, SOLUTION
from facesolve.take.processes import ChildProcess

from .environment import child_environment, module_root
from .interpreter import Interpreter


def fresh_report(solution: Path) -> Optional[Path]:
    """The report in the folder ``solution`` if it is there and no older than the solution, else None."""
    page, record = solution / REPORT, solution / SOLUTION
    if page.is_file() and record.is_file() and page.stat().st_mtime >= record.stat().st_mtime:
        return page
    return None


class ReportTask:
    """``solver report SOLUTION`` under way; ``poll`` never blocks. At the end ``page`` or ``error`` is set."""

    def __init__(self, solution: Path, interpreter: Interpreter) -> None:
        """Starts writing. Raises ProcessError when the Python cannot be started."""
        self.page: Optional[Path] = None
        self.error = ""
        self._wanted = Path(solution).absolute() / REPORT
        command = [
            str(interpreter.path),
            "-m",
            "facesolve",
            "report",
            str(self._wanted.parent),
            "--out",
            str(self._wanted),
        ]
        self.process = ChildProcess(command, child_environment(os.environ), module_root())

    def poll(self) -> None:
        """Looks whether the page is written."""
        self.process.poll()
        if self.page is not None or self.error or self.process.exit_code is None:
            return
        if self.process.exit_code == 0 and self._wanted.is_file():
            self.page = self._wanted
        else:
            tail = [line for line in self.process.stderr_tail.splitlines() if line.strip()]
            reason = tail[-1].rpartition(ERROR_LEAD)[2] if tail else "the solver gave no reason."
            self.error = "The report could not be written: {}".format(reason)

    def kill(self) -> None:
        """Ends the writing now."""
        self.process.kill()
