"""A part of a take: the same rig, cameras and footage over fewer frames."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from . import Camera, ControlSettings, StartPose, Take, TakeError


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
        head_pins=tuple(pin for pin in take.settings.head_pins if first <= pin.frame <= last),
    )
    start = take.start
    if start is not None:
        inside = take.frames[keep]
        start = StartPose(int(np.clip(start.frame, inside[0], inside[-1])), start.controls, start.head)
    return replace(
        take,
        frames=take.frames[keep],
        scene_times=take.scene_times[keep],
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


def parse_frames(text: str) -> tuple[int, int]:
    """First and last frame, both included, of ``0-39`` or ``7``. Raises TakeError for anything else."""
    match = re.fullmatch(r"(-?\d+)(?:-(-?\d+))?", text.strip())
    if match is None:
        raise TakeError(f"frames: '{text}' is not a range; write it as 0-39, or 7 for one frame.")
    first, last = int(match.group(1)), int(match.group(2) or match.group(1))
    if last < first:
        raise TakeError(f"frames: the range {text} is empty; the last frame comes before the first.")
    return first, last
