"""One solution of what a layer holds: a whole take, and ranges of it solved again. Knows neither Qt nor maya."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Tuple

import numpy as np

from facesolve.take import Solution
from facesolve.take.provenance import read_provenance
from facesolve.take.retime import timeline
from facesolve.take.solution import PER_FRAME

_SAME_TIME = 1e-3  # frames


def with_range(whole: Solution, part: Solution) -> Solution:
    """``whole`` with its frames replaced by those of ``part``, in order of frames; ``part`` alone if the rigs differ.

    Residuals (F, C) are of the cameras of both, NaN where a camera had no part in a solve. Of the pairs of confused
    controls the part's count where both have one.
    """
    if part.control_names != whole.control_names:
        return part
    cameras = tuple(dict.fromkeys((*whole.camera_names, *part.camera_names)))
    first, second = _of_cameras(whole, cameras), _of_cameras(_numbered_as(whole, part), cameras)
    kept = ~np.isin(first.frames, second.frames)
    if not kept.any():
        return second
    first = first.part(kept)
    joined: Dict[str, Any] = {name: np.concatenate([getattr(first, name), getattr(second, name)]) for name in PER_FRAME}
    order = np.argsort(joined["frames"], kind="stable")
    again = ~np.isin(first.repeat_times, timeline(second)[0])
    repeats: Dict[str, Any] = {
        name: np.concatenate([getattr(first, name)[again], getattr(second, name)])
        for name in ("repeat_times", "repeat_frames")
    }
    keyframes = sorted({*_keyframes(whole, first.frames), *_keyframes(part, second.frames)})
    pairs = {frozenset((pair.first, pair.second)): pair for pair in (*whole.confused, *part.confused)}
    return replace(
        second,
        confused=tuple(pairs.values()),
        provenance=dict(part.provenance, keyframes=keyframes),
        **{name: values[order] for name, values in joined.items()},
        **repeats,
    )


def _numbered_as(whole: Solution, part: Solution) -> Solution:
    """``part`` with the frame numbers that ``whole`` has at its scene times.

    Where a scene retimes its footage, a range that runs at normal speed may be numbered by scene frames, the whole by
    images.
    """
    times, rows = timeline(whole)
    apart = np.abs(times[None] - part.scene_times[:, None])
    numbers = np.where(apart.min(axis=1) < _SAME_TIME, whole.frames[rows[apart.argmin(axis=1)]], part.frames)
    if len(np.unique(numbers)) < len(numbers):
        return part
    renamed = dict(zip(part.frames.tolist(), numbers.tolist()))
    return replace(
        part, frames=numbers, repeat_frames=np.array([renamed[frame] for frame in part.repeat_frames.tolist()], int)
    )


def _keyframes(solution: Solution, frames: np.ndarray) -> List[int]:
    """Those of ``frames`` that the solve bundled; the errors of these are judged among themselves."""
    listed = read_provenance(solution.provenance).keyframes
    return [int(frame) for frame in frames if frame in listed]


def _of_cameras(solution: Solution, cameras: Tuple[str, ...]) -> Solution:
    """``solution`` with a residual column for each of ``cameras``."""
    residual = np.full((len(solution.frames), len(cameras)), np.nan)
    for column, name in enumerate(solution.camera_names):
        residual[:, cameras.index(name)] = solution.residual[:, column]
    return replace(solution, camera_names=cameras, residual=residual)
