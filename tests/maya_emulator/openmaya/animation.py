"""``maya.api.OpenMayaAnim``: animation curves, and the record that undoes changes to them."""

from __future__ import annotations

from typing import Any

from tests.maya_emulator.commands.keys import with_key
from tests.maya_emulator.curve import AUTO, CLAMPED, FIXED, FLAT, LINEAR, PLATEAU, SPLINE, STEP, Key
from tests.maya_emulator.evaluate.animation import curve_value
from tests.maya_emulator.graph import Plug
from tests.maya_emulator.node import Node
from tests.maya_emulator.session import current

from .objects import MDagPath, MFnDependencyNode, MObject, MPlug
from .values import MTime

_FILE_TYPES = {1: FIXED, 2: LINEAR, 3: FLAT, 4: SPLINE, 5: STEP, 8: CLAMPED, 9: PLATEAU, 11: AUTO}


class MAnimCurveChange:
    """Remembers curves' keys before API edits, so that a command can take the edits back."""

    def __init__(self) -> None:
        self._before: dict[int, tuple[Node, list[Key]]] = {}

    def note(self, node: Node, before: list[Key]) -> None:
        self._before.setdefault(id(node), (node, before))

    def undoIt(self) -> None:
        for node, keys in self._before.values():
            node.keys = keys
        current().graph.version += 1


class MFnAnimCurve(MFnDependencyNode):
    """An animation curve. Values are internal units; edits bypass the undo queue."""

    kTangentGlobal, kTangentLinear, kTangentAuto = 0, 2, 11

    def __init__(self, item: MObject | MPlug | None = None) -> None:
        if isinstance(item, MPlug):
            source = current().graph.inputs.get(item.plug)
            if source is None or not source.node.type.startswith("animCurve"):
                raise RuntimeError("(kFailure): the plug has no animation curve")
            item = MObject(source.node)
        super().__init__(item)

    @property
    def isTimeInput(self) -> bool:
        return self.node_.type[-2] == "T"

    @property
    def numKeys(self) -> int:
        return len(self.node_.keys)

    def _edit(self, keys: list[Key], change: MAnimCurveChange | None) -> None:
        if change is not None:
            change.note(self.node_, self.node_.keys)
        self.node_.keys = keys
        current().graph.version += 1

    def _x(self, value: MTime | float) -> float:
        if isinstance(value, MTime) != self.isTimeInput:
            raise TypeError("the curve's input is of the other kind (time or plain number)")
        return value.ticks if isinstance(value, MTime) else float(value)

    def evaluate(self, at: MTime | float) -> float:
        return curve_value(current().evaluator, self.node_, self._x(at), current().time)

    def input(self, index: int) -> Any:
        if not self.isTimeInput:
            return self.node_.keys[index].time
        time = MTime(0.0, MTime.uiUnit())
        time.ticks = self.node_.keys[index].time
        return time

    def value(self, index: int) -> float:
        return self.node_.keys[index].value

    def inTangentType(self, index: int) -> int:
        return self._type(self.node_.keys[index].in_type)

    def outTangentType(self, index: int) -> int:
        return self._type(self.node_.keys[index].out_type)

    def _type(self, stored: int) -> int:
        stored = stored or int(current().evaluator.value(Plug(self.node_, (("tangentType", None),)), 0.0))
        return next(api for api, file in _FILE_TYPES.items() if file == stored)

    def addKeys(
        self,
        times: list[MTime],
        values: list[float],
        tangentInType: int = kTangentGlobal,
        tangentOutType: int = kTangentGlobal,
        keepExistingKeys: bool = False,
        change: MAnimCurveChange | None = None,
    ) -> None:
        """Keys at ``times``; without keepExistingKeys, keys between the first and last time are cut first."""
        if len(times) != len(values):
            raise ValueError("times and values differ in length")
        x = [self._x(time) for time in times]
        keys = list(self.node_.keys)
        if not keepExistingKeys:
            keys = [key for key in keys if not min(x) <= key.time <= max(x)]
        for at, value in zip(x, values, strict=True):
            types = _FILE_TYPES.get(tangentInType, 0), _FILE_TYPES.get(tangentOutType, 0)
            keys = with_key(keys, Key(at, float(value), *types))
        self._edit(keys, change)


class MFnSkinCluster(MFnDependencyNode):
    """A skinCluster: its influences, and the weights of a mesh's vertices."""

    def __init__(self, item: MObject) -> None:
        if item.node.type != "skinCluster":
            raise TypeError("(kInvalidParameter): Object is incompatible with MFnSkinCluster")
        super().__init__(item)

    def influenceObjects(self) -> list[MDagPath]:
        return [MDagPath(node) for node in self._influences().values()]

    def indexForInfluenceObject(self, path: MDagPath) -> int:
        """The logical index of an influence in ``matrix`` and ``bindPreMatrix``."""
        for index, node in self._influences().items():
            if node is path.node().node:
                return index
        raise RuntimeError("(kInvalidParameter): Object is no influence")

    def getWeights(self, shape: MDagPath, components: MObject) -> tuple[list[float], int]:
        """All influences' weights of each vertex, in the order of ``influenceObjects``, and how many influences."""
        session, node, influences = current(), self.node_, list(self._influences())
        weights: list[float] = []
        for vertex in range(components.held.count):
            root = (("weightList", vertex), ("weights", None))
            given = set(session.graph.indices(node, root))
            for index in influences:
                plug = Plug(node, (*root[:-1], ("weights", index)))
                weights.append(float(session.evaluator.value(plug, session.time)) if index in given else 0.0)
        return weights, len(influences)

    def _influences(self) -> dict[int, Node]:
        graph = current().graph
        found = {}
        for index in graph.indices(self.node_, (("matrix", None),)):
            source = graph.source(Plug(self.node_, (("matrix", index),)))
            if source is not None:
                found[index] = source.node
        return found
