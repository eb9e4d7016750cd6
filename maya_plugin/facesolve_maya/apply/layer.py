"""The animation layer that receives keys, and the curves in it. Edits by commands, so that Maya can undo them."""

from __future__ import annotations

from functools import partial
from typing import List, Optional, Sequence, Set, Tuple

from maya import cmds

from facesolve.take.errors import TakeError
from facesolve_maya.scene.names import free_name, legal_name, node_name
from facesolve_maya.scene.plugs import api_plug, driver_of, obstacle, source, split
from facesolve_maya.scene.undo import Command


def layer_name(wanted: str, take: str) -> str:
    """A layer's name: ``wanted`` as Maya allows it, or a free one made of the take's name."""
    if wanted:
        return wanted if cmds.objExists(wanted) else legal_name(wanted, "layer")
    return free_name(node_name(take))


def check_layer(name: str) -> None:
    """TakeError when ``name`` is no layer that can be keyed: another node, locked, or muted."""
    if not cmds.objExists(name):
        return
    if cmds.nodeType(name) != "animLayer":
        raise TakeError("animation layer: '{}' is a {}; choose another name.".format(name, cmds.nodeType(name)))
    if cmds.animLayer(name, query=True, lock=True):
        raise TakeError("animation layer: '{}' is locked; unlock it or choose another.".format(name))
    if cmds.animLayer(name, query=True, mute=True):
        raise TakeError("animation layer: '{}' is muted; unmute it, or its keys have no effect.".format(name))


def why_not_keyable(plug: str) -> str:
    """Why ``plug`` cannot get keys on a layer, in words; empty when it can.

    Layers go over whatever drives a plug by itself: constraints, expressions, set-driven keys. What drives it as part
    of a whole, such as ``rotate``, is left alone.
    """
    if plug and cmds.objExists(plug) and source(plug) is not None:
        return obstacle(plug)
    return why_not_settable(plug)


def driver_below(plug: str) -> str:
    """What a layer's keys go over, if that is more than curves and other layers; else empty."""
    driver = source(plug)
    return "" if driver is None or _of_keys(driver) else driver


def _of_keys(driver: str) -> bool:
    return cmds.nodeType(split(driver)[0]).startswith(("animCurveT", "animBlendNode"))


def why_not_settable(plug: str) -> str:
    """Why ``plug`` can neither be set nor keyed without a layer, in words; empty when it can."""
    if not plug or not cmds.objExists(plug):
        return "not in the scene"
    locked = obstacle(plug)
    if locked:
        return locked
    driver = driver_of(plug)
    return "driven by '{}'".format(driver) if driver is not None and not _of_keys(driver) else ""


def layer_curve(name: str, plug: str) -> Optional[str]:
    """The curve of ``plug`` in the layer, or None. Maya answers with a list or a string, depending on the version."""
    found = cmds.animLayer(name, query=True, findCurveForPlug=plug)
    if isinstance(found, (list, tuple)):
        return found[0] if found else None
    return found or None


def layer_commands(name: str, plugs: Sequence[str], first_keys: Sequence[Tuple[str, float, float]]) -> List[Command]:
    """Commands that make the override layer, put ``plugs`` into it and let Maya make the curves that are missing.

    first_keys: plug, time and value (shown units) of the key that a curve comes with; plugs that join with others, too.
    """
    exists = cmds.objExists(name)
    members = layer_members(name)
    commands: List[Command] = [] if exists else [partial(cmds.animLayer, name, override=True)]
    missing = [plug for plug in plugs if api_plug(plug).name() not in members]
    if missing:  # all at once: one channel of a rotation may bring the other two with it
        commands.append(partial(cmds.animLayer, name, edit=True, attribute=missing))
    for plug, time, value in first_keys:
        if not exists or layer_curve(name, plug) is None:
            commands.append(partial(cmds.setKeyframe, plug, animLayer=name, time=time, value=value))
    return commands


def layer_members(name: str) -> Set[str]:
    """Full names of the plugs in a layer; none when there is no such layer."""
    if not cmds.objExists(name):
        return set()
    return {api_plug(member).name() for member in cmds.animLayer(name, query=True, attribute=True) or []}


def check_members(name: str, before: Set[str]) -> None:
    """TakeError when a plug came into the layer, which had the members ``before``, and has no curve there.

    An override layer would hold it at one value for good.
    """
    bare = sorted(plug for plug in layer_members(name) - before if layer_curve(name, plug) is None)
    if bare:
        raise TakeError(
            "animation layer: '{}' contains {} without a key and would hold it.".format(name, ", ".join(bare))
        )


def layer_curves(name: str, plugs: Sequence[str]) -> List[str]:
    """The curves of ``plugs`` in the layer.

    TakeError where there is none: Maya silently ignores keys on plugs that are not in the layer.
    """
    curves = []
    for plug in plugs:
        curve = layer_curve(name, plug)
        if curve is None:
            raise TakeError("animation layer: Maya set no key for '{}' into '{}'.".format(plug, name))
        curves.append(curve)
    return curves
