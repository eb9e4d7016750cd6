"""``facesolve serve`` under way: keeps a solution ready, draws its frames. Knows neither maya nor Qt."""

from __future__ import annotations

import os
from pathlib import Path
from typing import List

from facesolve.take.events import Event, read_event
from facesolve.take.processes import ChildProcess
from facesolve.take.requests import Request, request_line

from .environment import child_environment, module_root
from .interpreter import Interpreter


class ServeTask:
    """A solution in a process of its own, which ends with this one. ``poll`` never blocks."""

    def __init__(self, solution: Path, interpreter: Interpreter, device: str = "auto") -> None:
        """Starts the process. Raises ProcessError when the Python cannot be started."""
        command = [
            str(interpreter.path),
            "-m",
            "facesolve",
            "serve",
            str(Path(solution).absolute()),
            "--device",
            device,
        ]
        self.process = ChildProcess(command, child_environment(os.environ), module_root(), talks=True)

    @property
    def ended(self) -> bool:
        """True once nothing of it runs."""
        return self.process.exit_code is not None

    def ask(self, request: Request) -> None:
        """Hands a request over; the answers come from ``poll``."""
        self.process.send(request_line(request))

    def poll(self) -> List[Event]:
        """Events since the last call."""
        return [told[1] for told in map(read_event, self.process.poll()) if told is not None]

    def kill(self) -> None:
        """Ends it now."""
        self.process.kill()
