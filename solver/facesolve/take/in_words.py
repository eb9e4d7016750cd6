"""Counts, frames and settings in words, for a person at a prompt. Knows neither takes nor solutions. Python 3.7."""

from __future__ import annotations

from typing import Iterable, List

import numpy as np

from .settings import SCALARS, Settings

LISTED = 4  # things of a kind that are named one by one


def changed_settings(settings: Settings) -> List[str]:
    """The settings that differ from the defaults, each in a few words."""
    default = Settings()
    changed = [
        "{} {}".format(name, _in_words(getattr(settings, name)))
        for name in SCALARS
        if getattr(settings, name) != getattr(default, name)
    ]
    counts = ((settings.controls, "control"), (settings.pins, "pin"), (settings.head_pins, "head pin"))
    return changed + [counted(len(given), "{} set".format(kind), kind + "s set") for given, kind in counts if given]


def _in_words(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def counted(count: int, one: str, several: str = "") -> str:
    """``1 camera``, ``3 cameras``."""
    return "{} {}".format(count, one if count == 1 else several or one + "s")


def frames_in_words(frames: np.ndarray) -> str:
    """``frame 7``, or ``3 frames, 7 to 9``."""
    if len(frames) == 1:
        return "frame {}".format(frames[0])
    return "{} frames, {} to {}".format(len(frames), frames[0], frames[-1])


def stretches_in_words(frames: Iterable[int]) -> str:
    """``frame 7``, ``frames 7 to 9 and 12``; of many stretches of rising frames the first few, and how many more."""
    stretches: List[List[int]] = []
    for frame in frames:
        if stretches and frame == stretches[-1][1] + 1:
            stretches[-1][1] = frame
        else:
            stretches.append([frame, frame])
    said = [str(first) if first == last else "{} to {}".format(first, last) for first, last in stretches]
    word = "frame" if said == [str(first) for first, _ in stretches[:1]] else "frames"
    if len(said) > LISTED:
        more = len(said) - LISTED + 1
        return "{} {}, and {} more stretches".format(word, ", ".join(said[: LISTED - 1]), more)
    return "{} {}".format(word, " and ".join([", ".join(said[:-1]), said[-1]] if said[1:] else said))


def listed(names: List[str]) -> str:
    """The first few names, and how many more there are."""
    more = len(names) - LISTED
    return ", ".join(names if more <= 0 else [*names[:LISTED], "and {} more".format(more)])
