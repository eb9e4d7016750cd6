"""Nodes of a scene by names without namespaces, as a character's set-up has them."""

from __future__ import annotations

from typing import Optional

from maya import cmds

from facesolve.take.character import namespace_of
from facesolve.take.errors import TakeError


def in_scene(name: str, namespace: Optional[str] = None) -> str:
    """The node or plug called ``name`` under whatever namespace it has here, or under the one given (empty for none).

    TakeError when there is none, or several and no namespace is given.
    """
    own, dot, attribute = name.rpartition("|")[2].partition(".")
    found = cmds.ls(own, "*:" + own, "*:*:" + own) or []
    if namespace is not None:
        found = [node for node in found if namespace_of(node) == namespace]
    if not found:
        raise TakeError(
            "character: the scene has no '{}'; open a scene with its rig, or save the set-up again.".format(own)
        )
    if len(found) > 1:
        text = "character: the scene has '{}' {} times, as {}; choose one with --namespace."
        raise TakeError(text.format(own, len(found), " and ".join("'{}'".format(node) for node in found[:3])))
    return str(found[0]) + dot + attribute
