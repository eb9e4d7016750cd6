"""What the applications of a solve, and of ranges of it, have put into a layer: values at each scene time.

Reads solutions only, no scene.
"""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Optional, Tuple

import numpy as np

from facesolve.take import Solution, read_solution
from facesolve.take.correctives import controls_key
from facesolve.take.errors import TakeError
from facesolve.take.retime import timeline

from .provenance import AppliedRange, Provenance
from .request import BLEND_FRAMES


class AppliedValues:
    """The values that the applications so far can have left at each scene time.

    A range replaces what was there, but near its ends it goes over into it: there both are kept.
    """

    def __init__(self, origin: Provenance) -> None:
        self._rows: Dict[float, List[Tuple[Dict[str, float], np.ndarray]]] = {}
        for applied in origin.all():
            solution = _as_applied(applied)
            times, rows = timeline(solution)
            inside = (times >= applied.first - 1e-6) & (times <= applied.last + 1e-6)
            times, rows = times[inside], rows[inside]
            for place, (time, row) in enumerate(zip(times, rows)):
                values = dict(zip(solution.control_names, solution.controls[row]))
                moment = _moment(time)
                blended = min(place, len(rows) - 1 - place) < BLEND_FRAMES
                before = self._rows.get(moment, []) if blended else []
                self._rows[moment] = [*before, (values, solution.head[row])]

    def latest(self, time: float) -> Optional[Tuple[Dict[str, float], np.ndarray]]:
        """Controls by name and head transform (4, 4) that were applied last at a scene time; None where none were."""
        found = self._rows.get(_moment(time))
        return found[-1] if found else None

    def controls(self, time: float, name: str) -> List[float]:
        """Values of a control."""
        return [values[name] for values, _ in self._rows.get(_moment(time), []) if name in values]

    def heads(self, time: float) -> List[np.ndarray]:
        """Head transforms (4, 4)."""
        return [head for _, head in self._rows.get(_moment(time), [])]


def _as_applied(applied: AppliedRange) -> Solution:
    """The solution that was applied; TakeError when its folder holds another, which every key would differ from."""
    solution = read_solution(Path(applied.solution_folder))
    if controls_key(solution) != applied.digest:
        raise TakeError(
            "edits: '{}' holds another solution than the one that was applied, so your edits cannot be "
            "distinguished from its keys. Apply the new solution first, or solve the whole take.".format(
                applied.solution_folder
            )
        )
    return solution


def _moment(time: float) -> float:
    return round(float(time), 3)
