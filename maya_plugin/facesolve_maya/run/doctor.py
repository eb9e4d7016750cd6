"""Asks a Python whether it can solve and what it lacks. Starts ``facesolve doctor``; knows neither maya nor Qt."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import List, Optional, Tuple

from facesolve.take.errors import TakeError
from facesolve.take.finding import ERROR, Finding, read_findings
from facesolve.take.processes import ChildProcess
from facesolve.take.reading import json_value

from .environment import child_environment, module_root
from .interpreter import Interpreter

TIMEOUT_SECONDS = 180.0  # the first import of torch from a network drive takes minutes


@dataclass(frozen=True)
class EnvironmentReport:
    """Whether ``interpreter`` can run a solve. ``text`` is one sentence; ``findings`` are the solver's own."""

    interpreter: Optional[Interpreter]
    ready: bool
    text: str
    findings: Tuple[Finding, ...] = ()


class DoctorTask:
    """``PYTHON -m facesolve doctor --json`` under way; ``poll`` never blocks, ``report`` is set at the end."""

    def __init__(self, interpreter: Interpreter, timeout: float = TIMEOUT_SECONDS) -> None:
        """Starts the test. Raises ProcessError when the Python cannot be started."""
        self.interpreter = interpreter
        self.report: Optional[EnvironmentReport] = None
        self._lines: List[str] = []
        self._timeout = timeout
        self._began = time.monotonic()
        command = [str(interpreter.path), "-m", "facesolve", "doctor", "--json"]
        self.process = ChildProcess(command, child_environment(os.environ), module_root())

    def poll(self) -> None:
        """Looks whether the answer is there; gives up after the timeout."""
        self._lines += self.process.poll()
        if self.report is not None:
            return
        if self.process.exit_code is not None:
            output = "\n".join(self._lines)
            self.report = read_report(self.interpreter, self.process.exit_code, output, self.process.stderr_tail)
        elif time.monotonic() - self._began > self._timeout:
            self.process.kill()
            text = "'{}' did not answer within {:.0f} s.".format(self.interpreter.path, self._timeout)
            self.report = EnvironmentReport(self.interpreter, False, text)

    def kill(self) -> None:
        """Ends the test now, without a report."""
        self.process.kill()


def examined(interpreter: Interpreter) -> EnvironmentReport:
    """The report, waited for. Raises ProcessError when the Python cannot be started."""
    task = DoctorTask(interpreter)
    try:
        while task.report is None:
            task.poll()
            time.sleep(0.05)
    finally:
        task.kill()
    return task.report


def read_report(interpreter: Interpreter, exit_code: int, output: str, errors: str) -> EnvironmentReport:
    """The report in the output of ``doctor --json``; where there is none, why this Python could not run it."""
    try:
        record = json_value(output)
    except ValueError:
        return EnvironmentReport(interpreter, False, _explain(interpreter, exit_code, errors))
    try:
        findings = read_findings(record)
    except TakeError as error:
        return EnvironmentReport(interpreter, False, "'{}' cannot be used: {}".format(interpreter.path, error))
    missing = [finding.subject for finding in findings if finding.severity == ERROR]
    if missing or exit_code != 0:
        names = ", ".join(missing) or "something (exit code {})".format(exit_code)
        return EnvironmentReport(interpreter, False, "'{}' lacks {}.".format(interpreter.path, names), findings)
    return EnvironmentReport(interpreter, True, "Ready: '{}'.".format(interpreter.path), findings)


def _explain(interpreter: Interpreter, exit_code: int, errors: str) -> str:
    last = next((line for line in reversed(errors.splitlines()) if line.strip()), "")
    install = '"{}" -m pip install "{}[video]"'.format(interpreter.path, module_root())
    if "ModuleNotFoundError" in last or "No module named" in last:
        return "'{}' lacks a package the solver needs ({}). Install it with: {}".format(
            interpreter.path, last.split(":", 1)[-1].strip(), install
        )
    if "SyntaxError" in errors or "Python 3." in last:
        return "'{}' is too old; the solver needs Python 3.10 or later ({}).".format(interpreter.path, last)
    return "'{}' failed its self-test (exit code {}{}).".format(
        interpreter.path, exit_code, ": " + last if last else ""
    )
