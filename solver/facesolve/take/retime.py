"""Footage that a scene holds, slows down or turns back: one image at several scene times. Knows no scene, no file."""

from __future__ import annotations

from typing import Any, NamedTuple, Tuple

import numpy as np

from .errors import TakeError


class Shown(NamedTuple):
    """Frames (F,), rising, the scene time of each, and further scene times (R,) with the frame numbers there."""

    frames: np.ndarray
    scene_times: np.ndarray
    repeat_times: np.ndarray
    repeat_frames: np.ndarray


def timeline(shown: Any) -> Tuple[np.ndarray, np.ndarray]:
    """What is shown when.

    Args:
        shown: A take, a solution, or ``Shown``.

    Returns:
        (T,) float64 scene times, rising, and (T,) the row of ``frames`` at each. A row comes as often as it is shown.
    """
    rows = np.searchsorted(shown.frames, shown.repeat_frames)
    times = np.concatenate([shown.scene_times, shown.repeat_times])
    order = np.argsort(times, kind="stable")
    return times[order], np.concatenate([np.arange(len(shown.frames)), rows])[order]


def check_repeats(shown: Any, what: str) -> None:
    """Makes the arrays of a frozen take or solution what they should be. TakeError, about ``what``, if that fails."""
    for name, kind in (("repeat_times", np.float64), ("repeat_frames", np.int64)):
        object.__setattr__(shown, name, np.ascontiguousarray(getattr(shown, name), kind))
    times, frames = shown.repeat_times, shown.repeat_frames
    if times.ndim != 1 or times.shape != frames.shape or not np.isfinite(times).all():
        raise TakeError("{}: each repeated frame needs one finite scene time.".format(what))
    strange = frames[~np.isin(frames, shown.frames)]
    if len(strange):
        raise TakeError("{}: frame {} is repeated, but it is none of its frames.".format(what, strange[0]))
