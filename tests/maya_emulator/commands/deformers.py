"""Commands that add deformers to a mesh."""

from __future__ import annotations

from typing import Any

from tests.maya_emulator.errors import EmulatorError
from tests.maya_emulator.graph import Plug
from tests.maya_emulator.session import Session

from .registry import command, error, names_of


@command(name="n")
def blendShape(session: Session, *args: Any, **flags: Any) -> list[str]:
    """Only a new node without targets on one mesh that has history: it goes to the end of the chain."""
    (name,) = names_of(args, session)
    shape = session.node(name)
    if shape.type != "mesh":
        raise error(f"blendShape: '{name}' is no mesh")
    seen = Plug(shape, (("inMesh", None),))
    above = session.graph.source(seen)
    if above is None:
        raise EmulatorError("blendShape on a mesh without history is not offered")
    node = session.graph.create("blendShape", flags.get("name") or "blendShape1")
    session.graph.disconnect(seen)
    session.graph.connect(above, Plug(node, (("input", 0), ("inputGeometry", None))))
    session.graph.connect(Plug(node, (("outputGeometry", 0),)), seen)
    return [session.graph.shortest_name(node)]
