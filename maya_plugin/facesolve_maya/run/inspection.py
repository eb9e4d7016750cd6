"""``facesolve inspect --deep`` under way: which mistake keeps the cameras from agreeing. Knows neither maya nor Qt."""

from __future__ import annotations

import os
from pathlib import Path
from typing import List, Optional, Tuple

from facesolve.take.errors import ERROR_LEAD, TakeError
from facesolve.take.finding import Finding, read_findings
from facesolve.take.processes import ChildProcess
from facesolve.take.reading import json_value

from .environment import child_environment, module_root
from .interpreter import Interpreter


class InspectTask:
    """A search in a process of its own. ``poll`` never blocks; at the end ``findings`` or ``error`` is set."""

    def __init__(self, take: Path, interpreter: Interpreter, device: str = "auto") -> None:
        """Starts it. Raises ProcessError when it cannot start."""
        self.findings: Optional[Tuple[Finding, ...]] = None
        self.error = ""
        self._lines: List[str] = []
        command = [str(interpreter.path), "-m", "facesolve", "inspect", str(Path(take).absolute())]
        command += ["--deep", "--json", "--device", device]
        self.process = ChildProcess(command, child_environment(os.environ), module_root())

    def poll(self) -> None:
        """Looks whether the answer is there."""
        self._lines += self.process.poll()
        if self.process.exit_code is None or self.findings is not None or self.error:
            return
        try:
            self.findings = read_findings(json_value("\n".join(self._lines)))
        except (TakeError, ValueError):
            tail = [line for line in self.process.stderr_tail.splitlines() if line.strip()]
            self.error = tail[-1].rpartition(ERROR_LEAD)[2] if tail else "The search for mistakes gave no answer."

    def kill(self) -> None:
        """Ends the search now."""
        self.process.kill()
