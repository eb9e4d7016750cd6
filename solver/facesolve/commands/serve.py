"""``facesolve serve``."""

from __future__ import annotations

import sys
from pathlib import Path

from .output import EXIT_OK, Output


def serve(
    solution: Path,
    /,
    *,
    device: str = "auto",
    output: Output = Output(progress="jsonl"),  # noqa: B008  # frozen
) -> int:
    """Keep a solution ready for a program, over pipes.

    Meant for programs: Maya's panel starts it. Draws small pictures of all frames into SOLUTION/pictures, those near
    the frame that was asked for first, and prints an event for each. A solve that kept its state (--keep-state) is
    solved again around edits within seconds. Reads one request a line from stdin and ends when stdin is closed.
    docs/reference/events.md lists the requests.

    Examples:
        facesolve serve my_solution
    """
    with output.reporting() as progress:
        from facesolve.jobs.serve_solution import serve_solution

        serve_solution(solution, sys.stdin, progress, device)
        progress.done(solution)
    return EXIT_OK
