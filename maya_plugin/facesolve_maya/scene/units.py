"""The scene's units against Maya's internal ones (centimeters, radians), which the API and the take use."""

from __future__ import annotations

import math

from maya import cmds

_CENTIMETERS = {"mm": 0.1, "cm": 1.0, "m": 100.0, "in": 2.54, "ft": 30.48, "yd": 91.44, "km": 1e5, "mi": 160934.4}


def centimeters() -> float:
    """Centimeters of one unit of length as commands show it."""
    return _CENTIMETERS[cmds.currentUnit(query=True, linear=True)]


def radians() -> float:
    """Radians of one unit of angle as commands show it."""
    return math.pi / 180.0 if cmds.currentUnit(query=True, angle=True) == "deg" else 1.0


def internal_factor(plug: str) -> float:
    """Internal value of a scalar plug = the value that commands show * this."""
    kind = cmds.getAttr(plug, type=True)
    if kind == "doubleAngle":
        return radians()
    return centimeters() if kind in ("doubleLinear", "floatLinear") else 1.0
