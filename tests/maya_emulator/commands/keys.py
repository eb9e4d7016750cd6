"""Commands about keys, expressions and image planes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.maya_emulator.curve import TANGENT_NAMES, Key
from tests.maya_emulator.errors import EmulatorError
from tests.maya_emulator.graph import Plug
from tests.maya_emulator.node import Node
from tests.maya_emulator.schema import ANGLE, LINEAR, TIME, is_a
from tests.maya_emulator.session import Session

from .attributes import find_plug, is_locked
from .layers import base_input, layer_input, layer_node
from .registry import command, error, names_of


def curve_type(plug: Plug) -> str:
    """The animation curve over time that fits ``plug``."""
    kind = plug.attribute.type
    return "animCurveT" + ("L" if kind in LINEAR else "A" if kind in ANGLE else "T" if kind in TIME else "U")


def curve_of(session: Session, place: Plug) -> Node | None:
    """The animation curve connected to ``place``."""
    source = session.graph.inputs.get(place)
    return source.node if source is not None and is_a(source.node.type, "animCurve") else None


def create_curve(session: Session, place: Plug, name: str) -> Node:
    """A new curve over time connected to ``place``."""
    node = session.graph.create(curve_type(place), name)
    session.graph.set_value(Plug(node, (("tangentType", None),)), TANGENT_NAMES["auto"])
    session.graph.connect(Plug(node, (("output", None),)), place)
    return node


def with_key(keys: list[Key], key: Key) -> list[Key]:
    """``keys`` with ``key`` added or replacing the one at its time."""
    kept = [k for k in keys if abs(k.time - key.time) > 0.5] + [key]
    return sorted(kept, key=lambda k: k.time)


@command(
    time="t",
    value="v",
    attribute="at",
    animLayer="al",
    inTangentType="itt",
    outTangentType="ott",
    float="f",
    insert="i",
    breakdown="bd",
    noResolve="nr",
)
def setKeyframe(session: Session, *args: Any, **flags: Any) -> int:
    count = 0
    for name in names_of(args, session):
        attributes = flags.get("attribute")
        for attribute in [attributes] if isinstance(attributes, str) else attributes or [None]:
            plug = find_plug(session, f"{name}.{attribute}" if attribute else name)
            count += _key(session, plug, flags)
    return count


def _key(session: Session, plug: Plug, flags: dict[str, Any]) -> int:
    if is_locked(plug):
        session.messages.append(f"'{session.plug_name(plug)}' is locked and was not keyed")
        return 0
    if "animLayer" in flags:
        place = layer_input(session, layer_node(session, flags["animLayer"]), plug)
        if place is None:
            return 0
    else:
        place = base_input(session, plug)
    curve = curve_of(session, place)
    if curve is None and session.graph.source(place) is not None:
        raise EmulatorError(f"keying '{session.plug_name(plug)}', which something other than a curve drives")
    factor = session.units.factor(plug.attribute)
    value = flags["value"] * factor if "value" in flags else session.evaluator.value(plug, session.time)
    if curve is None:
        stem = session.plug_name(plug, alias=True).split("|")[-1]
        for mark in ".[]:":
            stem = stem.replace(mark, "_")
        curve = create_curve(session, place, stem if place == plug else f"{stem}_{place.node.name}")
    times = flags.get("time", session.time / session.units.ticks_per_frame)
    for frame in [times] if isinstance(times, (int, float)) else times:
        ticks = float(round(float(frame) * session.units.ticks_per_frame))
        types = [TANGENT_NAMES[flags.get(side, "auto")] for side in ("inTangentType", "outTangentType")]
        key = Key(ticks, float(value), types[0], types[1])
        session.graph.set_keys(curve, with_key(curve.keys, key))
    return 1


def _curves(session: Session, args: tuple[Any, ...], flags: dict[str, Any]) -> list[Node]:
    found = []
    for name in names_of(args, session):
        node = session.node(name.partition(".")[0])
        if is_a(node.type, "animCurve"):
            found.append(node)
            continue
        attributes = flags.get("attribute")
        names = [attributes] if isinstance(attributes, str) else attributes
        plugs = [find_plug(session, f"{name}.{a}") for a in names] if names else []
        if "." in name:
            plugs = [find_plug(session, name)]
        elif not names:
            plugs = [p for p in session.graph.inputs if p.node is node]
        found += [c for p in plugs if (c := curve_of(session, base_input(session, p))) is not None]
    return found


def _within(session: Session, node: Node, flags: dict[str, Any]) -> list[int]:
    over_time = node.type[len("animCurve")] == "T"
    span = flags.get("time") if over_time else flags.get("float")
    if span is None:
        return list(range(len(node.keys)))
    low, high = (span, span) if isinstance(span, (int, float)) else (span[0], span[-1])
    scale = session.units.ticks_per_frame if over_time else 1.0
    return [i for i, key in enumerate(node.keys) if low * scale - 0.5 <= key.time <= high * scale + 0.5]


@command(
    query="q",
    edit="e",
    time="t",
    float="f",
    attribute="at",
    timeChange="tc",
    valueChange="vc",
    keyframeCount="kc",
    floatChange="fc",
    name="n",
    absolute="a",
    relative="r",
    indexValue="iv",
    tickDrawSpecial="tds",
)
def keyframe(session: Session, *args: Any, **flags: Any) -> Any:
    curves = _curves(session, args, flags)
    if not flags.get("query") and "tickDrawSpecial" in flags:
        for node in curves:
            chosen = set(_within(session, node, flags))
            keys = [
                replace(key, special=flags["tickDrawSpecial"]) if i in chosen else key
                for i, key in enumerate(node.keys)
            ]
            session.graph.set_keys(node, keys)
        return len(curves)
    if not flags.get("query"):
        for node in curves:
            output = node.attribute("output")
            assert output is not None
            chosen = set(_within(session, node, flags))
            value = flags["valueChange"] * session.units.factor(output)
            if flags.get("relative"):
                raise EmulatorError("keyframe -relative")
            session.graph.set_keys(
                node, [replace(key, value=value) if i in chosen else key for i, key in enumerate(node.keys)]
            )
        return len(curves)
    if flags.get("name"):
        return [node.name for node in curves] or None
    if flags.get("keyframeCount"):
        return sum(len(_within(session, node, flags)) for node in curves)
    answer: list[float] = []
    for node in curves:
        output = node.attribute("output")
        assert output is not None
        scale = session.units.ticks_per_frame if node.type[len("animCurve")] == "T" else 1.0
        for index in _within(session, node, flags):
            key = node.keys[index]
            if flags.get("timeChange") or flags.get("floatChange"):
                answer.append(key.time / scale)
            if flags.get("valueChange"):
                answer.append(key.value / session.units.factor(output))
    return answer or None


@command(time="t", float="f", attribute="at", clear="cl", option="o")
def cutKey(session: Session, *args: Any, **flags: Any) -> int:
    count = 0
    for node in _curves(session, args, flags):
        gone = set(_within(session, node, flags))
        count += len(gone)
        left = [key for i, key in enumerate(node.keys) if i not in gone]
        if left:
            session.graph.set_keys(node, left)
        else:
            session.graph.delete(node)
    return count


@command(string="s", name="n", object="o", alwaysEvaluate="ae", unitConversion="uc", query="q")
def expression(session: Session, *args: str, **flags: Any) -> str:
    """Only assignments ``node.attribute = arithmetic of frame and time`` are offered."""
    if flags.get("query"):
        raise EmulatorError("expression -query")
    if "->" in flags["string"]:
        raise error("Error: line 1: Syntax error")
    left, _, formula = flags["string"].strip().rstrip(";").partition("=")
    plug = find_plug(session, left.strip())
    if session.graph.inputs.get(plug) is not None or is_locked(plug):
        raise error(
            "Error: line 1: Attribute already controlled by an expression, keyframe, or other connection: "
            f"{left.strip()}"
        )
    node = session.graph.create("expression", flags.get("name") or "expression1")
    text = f".O[0]={formula.strip()}"
    session.graph.set_value(Plug(node, (("internalExpression", None),)), text)
    session.graph.connect(Plug(session.node("time1"), (("outTime", None),)), Plug(node, (("time", None),)))
    session.graph.connect(Plug(node, (("output", 0),)), plug)
    return node.name


UNREAD = -1  # coverage until Maya has read pixels; of a movie that it cannot play, too


@command(camera="c", fileName="fn", name="n", showInAllViews="sia", lookThrough="lt", query="q", imageSize="iz")
def imagePlane(session: Session, *args: str, **flags: Any) -> Any:
    from tests.maya_emulator.images import image_size

    if flags.get("query"):
        if not flags.get("imageSize"):
            raise EmulatorError("imagePlane answers only imageSize")
        shape = session.node(args[0])
        shape = shape if shape.type == "imagePlane" else shape.children[0]
        return list(image_size(shape.values.get((("imageName", None),), ""), session.workspace))
    camera = session.node(flags["camera"])
    camera = camera if camera.type == "camera" else next(c for c in camera.children if c.type == "camera")
    transform = session.graph.create("transform", flags.get("name") or "imagePlane1", camera)
    stem = transform.name.rstrip("0123456789")
    shape = session.graph.create("imagePlane", f"{stem}Shape{transform.name[len(stem) :]}", transform)
    from tests.maya_emulator.reader import next_available

    session.graph.connect(
        Plug(shape, (("message", None),)), next_available(session, Plug(camera, (("imagePlane", None),)))
    )
    if "fileName" in flags:
        session.graph.set_value(Plug(shape, (("imageName", None),)), flags["fileName"])
        width, height = image_size(flags["fileName"], session.workspace)
        for name, value in (("coverageX", width), ("coverageY", height)):
            session.graph.set_value(Plug(shape, (("coverage", None), (name, None))), value or UNREAD)
    session.selection = [transform]
    return [session.graph.shortest_name(transform), session.graph.shortest_name(shape)]
