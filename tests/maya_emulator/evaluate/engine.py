"""The pull evaluation of the graph: connections, computed outputs, stored values, defaults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.maya_emulator.errors import EmulatorError
from tests.maya_emulator.graph import Graph, Plug
from tests.maya_emulator.schema import COMPOUND, INTEGER, lineage
from tests.maya_emulator.units import Units

Compute = Callable[["Evaluator", Plug, float], Any]
COMPUTES: dict[tuple[str, str], Compute] = {}


def computes(type_name: str, *attributes: str) -> Callable[[Compute], Compute]:
    """Registers the function that computes output ``attributes`` (long names) of a node type."""

    def register(function: Compute) -> Compute:
        for attribute in attributes:
            COMPUTES[type_name, attribute] = function
        return function

    return register


class Evaluator:
    """Evaluates plugs of ``graph`` at a time in ticks; remembers values until the graph changes.

    present: where the scene's time stands while another time is only asked about (``getAttr -time``): constraints
    answer with their present pose then, as was measured in Maya for chains of them. None: time has really changed.
    tolerant: plugs behind nodes that are only carried along keep the value that was saved; else they raise.
    """

    def __init__(self, graph: Graph, units: Units) -> None:
        self.graph = graph
        self.units = units
        self.present: float | None = None
        self.tolerant = False
        self._memory: dict[tuple[Plug, float, float | None], Any] = {}
        self._version = -1

    def value(self, plug: Plug, time: float) -> Any:
        """The value of ``plug`` in internal units; compounds give tuples, meshes ``MeshData``, unset data None."""
        if self._version != self.graph.version:
            self._memory.clear()
            self._version = self.graph.version
        key = (plug, time, self.present)
        if key not in self._memory:
            self._memory[key] = self._evaluate(plug, time)
        return self._memory[key]

    def child(self, plug: Plug, *names: str | tuple[str, int], time: float) -> Any:
        """The value of the attribute reached from ``plug`` by ``names`` (long names, with index for arrays)."""
        steps = tuple(n if isinstance(n, tuple) else (n, None) for n in names)
        return self.value(Plug(plug.node, plug.path + steps), time)

    def input(self, plug: Plug, name: str, time: float) -> Any:
        """The value of the attribute ``name`` of the node of ``plug``."""
        return self.value(Plug(plug.node, plug.node.resolve(name)), time)

    def _evaluate(self, plug: Plug, time: float) -> Any:
        node, path = plug
        source = self.graph.source(plug)
        if source is not None and not (self.tolerant and source.node.is_inert):
            if source.node.is_inert:
                raise EmulatorError(f"'{source.node.name}' ({source.node.type}) is carried along, never computed")
            value = self.value(source, time)
            return int(value + 1e-9) if plug.attribute.type in INTEGER and isinstance(value, float) else value
        if node.is_inert:
            raise EmulatorError(f"'{node.name}' ({node.type}) is carried along, never computed")
        attribute = plug.attribute
        computed = self._computed(plug, time)
        if computed is not None:
            return computed[0]
        if path in node.values:
            return node.values[path]
        if attribute.array and path[-1][1] is None:
            raise EmulatorError(f"'{node.name}.{node.path_name(path)}' is an array; ask for its elements")
        if attribute.type in COMPOUND:
            if (*path[:-1], (path[-1][0], None)) in node.arrays:
                return tuple(node.arrays[(*path[:-1], (path[-1][0], None))][path[-1][1]])
            return tuple(self.value(Plug(node, child), time) for child in node.child_paths(path))
        return attribute.default

    def _computed(self, plug: Plug, time: float) -> tuple[Any] | None:
        for depth in range(len(plug.path), 0, -1):
            head = Plug(plug.node, plug.path[:depth])
            for type_name in lineage(plug.node.type):
                compute = COMPUTES.get((type_name, head.path[-1][0]))
                if compute is None:
                    continue
                value = self.value(head, time) if depth < len(plug.path) else compute(self, plug, time)
                for level in range(depth, len(plug.path)):
                    holder = plug.node.attribute(plug.path[level - 1][0])
                    assert holder is not None
                    value = value[holder.children.index(plug.path[level][0])]
                return (value,)
        return None


from . import animation, constraints, geometry, transforms, utility  # noqa: E402, F401  (they register what they compute)
