"""How far a solved surface is expected to be off, from the standard deviations of its controls. Knows no solve."""

from __future__ import annotations

import numpy as np

from .rig import Rig
from .rig_evaluation import RigEvaluator, control_columns
from .solution import Solution

FACE = 0.1  # of the largest motion: vertices that no control moves so far are no face
TOGETHER = 8  # controls whose surfaces are in memory at a time
MILLIMETERS = 10.0  # in a centimeter


def expected_errors(solution: Solution, rig: Rig) -> np.ndarray:
    """(F,) root mean square over the face of the expected distance from the truth in the head's own axes, millimeters.

    Controls count as independent: where the footage cannot tell two of them apart, the surface is surer than this says.
    Raises TakeError when the solution is of another rig.
    """
    reach = _reach(rig)
    std = control_columns(solution.control_std, solution.control_names, rig, "solution")
    return MILLIMETERS * np.sqrt((np.nan_to_num(std) ** 2) @ reach**2)


def _reach(rig: Rig) -> np.ndarray:
    """(K,) root mean square over the face of how far a control moves it, centimeters by unit of the control."""
    evaluator, count = RigEvaluator(rig), len(rig.controls)
    moved = np.zeros((count, rig.vertex_count))
    for first in range(0, count, TOGETHER):
        rows = np.arange(first, min(first + TOGETHER, count))
        ends = np.tile(rig.default_controls, (2, len(rows), 1))
        ends[0, range(len(rows)), rows] = [rig.controls[row].minimum for row in rows]
        ends[1, range(len(rows)), rows] = [rig.controls[row].maximum for row in rows]
        low, high = (evaluator.vertices(end) for end in ends)
        moved[rows] = np.linalg.norm(high - low, axis=2)
    furthest = moved.max(axis=0) if count else np.zeros(rig.vertex_count)
    face = furthest > FACE * furthest.max()
    if not face.any():
        return np.zeros(count)
    spans = np.array([control.maximum - control.minimum for control in rig.controls])
    return np.sqrt((moved[:, face] ** 2).mean(axis=1)) / np.where(spans > 0, spans, 1.0)
