"""Questions about plugs of the scene, in the words the export uses. Changes nothing."""

from __future__ import annotations

from typing import Any, List, Optional, Tuple

import maya.api.OpenMaya as om
from maya import cmds

from .findings import Refusal


def split(plug: str) -> Tuple[str, str]:
    """(node, attribute) of ``node.attribute``."""
    node, _, attribute = plug.partition(".")
    return node, attribute


def require_node(name: str, what: str) -> str:
    """The one node called ``name``; Refusal when there is none or several."""
    found = cmds.ls(name, long=True) or [] if name else []
    if len(found) == 1:
        return found[0]
    if not found:
        if not name:
            raise Refusal("scene", "no {} is chosen.".format(what), "Import or reference the rig, then choose one.")
        raise Refusal(name, "the {} '{}' does not exist.".format(what, name), "Choose it again.")
    raise Refusal(
        name, "{} nodes are called '{}'.".format(len(found), name), "Give the full path of the {}.".format(what)
    )


def short_name(node: str) -> str:
    """The shortest name that means only ``node``."""
    return (cmds.ls(node) or [node])[0]


def kinds_of(node: str) -> List[str]:
    """The node's type and those that it is derived from, most general first."""
    return list(cmds.nodeType(node, inherited=True) or [])


def source(plug: str) -> Optional[str]:
    """The plug connected to exactly ``plug``, or None."""
    return cmds.connectionInfo(plug, sourceFromDestination=True) or None


def driver_of(plug: str) -> Optional[str]:
    """The plug that drives ``plug``, be it through the compound it belongs to (``translate`` of ``translateX``)."""
    found = source(plug)
    if found is not None:
        return found
    node, attribute = split(plug)
    name = attribute.rpartition(".")[2].partition("[")[0]
    above = cmds.attributeQuery(name, node=node, listParent=True) if has_attribute(node, name) else None
    return source("{}.{}".format(node, above[0])) if above else None


def keys_of(plug: str) -> Optional[str]:
    """The plug of the curve over time, or of the animation layers, that is connected to exactly ``plug``, or None."""
    found = source(plug)
    animates = found is not None and cmds.nodeType(split(found)[0]).startswith(("animCurveT", "animBlendNode"))
    return found if animates else None


def indices(plug: str) -> List[int]:
    """Existing indices of an array attribute (Maya answers None for none)."""
    return list(cmds.getAttr(plug, multiIndices=True) or [])


def has_attribute(node: str, attribute: str) -> bool:
    """True when the node has the attribute, whatever Maya's version."""
    return bool(cmds.attributeQuery(attribute, node=node, exists=True))


def numbers(value: Any) -> List[float]:
    """Flat list of the numbers that getAttr nested into lists and tuples."""
    if isinstance(value, (list, tuple)):
        return [number for item in value for number in numbers(item)]
    return [float(value)]


def api_plug(plug: str) -> om.MPlug:
    """The API's plug of ``node.attribute``."""
    return om.MSelectionList().add(plug).getPlug(0)


def data_object(plug: str) -> Optional[om.MObject]:
    """The data that ``plug`` holds (mesh, points, components), or None."""
    try:
        item = api_plug(plug).asMObject()
    except RuntimeError:
        return None
    return None if item.isNull() else item


def value_range(plug: str, times: Tuple[float, ...]) -> Tuple[float, float]:
    """Lowest and highest value of a scalar plug over ``times``."""
    if driver_of(plug) is None:
        value = float(cmds.getAttr(plug))
        return value, value
    values = [float(cmds.getAttr(plug, time=time)) for time in times]
    return min(values), max(values)


def obstacle(plug: str) -> str:
    """Why ``plug`` cannot be keyed; empty when it can."""
    node = split(plug)[0]
    if cmds.getAttr(plug, lock=True):
        if cmds.referenceQuery(node, isNodeReferenced=True):
            return "locked in the referenced file"
        return "locked"
    return ""
