"""The scene as nodes and connections, changed only through edits that know their inverse. Computes nothing."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

from .errors import EmulatorError
from .node import Node, Path
from .schema import COMPOUND, Attribute, is_a, node_types


class Plug(NamedTuple):
    """An attribute (or array element, or child) of a node."""

    node: Node
    path: Path

    @property
    def attribute(self) -> Attribute:
        return self.node.leaf(self.path)


Edit = Callable[[], "Edit"]
_MISSING = object()


class Graph:
    """Nodes, connections and the journal of edits.

    Every change runs as an edit: a callable that makes the change and returns the callable that takes it back.
    ``recorder`` collects those inverses while a command that can be undone runs; API calls run without one.
    """

    def __init__(self) -> None:
        self.nodes: dict[str, list[Node]] = {}
        self.order: list[Node] = []
        self.inputs: dict[Plug, Plug] = {}
        self.outputs: dict[Plug, list[Plug]] = {}
        self.roots: list[Node] = []
        self.version = 0
        self.recorder: list[Edit] | None = None

    def perform(self, edit: Edit) -> None:
        """Runs ``edit`` and hands its inverse to the recorder, if one listens."""
        inverse = edit()
        self.version += 1
        if self.recorder is not None:
            self.recorder.append(inverse)

    # ------------------------------------------------------------------ names

    def find(self, name: str) -> list[Node]:
        """All living nodes that ``name`` (short, partial or full path, namespaces included) matches.

        An image plane's name is that of its camera, an arrow, and its own.
        """
        camera, arrow, own = name.partition("->")
        if arrow:
            return [n for n in self.find(own) if any(c in self.find(camera) for c in _above(n))]
        absolute = name.startswith("|")
        parts = [part.lstrip(":") for part in name.strip("|").split("|")]
        found = []
        for node in self.nodes.get(parts[-1], []):
            chain = [node]
            while chain[0].parent:
                chain.insert(0, chain[0].parent)
            names = [n.name for n in chain]
            if names == parts if absolute else names[-len(parts) :] == parts:
                found.append(node)
        return found

    def shortest_name(self, node: Node) -> str:
        """The shortest name that means only ``node``, as most commands print it."""
        cameras = [n for n in _above(node) if n.type == "camera"] if node.type == "imagePlane" else []
        return f"{self.shortest_path(cameras[0])}->{node.name}" if cameras else self.shortest_path(node)

    def shortest_path(self, node: Node) -> str:
        """The shortest path that means only ``node``, as files hold it."""
        if not node.is_dag:
            return node.name
        parts = node.full_path.strip("|").split("|")
        for count in range(1, len(parts) + 1):
            name = "|".join(parts[-count:])
            if len(self.find(name)) == 1:
                return name
        return node.full_path

    def free_name(self, wanted: str, parent: Node | None, *, dag: bool, self_node: Node | None = None) -> str:
        """``wanted``, or with its trailing number raised until it clashes with nothing (as Maya renames)."""
        stem = wanted.rstrip("0123456789")
        number = wanted[len(stem) :]
        name = wanted
        count = int(number) if number else 0
        while self._clashes(name, parent, dag, self_node):
            count += 1
            name = f"{stem}{count}"
        return name

    def _clashes(self, name: str, parent: Node | None, dag: bool, self_node: Node | None) -> bool:
        for node in self.nodes.get(name, []):
            if node is self_node:
                continue
            if not (dag and node.is_dag) or node.parent is parent:
                return True
        return False

    # ------------------------------------------------------------------ edits

    def create(self, type_name: str, name: str, parent: Node | None = None) -> Node:
        """A new node; EmulatorError for an unknown type."""
        if type_name not in node_types():
            raise EmulatorError(f"unknown node type '{type_name}'")
        dag = is_a(type_name, "dagNode")
        node = Node(self.free_name(name, parent, dag=dag), type_name, parent, uuid=str(uuid.uuid4()).upper())
        self.perform(self._adding(node))
        return node

    def delete(self, node: Node) -> None:
        """Removes ``node``, its DAG children and every connection of theirs."""
        for child in list(node.children):
            self.delete(child)
        for destination in [p for p in self.inputs if p.node is node]:
            self.disconnect(destination)
        for source in [p for p in self.outputs if p.node is node]:
            for destination in list(self.outputs.get(source, [])):
                self.disconnect(destination)
        self.perform(self._removing(node))

    def rename(self, node: Node, name: str) -> str:
        """Gives ``node`` the name ``name`` or the next free one; returns it."""
        free = self.free_name(name, node.parent, dag=node.is_dag, self_node=node)

        def edit(new: str = free) -> Edit:
            old = node.name
            self._unregister(node)
            node.name = new
            self._register(node)
            return lambda: edit(old)

        self.perform(edit)
        return free

    def reparent(self, node: Node, parent: Node | None) -> None:
        """Moves ``node`` below ``parent`` (None: the world), renaming it if a sibling has its name."""
        self.rename(node, self.free_name(node.name, parent, dag=True, self_node=node))

        def edit(new: Node | None = parent) -> Edit:
            old = node.parent
            self._siblings(old).remove(node)
            node.parent = new
            self._siblings(new).append(node)
            return lambda: edit(old)

        self.perform(edit)

    def set_value(self, plug: Plug, value: Any) -> None:
        """Stores ``value`` (internal units) at a leaf plug."""
        node, path = plug

        def edit(new: Any = value) -> Edit:
            old = node.values.get(path, _MISSING)
            if new is _MISSING:
                node.values.pop(path, None)
            else:
                node.values[path] = new
                node.touch(path)
            return lambda: edit(old)

        self.perform(edit)

    def set_member(self, holder: dict[Any, Any] | set[Any], key: Any, value: Any) -> None:
        """Edits one entry of a node's dict or set (aliases, locks, dynamic attributes); None removes it."""

        def edit(new: Any = value) -> Edit:
            if isinstance(holder, set):
                old = True if key in holder else None
                holder.add(key) if new else holder.discard(key)
            else:
                old = holder.get(key)
                holder.pop(key, None) if new is None else holder.__setitem__(key, new)
            return lambda: edit(old)

        self.perform(edit)

    def set_keys(self, node: Node, keys: list[Any]) -> None:
        """Replaces the keys of an animation curve."""

        def edit(new: list[Any] = keys) -> Edit:
            old = node.keys
            node.keys = new
            return lambda: edit(old)

        self.perform(edit)

    def connect(self, source: Plug, destination: Plug) -> None:
        """Connects two plugs; the destination must have no input."""
        if destination in self.inputs:
            raise EmulatorError("the destination is connected already")

        def edit() -> Edit:
            self.inputs[destination] = source
            self.outputs.setdefault(source, []).append(destination)
            source.node.touch(source.path)
            destination.node.touch(destination.path)
            return undo

        def undo() -> Edit:
            del self.inputs[destination]
            self._forget_output(source, destination)
            return edit

        self.perform(edit)

    def disconnect(self, destination: Plug) -> None:
        """Takes away the input of ``destination``; undo puts it back at its place among the others."""
        source = self.inputs[destination]
        place, place_of_output = list(self.inputs).index(destination), self.outputs[source].index(destination)

        def edit() -> Edit:
            del self.inputs[destination]
            self._forget_output(source, destination)
            return undo

        def undo() -> Edit:
            entries = list(self.inputs.items())
            entries.insert(place, (destination, source))
            self.inputs.clear()
            self.inputs.update(entries)
            self.outputs.setdefault(source, []).insert(place_of_output, destination)
            return edit

        self.perform(edit)

    # ------------------------------------------------------------------ questions

    def source(self, plug: Plug) -> Plug | None:
        """What feeds ``plug``: its own connection, or the matching child of a connected compound above it."""
        found = self.inputs.get(plug)
        if found is not None or len(plug.path) < 2 or plug.node.is_inert:
            return found
        parent = Plug(plug.node, plug.path[:-1])
        if plug.path[-1][1] is not None or parent.attribute.type not in COMPOUND:
            return None
        above = self.source(parent)
        if above is None:
            return None
        position = parent.attribute.children.index(plug.path[-1][0])
        return Plug(above.node, (*above.path, (above.attribute.children[position], None)))

    def destinations(self, plug: Plug) -> list[Plug]:
        """Plugs that ``plug`` feeds directly."""
        return list(self.outputs.get(plug, []))

    def indices(self, node: Node, path: Path) -> list[int]:
        """Existing indices of the array attribute at ``path``, in order."""
        found = set(node.elements.get(path, ()))
        if path in node.arrays:
            found |= set(range(len(node.arrays[path])))
        return sorted(found)

    # ------------------------------------------------------------------ internals

    def _forget_output(self, source: Plug, destination: Plug) -> None:
        self.outputs[source].remove(destination)
        if not self.outputs[source]:  # the plug would keep a deleted node
            del self.outputs[source]

    def _adding(self, node: Node) -> Edit:
        def edit() -> Edit:
            node.alive = True
            self._register(node)
            self.order.append(node)
            if node.is_dag:
                self._siblings(node.parent).append(node)
            return self._removing(node)

        return edit

    def _removing(self, node: Node) -> Edit:
        def edit() -> Edit:
            node.alive = False
            self._unregister(node)
            self.order.remove(node)
            if node.is_dag:
                self._siblings(node.parent).remove(node)
            return self._adding(node)

        return edit

    def _siblings(self, parent: Node | None) -> list[Node]:
        return self.roots if parent is None else parent.children

    def _register(self, node: Node) -> None:
        self.nodes.setdefault(node.name, []).append(node)

    def _unregister(self, node: Node) -> None:
        self.nodes[node.name].remove(node)
        if not self.nodes[node.name]:
            del self.nodes[node.name]


def _above(node: Node) -> list[Node]:
    """The parents of ``node``, nearest first."""
    found = []
    while node.parent is not None:
        node = node.parent
        found.append(node)
    return found
