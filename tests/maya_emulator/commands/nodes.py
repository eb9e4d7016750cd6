"""Commands about nodes: create, find, rename, parent, delete, select."""

from __future__ import annotations

import fnmatch
import re
from typing import Any

from tests.maya_emulator.errors import EmulatorError
from tests.maya_emulator.graph import Edit, Plug
from tests.maya_emulator.node import Node
from tests.maya_emulator.schema import is_a, lineage, node_types
from tests.maya_emulator.session import Session

from .registry import command, error, names_of, nothing_as_none

OF_PLUGINS = {"timeSliderBookmark": "timeSliderBookmark"}  # node type -> the plug-in of Maya's own that brings it


def _known(session: Session, name: str) -> Node:
    try:
        return session.node(name)
    except ValueError as problem:
        raise error(str(problem)) from None


def _locked(node: Node, doing: str) -> None:
    if node.node_locked or (node.reference and doing != "select"):
        why = "from a referenced file" if node.reference else "locked"
        raise error(f"Cannot {doing} {why} object '{node.name}'")


def legal_name(name: str) -> str:
    """``name`` as Maya makes it legal, with no more than a warning: leading digits vanish, other marks become ``_``."""
    *spaces, own = name.split(":")
    own = re.sub(r"\W", "_", own.lstrip("0123456789"), flags=re.ASCII)
    if not own or (not own.strip("_") and own != name):
        raise error("New name has no legal characters.\n")
    return ":".join((*spaces, own))


@command(name="n", parent="p", shared="s", skipSelect="ss")
def createNode(session: Session, type_name: str, **flags: Any) -> str:
    if type_name not in node_types():
        raise EmulatorError(f"unknown node type '{type_name}'")
    if type_name in OF_PLUGINS and OF_PLUGINS[type_name] not in session.plugins:
        raise error(f"Unknown object type: {type_name}")
    parent = _known(session, flags["parent"]) if flags.get("parent") else None
    name = legal_name(flags["name"]) if "name" in flags else type_name + "1"
    if is_a(type_name, "shape") and parent is None:
        stem = name[: -len("Shape")] if name.endswith("Shape") else name.replace("Shape", "")
        parent = session.graph.create("transform", stem)
    node = session.graph.create(type_name, name, parent)
    if not flags.get("skipSelect"):
        session.selection = [node]
    return session.graph.shortest_name(node)


@command(
    False,
    allPaths="ap",
    long="l",
    type="typ",
    exactType="et",
    selection="sl",
    dagObjects="dag",
    shapes="s",
    noIntermediate="ni",
    uuid="uid",
    cameras="ca",
    referencedNodes="rn",
    objectsOnly="o",
    flatten="fl",
)
def ls(session: Session, *args: Any, **flags: Any) -> list[str]:
    graph = session.graph
    patterns = names_of(args, session) if args or flags.get("selection") else ["*"]
    if flags.get("selection"):
        chosen = [node for node in session.selection if node.alive]
    else:
        chosen = [node for node in graph.order if any(_matches(session, node, p) for p in patterns)]
        if any("." in p for p in patterns):
            return [p for p in patterns if _plug_exists(session, p)]
    types = flags.get("type") or flags.get("exactType")
    wanted = [types] if isinstance(types, str) else types
    if flags.get("cameras"):
        wanted = ["camera"]
    for name in wanted or ():
        if name not in node_types():
            raise EmulatorError(f"unknown node type '{name}'")
        if name in OF_PLUGINS and OF_PLUGINS[name] not in session.plugins:
            raise error(f"No object matches type: {name}")
    if flags.get("dagObjects"):
        chosen = [n for root in chosen for n in _below(root)]
    if wanted and flags.get("exactType"):
        chosen = [n for n in chosen if n.type in wanted]
    elif wanted:
        chosen = [n for n in chosen if any(is_a(n.type, name) for name in wanted)]
    if flags.get("shapes"):
        chosen = [n for n in chosen if is_a(n.type, "shape")]
    if flags.get("noIntermediate"):
        chosen = [n for n in chosen if not n.values.get((("intermediateObject", None),))]
    if flags.get("referencedNodes"):
        chosen = [n for n in chosen if n.reference]
    if flags.get("uuid"):
        return [n.uuid for n in chosen]
    unique = list(dict.fromkeys(chosen))
    return [n.full_path if flags.get("long") else graph.shortest_name(n) for n in unique]


def _below(node: Node) -> list[Node]:
    return [node] + [n for child in node.children for n in _below(child)] if node.is_dag else []


def _matches(session: Session, node: Node, pattern: str) -> bool:
    if "*" in pattern or "?" in pattern:
        name = node.name if "|" not in pattern else node.full_path
        return fnmatch.fnmatchcase(name, pattern) if ":" in pattern or ":" not in name else False
    return node.uuid == pattern or node in session.graph.find(pattern)


def _plug_exists(session: Session, name: str) -> bool:
    try:
        session.plug(name)
    except ValueError:
        return False
    return True


@command(False)
def objExists(session: Session, name: str) -> bool:
    return _plug_exists(session, name) if "." in name else bool(session.graph.find(name))


@command(False, inherited="i", isTypeName="itn", derived="d")
def nodeType(session: Session, name: str, **flags: Any) -> Any:
    type_name = name if flags.get("isTypeName") else _known(session, name.partition(".")[0]).type
    if flags.get("inherited"):
        return [t for t in reversed(lineage(type_name)) if t != "node"]
    return type_name


@command(
    False,
    allDescendents="ad",
    children="c",
    parent="p",
    allParents="ap",
    fullPath="f",
    shapes="s",
    type="typ",
    noIntermediate="ni",
    path="pa",
)
def listRelatives(session: Session, *args: Any, **flags: Any) -> list[str] | None:
    graph, found = session.graph, []
    for name in names_of(args, session):
        node = _known(session, name)
        if flags.get("parent"):
            found += [node.parent] if node.parent else []
        elif flags.get("allDescendents"):
            found += list(reversed(_below(node)[1:]))
        elif flags.get("shapes"):
            found += [c for c in node.children if is_a(c.type, "shape")]
        else:
            found += node.children
    if flags.get("type"):
        found = [n for n in found if is_a(n.type, flags["type"])]
    if flags.get("noIntermediate"):
        found = [n for n in found if not n.values.get((("intermediateObject", None),))]
    if flags.get("fullPath"):
        return nothing_as_none([n.full_path for n in found])
    return nothing_as_none([graph.shortest_name(n) if flags.get("path") else n.name for n in found])


@command(uuid="uid", ignoreShape="ignoreShape")
def rename(session: Session, *args: str, **flags: Any) -> str:
    node = _known(session, args[0])
    _locked(node, "rename")
    return session.graph.rename(node, legal_name(args[1]))


@command(world="w", relative="r", absolute="a", shape="s", noConnections="nc")
def parent(session: Session, *args: str, **flags: Any) -> list[str]:
    """Without -relative Maya keeps the object where it is; only the forms that need no new transform are offered."""
    names = list(args)
    target = None if flags.get("world") else _known(session, names.pop())
    moved = []
    for name in names:
        node = _known(session, name)
        _locked(node, "reparent")
        if not (flags.get("relative") or flags.get("shape")):
            before = session.evaluator.value(Plug(node, (("worldMatrix", 0),)), session.time)
            session.graph.reparent(node, target)
            after = session.evaluator.value(Plug(node, (("worldMatrix", 0),)), session.time)
            if abs(before - after).max() > 1e-9:
                raise EmulatorError("parenting that must change the transform is not offered")
        else:
            session.graph.reparent(node, target)
        moved.append(session.graph.shortest_name(node))
    return moved


@command()
def delete(session: Session, *args: Any) -> None:
    for name in names_of(args, session):
        if not session.graph.find(name):
            raise error(f"No object matches name: {name}")
        for node in list(session.graph.find(name)):
            _locked(node, "delete")
            if node.type == "animLayer":
                from .layers import remove_layer

                remove_layer(session, node)
            if node.alive:
                session.graph.delete(node)


@command(lock="l", ignoreComponents="ic", query="q")
def lockNode(session: Session, *args: Any, **flags: Any) -> Any:
    nodes = [_known(session, name) for name in names_of(args, session)]
    if flags.get("query"):
        return [node.node_locked for node in nodes]
    for node in nodes:
        node.node_locked = bool(flags.get("lock", True))
    return None


@command(edit="e", query="q", forceElement="fe")
def sets(session: Session, *args: str, **flags: Any) -> Any:
    """What assigns a material, shapes into a shading group and out of the one that they are in; and who is in a set."""
    if flags.get("query"):
        group = _known(session, args[0])
        places = sorted(plug for plug in session.graph.inputs if plug.node is group and "etMembers" in plug.path[0][0])
        return nothing_as_none([session.graph.shortest_name(session.graph.inputs[place].node) for place in places])
    if not flags.get("edit") or "forceElement" not in flags:
        raise EmulatorError(f"sets with {sorted(flags)}")
    group = _known(session, flags["forceElement"])
    if group.type != "shadingEngine":
        raise EmulatorError("only shading groups take elements by force")
    for name in names_of(args, session):
        shape = _known(session, name)
        place = Plug(shape, (("instObjGroups", 0),))
        for destination in session.graph.destinations(place):
            session.graph.disconnect(destination)
        taken = {plug.path for plug in session.graph.inputs if plug.node is group}
        free = next(index for index in range(len(taken) + 1) if ((f"dagSetMembers[{index}]", None),) not in taken)
        session.graph.connect(place, Plug(group, ((f"dagSetMembers[{free}]", None),)))
    return group.name


@command(clear="cl", replace="r", add="add", noExpand="ne")
def select(session: Session, *args: Any, **flags: Any) -> None:
    names = [] if flags.get("clear") else [name for arg in args for name in ([arg] if isinstance(arg, str) else arg)]
    chosen = [_known(session, name) for name in names]
    wanted = session.selection + chosen if flags.get("add") else chosen

    def edit(new: list[str]) -> Edit:
        old = [session.graph.shortest_name(node) for node in session.selection if node.alive]
        session.selection = [_known(session, name) for name in new]  # redo may have made other nodes of these names
        return lambda: edit(old)

    session.graph.perform(lambda: edit([session.graph.shortest_name(node) for node in wanted if node.alive]))


@command(False, isNodeReferenced="inr", referenceNode="rfn", filename="f")
def referenceQuery(session: Session, name: str, **flags: Any) -> Any:
    node = _known(session, name)
    if flags.get("isNodeReferenced"):
        return node.reference is not None
    if flags.get("referenceNode"):
        if node.reference is None:
            raise error(f"'{name}' is not from a referenced file")
        return node.reference
    if flags.get("filename"):
        return session.references[node.reference or node.name]
    raise EmulatorError("referenceQuery without a question")
