"""Scene times and frame rates. A scene's frame rate is never changed."""

from __future__ import annotations

from typing import Tuple

import maya.api.OpenMaya as om
import numpy as np
from maya import cmds

from .findings import Refusal


def scene_frame_rate() -> float:
    """Frames a second of the scene's time unit, whatever it is called."""
    return float(om.MTime(1.0, om.MTime.kSeconds).asUnits(om.MTime.uiUnit()))


def playback_frames() -> Tuple[float, ...]:
    """Whole frames of the playback range."""
    first = cmds.playbackOptions(query=True, minTime=True)
    last = cmds.playbackOptions(query=True, maxTime=True)
    return tuple(float(frame) for frame in range(int(np.ceil(first)), int(np.floor(last)) + 1))


def frame_range(first: float, last: float, step: float = 1.0) -> Tuple[float, ...]:
    """Scene times from ``first`` to ``last``, both included, ``step`` frames apart (0.5: footage at twice the rate)."""
    if not step > 0 or last < first:
        raise Refusal(
            "scene",
            "there are no frames from {:g} to {:g} in steps of {:g}.".format(first, last, step),
            "Correct them.",
        )
    count = int(np.floor((last - first) / step + 1e-6)) + 1
    return tuple(float(first + index * step) for index in range(count))


def check_times(frames: Tuple[float, ...]) -> Tuple[float, ...]:
    """The request's times; Refusal unless there is at least one and they increase."""
    if not frames:
        raise Refusal("scene", "the frame range is empty.", "Give a first and a last frame.")
    if not np.isfinite(frames).all() or (np.diff(frames) <= 0).any():
        raise Refusal("scene", "the frames do not increase.", "Give each frame once, in order.")
    return tuple(float(frame) for frame in frames)


def retimed_frame_rate(frames: np.ndarray) -> float:
    """Steps between neighboring take frames a second, for footage that a scene retimes: it ran at the scene's rate."""
    rate = scene_frame_rate()
    return rate if len(frames) < 2 else float(rate / np.min(np.diff(frames)))


def footage_frame_rate(times: Tuple[float, ...]) -> float:
    """Footage frames a second, from how far apart the scene times of neighboring images are."""
    rate = scene_frame_rate()
    return rate if len(times) < 2 else float(rate / np.min(np.diff(times)))
