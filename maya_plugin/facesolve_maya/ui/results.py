"""What was solved for the scene, which of it is shown, and what is to be said about it. Knows neither Qt nor maya."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional, Sequence, Tuple

import numpy as np

from facesolve.take import Solution, read_solution
from facesolve.take.errors import FacesolveError
from facesolve.take.expected_error import expected_errors
from facesolve.take.solved import find_take
from facesolve.take.summary import ResultSummary, summarize
from facesolve.take.verdict import Verdict

from .bulletin import RESULT, STATE, Bulletin
from .model import ControlRow
from .ranges import with_range
from .solve_folders import SolveRow, interrupted_solve, last_solution, solve_rows

Span = Optional[Tuple[int, int]]


class Results:
    """The solutions of one scene. ``folder`` is the one that Apply keys, ``other`` the one it is compared with."""

    def __init__(self, bulletin: Bulletin, scene: Any) -> None:
        self._bulletin, self._scene = bulletin, scene
        self.rows: Tuple[SolveRow, ...] = ()
        self.stopped: Optional[Path] = None  # of a solve that can be resumed
        self.folder: Optional[Path] = None
        self.other: Optional[Path] = None
        self.span: Span = None  # of ``folder``: the frames that it solves again, None for a whole take
        self.shown: Optional[Solution] = None  # what ``summary`` tells of: a whole take with its ranges
        self.summary: Optional[ResultSummary] = None
        self.asking = False  # whether a solution that is in doubt is to be keyed all the same

    @property
    def verdict(self) -> Optional[Verdict]:
        """What the solve itself says of the solution in ``folder``, None where it says nothing."""
        return None if self.shown is None else self.shown.verdict

    def look_for_rows(self, root: Path) -> None:
        """Reads which solves lie below ``root``."""
        self.rows, self.stopped = solve_rows(root), interrupted_solve(root)
        self._bulletin.tell(RESULT)

    def open(
        self, folder: Path, controls: Sequence[ControlRow], seconds: Optional[float] = None, span: Span = None
    ) -> bool:
        """Shows the solution in ``folder``; returns False and leaves a notice when it cannot be read.

        ``span``: the frames that it solves again, so that it is shown within what was shown before.
        """
        try:
            found = read_solution(folder)
        except FacesolveError as error:
            return self._bulletin.refuse(str(error))
        self.folder, self.span, self.asking = Path(folder), span, False
        if span is not None and self.shown is not None:
            found = with_range(self.shown, found)
        self._show(found, controls, seconds)
        return True

    def open_last(self, root: Path, controls: Sequence[ControlRow]) -> bool:
        """Shows the last solution below ``root``, with the ranges that were solved again and applied since."""
        self.look_for_rows(root)
        if not self.open(last_solution(root), controls):
            return False
        for folder in self._scene.applied_ranges(self.folder):
            try:
                part = read_solution(folder)
                self._show(part if self.shown is None else with_range(self.shown, part), controls, None)
            except FacesolveError as error:
                return self._bulletin.refuse(str(error))
        return True

    def compare_with(self, folder: Optional[Path]) -> None:
        """Takes another solve of the same scene to switch to and fro with; None for none."""
        self.other = folder
        self._bulletin.tell(RESULT)

    def forget(self) -> None:
        """Shows nothing: the scene is another, or is being solved."""
        self.summary, self.folder, self.other, self.span, self.shown = None, None, None, None, None
        self.asking = False

    def _show(self, solution: Solution, controls: Sequence[ControlRow], seconds: Optional[float]) -> None:
        ranges = {control.name: control.maximum - control.minimum for control in controls}
        self.shown, self.summary = solution, summarize(solution, ranges, seconds, self._expected(solution))
        self._bulletin.tell(RESULT, STATE)

    def _expected(self, solution: Solution) -> Optional[np.ndarray]:
        """(F,) millimeters, None where the take is not there any more."""
        assert self.folder is not None
        try:
            return expected_errors(solution, find_take(solution, self.folder).rig)
        except FacesolveError:  # the strip then shows errors without a unit
            return None
