"""A solve under way in another Python: its events, its cancel, its outcome. Knows neither maya nor Qt."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional

from facesolve.take.errors import SolveError
from facesolve.take.events import Done, Error, Event, read_event
from facesolve.take.names import CANCEL, TAKE
from facesolve.take.processes import ChildProcess, Patience
from facesolve.take.verdict import EXIT_DOES_NOT_FIT

from .environment import child_environment, module_root
from .interpreter import Interpreter
from .request import SolveRequest

DONE, CANCELLED, FAILED = "done", "cancelled", "failed"
ERROR_LINES = 6
TRACEBACK = "Traceback (most recent call last)"


@dataclass(frozen=True)
class Outcome:
    """How a solve ended: one of DONE, CANCELLED, FAILED; ``text`` says why; ``details`` is the log's end."""

    status: str
    out: Path
    text: str = ""
    details: str = ""


class SolveTask:
    """One solve in a process of its own. Call ``poll`` often; it never blocks."""

    def __init__(self, request: SolveRequest, interpreter: Interpreter, patience: Optional[Patience] = None) -> None:
        """Starts the solve. Raises SolveError or ProcessError when it cannot start; nothing runs then."""
        self.request = request
        self.outcome: Optional[Outcome] = None
        self._last: Optional[Event] = None
        _prepare(request)
        self.process = ChildProcess(
            request.command(interpreter),
            child_environment(os.environ),
            module_root(),
            ask_to_stop=lambda: (request.out / CANCEL).write_bytes(b""),
            patience=patience,
        )

    @property
    def cancelling(self) -> bool:
        """True from the request to cancel until the outcome is known."""
        return self.outcome is None and self.process.stop_requested

    def poll(self) -> List[Event]:
        """Events since the last call; sets ``outcome`` when the solve has ended and nothing of it is left."""
        events = [told[1] for told in map(read_event, self.process.poll()) if told is not None]
        for event in events:
            if isinstance(event, (Done, Error)):
                self._last = event
        if self.outcome is None and self.process.exit_code is not None:
            self.outcome = self._judge()
            _forget_cancel(self.request.out)
        return events

    def cancel(self) -> None:
        """Asks the solve to stop; ``poll`` insists, in the end by killing it."""
        self.process.request_stop()

    def kill(self) -> None:
        """Ends the solve now."""
        self.process.request_stop()
        self.process.kill()
        self.poll()

    def _judge(self) -> Outcome:
        out, code, tail = self.request.out, self.process.exit_code, self.process.stderr_tail
        if code in (0, EXIT_DOES_NOT_FIT) and isinstance(self._last, Done):
            return Outcome(DONE, out, details=tail)
        if self.process.stop_requested:
            return Outcome(CANCELLED, out, "The solve was cancelled.", tail)
        if isinstance(self._last, Error):
            return Outcome(FAILED, out, self._last.text, tail)
        if code == 0:
            return Outcome(FAILED, out, "The solver ended without reporting that it was done.", tail)
        if code is not None and code < 0:
            ended = "The solver was ended by the system (signal {}), as when memory runs out.".format(-code)
            return Outcome(FAILED, out, ended, tail)
        said = last_words(tail)
        text = "The solver stopped with exit code {}{}".format(code, ":\n" + "\n".join(said) if said else ".")
        return Outcome(FAILED, out, text, tail)


def last_words(log: str) -> List[str]:
    """The last lines of a log; of a traceback the error alone, for the rest is no word to a user."""
    lines = [line for line in log.splitlines() if line.strip()]
    return lines[-1:] if any(line.startswith(TRACEBACK) for line in lines) else lines[-ERROR_LINES:]


def start_solve(request: SolveRequest, interpreter: Interpreter) -> SolveTask:
    """Starts ``request`` in ``interpreter``; raises SolveError or ProcessError when it cannot start."""
    return SolveTask(request, interpreter)


def _prepare(request: SolveRequest) -> None:
    if not (request.take / TAKE).is_file():
        raise SolveError("there is no take.json in '{}'; export the take first.".format(request.take))
    try:
        request.out.mkdir(parents=True, exist_ok=True)
        _forget_cancel(request.out)
    except OSError as error:
        raise SolveError("the folder '{}' cannot be written ({}).".format(request.out, error.strerror)) from None


def _forget_cancel(folder: Path) -> None:
    """Removes an old request to stop, which would stop the next solve as well."""
    try:
        (folder / CANCEL).unlink()
    except FileNotFoundError:
        return
