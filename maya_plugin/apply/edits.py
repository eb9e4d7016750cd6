"""Which keys of an applied solve a person has changed since, as pins for solving a range again. Changes nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Dict, List, Tuple

import numpy as np
from maya import cmds

from solver.take import Pin, Take, read_solution

from .layer import layer_curve
from .provenance import Provenance, find_provenance
from .request import BLEND_FRAMES

_TOLERANCE = 1e-3  # of a control's range: less than a hand can mean
_SAME_TIME = 1e-3  # frames

Bounds = Dict[Tuple[str, float], Tuple[float, float]]


def applied_layer() -> str:
    """The layer of the solve applied last, empty without one."""
    origin = find_provenance()
    return origin.layer if origin is not None else ""


def pin_edits(take: Take) -> Take:
    """``take`` with a pin at each key that was changed, or added, since the last solve was applied.

    Controls that the take locks, and keys between its frames, give no pins. Raises TakeError when the solution that
    was applied is not on disk any more: what was edited could not be told then.
    """
    origin = find_provenance()
    if origin is None or not origin.layer:
        return take
    applied = _applied(origin)
    locked = {control.name for control in take.settings.controls if control.lock is not None}
    present = {(pin.frame, pin.control) for pin in take.settings.pins}
    pins: List[Pin] = []
    for control in take.rig.controls:
        curve = layer_curve(origin.layer, control.plug) if control.plug and control.name not in locked else None
        keyed = np.array((cmds.keyframe(curve, query=True, timeChange=True) or []) if curve is not None else [])
        slack = _TOLERANCE * (control.maximum - control.minimum)
        for frame, time in zip(take.frames, take.scene_times):
            if (int(frame), control.name) in present or not (np.abs(keyed - time) < _SAME_TIME).any():
                continue
            value = float(cmds.getAttr(control.plug, time=float(time)))
            low, high = applied.get((control.name, _moment(time)), (np.inf, -np.inf))
            if not low - slack <= value <= high + slack:
                pins.append(Pin(int(frame), control.name, min(max(value, control.minimum), control.maximum)))
    return replace(take, settings=replace(take.settings, pins=(*take.settings.pins, *pins)))


def _applied(origin: Provenance) -> Bounds:
    """Lowest and highest value that the applications so far can have left, by control and scene time.

    A range replaces what was there, but near its ends it goes over into it.
    """
    bounds: Bounds = {}
    for folder, first, last in ((origin.solution_folder, -np.inf, np.inf), *origin.ranges):
        solution = read_solution(Path(folder))
        rows = np.flatnonzero((solution.scene_times >= first - 1e-6) & (solution.scene_times <= last + 1e-6))
        for place, row in enumerate(rows):
            blended = min(place, len(rows) - 1 - place) < BLEND_FRAMES
            for name, value in zip(solution.control_names, solution.controls[row]):
                key = (name, _moment(solution.scene_times[row]))
                low, high = bounds.get(key, (value, value)) if blended else (value, value)
                bounds[key] = (min(low, value), max(high, value))
    return bounds


def _moment(time: float) -> float:
    return round(float(time), 3)
