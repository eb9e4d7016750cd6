"""Which channels of a scene can be sampled: of what is selected, in sets, or everywhere. Changes nothing."""

from __future__ import annotations

from typing import Dict, List, Sequence, Set, Tuple

from maya import cmds

from facesolve.take.errors import TakeError
from facesolve.take.in_words import counted
from facesolve_maya.scene.choices import EVERYWHERE
from facesolve_maya.scene.findings import Refusal
from facesolve_maya.scene.plugs import driver_of, keys_of, source, split

from .drivers import is_control
from .sampling import range_of

_PASSED_OVER = ("visibility", "lodVisibility", "envelope")


def control_sets() -> Tuple[str, ...]:
    """The sets that may hold controls: those that no deformer uses, and not Maya's own."""
    found = cmds.ls(exactType="objectSet") or []
    own = ("defaultLightSet", "defaultObjectSet")
    return tuple(name for name in found if name not in own and not cmds.listConnections(name + ".usedBy"))


def samplable(where: str, head: str, time: float) -> Tuple[Tuple[str, ...], str]:
    """Plugs that can be moved over a range of their own, and a sentence about them and about what is left out.

    where: ``SELECTED``, ``EVERYWHERE`` (``scene.choices``) or the name of a set. Raises TakeError when there are none.
    """
    if where == EVERYWHERE:
        nodes = cmds.ls(type="transform", long=True) or []
    else:
        nodes = _members([where] if where else cmds.ls(selection=True, long=True) or [], set())
    above = set(_and_above(head))
    plugs: List[str] = []
    without: Dict[str, int] = {"without a range": 0, "driven": 0}
    for plug in _channels([node for node in nodes if node not in above]):
        why = _obstacle(plug, time)
        if not why:
            plugs.append(plug)
        elif why in without:
            without[why] += 1
    left = ", ".join("{} {}".format(count, why) for why, count in without.items() if count)
    if not plugs:
        place = "in the scene" if where == EVERYWHERE else "in '{}'".format(where) if where else "selected"
        raise TakeError(
            "sampling: no channel {} can be moved over limits of its own{}. Select controls whose channels have a "
            "minimum and a maximum and that nothing drives.".format(place, " ({})".format(left) if left else "")
        )
    text = "Sampling {}".format(counted(len(plugs), "control"))
    return tuple(plugs), text + ("; left out: {}.".format(left) if left else ".")


def _members(names: Sequence[str], seen: Set[str]) -> List[str]:
    """Nodes and plugs among ``names``, sets opened, in their order, each once."""
    found: List[str] = []
    for name in names:
        if name in seen:
            continue
        seen.add(name)
        if "." not in name and cmds.nodeType(name) == "objectSet":
            inside = cmds.sets(name, query=True) or []
            found += _members([path for member in inside for path in cmds.ls(member, long=True) or []], seen)
        else:
            found.append(name)
    return found


def _and_above(head: str) -> List[str]:
    """The head and the transforms above it: they are solved as its motion."""
    path = (cmds.ls(head, long=True) or [head])[0]
    return [path] + [path[:place] for place in range(1, len(path)) if path[place] == "|"]


def _channels(names: Sequence[str]) -> List[str]:
    """Keyable channels, by the shortest name of their node; a plug stands for itself, a proxy for what it shows."""
    found: List[str] = []
    for name in names:
        if "." in name:
            if "[" not in name.partition(".")[2] or cmds.nodeType(name.partition(".")[0]) == "blendShape":
                found.append(name)
            continue
        node = (cmds.ls(name) or [name])[0]
        keyable = cmds.listAttr(name, keyable=True, scalar=True, unlocked=True, multi=True) or []
        found += ["{}.{}".format(node, attribute) for attribute in keyable if attribute not in _PASSED_OVER]
    return list(dict.fromkeys(map(_origin, found)))


def _origin(plug: str) -> str:
    """What is moved when an animator moves ``plug``: of a proxy of another attribute, that attribute."""
    seen = [plug]
    while True:
        above = source(seen[-1])
        if above is None or above in seen or not is_control(*split(above)):
            return seen[-1]
        seen.append(above)


def _obstacle(plug: str, time: float) -> str:
    """Why ``plug`` cannot be sampled, in a word or two; empty when it can."""
    try:
        low, high, _ = range_of(plug, time)
    except Refusal:
        return "without a range" if driver_of(plug) is None or keys_of(plug) is not None else "driven"
    return "" if high > low else "without a range"
