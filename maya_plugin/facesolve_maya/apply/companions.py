"""Channels that come into the layer with a keyed one, and the keys that let them go on as they were. Changes nothing.

Maya takes a rotation into a layer as a whole. A member of an override layer without a curve is held at the value that
it had when it joined, so that keys on rotateX alone would stop what moves rotateY.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Sequence, Tuple

import numpy as np
from maya import cmds

from facesolve_maya.scene.motion import plug_values
from facesolve_maya.scene.plugs import api_plug, driver_of, split

from .layer import layer_curve

_ROTATION = ("rotateX", "rotateY", "rotateZ")


@dataclass(frozen=True, eq=False)
class Companion:
    """A plug that is no control, with what it shows now: values (F,) in shown units at scene times (F,)."""

    plug: str
    times: Tuple[float, ...]
    values: np.ndarray


def companions(plugs: Sequence[str], layer: str, times: Sequence[float]) -> Tuple[Companion, ...]:
    """The channels that join ``layer`` with ``plugs``, with their present values wherever the scene is played."""
    given = {api_plug(plug).name() for plug in plugs}
    found: List[Companion] = []
    for plug in plugs:
        node = split(plug)[0]
        if api_plug(plug).name().rpartition(".")[2] not in _ROTATION:
            continue
        for channel in _ROTATION:
            beside = "{}.{}".format(node, channel)
            name = api_plug(beside).name()
            if name in given or (cmds.objExists(layer) and layer_curve(layer, beside) is not None):
                continue
            given.add(name)
            at = _times(beside, times)
            found.append(Companion(beside, at, plug_values(beside, at)))
    return tuple(found)


def _times(plug: str, times: Sequence[float]) -> Tuple[float, ...]:
    """Every frame of the scene's animation, the solved times and the plug's keys; one time when nothing moves it."""
    if driver_of(plug) is None:
        return (float(times[0]),)
    keyed = cmds.keyframe(plug, query=True, timeChange=True) or []
    first = min([cmds.playbackOptions(query=True, animationStartTime=True), *times, *keyed])
    last = max([cmds.playbackOptions(query=True, animationEndTime=True), *times, *keyed])
    frames = np.arange(np.ceil(first), np.floor(last) + 1.0)
    return tuple(float(time) for time in np.unique(np.concatenate([frames, times, keyed])))
