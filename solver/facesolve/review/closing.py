"""The last words of a solve: whether it can be believed, where it is worst, and what to do next. Knows no terminal."""

from __future__ import annotations

import numpy as np

from facesolve.take import Solution
from facesolve.take.summary import error_of_frames, usual_error_of_frames

WORST = 3  # frames that are named
WORSE = 1.1  # times the usual error, from which a frame is worth a word


def closing_lines(solution: Solution, report: str) -> list[str]:
    """Three lines: verdict, worst frames, next step. report: how to look at it where nothing else is to be done."""
    verdict = solution.verdict
    first = "solved" if verdict is None else f"verdict: {verdict.text}"
    return [first, f"worst frames: {_worst_frames(solution)}", f"next: {_next_step(solution, report)}"]


def _worst_frames(solution: Solution) -> str:
    lost = () if solution.verdict is None else solution.verdict.frames
    ratio = np.nan_to_num(error_of_frames(solution) / usual_error_of_frames(solution), nan=np.inf)
    order = [row for row in np.argsort(-ratio, kind="stable") if ratio[row] > WORSE or solution.frames[row] in lost]
    if not order:
        return "none stands out."
    named = []
    for row in order[:WORST]:
        times = "shows no face" if np.isinf(ratio[row]) else f"{ratio[row]:.1f} times the usual error"
        named.append(f"{solution.frames[row]} ({times})")
    more = f" and {len(order) - WORST} more" if len(order) > WORST else ""
    return ", ".join(named) + more + "."


def _next_step(solution: Solution, report: str) -> str:
    if solution.verdict is not None and solution.verdict.next_step:
        return solution.verdict.next_step
    return report
