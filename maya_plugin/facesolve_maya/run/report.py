"""Has the solver write the report of a solution, a page for the browser. Knows neither maya nor Qt."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Optional

from facesolve.take import read_solution
from facesolve.take.errors import ERROR_LEAD, FacesolveError
from facesolve.take.names import REPORT, SOLUTION
from facesolve.take.processes import ChildProcess
from facesolve.take.solved import find_take_folder

from .environment import child_environment, module_root
from .interpreter import Interpreter


def fresh_report(solution: Path) -> Optional[Path]:
    """The report in the folder ``solution`` if it is there and no older than the solution, else None."""
    page, record = solution / REPORT, solution / SOLUTION
    if page.is_file() and record.is_file() and page.stat().st_mtime >= record.stat().st_mtime:
        return page
    return None


def without_texture(solution: Path) -> Optional[Path]:
    """The take of the solution in the folder ``solution`` if its texture was left out so far, else None."""
    try:
        found = read_solution(solution)
        return None if "texture" in found.provenance else find_take_folder(found, solution)
    except FacesolveError:  # the report says why
        return None


class ReportTask:
    """``solver report SOLUTION`` under way; ``poll`` never blocks. At the end ``page`` or ``error`` is set.

    A texture that the solve has left out is baked first; the page is written without it where that fails.
    """

    def __init__(self, solution: Path, interpreter: Interpreter) -> None:
        """Starts writing. Raises ProcessError when the Python cannot be started."""
        self.page: Optional[Path] = None
        self.error = ""
        self._wanted = Path(solution).absolute() / REPORT
        folder, take = str(self._wanted.parent), without_texture(self._wanted.parent)
        program = [str(interpreter.path), "-m", "facesolve"]
        self._todo = [[*program, "report", folder, "--out", str(self._wanted)]]
        if take is not None:
            self._todo.insert(0, [*program, "solve", str(take), "--out", folder, "--resume", "--no-report"])
        self._next()

    def _next(self) -> None:
        self.process = ChildProcess(self._todo.pop(0), child_environment(os.environ), module_root())

    def poll(self) -> None:
        """Looks whether the page is written."""
        self.process.poll()
        if self.page is not None or self.error or self.process.exit_code is None:
            return
        if self._todo:
            self._next()
        elif self.process.exit_code == 0 and self._wanted.is_file():
            self.page = self._wanted
        else:
            tail = [line for line in self.process.stderr_tail.splitlines() if line.strip()]
            reason = tail[-1].rpartition(ERROR_LEAD)[2] if tail else "the solver gave no reason."
            self.error = "The report could not be written: {}".format(reason)

    def kill(self) -> None:
        """Ends the writing now."""
        self.process.kill()
