"""What a person has changed of an applied solve since, as pins for solving a range again. Changes nothing."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import List, Optional, Set, Tuple

import numpy as np
from maya import cmds

from facesolve.take import HeadPin, Pin, StartPose, Take
from facesolve.take.retime import timeline
from facesolve_maya.scene.head import head_at

from .applied_values import AppliedValues
from .channels import CHANNELS, head_channels, present_channels
from .layer import layer_curve
from .namespaces import in_this_scene
from .provenance import Provenance, find_provenance

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

    Their frames count as edited, and a start pose at one of them moves to a frame that is as it was solved. A changed
    key on any channel of the head pins the whole head transform at that frame, where the scene shows it.
    Controls that the take locks, and keys between its frames, give no pins. Raises TakeError when the solution that was
    applied is not on disk any more: what was edited could not be told then.
    """
    origin = find_provenance()
    if origin is None:
        return take
    applied, take = AppliedValues(origin), in_this_scene(take, near=origin.head)
    settings, pins = take.settings, _control_pins(take, origin.layer, applied)
    head_pins = _head_pins(take, origin, applied) if origin.head else []
    edited = {*(pin.frame for pin in pins), *(pin.frame for pin in head_pins)}
    settings = replace(
        settings,
        pins=(*settings.pins, *pins),
        head_pins=(*settings.head_pins, *head_pins),
        edited=(*settings.edited, *edited),
    )
    return replace(take, settings=settings, start=_start(take, origin.head, edited))


def _start(take: Take, head: str, edited: Set[int]) -> Optional[StartPose]:
    """The take's start pose; the scene's at the first frame that is not ``edited`` where its own frame is."""
    start, free = take.start, [row for row, frame in enumerate(take.frames) if int(frame) not in edited]
    plugs = [control.plug for control in take.rig.controls]
    if start is None or start.frame not in edited or not free or not head or not all(map(cmds.objExists, plugs)):
        return start
    time = float(take.scene_times[free[0]])
    controls = np.array([cmds.getAttr(plug, time=time) for plug in plugs], np.float64)
    return StartPose(int(take.frames[free[0]]), controls, head_at(head, time))


def _control_pins(take: Take, layer: str, applied: AppliedValues) -> List[Pin]:
    locked = {control.name for control in take.settings.controls if control.lock is not None}
    present = {(pin.frame, pin.control) for pin in take.settings.pins}
    pins: List[Pin] = []
    for control in take.rig.controls:
        keyed = _keyed_times(layer, control.plug) if control.plug and control.name not in locked else np.zeros(0)
        slack = _TOLERANCE * (control.maximum - control.minimum)
        for time, row in zip(*timeline(take)):
            frame = take.frames[row]
            if (int(frame), control.name) in present or not _is_keyed(keyed, time):
                continue
            value = float(cmds.getAttr(control.plug, time=float(time)))
            left = applied.controls(time, control.name)
            if not left or not min(left) - slack <= value <= max(left) + slack:
                present.add((int(frame), control.name))
                pins.append(Pin(int(frame), control.name, min(max(value, control.minimum), control.maximum)))
    return pins


def _head_pins(take: Take, origin: Provenance, applied: AppliedValues) -> List[HeadPin]:
    keyed = [_keyed_times(origin.layer, "{}.{}".format(origin.head, channel)) for channel in CHANNELS]
    present = {pin.frame for pin in take.settings.head_pins}
    pins: List[HeadPin] = []
    for time, row in zip(*timeline(take)):
        frame = take.frames[row]
        here = np.array([_is_keyed(times, time) for times in keyed])
        if int(frame) in present or not here.any():
            continue
        if (here & _changed(origin.head, float(time), applied.heads(time))).any():
            present.add(int(frame))
            pins.append(HeadPin(int(frame), head_at(origin.head, float(time))))
    return pins


def _changed(node: str, time: float, heads: List[np.ndarray]) -> np.ndarray:
    """(6,) True for channels that lie neither at, nor between, those of the head transforms (4, 4) applied there."""
    if not heads:
        return np.ones(6, bool)
    now = present_channels(node, (time,))[0]
    # of the angles that mean a head's rotation, those nearest to the node's present ones
    found = np.concatenate([head_channels(node, head[None], (time,)) for head in heads])
    slack = _TOLERANCE * np.array([1.0, 1.0, 1.0, 0.1, 0.1, 0.1])
    return (now < found.min(axis=0) - slack) | (now > found.max(axis=0) + slack)


def _keyed_times(layer: str, plug: str) -> np.ndarray:
    """Times of the keys that a plug has in the layer."""
    curve: Optional[str] = layer_curve(layer, plug)
    return np.array((cmds.keyframe(curve, query=True, timeChange=True) or []) if curve is not None else [])


def _is_keyed(keyed: np.ndarray, time: float) -> bool:
    return bool((np.abs(keyed - time) < _SAME_TIME).any())
