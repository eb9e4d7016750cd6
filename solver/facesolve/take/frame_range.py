"""Ranges as users write them, frames and vertices, and the part of a take that a range of frames is."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import FrozenSet, Optional, Set, Tuple, TypeVar

import numpy as np

from . import Camera, ControlSettings, StartPose, Take, TakeError

_Number = TypeVar("_Number", int, float)
MOST_FRAMES = 10**6  # in a list; a slip of the keyboard must not fill the memory


def part_of_take(take: Take, first: int, last: int) -> Take:
    """The take's frames with numbers ``first`` to ``last``, both included.

    A start pose at a frame outside the range moves to the nearest frame inside. Raises TakeError when nothing is left.
    """
    keep = (take.frames >= first) & (take.frames <= last)
    if not keep.any():
        raise TakeError(
            f"frames {first}-{last}: none of them is in the take, which has {take.frames[0]}-{take.frames[-1]}."
        )
    settings = replace(
        take.settings,
        controls=tuple(_control(control, keep) for control in take.settings.controls),
        pins=tuple(pin for pin in take.settings.pins if first <= pin.frame <= last),
        neutral=tuple(frame for frame in take.settings.neutral if first <= frame <= last),
        edited=tuple(frame for frame in take.settings.edited if first <= frame <= last),
        head_pins=tuple(pin for pin in take.settings.head_pins if first <= pin.frame <= last),
    )
    start = take.start
    if start is not None:
        inside = take.frames[keep]
        frame = int(np.clip(start.frame, inside[0], inside[-1]))
        start = StartPose(frame, start.controls, start.head, start.posed and frame == start.frame)
    repeated = np.isin(take.repeat_frames, take.frames[keep])
    return replace(
        take,
        frames=take.frames[keep],
        scene_times=take.scene_times[keep],
        repeat_times=take.repeat_times[repeated],
        repeat_frames=take.repeat_frames[repeated],
        cameras=tuple(_camera(camera, keep) for camera in take.cameras),
        start=start,
        settings=settings,
    )


def _camera(camera: Camera, keep: np.ndarray) -> Camera:
    still = {"intrinsics": 2, "rotation": 2, "translation": 1}
    parts = {name: getattr(camera, name) for name, dimensions in still.items()}
    return replace(
        camera, **{name: value[keep] if value.ndim > still[name] else value for name, value in parts.items()}
    )


def _control(control: ControlSettings, keep: np.ndarray) -> ControlSettings:
    if control.lock is None or len(control.lock) == 1:
        return control
    return replace(control, lock=control.lock[keep])


def parse_frames(text: str, what: str = "frames") -> Tuple[int, int]:
    """First and last frame, both included, of ``0-39`` or ``7``. Raises TakeError, about ``what``, for other text."""
    span = _span(text, r"-?\d+")
    if span is None:
        raise TakeError("{}: '{}' is not a range; write it as 0-39, or 7 for one frame.".format(what, text))
    return _rising(int(span[0]), int(span[1]), text, what)


def parse_scene_frames(text: str) -> Tuple[float, float]:
    """The same for frames of a scene, which may lie between whole ones: ``1001-1040`` or ``1001.5-1040``."""
    span = _span(text, r"-?\d+(?:\.\d+)?")
    if span is None:
        raise TakeError("frames: '{}' is not a range such as 1001-1040.".format(text))
    return _rising(float(span[0]), float(span[1]), text, "frames")


def parse_frame_list(text: str, what: str = "frames") -> FrozenSet[int]:
    """Frame numbers in text such as ``12, 13, 20-30``, empty for a blank one.

    Raises TakeError, about ``what``, that quotes the part it cannot read.
    """
    frames: Set[int] = set()
    for part in filter(None, (part.strip() for part in re.split("[,;]", text))):
        first, last = parse_frames(part, what)
        if last - first >= MOST_FRAMES:
            raise TakeError("{}: the range {} has more than {} frames.".format(what, part, MOST_FRAMES))
        frames.update(range(first, last + 1))
    return frozenset(frames)


def parse_region(text: str) -> Tuple[int, int]:
    """First vertex and the one after the last, of ``0:6706``. Raises TakeError for anything else."""
    first, _, end = text.strip().partition(":")
    if not (first.isdecimal() and end.isdecimal()) or int(end) <= int(first):
        raise TakeError(
            "region: '{}' is not a vertex range; write it as 0:6706 (the last one is not included).".format(text)
        )
    return int(first), int(end)


def _span(text: str, number: str) -> Optional[Tuple[str, str]]:
    match = re.fullmatch("({0})(?:\\s*-\\s*({0}))?".format(number), text.strip())
    return None if match is None else (match.group(1), match.group(2) or match.group(1))


def _rising(first: _Number, last: _Number, text: str, what: str) -> Tuple[_Number, _Number]:
    if last < first:
        raise TakeError("{}: the range {} is empty; the last frame comes before the first.".format(what, text.strip()))
    return first, last
