"""The animation layer that receives keys, and the curves in it. Edits by commands, so that Maya can undo them."""

from __future__ import annotations

import re
from typing import List, Optional, Sequence

from maya import cmds

from maya_plugin.export.controls import obstacle
from maya_plugin.export.plugs import source, split
from solver.take.errors import TakeError


def layer_name(wanted: str, take: str) -> str:
    """A layer's name: ``wanted``, or a free one made of the take's name."""
    if wanted:
        return wanted
    stem = "faceSolve_" + re.sub(r"\W", "_", take)
    name, number = stem, 1
    while cmds.objExists(name):
        number += 1
        name = "{}_{}".format(stem, number)
    return name


def check_layer(name: str) -> None:
    """TakeError when ``name`` is no layer that can be keyed: another node, locked, or muted."""
    if not cmds.objExists(name):
        return
    if cmds.nodeType(name) != "animLayer":
        raise TakeError("animation layer: '{}' is a {}; choose another name.".format(name, cmds.nodeType(name)))
    if cmds.animLayer(name, query=True, lock=True):
        raise TakeError("animation layer: '{}' is locked; unlock it or choose another.".format(name))
    if cmds.animLayer(name, query=True, mute=True):
        raise TakeError("animation layer: '{}' is muted; unmute it, or its keys would not be seen.".format(name))


def why_not_keyable(plug: str) -> str:
    """Why ``plug`` cannot be keyed, in words; empty when it can."""
    if not plug or not cmds.objExists(plug):
        return "not in the scene"
    locked = obstacle(plug)
    if locked:
        return locked
    driver = source(plug)
    if driver is not None:
        kind = cmds.nodeType(split(driver)[0])
        if not kind.startswith(("animCurveT", "animBlendNode")):
            return "driven by '{}'".format(driver)
    return ""


def ensure_layer(name: str, plugs: Sequence[str]) -> None:
    """Makes the override layer unless it exists, and puts ``plugs`` into it."""
    if not cmds.objExists(name):
        cmds.animLayer(name, override=True)
    members = set(cmds.animLayer(name, query=True, attribute=True) or [])
    for plug in plugs:
        if plug not in members:
            cmds.animLayer(name, edit=True, attribute=plug)


def layer_curve(name: str, plug: str) -> Optional[str]:
    """The curve of ``plug`` in the layer, or None. Maya answers with a list or a string, depending on the version."""
    found = cmds.animLayer(name, query=True, findCurveForPlug=plug)
    if isinstance(found, (list, tuple)):
        return found[0] if found else None
    return found or None


def ensure_curves(name: str, plugs: Sequence[str], time: float, values: Sequence[float]) -> List[str]:
    """The curves of ``plugs`` in the layer; Maya makes those that are missing with a key at ``time``.

    values: shown units, one a plug. TakeError when Maya silently ignores a key, which it does for plugs that are not
    in the layer.
    """
    curves = []
    for plug, value in zip(plugs, values):
        curve = layer_curve(name, plug)
        if curve is None:
            cmds.setKeyframe(plug, animLayer=name, time=time, value=value)
            curve = layer_curve(name, plug)
        if curve is None:
            raise TakeError("animation layer: Maya put no key for '{}' into '{}'.".format(plug, name))
        curves.append(curve)
    return curves
