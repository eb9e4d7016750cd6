"""Starts a solve as the panel wants it: in the solver's Python or inside Maya. Knows neither Qt nor maya."""

from __future__ import annotations

from pathlib import Path

from facesolve.take.errors import SolveError
from facesolve_maya.run import InProcessTask, SolveRequest, in_process_obstacle, start_solve

from .results import Span
from .solver_python import SolverPython
from .solving import Task


def check_solver(python: SolverPython) -> None:
    """Raises FacesolveError when nothing is there that could solve."""
    if not python.preferences.in_process:
        python.interpreter()
        return
    obstacle = in_process_obstacle()
    if obstacle:
        raise SolveError("{} Turn off 'solve inside Maya' to use the solver's own Python.".format(obstacle))


def solve_request(folder: Path, span: Span, device: str, resume: bool = False) -> SolveRequest:
    """A solve that is drawn at work; that of a whole take keeps what edits are answered from.

    A take that is not resumed was exported anew, so a solution that lies beside it is of no more use. Keys need no
    texture: it is baked when the report is asked for.
    """
    return SolveRequest(
        folder / "take",
        folder / "solution",
        device=device,
        resume=resume,
        overwrite=not resume,
        pictures=True,
        keep_state=span is None,
        texture=False,
    )


def start(request: SolveRequest, python: SolverPython) -> Task:
    """Starts the solve. Raises FacesolveError when it cannot start."""
    return InProcessTask(request) if python.preferences.in_process else start_solve(request, python.interpreter())
