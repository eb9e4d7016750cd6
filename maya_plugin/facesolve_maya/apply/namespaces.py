"""A take's controls in a scene that holds the rig under another namespace than the one it was solved in."""

from __future__ import annotations

from dataclasses import replace
from typing import List, Optional

from maya import cmds

from facesolve.take import Take
from facesolve.take.errors import TakeError
from facesolve_maya.scene.plugs import split


def in_this_scene(take: Take, namespace: Optional[str] = None, near: str = "") -> Take:
    """``take`` with the plugs that its controls have in this scene.

    namespace: of the rig here, empty for none. Without it that of the node ``near`` counts where it has all plugs; then
    plugs that are not here are looked for under the namespaces that have them all. TakeError when several have them.
    """
    plugs = [control.plug for control in take.rig.controls if control.plug]
    if not plugs:
        return take
    if namespace is None:
        own = near.rpartition("|")[2].rpartition(":")[0]
        if near and all(cmds.objExists(_under(plug, own)) for plug in plugs):
            namespace = own
        elif any(cmds.objExists(plug) for plug in plugs):
            return take
        else:
            namespace = _only_namespace_of(plugs)
    if namespace is None:
        return take
    controls = tuple(
        replace(control, plug=_under(control.plug, namespace)) if control.plug else control
        for control in take.rig.controls
    )
    return replace(take, rig=replace(take.rig, controls=controls))


def _only_namespace_of(plugs: List[str]) -> Optional[str]:
    """The one under which all ``plugs`` exist, None where there is none. TakeError where there are several."""
    found = _namespaces_of(plugs)
    if len(found) > 1:
        raise TakeError(
            "apply: the scene has the rig {} times, as {}; choose a head in one of them, or name its namespace.".format(
                len(found), ", ".join("'{}'".format(name) for name in found)
            )
        )
    return found[0] if found else None


def _namespaces_of(plugs: List[str]) -> List[str]:
    """Namespaces under which all ``plugs`` exist, whatever namespace they have now."""
    own = _own_name(split(plugs[0])[0])
    nodes = cmds.ls(own, "*:" + own, "*:*:" + own) or []
    found = {node.rpartition("|")[2].rpartition(":")[0] for node in nodes}
    return sorted(name for name in found if all(cmds.objExists(_under(plug, name)) for plug in plugs))


def _own_name(node: str) -> str:
    """A node's name without path and namespace."""
    return node.rpartition("|")[2].rpartition(":")[2]


def _under(plug: str, namespace: str) -> str:
    """``plug`` with every name of its path in ``namespace``."""
    node, attribute = split(plug)
    prefix = namespace + ":" if namespace else ""
    path = "|".join(prefix + part.rpartition(":")[2] if part else "" for part in node.split("|"))
    return "{}.{}".format(path, attribute)
