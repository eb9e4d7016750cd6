"""Linear, angular and time units: internal are centimeters, radians and ticks. Knows no scene."""

from __future__ import annotations

import math

from .curve import TICKS_PER_SECOND
from .errors import EmulatorError
from .schema import ANGLE, LINEAR, TIME, Attribute

CENTIMETERS = {"mm": 0.1, "cm": 1.0, "m": 100.0, "in": 2.54, "ft": 30.48, "yd": 91.44}
LINEAR_NAMES = {
    "millimeter": "mm",
    "centimeter": "cm",
    "meter": "m",
    "inch": "in",
    "foot": "ft",
    "yard": "yd",
}
ANGLE_NAMES = {"degree": "deg", "radian": "rad"}
FRAME_RATES = {"game": 15.0, "film": 24.0, "pal": 25.0, "ntsc": 30.0, "show": 48.0, "palf": 50.0, "ntscf": 60.0}
EXACT_RATES = {
    "23.976fps": 24000 / 1001,
    "29.97fps": 30000 / 1001,
    "29.97df": 30000 / 1001,
    "47.952fps": 48000 / 1001,
    "59.94fps": 60000 / 1001,
}


def linear_name(name: str) -> str:
    """Short name of a linear unit."""
    short = LINEAR_NAMES.get(name, name)
    if short not in CENTIMETERS:
        raise EmulatorError(f"unknown linear unit '{name}'")
    return short


def angle_name(name: str) -> str:
    """Short name of an angular unit."""
    short = ANGLE_NAMES.get(name, name)
    if short not in ("deg", "rad"):
        raise EmulatorError(f"unknown angular unit '{name}'")
    return short


def frame_rate(name: str) -> float:
    """Frames a second of a time unit's name."""
    if name in FRAME_RATES:
        return FRAME_RATES[name]
    if name in EXACT_RATES:
        return EXACT_RATES[name]
    if name.endswith("fps"):
        return float(name[:-3])
    raise EmulatorError(f"unknown time unit '{name}'")


class Units:
    """The scene's units; converts between internal values and what commands and files show."""

    def __init__(self, linear: str = "cm", angle: str = "deg", time: str = "film") -> None:
        self.linear = linear_name(linear)
        self.angle = angle_name(angle)
        self.time = time

    @property
    def ticks_per_frame(self) -> float:
        return round(TICKS_PER_SECOND / frame_rate(self.time))

    def factor(self, attribute: Attribute) -> float:
        """Internal value = shown value * factor."""
        if attribute.type in LINEAR:
            return CENTIMETERS[self.linear]
        if attribute.type in ANGLE:
            return math.pi / 180 if self.angle == "deg" else 1.0
        if attribute.type in TIME:
            return self.ticks_per_frame
        return 1.0
