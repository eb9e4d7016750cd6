"""Keys of many curves at once, by the API. Every change is noted, so that a command can take it back."""

from __future__ import annotations

from typing import List, Sequence

import maya.api.OpenMaya as om
import maya.api.OpenMayaAnim as oma
import numpy as np

_ROUNDS = 60


def curve_of(name: str) -> oma.MFnAnimCurve:
    """The API's curve called ``name``."""
    return oma.MFnAnimCurve(om.MSelectionList().add(name).getDependNode(0))


def scene_times(times: Sequence[float]) -> List[om.MTime]:
    """Frames of the scene's own rate, fractions included, as the API wants them."""
    return [om.MTime(float(time), om.MTime.uiUnit()) for time in times]


def key_all(name: str, times: Sequence[float], values: np.ndarray, change: oma.MAnimCurveChange) -> None:
    """A key at every time; keys between the first and the last one are replaced. values: internal units."""
    auto = oma.MFnAnimCurve.kTangentAuto
    curve_of(name).addKeys(scene_times(times), [float(v) for v in values], auto, auto, False, change)


def key_within(
    name: str, times: Sequence[float], values: np.ndarray, tolerance: float, change: oma.MAnimCurveChange
) -> np.ndarray:
    """Few keys whose curve, as Maya evaluates it, stays within ``tolerance`` of ``values`` at every time.

    Starts with the ends and the turning points, then adds the worst time of each stretch that is too far off.
    Returns the values (F,) that the curve has now. Internal units.
    """
    curve = curve_of(name)
    auto = oma.MFnAnimCurve.kTangentAuto
    at = scene_times(times)
    chosen = _turning_points(values, tolerance)
    found = np.asarray(values, np.float64)
    for _ in range(_ROUNDS):
        kept = np.flatnonzero(chosen)
        curve.addKeys([at[i] for i in kept], [float(values[i]) for i in kept], auto, auto, False, change)
        found = np.array([float(curve.evaluate(time)) for time in at])
        error = np.where(chosen, 0.0, np.abs(found - values))
        if error.max() <= tolerance:
            return found
        for index, first in enumerate(kept[:-1]):
            stretch = error[first : kept[index + 1] + 1]
            if stretch.max() > tolerance:
                chosen[first + int(np.argmax(stretch))] = True
    key_all(name, times, values, change)
    return np.asarray(values, np.float64)


def _turning_points(values: np.ndarray, tolerance: float) -> np.ndarray:
    """(F,) True at the ends and at maxima and minima that stand out by more than ``tolerance``."""
    chosen = np.zeros(len(values), bool)
    chosen[[0, -1]] = True
    last, candidate, direction = values[0], 0, 0
    for index in range(1, len(values)):
        step = values[index] - values[candidate]
        if direction == 0 and abs(values[index] - last) > tolerance:
            direction = 1 if values[index] > last else -1
            candidate = index
        elif direction and direction * step > 0:
            candidate = index
        elif direction and direction * step < -tolerance:
            chosen[candidate] = True
            direction, candidate = -direction, index
    return chosen
