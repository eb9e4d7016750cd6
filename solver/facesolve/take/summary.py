"""What a solution tells an animator: where the error is, which curves are unsure. Knows no window and no page."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import List, Mapping, Optional, Tuple

import numpy as np

from .provenance import read_provenance
from .retime import timeline
from .solution import Solution
from .uncertainty import UncertainControl

SUSPICIOUS = 2.5  # robust standard deviations above the median: worth a look
BAD = 5.0
UNCERTAIN_SHOWN = 8
_MAD_TO_STD = 1.4826
_FEWEST_OF_A_KIND = 3  # frames, below which a kind of frame has no median of its own


@dataclass(frozen=True)
class FrameError:
    """One frame: scene time, error (None where no camera saw it), its level 0 fine, 1 suspicious, 2 bad, and the camera
    with the largest error. expected: distance of the face from the truth, millimeters, None when unknown."""

    time: float
    error: Optional[float]
    level: int
    camera: str = ""
    expected: Optional[float] = None


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
    solution: Solution,
    ranges: Optional[Mapping[str, float]] = None,
    seconds: Optional[float] = None,
    expected: Optional[np.ndarray] = None,
) -> ResultSummary:
    """The summary of ``solution``, its frames in order of scene time, as often as they are shown.

    ranges: length of each control's range; 1 where it is not given.

    expected: (F,) of ``expected_error.expected_errors``, where the rig is there to tell. Frames in which the verdict
    sees something else than the face are bad.
    """
    uncertain = solution.uncertain_controls(ranges)[:UNCERTAIN_SHOWN]
    frames = frame_errors(solution)
    if expected is not None:
        frames = [replace(frame, expected=float(error)) for frame, error in zip(frames, expected)]
    if solution.verdict is not None:
        strange = np.isin(solution.frames, solution.verdict.frames)
        frames = [replace(frame, level=2) if odd else frame for frame, odd in zip(frames, strange)]
    shown = tuple(replace(frames[row], time=float(time)) for time, row in zip(*timeline(solution)))
    return ResultSummary(shown, tuple(uncertain), seconds)


def keyframe_mask(solution: Solution) -> np.ndarray:
    """(F,) bool: the frames whose colors the solve agreed on, as its provenance tells; none where it does not."""
    return np.isin(solution.frames, read_provenance(solution.provenance).keyframes)


def error_of_frames(solution: Solution) -> np.ndarray:
    """(F,) root mean square of the residual over the cameras that saw the frame, NaN where none did."""
    return _root_mean_square(solution.residual)


def usual_errors(solution: Solution) -> np.ndarray:
    """(F, C) each camera's usual error at a frame of its kind: its median over the keyframes, or over the others.

    Keyframes are compared with colors that they themselves agreed on, so theirs is smaller without being better.
    NaN for a camera that saw nothing.
    """
    keyframe = keyframe_mask(solution)
    usual = np.full(solution.residual.shape, np.nan)
    for camera, column in enumerate(solution.residual.T):
        for kind in (keyframe, ~keyframe):
            known = column[kind & np.isfinite(column)]
            if len(known) < _FEWEST_OF_A_KIND:
                known = column[np.isfinite(column)]
            if len(known):
                usual[kind, camera] = np.median(known)
    return usual


def usual_error_of_frames(solution: Solution) -> np.ndarray:
    """(F,) what ``error_of_frames`` would be, were each camera that saw the frame as far off as it usually is."""
    return _root_mean_square(np.where(np.isfinite(solution.residual), usual_errors(solution), np.nan))


def frame_errors(solution: Solution) -> List[FrameError]:
    """Each frame judged against the take's own usual error and spread, so that no absolute threshold is needed."""
    error, usual = error_of_frames(solution), usual_error_of_frames(solution)
    known = np.isfinite(error)
    excess = error[known] - usual[known]
    spread = _MAD_TO_STD * float(np.median(np.abs(excess))) if known.any() else 0.0
    spread = max(spread, 0.02 * float(np.median(usual[known])) if known.any() else 0.0, 1e-12)
    frames = []
    for index, time in enumerate(solution.scene_times):
        if not known[index]:
            frames.append(FrameError(float(time), None, 2))
            continue
        deviation = (error[index] - usual[index]) / spread
        level = 2 if deviation > BAD else 1 if deviation > SUSPICIOUS else 0
        worst = solution.camera_names[int(np.nanargmax(solution.residual[index]))]
        frames.append(FrameError(float(time), float(error[index]), level, worst))
    return frames


def _root_mean_square(values: np.ndarray) -> np.ndarray:
    """(F,) over the known values of each row, NaN where there is none."""
    known = np.isfinite(values)
    counts = known.sum(axis=1)
    squares = np.where(known, values, 0.0) ** 2
    return np.where(counts > 0, np.sqrt(squares.sum(axis=1) / np.maximum(counts, 1)), np.nan)
