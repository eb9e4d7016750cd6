"""One solution of what a layer holds: a whole take, and ranges of it solved again. Knows neither Qt nor maya."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Tuple

import numpy as np

from facesolve.take import Solution
from facesolve.take.provenance import read_provenance

_PER_FRAME = ("frames", "scene_times", "controls", "head", "control_std", "head_std", "residual")
_SAME_TIME = 1e-3  # frames


def with_range(whole: Solution, part: Solution) -> Solution:
    """``whole`` with its frames replaced by those of ``part``, in order of time; ``part`` alone if the rigs differ.

    Residuals (F, C) are of the cameras of both, NaN where a camera had no part in a solve. Of the pairs of confused
    controls the part's count where both have one.
    """
    if part.control_names != whole.control_names:
        return part
    cameras = tuple(dict.fromkeys((*whole.camera_names, *part.camera_names)))
    first, second = _of_cameras(whole, cameras), _of_cameras(part, cameras)
    kept = np.abs(first.scene_times[:, None] - second.scene_times[None]).min(axis=1) > _SAME_TIME
    joined: Dict[str, Any] = {
        name: np.concatenate([getattr(first, name)[kept], getattr(second, name)]) for name in _PER_FRAME
    }
    order = np.argsort(joined["scene_times"], kind="stable")
    keyframes = sorted({*_keyframes(first, first.frames[kept]), *_keyframes(second, second.frames)})
    pairs = {frozenset((pair.first, pair.second)): pair for pair in (*whole.confused, *part.confused)}
    return replace(
        second,
        confused=tuple(pairs.values()),
        provenance=dict(part.provenance, keyframes=keyframes),
        **{name: values[order] for name, values in joined.items()},
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
