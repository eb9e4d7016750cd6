"""Commands about attributes: get, set, add, query, alias."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np

from tests.maya_emulator.errors import EmulatorError
from tests.maya_emulator.evaluate.animation import CONVERSION_TICKS
from tests.maya_emulator.graph import Plug
from tests.maya_emulator.node import Node
from tests.maya_emulator.schema import COMPOUND, INTEGER, NUMERIC
from tests.maya_emulator.session import Session
from tests.maya_emulator.units import frame_rate
from tests.maya_emulator.values import NameTaken, declared, plug_children

from .registry import command, error, names_of, nothing_as_none

_SPAN = re.compile(r"\[(\d+):(\d+)\]$")


def find_plug(session: Session, name: str) -> Plug:
    """The plug of ``node.attribute``; Maya answers RuntimeError for objects, ValueError for unknown attributes."""
    try:
        return session.plug(name)
    except ValueError as problem:
        raise ValueError(str(problem)) from None


def is_locked(plug: Plug) -> bool:
    """True when the plug or a compound above it is locked."""
    return any(plug.path[: i + 1] in plug.node.locked for i in range(len(plug.path)))


def shown(session: Session, plug: Plug, time: float) -> Any:
    """The value of ``plug`` as getAttr prints it, in the user's units."""
    attribute = plug.attribute
    if attribute.type in COMPOUND:
        return tuple(shown(session, child, time) for child in _children(plug))
    value = session.evaluator.value(plug, time)
    if attribute.type == "matrix":
        return [float(x) for x in (np.eye(4) if value is None else value).ravel()]
    if attribute.type == "pointArray":
        return [] if value is None else [tuple(float(x) for x in row) for row in value]
    if attribute.type in ("componentList", "stringArray"):
        return list(value or [])
    if attribute.type in ("Int32Array", "doubleArray"):
        return None if value is None else [float(x) for x in value]
    if attribute.type == "message":
        raise error("The data is not numeric, string, or matrix, and cannot be displayed.")
    if attribute.type == "bool":
        return bool(value)
    if attribute.type in INTEGER:
        return int(value)
    if attribute.type in NUMERIC:
        return float(value) / session.units.factor(attribute)
    if attribute.type == "string":
        return value
    raise error("The data is not numeric, string, or matrix, and cannot be displayed.")


def _children(plug: Plug) -> list[Plug]:
    return [Plug(plug.node, path) for path in plug.node.child_paths(plug.path)]


@command(
    False,
    time="t",
    type="typ",
    multiIndices="mi",
    size="s",
    lock="l",
    keyable="k",
    settable="se",
    channelBox="cb",
    asString="asString",
)
def getAttr(session: Session, name: str, **flags: Any) -> Any:
    span = _SPAN.search(name)
    if span is not None:  # plain numbers come in one flat list
        elements = range(int(span.group(1)), int(span.group(2)) + 1)
        return [getAttr(session, f"{name[: span.start()]}[{index}]", **flags) for index in elements]
    plug = find_plug(session, name)
    node, path = plug
    if flags.get("type"):
        return plug.attribute.type if not plug.attribute.array or path[-1][1] is not None else "TdataCompound"
    if flags.get("multiIndices"):
        return nothing_as_none(session.graph.indices(node, path))
    if flags.get("size"):
        return len(session.graph.indices(node, path)) if plug.attribute.array else 1
    if flags.get("lock"):
        return is_locked(plug)
    if flags.get("settable"):
        return not is_locked(plug) and session.graph.source(plug) is None
    if flags.get("keyable"):
        return node.keyable.get(path, plug.attribute.keyable)
    if flags.get("channelBox"):
        return node.channel_box.get(path, False)
    time = session.time if "time" not in flags else flags["time"] * session.units.ticks_per_frame
    with session.asking(time):
        return _value(session, plug, time, flags)


def _value(session: Session, plug: Plug, time: float, flags: dict[str, Any]) -> Any:
    node, path = plug
    if node.is_array_root(path):
        values = [
            shown(session, Plug(node, (*path[:-1], (path[-1][0], i))), time) for i in session.graph.indices(node, path)
        ]
        return [tuple(values)] if plug.attribute.type in NUMERIC | INTEGER else values
    value = shown(session, plug, time)
    if flags.get("asString"):
        return plug.attribute.enum_names.split(":")[value] if plug.attribute.type == "enum" else str(value)
    return [value] if plug.attribute.type in COMPOUND else value


@command(type="typ", lock="l", keyable="k", channelBox="cb", clamp="c", alteredValue="av", size="s")
def setAttr(session: Session, name: str, *args: Any, **flags: Any) -> None:
    plug = find_plug(session, name)
    node = plug.node
    if flags.get("lock") is False:
        session.graph.set_member(node.locked, plug.path, None)
    if args or flags.get("type"):
        _set(session, plug, args, flags.get("type"), bool(flags.get("clamp")))
    if "keyable" in flags:
        session.graph.set_member(node.keyable, plug.path, bool(flags["keyable"]))
    if "channelBox" in flags:
        session.graph.set_member(node.channel_box, plug.path, bool(flags["channelBox"]))
    if flags.get("lock"):
        session.graph.set_member(node.locked, plug.path, True)


def _set(session: Session, plug: Plug, args: tuple[Any, ...], type_name: str | None, clamp: bool) -> None:
    attribute, name = plug.attribute, session.plug_name(plug)
    if is_locked(plug) or session.graph.source(plug) is not None:
        raise error(f"setAttr: The attribute '{name}' is locked or connected and cannot be modified.")
    if attribute.output:
        raise error(f"setAttr: The attribute '{name}' cannot be set.")
    if attribute.type in COMPOUND:
        values = args[0] if len(args) == 1 and isinstance(args[0], (list, tuple)) else args
        leaves = plug_children(plug.node, plug.path)
        if len(values) != len(leaves):
            raise error(f"setAttr: '{name}' needs {len(leaves)} values.")
        for leaf, value in zip(leaves, values, strict=True):
            _set(session, leaf, (value,), None, clamp)
        return
    if attribute.type == "matrix":
        numbers = args[0] if len(args) == 1 else args
        session.graph.set_value(plug, np.array(numbers, np.float64).reshape(4, 4))
    elif attribute.type == "string":
        if type_name != "string":
            raise error("setAttr: The type of the data must be given: type='string'.")
        session.graph.set_value(plug, str(args[0]))
    elif attribute.type in NUMERIC | INTEGER:
        if type_name not in (None, attribute.type) or not isinstance(args[0], (int, float, np.number, bool)):
            raise error(f"setAttr: Error reading data element number 1: {args[0]!r}")
        _set_number(session, plug, float(args[0]), clamp)
    elif attribute.type in ("pointArray", "componentList") and type_name == attribute.type:
        _set_list(session, plug, args)
    else:
        raise EmulatorError(f"setAttr of type {attribute.type}")


def _set_list(session: Session, plug: Plug, args: tuple[Any, ...]) -> None:
    """Maya wants the number of entries first: points of four numbers, or names of components."""
    count, entries = args[0], args[1:]
    points = plug.attribute.type == "pointArray"
    if count != len(entries) or any(isinstance(entry, str) == points for entry in entries):
        raise error(f"setAttr: Error reading data element number {min(count, len(entries)) + 1}")
    session.graph.set_value(plug, np.array(entries, np.float64).reshape(-1, 4) if points else list(entries))


def _set_number(session: Session, plug: Plug, value: float, clamp: bool) -> None:
    attribute = plug.attribute
    low, high = attribute.minimum, attribute.maximum
    outside = (low is not None and value < low) or (high is not None and value > high)
    if outside and not clamp:
        raise error(f"setAttr: Cannot set the attribute '{session.plug_name(plug)}' past its minimum or maximum value.")
    if outside:
        value = max(low if low is not None else value, min(high if high is not None else value, value))
    value *= session.units.factor(attribute)
    session.graph.set_value(plug, int(value) if attribute.type in INTEGER else value)
    if value and plug.node.type == "imagePlane" and attribute.long == "useFrameExtension":
        _follow_time(session, plug.node)


def _follow_time(session: Session, plane: Node) -> None:
    """Maya itself lets an image sequence follow the time, unless something drives its frame extension already."""
    number = Plug(plane, (("frameExtension", None),))
    if session.graph.source(number) is not None:
        return
    converted = session.graph.create("timeToUnitConversion", "timeToUnitConversion1")
    factor = frame_rate(session.units.time) / CONVERSION_TICKS
    session.graph.set_value(Plug(converted, (("conversionFactor", None),)), factor)
    time = Plug(session.node("time1"), (("outTime", None),))
    session.graph.connect(time, Plug(converted, (("input", None),)))
    session.graph.connect(Plug(converted, (("output", None),)), number)


@command(
    longName="ln",
    shortName="sn",
    attributeType="at",
    dataType="dt",
    defaultValue="dv",
    minValue="min",
    maxValue="max",
    keyable="k",
    hidden="h",
    multi="m",
    parent="p",
    numberOfChildren="nc",
    enumName="en",
    exists="ex",
    query="q",
    niceName="nn",
)
def addAttr(session: Session, *args: Any, **flags: Any) -> Any:
    names = names_of(args, session)
    if flags.get("exists"):
        return _has(session, names[0])
    words: list[str] = []
    for long, short in (
        ("longName", "-ln"),
        ("shortName", "-sn"),
        ("attributeType", "-at"),
        ("dataType", "-dt"),
        ("defaultValue", "-dv"),
        ("minValue", "-min"),
        ("maxValue", "-max"),
        ("keyable", "-k"),
        ("hidden", "-h"),
        ("multi", "-m"),
        ("parent", "-p"),
        ("numberOfChildren", "-nc"),
        ("enumName", "-en"),
        ("niceName", "-nn"),
    ):
        if long in flags:
            words += [short, str(flags[long]).lower() if isinstance(flags[long], bool) else str(flags[long])]
    for name in names:
        node = session.node(name)
        if node.node_locked:
            raise error(f"Cannot add attributes to locked node '{name}'")
        try:
            attribute = declared(words, node)
        except NameTaken as problem:
            raise error(str(problem)) from None
        session.graph.set_member(node.dynamic, attribute.long, attribute)
        if attribute.parent:
            owner = node.dynamic[attribute.parent]
            children = (*owner.children, attribute.long)
            session.graph.set_member(node.dynamic, owner.long, replace(owner, children=children))
    return None


def _has(session: Session, name: str) -> bool:
    try:
        session.plug(name)
    except ValueError:
        return False
    return True


@command(
    False,
    node="n",
    exists="ex",
    minimum="min",
    maximum="max",
    minExists="mne",
    maxExists="mxe",
    listDefault="ld",
    keyable="k",
    attributeType="at",
    multi="m",
    longName="ln",
    shortName="sn",
    range="r",
    rangeExists="re",
    hidden="h",
    listEnum="le",
    listParent="lp",
)
def attributeQuery(session: Session, name: str, **flags: Any) -> Any:
    node: Node = session.node(flags["node"])
    attribute = node.attribute(name)
    if flags.get("exists"):
        return attribute is not None
    if attribute is None:
        raise error(f"No attribute matches name: {flags['node']}.{name}")
    answers = {
        "minExists": attribute.minimum is not None,
        "maxExists": attribute.maximum is not None,
        "rangeExists": attribute.minimum is not None and attribute.maximum is not None,
        "minimum": [attribute.minimum],
        "maximum": [attribute.maximum],
        "range": [attribute.minimum, attribute.maximum],
        "listDefault": [attribute.default],
        "keyable": attribute.keyable,
        "hidden": attribute.hidden,
        "attributeType": attribute.type,
        "multi": attribute.array,
        "longName": attribute.long,
        "shortName": attribute.short,
        "listEnum": [attribute.enum_names],
        "listParent": [attribute.parent] if attribute.parent else None,
    }
    for flag in flags:
        if flag in answers:
            return answers[flag]
    raise EmulatorError("attributeQuery without a question")


@command(
    False,
    keyable="k",
    userDefined="ud",
    locked="l",
    unlocked="u",
    multi="m",
    scalar="s",
    visible="v",
    string="st",
    connectable="c",
    settable="se",
)
def listAttr(session: Session, *args: Any, **flags: Any) -> list[str] | None:
    found = []
    for name in names_of(args, session):
        node = session.node(name.partition(".")[0])
        table = list(node.dynamic.values())
        if not flags.get("userDefined"):
            from tests.maya_emulator.schema import node_types

            table = list(node_types()[node.type].attributes.values()) + table
        for attribute in table:
            path = tuple((a.long, None) for a in node.ancestors(attribute))
            if flags.get("keyable") and not node.keyable.get(path, attribute.keyable):
                continue
            if flags.get("locked") and not is_locked(Plug(node, path)):
                continue
            if flags.get("unlocked") and is_locked(Plug(node, path)):
                continue
            if flags.get("scalar") and attribute.type not in NUMERIC | INTEGER:
                continue
            if attribute.array and flags.get("multi"):
                indices = session.graph.indices(node, path)
                found += [node.path_name((*path[:-1], (attribute.long, i)), alias=True) for i in indices]
            else:
                found.append(attribute.long)
    return nothing_as_none(found)


@command(query="q", remove="rm")
def aliasAttr(session: Session, *args: str, **flags: Any) -> Any:
    if flags.get("query"):
        if "." not in args[0]:
            node = session.node(args[0])
            pairs = [(name, node.path_name(path)) for name, path in node.aliases.items()]
            return nothing_as_none([word for pair in pairs for word in pair])
        plug = find_plug(session, args[0])
        return next((name for name, path in plug.node.aliases.items() if path == plug.path), "")
    if flags.get("remove"):
        plug = find_plug(session, args[0])
        for name in [n for n, path in plug.node.aliases.items() if path == plug.path]:
            session.graph.set_member(plug.node.aliases, name, None)
        return None
    for alias, name in zip(args[::2], args[1::2], strict=True):
        plug = find_plug(session, name)
        if alias in plug.node.aliases or plug.node.attribute(alias):
            raise error(f"aliasAttr: the name '{alias}' is used already")
        for old in [n for n, path in plug.node.aliases.items() if path == plug.path]:
            session.graph.set_member(plug.node.aliases, old, None)
        session.graph.set_member(plug.node.aliases, alias, plug.path)
    return None
