"""``maya.api.OpenMaya``: objects, plugs, paths, selection lists and node function sets."""

from __future__ import annotations

from typing import Any

from tests.maya_emulator.graph import Plug
from tests.maya_emulator.node import Node
from tests.maya_emulator.session import current


class MObject:
    """A node, or a piece of data that a plug held when it was asked."""

    def __init__(self, held: Any = None) -> None:
        self.held = held.held if isinstance(held, MObject) else held

    def isNull(self) -> bool:
        return self.held is None

    @property
    def node(self) -> Node:
        if not isinstance(self.held, Node):
            raise ValueError("(kInvalidParameter): Object is incompatible with this method")
        return self.held

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MObject) and self.held is other.held

    def __hash__(self) -> int:
        return id(self.held)


class MDagPath:
    def __init__(self, node: Node) -> None:
        self._node = node

    def node(self) -> MObject:
        return MObject(self._node)

    def fullPathName(self) -> str:
        return self._node.full_path


class MSelectionList:
    """Nodes and plugs by name."""

    def __init__(self) -> None:
        self._items: list[Node | Plug] = []

    def add(self, name: str) -> MSelectionList:
        session = current()
        try:
            self._items.append(session.plug(name) if "." in name else session.node(name))
        except ValueError:
            raise RuntimeError("(kInvalidParameter): Object does not exist") from None
        return self

    def getDependNode(self, index: int) -> MObject:
        item = self._items[index]
        return MObject(item.node if isinstance(item, Plug) else item)

    def getDagPath(self, index: int) -> MDagPath:
        node = self.getDependNode(index).node
        if not node.is_dag:
            raise TypeError("item is not a DAG path")
        return MDagPath(node)

    def getPlug(self, index: int) -> MPlug:
        item = self._items[index]
        if not isinstance(item, Plug):
            raise TypeError("item is not a plug")
        return MPlug(item)


class MPlug:
    """An attribute of a node. Values are internal units: centimeters, radians."""

    def __init__(self, plug: Plug) -> None:
        self.plug = plug

    def name(self) -> str:
        return current().plug_name(self.plug, alias=True)

    def _value(self) -> Any:
        session = current()
        return session.evaluator.value(self.plug, session.time)

    def asDouble(self) -> float:
        return float(self._value())

    def asMObject(self) -> MObject:
        """The data at the plug; Maya raises RuntimeError for a plug that holds none."""
        value = self._value()
        if value is None:
            raise RuntimeError("(kFailure): Unexpected Internal Failure")
        return MObject(value)


class MFnDependencyNode:
    def __init__(self, item: MObject | None = None) -> None:
        self._node: Node | None = item.node if item is not None else None

    @property
    def node_(self) -> Node:
        if self._node is None:
            raise RuntimeError("(kInvalidParameter): No object attached")
        return self._node

    def name(self) -> str:
        return self.node_.name


class MDGModifier:
    """Commands that wait for ``doIt`` and can be taken back; they bypass the undo queue."""

    def __init__(self) -> None:
        self._waiting: list[Any] = []
        self._done: list[Any] = []

    def pythonCommandToExecute(self, function: Any) -> None:
        """What ``function`` does when doIt calls it is taken back by undoIt, not by the undo queue."""
        self._waiting.append(function)

    def doIt(self) -> None:
        waiting, self._waiting = self._waiting, []
        graph = current().graph
        outer, graph.recorder = graph.recorder, self._done
        try:
            for function in waiting:
                before = len(self._done)
                function()
                if len(self._done) == before:
                    raise RuntimeError("(kFailure): the Python command did nothing that can be undone")
        finally:
            graph.recorder = outer
        graph.version += 1

    def undoIt(self) -> None:
        self._done = [edit() for edit in reversed(self._done)]
        current().graph.version += 1
