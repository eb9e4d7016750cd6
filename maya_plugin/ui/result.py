"""What a solution tells an animator: where the error is, which curves are unsure. Knows neither Qt nor maya."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Dict, List, Mapping, Optional, Tuple

import numpy as np

from solver.take import Solution

SUSPICIOUS = 2.5  # robust standard deviations above the median: worth a look
BAD = 5.0
UNCERTAIN_SHOWN = 8
CONFUSED = 0.8
_MAD_TO_STD = 1.4826


@dataclass(frozen=True)
class FrameError:
    """One frame: scene time, error (None where no camera saw it), its level 0 fine, 1 suspicious, 2 bad, and the camera
    with the largest error."""

    time: float
    error: Optional[float]
    level: int
    camera: str = ""


@dataclass(frozen=True)
class UncertainControl:
    """A control and one standard deviation of it as a part of its range; ``time`` is where it is least certain.

    confused: another control that the footage could not tell from it, or empty.
    """

    name: str
    std: float
    time: float
    confused: str = ""
    correlation: float = 0.0


@dataclass(frozen=True)
class ResultSummary:
    """A solution in the form in which the panel shows it. seconds: how long the solve took, None when unknown."""

    frames: Tuple[FrameError, ...]
    uncertain: Tuple[UncertainControl, ...]
    seconds: Optional[float] = None

    @property
    def suspicious(self) -> Tuple[FrameError, ...]:
        """Frames of level 1 and 2, worst first; unseen frames come before all."""
        marked = [frame for frame in self.frames if frame.level]
        return tuple(sorted(marked, key=lambda frame: -(math.inf if frame.error is None else frame.error)))


def summarize(
    solution: Solution, ranges: Optional[Mapping[str, float]] = None, seconds: Optional[float] = None
) -> ResultSummary:
    """The summary of ``solution``. ``ranges``: length of each control's range; 1 where it is not given."""
    return ResultSummary(tuple(_frame_errors(solution)), tuple(_uncertain(solution, ranges or {})), seconds)


def _frame_errors(solution: Solution) -> List[FrameError]:
    """Each frame judged against the take's own median and spread, so that no absolute threshold is needed."""
    seen = np.isfinite(solution.residual)
    counts = seen.sum(axis=1)
    squares = np.where(seen, solution.residual, 0.0) ** 2
    error = np.sqrt(squares.sum(axis=1) / np.maximum(counts, 1))
    known = error[counts > 0]
    median = float(np.median(known)) if len(known) else 0.0
    spread = _MAD_TO_STD * float(np.median(np.abs(known - median))) if len(known) else 0.0
    spread = max(spread, 0.02 * median, 1e-12)
    frames = []
    for index, time in enumerate(solution.scene_times):
        if not counts[index]:
            frames.append(FrameError(float(time), None, 2))
            continue
        deviation = (error[index] - median) / spread
        level = 2 if deviation > BAD else 1 if deviation > SUSPICIOUS else 0
        worst = solution.camera_names[int(np.nanargmax(solution.residual[index]))]
        frames.append(FrameError(float(time), float(error[index]), level, worst))
    return frames


def _uncertain(solution: Solution, ranges: Mapping[str, float]) -> List[UncertainControl]:
    """The least certain controls, by the median over the frames, largest first."""
    partners = _confused_partners(solution)
    rows = []
    for index, name in enumerate(solution.control_names):
        std = solution.control_std[:, index] / (ranges.get(name) or 1.0)
        finite = np.isfinite(std)
        if not finite.any():
            continue
        time = solution.scene_times[int(np.argmax(np.where(finite, std, -1.0)))]
        partner, correlation = partners.get(name, ("", 0.0))
        rows.append(UncertainControl(name, float(np.median(std[finite])), float(time), partner, correlation))
    rows.sort(key=lambda row: -row.std)
    return rows[:UNCERTAIN_SHOWN]


def _confused_partners(solution: Solution) -> Dict[str, Tuple[str, float]]:
    """For each control the one it is most confused with, where the correlation is strong."""
    partners: Dict[str, Tuple[str, float]] = {}
    for pair in sorted(solution.confused, key=lambda pair: abs(pair.correlation)):
        if abs(pair.correlation) >= CONFUSED:
            partners[pair.first] = (pair.second, pair.correlation)
            partners[pair.second] = (pair.first, pair.correlation)
    return partners
