"""The animation layer that receives keys, and the curves in it. Edits by commands, so that Maya can undo them."""

from __future__ import annotations

from functools import partial
from typing import List, Optional, Sequence

from maya import cmds

from facesolve.take.errors import TakeError
from facesolve_maya.scene.names import free_name, node_name
from facesolve_maya.scene.plugs import api_plug, driver_of, obstacle, split
from facesolve_maya.scene.undo import Command


def layer_name(wanted: str, take: str) -> str:
    """A layer's name: ``wanted``, or a free one made of the take's name."""
    return wanted or free_name(node_name(take))


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
    driver = driver_of(plug)
    if driver is not None:
        kind = cmds.nodeType(split(driver)[0])
        if not kind.startswith(("animCurveT", "animBlendNode")):
            return "driven by '{}'".format(driver)
    return ""


def layer_curve(name: str, plug: str) -> Optional[str]:
    """The curve of ``plug`` in the layer, or None. Maya answers with a list or a string, depending on the version."""
    found = cmds.animLayer(name, query=True, findCurveForPlug=plug)
    if isinstance(found, (list, tuple)):
        return found[0] if found else None
    return found or None


def layer_commands(name: str, plugs: Sequence[str], time: float, values: Sequence[float]) -> List[Command]:
    """Commands that make the override layer, put ``plugs`` into it and let Maya make their curves, where missing.

    A curve comes with a key at ``time``; values: shown units, one a plug.
    """
    exists = cmds.objExists(name)
    members = {api_plug(member).name() for member in _members(name)} if exists else set()
    commands: List[Command] = [] if exists else [partial(cmds.animLayer, name, override=True)]
    missing = [plug for plug in plugs if api_plug(plug).name() not in members]
    if missing:  # all at once: one channel of a rotation may bring the other two with it
        commands.append(partial(cmds.animLayer, name, edit=True, attribute=missing))
    for plug, value in zip(plugs, values):
        if not exists or layer_curve(name, plug) is None:
            commands.append(partial(cmds.setKeyframe, plug, animLayer=name, time=time, value=value))
    return commands


def _members(name: str) -> List[str]:
    return cmds.animLayer(name, query=True, attribute=True) or []


def layer_curves(name: str, plugs: Sequence[str]) -> List[str]:
    """The curves of ``plugs`` in the layer.

    TakeError where there is none: Maya silently ignores keys on plugs that are not in the layer.
    """
    curves = []
    for plug in plugs:
        curve = layer_curve(name, plug)
        if curve is None:
            raise TakeError("animation layer: Maya put no key for '{}' into '{}'.".format(plug, name))
        curves.append(curve)
    return curves
