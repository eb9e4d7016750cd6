"""What a person has changed of an applied solve since, as pins for solving a range again. Changes nothing."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Dict, List, Optional, Tuple

import numpy as np
from maya import cmds

from facesolve.take import HeadPin, Pin, Solution, Take, read_solution
from facesolve.take.correctives import controls_key
from facesolve.take.errors import TakeError
from facesolve_maya.scene.head import head_at

from .channels import CHANNELS, head_channels, present_channels
from .layer import layer_curve
from .provenance import AppliedRange, Provenance, find_provenance
from .request import BLEND_FRAMES

_TOLERANCE = 1e-3  # of a control's range, in centimeters or a tenth of it in radians: less than a hand can mean
_SAME_TIME = 1e-3  # frames


def applied_layer() -> str:
    """The layer of the solve applied last, empty without one."""
    origin = find_provenance()
    return origin.layer if origin is not None else ""


def applied_ranges(solution: Path) -> Tuple[Path, ...]:
    """Folders of the ranges that were solved again in the layer of the solve applied last, oldest first.

    None unless that solve is the one in the folder ``solution``.
    """
    origin = find_provenance()
    if origin is None or os.path.normpath(origin.solution_folder) != os.path.normpath(str(solution)):
        return ()
    return tuple(Path(applied.solution_folder) for applied in origin.ranges)


def pin_edits(take: Take) -> Take:
    """``take`` with a pin at each key that was changed, or added, since the last solve was applied.

    A changed key on any channel of the head pins the whole head transform at that frame, where the scene shows it.
    Controls that the take locks, and keys between its frames, give no pins. Raises TakeError when the solution that was
    applied is not on disk any more: what was edited could not be told then.
    """
    origin = find_provenance()
    if origin is None:
        return take
    applied = _Applied(origin)
    settings = take.settings
    pins = (*settings.pins, *_control_pins(take, origin.layer, applied))
    head_pins = (*settings.head_pins, *(_head_pins(take, origin, applied) if origin.head else ()))
    return replace(take, settings=replace(settings, pins=pins, head_pins=head_pins))


def _control_pins(take: Take, layer: str, applied: _Applied) -> List[Pin]:
    locked = {control.name for control in take.settings.controls if control.lock is not None}
    present = {(pin.frame, pin.control) for pin in take.settings.pins}
    pins: List[Pin] = []
    for control in take.rig.controls:
        keyed = _keyed_times(layer, control.plug) if control.plug and control.name not in locked else np.zeros(0)
        slack = _TOLERANCE * (control.maximum - control.minimum)
        for frame, time in zip(take.frames, take.scene_times):
            if (int(frame), control.name) in present or not _is_keyed(keyed, time):
                continue
            value = float(cmds.getAttr(control.plug, time=float(time)))
            left = applied.controls(time, control.name)
            if not left or not min(left) - slack <= value <= max(left) + slack:
                pins.append(Pin(int(frame), control.name, min(max(value, control.minimum), control.maximum)))
    return pins


def _head_pins(take: Take, origin: Provenance, applied: _Applied) -> List[HeadPin]:
    keyed = [_keyed_times(origin.layer, "{}.{}".format(origin.head, channel)) for channel in CHANNELS]
    present = {pin.frame for pin in take.settings.head_pins}
    pins: List[HeadPin] = []
    for frame, time in zip(take.frames, take.scene_times):
        here = np.array([_is_keyed(times, time) for times in keyed])
        if int(frame) in present or not here.any():
            continue
        if (here & _changed(origin.head, float(time), applied.heads(time))).any():
            pins.append(HeadPin(int(frame), head_at(origin.head, float(time))))
    return pins


def _changed(node: str, time: float, heads: List[np.ndarray]) -> np.ndarray:
    """(6,) True for channels that lie neither at, nor between, those of the head transforms (4, 4) applied there."""
    if not heads:
        return np.ones(6, bool)
    now = present_channels(node, time)
    # of the angles that mean a head's rotation, those nearest to the node's present ones
    found = np.concatenate([head_channels(node, head[None], (time,)) for head in heads])
    slack = _TOLERANCE * np.array([1.0, 1.0, 1.0, 0.1, 0.1, 0.1])
    return (now < found.min(axis=0) - slack) | (now > found.max(axis=0) + slack)


class _Applied:
    """The values that the applications so far can have left at each scene time.

    A range replaces what was there, but near its ends it goes over into it: there both are kept.
    """

    def __init__(self, origin: Provenance) -> None:
        self._rows: Dict[float, List[Tuple[Dict[str, float], np.ndarray]]] = {}
        whole = AppliedRange(origin.solution_folder, -np.inf, np.inf, origin.digest)
        for applied in (whole, *origin.ranges):
            solution = _as_applied(applied)
            times = solution.scene_times
            rows = np.flatnonzero((times >= applied.first - 1e-6) & (times <= applied.last + 1e-6))
            for place, row in enumerate(rows):
                values = dict(zip(solution.control_names, solution.controls[row]))
                moment = _moment(solution.scene_times[row])
                blended = min(place, len(rows) - 1 - place) < BLEND_FRAMES
                before = self._rows.get(moment, []) if blended else []
                self._rows[moment] = [*before, (values, solution.head[row])]

    def controls(self, time: float, name: str) -> List[float]:
        """Values of a control."""
        return [values[name] for values, _ in self._rows.get(_moment(time), []) if name in values]

    def heads(self, time: float) -> List[np.ndarray]:
        """Head transforms (4, 4)."""
        return [head for _, head in self._rows.get(_moment(time), [])]


def _as_applied(applied: AppliedRange) -> Solution:
    """The solution that was applied; TakeError when its folder holds another, which every key would differ from."""
    solution = read_solution(Path(applied.solution_folder))
    if controls_key(solution) != applied.digest:
        raise TakeError(
            "edits: '{}' holds another solution than the one that was applied, so your edits cannot be "
            "distinguished from its keys. Apply the new solution first, or solve the whole take.".format(
                applied.solution_folder
            )
        )
    return solution


def _moment(time: float) -> float:
    return round(float(time), 3)


def _keyed_times(layer: str, plug: str) -> np.ndarray:
    """Times of the keys that a plug has in the layer."""
    curve: Optional[str] = layer_curve(layer, plug)
    return np.array((cmds.keyframe(curve, query=True, timeChange=True) or []) if curve is not None else [])


def _is_keyed(keyed: np.ndarray, time: float) -> bool:
    return bool((np.abs(keyed - time) < _SAME_TIME).any())
