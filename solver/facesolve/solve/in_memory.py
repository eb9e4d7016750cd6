"""A solve without files of its own: from a take to a solution in memory. What is written is a job's business."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from facesolve.footage.check_pixels import check_images
from facesolve.residuals.residual import Residual
from facesolve.runtime.checkpoint import NoCheckpoint
from facesolve.runtime.devices import choose_device
from facesolve.runtime.progress import Callback, Reporter, Silent, open_reporter
from facesolve.runtime.stage_clock import StageClock
from facesolve.take import Settings, Solution, SolveError, Take, read_take

from .pipeline import solve_take
from .provenance import origin
from .solution import make_solution


def solve_in_memory(
    take: Take | str | os.PathLike[str],
    device: str,
    settings: Settings | None,
    residuals: Sequence[Residual],
    progress: bool | str | Callable[[dict[str, Any]], None] | None,
) -> Solution:
    """See ``facesolve.solve``."""
    folder = None if isinstance(take, Take) else Path(take)
    given = take if isinstance(take, Take) else read_take(take)
    if settings is not None:
        given = replace(given, settings=settings)
    reporter = _reporter(progress)
    where = choose_device(device)
    check_images(given)
    with reporter:
        clock = StageClock(reporter)
        solved = solve_take(given, where, clock, NoCheckpoint(), residuals=residuals)
        clock.close()
    provenance = {**origin(given, folder, None, where), "seconds": clock.seconds}
    if residuals:
        provenance["residuals"] = [type(residual).__name__ for residual in residuals]
    if solved.found:
        provenance["start"] = list(solved.found)
    return make_solution(given, solved, provenance)


def _reporter(progress: bool | str | Callable[[dict[str, Any]], None] | None) -> Reporter:
    if progress is None or progress is False:
        return Silent()
    if progress is True or progress == "bar":
        return open_reporter("bar")
    if callable(progress):
        return Callback(progress)
    raise SolveError(f"progress: {progress!r} is neither None, True, 'bar' nor a function that takes events.")
