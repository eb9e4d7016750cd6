"""Animation layers: the blend nodes between base curves, layer curves and the plugs they drive."""

from __future__ import annotations

from typing import Any

from tests.maya_emulator.errors import EmulatorError
from tests.maya_emulator.graph import Plug
from tests.maya_emulator.node import Node
from tests.maya_emulator.schema import is_a
from tests.maya_emulator.session import Session

from .attributes import find_plug, is_locked
from .nodes import legal_name
from .registry import command, error

ROOT = "BaseAnimation"
_BLENDS = {"doubleLinear": "animBlendNodeAdditiveDL", "doubleAngle": "animBlendNodeAdditiveDA"}
_SETTINGS = ("override", "mute", "solo", "lock", "passthrough", "weight", "preferred", "selected")


def _own(node: Node, name: str) -> Plug:
    return Plug(node, node.resolve(name))


def layer_node(session: Session, name: str) -> Node:
    """The layer ``name``; RuntimeError when there is none."""
    for node in session.graph.find(name):
        if node.type == "animLayer":
            return node
    raise error(f"No object matches name: {name}")


def members(session: Session, layer: Node) -> list[Plug]:
    """Plugs that are in ``layer``."""
    root = layer.resolve("dagSetMembers")
    found = [session.graph.inputs.get(Plug(layer, ((root[0][0], i),))) for i in session.graph.indices(layer, root)]
    return [plug for plug in found if plug is not None]


def blend_chain(session: Session, plug: Plug) -> list[tuple[Node, int]]:
    """Blend nodes above ``plug``, nearest first, each with the axis it serves (0 for scalars)."""
    chain = []
    source = session.graph.inputs.get(plug)
    while source is not None and is_a(source.node.type, "animBlendNodeBase"):
        axis = "XYZ".index(source.path[-1][0][-1]) if len(source.path) > 1 else 0
        chain.append((source.node, axis))
        source = session.graph.inputs.get(blend_input(source.node, "A", axis))
    return chain


def blend_input(node: Node, side: str, axis: int) -> Plug:
    """Input A (below) or B (the layer's own) of a blend node."""
    if node.type == "animBlendNodeAdditiveRotation":
        return _own(node, f"input{side}{'XYZ'[axis]}")
    return _own(node, f"input{side}")


def layer_input(session: Session, layer: Node, plug: Plug) -> Plug | None:
    """Where the curve of ``plug`` in ``layer`` is connected; None when the plug is not in the layer."""
    for node, axis in blend_chain(session, plug):
        if session.graph.inputs.get(_own(node, "weightB")) == _own(layer, "foregroundWeight"):
            return blend_input(node, "B", axis)
    return None


def base_input(session: Session, plug: Plug) -> Plug:
    """Where the base curve of ``plug`` is connected: the plug itself when no layer is above it."""
    chain = blend_chain(session, plug)
    return blend_input(chain[-1][0], "A", chain[-1][1]) if chain else plug


def _make_root(session: Session) -> Node:
    """The layer of what is in no layer. It comes with the first other one, and no undo is known to take it away."""
    recorder, session.graph.recorder = session.graph.recorder, None
    try:
        return session.graph.create("animLayer", ROOT)
    finally:
        session.graph.recorder = recorder


def _add(session: Session, layer: Node, plug: Plug) -> None:
    graph = session.graph
    if layer_input(session, layer, plug) is not None:
        return
    if is_locked(plug):
        raise error(f"The attribute '{session.plug_name(plug)}' is locked.")
    node = plug.node
    if plug.attribute.parent == "rotate":
        plugs = [_own(node, f"rotate{axis}") for axis in "XYZ"]
        blend = graph.create("animBlendNodeAdditiveRotation", f"{_flat(node.name)}_rotate_{layer.name}")
        graph.connect(_own(node, "rotateOrder"), _own(blend, "rotateOrder"))
        graph.connect(_own(layer, "rotationAccumulationMode"), _own(blend, "accumulationMode"))
        outputs = [_own(blend, f"output{axis}") for axis in "XYZ"]
    elif plug.attribute.parent == "scale":
        raise EmulatorError("scale channels in animation layers are not offered")
    else:
        plugs = [plug]
        name = f"{_flat(node.name)}_{node.path_name(plug.path, alias=True)}_{layer.name}"
        blend = graph.create(_BLENDS.get(plug.attribute.type, "animBlendNodeAdditive"), _flat(name))
        outputs = [_own(blend, "output")]
    graph.connect(_own(layer, "backgroundWeight"), _own(blend, "weightA"))
    graph.connect(_own(layer, "foregroundWeight"), _own(blend, "weightB"))
    override = session.evaluator.value(_own(layer, "override"), session.time)
    for axis, (target, output) in enumerate(zip(plugs, outputs, strict=True)):
        value = session.evaluator.value(target, session.time)
        source = graph.inputs.get(target)
        if source is not None:
            graph.disconnect(target)
            graph.connect(source, blend_input(blend, "A", axis))
        else:
            graph.set_value(blend_input(blend, "A", axis), value)
        graph.set_value(blend_input(blend, "B", axis), value if override else 0.0)
        graph.connect(output, target)
        index = len(session.graph.indices(layer, layer.resolve("dagSetMembers")))
        graph.connect(target, Plug(layer, (("dagSetMembers", index),)))
    index = len(session.graph.indices(layer, layer.resolve("blendNodes")))
    graph.connect(_own(blend, "message"), Plug(layer, (("blendNodes", index),)))


def _flat(name: str) -> str:
    for mark in "[].|:":
        name = name.replace(mark, "_")
    return name


def remove_layer(session: Session, layer: Node) -> None:
    """Takes the layer's blend nodes and curves away and hands each plug back to what is below."""
    for plug in members(session, layer):
        _remove(session, layer, plug)


def _remove(session: Session, layer: Node, plug: Plug) -> None:
    graph = session.graph
    for node, axis in blend_chain(session, plug):
        if graph.inputs.get(_own(node, "weightB")) != _own(layer, "foregroundWeight"):
            continue
        curve = graph.inputs.get(blend_input(node, "B", axis))
        below = blend_input(node, "A", axis)
        source, value = graph.inputs.get(below), node.values.get(below.path)
        output = _own(node, f"output{'XYZ'[axis]}") if plug.attribute.parent == "rotate" else _own(node, "output")
        for destination in [d for d in graph.destinations(output)]:
            graph.disconnect(destination)
            if source is not None:
                graph.connect(source, destination)
            elif value is not None:
                graph.set_value(destination, value)
        if curve is not None:
            graph.delete(curve.node)
        remaining = [d for p, ds in graph.outputs.items() if p.node is node for d in ds if d.node is not layer]
        if not remaining:
            graph.delete(node)
    for destination in [d for d in graph.destinations(plug) if d.node is layer]:
        graph.disconnect(destination)


@command(
    query="q",
    edit="e",
    override="o",
    attribute="at",
    removeAttribute="ra",
    exists="ex",
    findCurveForPlug="fcv",
    root="r",
    children="c",
    weight="w",
    mute="m",
    solo="s",
    lock="l",
    passthrough="pth",
    preferred="prf",
    selected="sel",
    animCurves="anc",
    layeredPlug="lp",
    parent="p",
    bestLayer="bl",
    blendNodes="bld",
)
def animLayer(session: Session, *args: str, **flags: Any) -> Any:
    if flags.get("query"):
        return _answer(session, args, flags)
    if flags.get("edit"):
        layer = layer_node(session, args[0])
    else:
        roots = [n for n in session.graph.find(ROOT) if n.type == "animLayer"]
        root = roots[0] if roots else _make_root(session)
        layer = session.graph.create("animLayer", legal_name(args[0]) if args else "AnimLayer1")
        session.graph.connect(_own(root, "message"), _own(layer, "parentLayer"))
        for name, value in (("selected", 0), ("override", 0)):
            session.graph.set_value(_own(layer, name), value)
    if flags.get("parent"):
        above = _own(layer, "parentLayer")
        if above in session.graph.inputs:
            session.graph.disconnect(above)
        session.graph.connect(_own(layer_node(session, flags["parent"]), "message"), above)
    for name in _SETTINGS:
        if name in flags:
            value = float(flags[name]) if name == "weight" else int(bool(flags[name]))
            session.graph.set_value(_own(layer, name), value)
    for name, action in (("attribute", _add), ("removeAttribute", _remove)):
        given = flags.get(name, [])
        for plug_name in [given] if isinstance(given, str) else given:
            action(session, layer, find_plug(session, plug_name))
    return layer.name


def _answer(session: Session, args: tuple[str, ...], flags: dict[str, Any]) -> Any:
    layers = [n for n in session.graph.order if n.type == "animLayer"]
    if flags.get("root"):
        return ROOT if layers else None
    if flags.get("exists"):
        return any(n.name == args[0] for n in layers)
    layer = layer_node(session, args[0])
    if flags.get("findCurveForPlug"):
        plug = find_plug(session, flags["findCurveForPlug"])
        place = base_input(session, plug) if layer.name == ROOT else layer_input(session, layer, plug)
        source = session.graph.inputs.get(place) if place is not None else None
        return [source.node.name] if source is not None and is_a(source.node.type, "animCurve") else None
    if flags.get("layeredPlug"):
        place = layer_input(session, layer, find_plug(session, flags["layeredPlug"]))
        return session.plug_name(place) if place is not None else None
    if flags.get("parent"):
        above = session.graph.inputs.get(_own(layer, "parentLayer"))
        return above.node.name if above is not None else None
    if flags.get("attribute"):
        return [session.plug_name(p, alias=True) for p in members(session, layer)] or None
    if flags.get("children"):
        if layer.name != ROOT:
            return None
        return [n.name for n in layers if n.name != ROOT] or None
    if flags.get("animCurves"):
        found = []
        for plug in members(session, layer):
            place = layer_input(session, layer, plug)
            source = session.graph.inputs.get(place) if place is not None else None
            found += [source.node.name] if source is not None else []
        return found or None
    for name in _SETTINGS:
        if flags.get(name):
            value = session.evaluator.value(_own(layer, name), session.time)
            return float(value) if name == "weight" else bool(value)
    raise EmulatorError(f"animLayer answers not {sorted(flags)}")
