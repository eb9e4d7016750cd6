"""``maya.api.OpenMaya``: objects, plugs, paths, selection lists and node function sets."""

from __future__ import annotations

from typing import Any

from ..errors import EmulatorError
from ..graph import Plug
from ..mesh import MeshData
from ..node import Node
from ..schema import is_a
from ..session import current
from .values import MFn, MTime

_TYPES = {
    "animCurve": MFn.kAnimCurve,
    "blendShape": MFn.kBlendShape,
    "mesh": MFn.kMesh,
    "camera": MFn.kCamera,
    "transform": MFn.kTransform,
    "dagNode": MFn.kDagNode,
    "node": MFn.kDependencyNode,
}


class MObject:
    """A node, or a piece of data that a plug held when it was asked."""

    kNullObj: MObject

    def __init__(self, held: Any = None) -> None:
        self.held = held.held if isinstance(held, MObject) else held

    def isNull(self) -> bool:
        return self.held is None

    def hasFn(self, kind: int) -> bool:
        if isinstance(self.held, Node):
            return any(kind == value and is_a(self.held.type, name) for name, value in _TYPES.items())
        return kind == MFn.kMeshData and isinstance(self.held, MeshData)

    @property
    def apiTypeStr(self) -> str:
        return "k" + self.node.type[0].upper() + self.node.type[1:]

    @property
    def node(self) -> Node:
        if not isinstance(self.held, Node):
            raise ValueError("(kInvalidParameter): Object is incompatible with this method")
        return self.held

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MObject) and self.held is other.held

    def __hash__(self) -> int:
        return id(self.held)


MObject.kNullObj = MObject()


class MObjectHandle:
    """Knows whether a node is still in the scene."""

    def __init__(self, item: MObject) -> None:
        self._item = item

    def isValid(self) -> bool:
        return isinstance(self._item.held, Node) and self._item.held.alive

    isAlive = isValid

    def object(self) -> MObject:
        return self._item


class MDagPath:
    def __init__(self, node: Node) -> None:
        self._node = node

    def node(self) -> MObject:
        return MObject(self._node)

    def fullPathName(self) -> str:
        return self._node.full_path

    def partialPathName(self) -> str:
        return current().graph.shortest_name(self._node)

    def hasFn(self, kind: int) -> bool:
        return self.node().hasFn(kind)


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

    def length(self) -> int:
        return len(self._items)

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
    """An attribute of a node. Values are internal units: centimetres, radians."""

    def __init__(self, plug: Plug) -> None:
        self.plug = plug

    @property
    def isNull(self) -> bool:
        return False

    @property
    def isConnected(self) -> bool:
        graph = current().graph
        return graph.source(self.plug) is not None or bool(graph.destinations(self.plug))

    @property
    def isDestination(self) -> bool:
        return current().graph.source(self.plug) is not None

    @property
    def isLocked(self) -> bool:
        from ..commands.attributes import is_locked

        return is_locked(self.plug)

    def source(self) -> MPlug:
        found = current().graph.source(self.plug)
        if found is None:
            raise EmulatorError("source() of a plug without one gives a null plug in Maya; ask isDestination first")
        return MPlug(found)

    def name(self) -> str:
        return current().plug_name(self.plug, alias=True)

    def partialName(self, **flags: bool) -> str:
        return self.plug.node.path_name(self.plug.path, alias=bool(flags.get("useAlias")))

    def node(self) -> MObject:
        return MObject(self.plug.node)

    def _value(self) -> Any:
        session = current()
        return session.evaluator.value(self.plug, session.time)

    def asDouble(self) -> float:
        return float(self._value())

    asFloat = asDouble

    def asInt(self) -> int:
        return int(self._value())

    def asBool(self) -> bool:
        return bool(self._value())

    def asString(self) -> str:
        return self._value() or ""

    def asMTime(self) -> MTime:
        time = MTime(0.0, MTime.uiUnit())
        time.ticks = float(self._value())
        return time

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

    def object(self) -> MObject:
        return MObject(self.node_)

    def uuid(self) -> str:
        return self.node_.uuid

    @property
    def typeName(self) -> str:
        return self.node_.type

    def findPlug(self, name: str, networked: bool) -> MPlug:
        try:
            return MPlug(Plug(self.node_, self.node_.resolve(name)))
        except ValueError:
            raise RuntimeError(f"(kInvalidParameter): no attribute '{name}'") from None


class MDGModifier:
    """Edits that wait for ``doIt`` and can be taken back; they bypass the undo queue."""

    def __init__(self) -> None:
        self._waiting: list[Any] = []
        self._done: list[Any] = []

    def connect(self, source: MPlug, destination: MPlug) -> MDGModifier:
        self._waiting.append(lambda: current().graph.connect(source.plug, destination.plug))
        return self

    def disconnect(self, source: MPlug, destination: MPlug) -> MDGModifier:
        self._waiting.append(lambda: current().graph.disconnect(destination.plug))
        return self

    def createNode(self, type_name: str) -> MObject:
        """Maya makes the node at once and adds it to the scene with doIt; here it is added at once."""
        self._record(lambda: created.append(current().graph.create(type_name, type_name + "1")), created := [])
        return MObject(created[0])

    def renameNode(self, item: MObject, name: str) -> MDGModifier:
        self._waiting.append(lambda: current().graph.rename(item.node, name))
        return self

    def deleteNode(self, item: MObject) -> MDGModifier:
        self._waiting.append(lambda: current().graph.delete(item.node))
        return self

    def newPlugValueDouble(self, plug: MPlug, value: float) -> MDGModifier:
        self._waiting.append(lambda: current().graph.set_value(plug.plug, float(value)))
        return self

    def pythonCommandToExecute(self, function: Any) -> MDGModifier:
        """Commands that ``function`` runs with doIt are taken back by undoIt, not by the undo queue."""

        def run() -> None:
            before = len(self._done)
            function()
            if len(self._done) == before:
                raise RuntimeError("(kFailure): the Python command did nothing that can be undone")

        self._waiting.append(run)
        return self

    def _record(self, action: Any, _: Any = None) -> None:
        graph = current().graph
        outer, graph.recorder = graph.recorder, self._done
        try:
            action()
        finally:
            graph.recorder = outer

    def doIt(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting:
            for action in waiting:
                self._record(action)
        else:
            self._done = [edit() for edit in reversed(self._done)]
        current().graph.version += 1

    def undoIt(self) -> None:
        self._done = [edit() for edit in reversed(self._done)]
        current().graph.version += 1
