"""Commands that constrain transforms to others."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.maya_emulator.errors import EmulatorError
from tests.maya_emulator.evaluate.transforms import euler
from tests.maya_emulator.graph import Plug
from tests.maya_emulator.node import Node
from tests.maya_emulator.session import Session

from .registry import command, names_of

_OF_TARGET = (
    ("translate", "targetTranslate"),
    ("rotate", "targetRotate"),
    ("rotateOrder", "targetRotateOrder"),
    ("scale", "targetScale"),
    ("rotatePivot", "targetRotatePivot"),
    ("rotatePivotTranslate", "targetRotateTranslate"),
)


@command(maintainOffset="mo", weight="w", name="n", skipTranslate="st", skipRotate="sr")
def parentConstraint(session: Session, *args: Any, **flags: Any) -> list[str]:
    """One target, all six channels."""
    target, driven = (session.node(name) for name in names_of(args, session))
    if set(flags) - {"maintainOffset", "name"}:
        raise EmulatorError(f"parentConstraint with {sorted(flags)}")
    graph = session.graph
    node = graph.create("parentConstraint", flags.get("name") or f"{driven.name}_parentConstraint1", driven)
    place = ("target", 0)
    for source, destination in _OF_TARGET:
        graph.connect(_plug(target, source), Plug(node, (place, (destination, None))))
    graph.connect(Plug(target, (("parentMatrix", 0),)), Plug(node, (place, ("targetParentMatrix", None))))
    graph.connect(Plug(driven, (("parentInverseMatrix", 0),)), _plug(node, "constraintParentInverseMatrix"))
    graph.connect(_plug(driven, "rotateOrder"), _plug(node, "constraintRotateOrder"))
    if flags.get("maintainOffset"):
        offset = _world(session, driven) @ np.linalg.inv(_world(session, target))
        for name, values in (("Translate", offset[3, :3]), ("Rotate", euler(offset, 0))):
            for axis, value in zip("XYZ", values, strict=True):
                path = (place, (f"targetOffset{name}", None), (f"targetOffset{name}{axis}", None))
                graph.set_value(Plug(node, path), float(value))
    for channel in ("Translate", "Rotate"):
        for axis in "XYZ":
            source = Plug(node, ((f"constraint{channel}", None), (f"constraint{channel}{axis}", None)))
            graph.connect(source, _plug(driven, f"{channel.lower()}{axis}"))
    return [graph.shortest_name(node)]


def _plug(node: Node, name: str) -> Plug:
    return Plug(node, node.resolve(name))


def _world(session: Session, node: Node) -> np.ndarray:
    return session.evaluator.value(Plug(node, (("worldMatrix", 0),)), session.time)
