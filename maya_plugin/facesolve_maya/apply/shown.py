"""Whether the scene shows what was keyed, and what hides it: layers above, solo, mute, weight. Changes nothing."""

from __future__ import annotations

from typing import List, Sequence, Tuple

import numpy as np
from maya import cmds

from facesolve_maya.scene.plugs import api_plug

from .layer import layer_members

_TOLERANCE = 1e-3  # of the span of a plug's values, or of 1
_NAMED = 3


def why_not_shown(layer: str, plugs: Sequence[str], times: Sequence[float], values: np.ndarray) -> str:
    """A sentence when the scene shows other values than (F, P), shown units, at the first, middle or last time.

    Empty when it shows them.
    """
    rows = sorted({0, len(times) // 2, len(times) - 1})
    slack = _TOLERANCE * np.maximum(1.0, np.ptp(values, axis=0))
    # What the API has changed may still be cached.
    cmds.dgdirty(list(plugs))
    off = [
        plug
        for column, plug in enumerate(plugs)
        if any(abs(cmds.getAttr(plug, time=float(times[row])) - values[row, column]) > slack[column] for row in rows)
    ]
    if not off:
        return ""
    names = ", ".join(off[:_NAMED]) + (" and {} more".format(len(off) - _NAMED) if len(off) > _NAMED else "")
    return "But the scene shows other values for {}: {}".format(names, _cause(layer, off))


def _cause(layer: str, off: Sequence[str]) -> str:
    if cmds.animLayer(layer, query=True, weight=True) < 1.0:
        return "the weight of layer '{}' is less than 1.".format(layer)
    others = [name for name in cmds.ls(type="animLayer") or [] if name != layer]
    solo = [name for name in others if cmds.animLayer(name, query=True, solo=True)]
    if solo and not cmds.animLayer(layer, query=True, solo=True):
        return "layer '{}' is soloed.".format(solo[0])
    for above in _layers_above(layer):
        if cmds.animLayer(above, query=True, mute=True):
            return "its parent layer '{}' is muted.".format(above)
    wanted = {api_plug(plug).name() for plug in off}
    holding = [name for name in others if wanted & layer_members(name)]
    if holding:
        return "they are also in {}; mute it, or move '{}' above it.".format(
            " and ".join("layer '{}'".format(name) for name in holding), layer
        )
    return "check what else drives them."


def _layers_above(layer: str) -> Tuple[str, ...]:
    """The layers that ``layer`` is part of, nearest first."""
    found: List[str] = []
    above = cmds.animLayer(layer, query=True, parent=True)
    while above and above not in found:
        found.append(above)
        above = cmds.animLayer(above, query=True, parent=True)
    return tuple(found)
