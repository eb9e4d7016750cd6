"""``facesolve personalize`` under way: brings a rig to the actor in a take. Knows neither maya nor Qt."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional, Sequence

from facesolve.take.actor import read_actor
from facesolve.take.errors import ERROR_LEAD, TakeError
from facesolve.take.events import Error, Event, read_event
from facesolve.take.processes import ChildProcess

from .environment import child_environment, module_root
from .interpreter import Interpreter


@dataclass(frozen=True)
class FoundActor:
    """A profile that was found. largest: how far it moves the surface at most, mm."""

    profile: Path
    largest: float


class PersonalizeTask:
    """It in a process of its own. ``poll`` never blocks; at the end ``found`` or ``error`` is set."""

    def __init__(
        self,
        take: Path,
        out: Path,
        interpreter: Interpreter,
        device: str = "auto",
        identity: str = "",
        neutral: Sequence[int] = (),
    ) -> None:
        """Starts it on a take folder. identity: file of modes, or none. neutral: take frame numbers.

        Raises ProcessError when it cannot start.
        """
        self.found: Optional[FoundActor] = None
        self.error = ""
        self._out = Path(out).absolute()
        folder = str(Path(take).absolute())
        command = [str(interpreter.path), "-m", "facesolve", "personalize", folder, folder, "--as-profile"]
        command += ["--out", str(self._out), "--overwrite", "--device", device, "--progress", "jsonl"]
        command += ["--identity", identity] if identity else []
        command += ["--neutral={}".format(",".join(map(str, neutral)))] if neutral else []
        self._process = ChildProcess(command, child_environment(os.environ), module_root())

    def poll(self) -> List[Event]:
        """Events since the last call."""
        events = [told[1] for told in map(read_event, self._process.poll()) if told is not None]
        failed = [event.text for event in events if isinstance(event, Error)]
        if failed:
            self.error = failed[-1]
        if self._process.exit_code is not None and self.found is None and not self.error:
            self._judge(self._process.exit_code)
        return events

    def kill(self) -> None:
        """Ends it now."""
        self._process.kill()

    def _judge(self, code: int) -> None:
        if code != 0:
            tail = [line for line in self._process.stderr_tail.splitlines() if line.strip()]
            self.error = tail[-1].rpartition(ERROR_LEAD)[2] if tail else "The solver gave no reason."
            return
        try:
            self.found = FoundActor(self._out, read_actor(self._out).largest)
        except TakeError as error:
            self.error = str(error)
