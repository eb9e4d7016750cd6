"""``maya.api.OpenMaya``: numbers, points, matrices, times, constants. Knows no scene but its time unit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tests.maya_emulator.curve import TICKS_PER_SECOND
from tests.maya_emulator.session import current

_RATES = {"kSeconds": 1.0, "kFilm": 24.0, "kPALFrame": 25.0, "kNTSCFrame": 30.0, "kMilliseconds": 1000.0}


class MTime:
    """A time in a unit; without one the unit is seconds, as in Maya."""

    kSeconds, kFilm, kPALFrame, kNTSCFrame, kMilliseconds = (
        "kSeconds",
        "kFilm",
        "kPALFrame",
        "kNTSCFrame",
        "kMilliseconds",
    )
    kUI = "kUI"

    def __init__(self, value: float = 0.0, unit: str = kSeconds) -> None:
        self.ticks = float(round(value * _ticks(unit)))
        self.unit = unit

    @staticmethod
    def uiUnit() -> str:
        return MTime.kUI

    def asUnits(self, unit: str) -> float:
        return self.ticks / _ticks(unit)

    @property
    def value(self) -> float:
        return self.asUnits(self.unit)


def _ticks(unit: str) -> float:
    return current().units.ticks_per_frame if unit == MTime.kUI else TICKS_PER_SECOND / _RATES[unit]


class MPoint:
    """A point with w = 1."""

    def __init__(self, x: float = 0.0, y: float = 0.0, z: float = 0.0, w: float = 1.0) -> None:
        self.x, self.y, self.z, self.w = float(x), float(y), float(z), float(w)

    def __iter__(self):
        return iter((self.x, self.y, self.z, self.w))

    def __getitem__(self, index: int) -> float:
        return (self.x, self.y, self.z, self.w)[index]

    def __len__(self) -> int:
        return 4


class MPointArray(Sequence):  # type: ignore[type-arg]
    """A sequence of ``MPoint`` made from coordinates (n, 3 or 4); numpy takes all of them at once."""

    def __init__(self, items: Any = ()) -> None:
        points = np.asarray(items, np.float64).reshape(len(items), -1 if len(items) else 4)
        self._points = points if points.shape[1] == 4 else np.c_[points, np.ones(len(points))]

    def __len__(self) -> int:
        return len(self._points)

    def __getitem__(self, index: Any) -> Any:
        return MPoint(*self._points[index])

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return np.array(self._points, dtype)


class MFn:
    kMeshVertComponent = 548


class MSpace:
    kTransform, kPreTransform, kObject, kWorld = 1, 2, 2, 4


class MGlobal:
    """Messages go to the session's list; MEL and Python are not executed."""

    @staticmethod
    def displayInfo(text: str) -> None:
        current().messages.append(text)

    displayWarning = displayInfo
    displayError = displayInfo
