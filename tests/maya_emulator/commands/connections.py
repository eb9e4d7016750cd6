"""Commands about connections: connect, disconnect, list, history."""

from __future__ import annotations

from typing import Any

from tests.maya_emulator.errors import EmulatorError
from tests.maya_emulator.graph import Plug
from tests.maya_emulator.reader import next_available
from tests.maya_emulator.schema import ANGLE, INTEGER, LINEAR, NUMERIC, TIME, is_a
from tests.maya_emulator.session import Session

from .attributes import find_plug, is_locked
from .registry import command, error, names_of, nothing_as_none


def _kind(plug: Plug) -> str:
    type_name = plug.attribute.type
    for kind, members in (("linear", LINEAR), ("angle", ANGLE), ("time", TIME)):
        if type_name in members:
            return kind
    if type_name == "generic" or type_name in ("geometry", "mesh"):
        return "any"
    return "number" if type_name in NUMERIC | INTEGER else type_name


@command(force="f", nextAvailable="na", lock="l")
def connectAttr(session: Session, source_name: str, destination_name: str, **flags: Any) -> str:
    source, destination = find_plug(session, source_name), find_plug(session, destination_name)
    if flags.get("nextAvailable"):
        destination = next_available(session, destination)
    if is_locked(destination):
        raise error(f"The destination attribute '{destination_name}' is locked.")
    existing = session.graph.inputs.get(destination)
    if existing == source:
        raise error(f"'{source_name}' is already connected to '{destination_name}'.")
    if existing is not None:
        if not flags.get("force"):
            name = session.plug_name(existing)
            raise error(f"The attribute '{destination_name}' cannot be connected: it has an input from '{name}'.")
        session.graph.disconnect(destination)
    kinds = {_kind(source), _kind(destination)} - {"any"}
    if kinds == {"number", "linear"} or kinds == {"number", "angle"}:
        source = _converted(session, source, destination)
    elif len(kinds) > 1 and "message" not in kinds:
        raise EmulatorError(f"connecting {source.attribute.type} to {destination.attribute.type}")
    session.graph.connect(source, destination)
    return f"Connected {source_name} to {destination_name}."


def _converted(session: Session, source: Plug, destination: Plug) -> Plug:
    """Maya puts a unitConversion between a plain number and a length or angle."""
    node = session.graph.create("unitConversion", "unitConversion1")
    factor = session.units.factor(destination.attribute) / session.units.factor(source.attribute)
    session.graph.set_value(Plug(node, (("conversionFactor", None),)), factor)
    session.graph.connect(source, Plug(node, (("input", None),)))
    return Plug(node, (("output", None),))


@command(nextAvailable="na")
def disconnectAttr(session: Session, source_name: str, destination_name: str, **flags: Any) -> str:
    source, destination = find_plug(session, source_name), find_plug(session, destination_name)
    if session.graph.inputs.get(destination) != source:
        raise error(f"There is no connection from '{source_name}' to '{destination_name}' to disconnect.")
    if is_locked(destination):
        raise error(f"The destination attribute '{destination_name}' is locked.")
    session.graph.disconnect(destination)
    return f"Disconnect {source_name} from {destination_name}."


@command(
    False,
    sourceFromDestination="sfd",
    destinationFromSource="dfs",
    isDestination="id",
    isExactDestination="ied",
    isSource="isSource",
    isExactSource="ies",
)
def connectionInfo(session: Session, name: str, **flags: Any) -> Any:
    """About one plug exactly; Maya answers with an empty string where nothing is connected."""
    plug = find_plug(session, name)
    if flags.get("sourceFromDestination"):
        above = session.graph.inputs.get(plug)
        return session.plug_name(above, alias=True) if above is not None else ""
    raise EmulatorError(f"connectionInfo answers not {sorted(flags)}")


@command(False, allPlugs="a", propagation="p", clean="c", verbose="v", list="l")
def dgdirty(session: Session, *args: Any, **flags: Any) -> None:
    for name in names_of(args, session):
        session.plug(name) if "." in name else session.node(name)
    session.graph.version += 1


@command(
    False,
    source="s",
    destination="d",
    plugs="p",
    connections="c",
    type="t",
    exactType="et",
    skipConversionNodes="scn",
    shapes="sh",
)
def listConnections(session: Session, *args: Any, **flags: Any) -> list[str] | None:
    graph, found = session.graph, []
    for name in names_of(args, session):
        for here in _plugs_of(session, name):
            pairs: list[Plug] = []
            if flags.get("source", True) and here in graph.inputs:
                pairs.append(_behind(session, graph.inputs[here], flags))
            if flags.get("destination", True):
                pairs += [p for d in graph.destinations(here) for p in _beyond(session, d, flags)]
            for other in pairs:
                if flags.get("type") and not is_a(other.node.type, flags["type"]):
                    continue
                if flags.get("connections"):
                    found.append(session.plug_name(here, alias=True))
                found.append(
                    session.plug_name(other, alias=True) if flags.get("plugs") else _object(session, other, flags)
                )
    return nothing_as_none(found)


def _plugs_of(session: Session, name: str) -> list[Plug]:
    graph = session.graph
    if "." not in name:
        node = session.node(name)
        return [p for p in [*graph.inputs, *graph.outputs] if p.node is node]
    plug = find_plug(session, name)
    depth = len(plug.path)
    if plug.path[-1][1] is None and not plug.node.is_inert and plug.attribute.array:
        head, long = plug.path[:-1], plug.path[-1][0]
        matches = [
            p
            for p in [*graph.inputs, *graph.outputs]
            if p.node is plug.node
            and len(p.path) >= depth
            and p.path[: depth - 1] == head
            and p.path[depth - 1][0] == long
        ]
    else:  # of a compound its own connections: Maya says nothing when only its children are connected
        matches = [p for p in [*graph.inputs, *graph.outputs] if p == plug]
    return sorted(dict.fromkeys(matches), key=lambda p: [step[1] or 0 for step in p.path])


def _behind(session: Session, plug: Plug, flags: dict[str, Any]) -> Plug:
    while flags.get("skipConversionNodes") and plug.node.type == "unitConversion":
        plug = session.graph.inputs[Plug(plug.node, (("input", None),))]
    return plug


def _beyond(session: Session, plug: Plug, flags: dict[str, Any]) -> list[Plug]:
    if flags.get("skipConversionNodes") and plug.node.type == "unitConversion":
        output = Plug(plug.node, (("output", None),))
        return [p for d in session.graph.destinations(output) for p in _beyond(session, d, flags)]
    return [plug]


def _object(session: Session, plug: Plug, flags: dict[str, Any]) -> str:
    """Without -shapes Maya names the transform of a shape."""
    node = plug.node
    if is_a(node.type, "shape") and not flags.get("shapes") and node.parent is not None:
        node = node.parent
    return session.graph.shortest_name(node)
