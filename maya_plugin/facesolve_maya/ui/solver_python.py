"""The Python that solves: the user's preferences for it, and what a test of it said. Knows neither Qt nor maya."""

from __future__ import annotations

from typing import Any, Optional

from facesolve.take.errors import FacesolveError
from facesolve_maya.run import DoctorTask, EnvironmentReport, Interpreter, find_interpreter

from .bulletin import ENVIRONMENT, Bulletin
from .preferences import Preferences, read_preferences, write_preferences


class SolverPython:
    """``report``: of the last test, None before it and after a change of Python."""

    def __init__(self, bulletin: Bulletin, scene: Any) -> None:
        self._bulletin, self._scene = bulletin, scene
        self.preferences = read_preferences(scene)
        self.report: Optional[EnvironmentReport] = None
        self._task: Optional[DoctorTask] = None

    @property
    def busy(self) -> bool:
        """True while it is tested."""
        return self._task is not None

    def set_preferences(self, preferences: Preferences) -> None:
        """Stores the user's preferences; a change of Python makes the last test void."""
        if preferences.python != self.preferences.python:
            self.report = None
        self.preferences = preferences
        write_preferences(self._scene, preferences)
        self._bulletin.tell(ENVIRONMENT)

    def interpreter(self) -> Interpreter:
        """The Python for the solver. Raises InterpreterError when there is none."""
        return find_interpreter(self.preferences.python)

    def test(self) -> None:
        """Starts the test; ``report`` is set when it is over."""
        if self._task is not None:
            return
        try:
            self._task = DoctorTask(self.interpreter())
            self.report = None
        except FacesolveError as error:
            self.report = EnvironmentReport(None, False, str(error))
        self._bulletin.tell(ENVIRONMENT)

    def tick(self) -> None:
        """Looks after the test; never blocks."""
        if self._task is not None:
            self._task.poll()
            if self._task.report is not None:
                self.report, self._task = self._task.report, None
                self._bulletin.tell(ENVIRONMENT)

    def close(self) -> None:
        """Ends the test."""
        if self._task is not None:
            self._task.kill()
            self._task = None
