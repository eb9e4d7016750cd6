"""A solve that is waited for, for mayapy and scripts. Knows neither maya nor Qt."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Callable, Optional

from facesolve.take.errors import SolveError
from facesolve.take.events import Event

from .errors import SolveCancelled
from .interpreter import Interpreter
from .request import SolveRequest
from .task import CANCELLED, DONE, start_solve

POLL_SECONDS = 0.1


def solve(
    request: SolveRequest,
    interpreter: Interpreter,
    on_event: Optional[Callable[[Event], None]] = None,
) -> Path:
    """Solves and waits; returns the solution's folder.

    ``on_event`` sees each progress event. Ctrl-C, or anything raised by ``on_event``, cancels the solve and is raised
    again once nothing of it runs. Raises SolveError, SolveCancelled or ProcessError.
    """
    task = start_solve(request, interpreter)
    try:
        while task.outcome is None:
            for event in task.poll():
                if on_event is not None:
                    on_event(event)
            time.sleep(POLL_SECONDS)
    except BaseException:
        task.cancel()
        while task.outcome is None:
            task.poll()
            time.sleep(POLL_SECONDS)
        raise
    if task.outcome.status == DONE:
        return task.outcome.out
    if task.outcome.status == CANCELLED:
        raise SolveCancelled(task.outcome.text)
    raise SolveError(task.outcome.text)
