"""``maya.api.OpenMaya``: meshes, point arrays, component lists."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.maya_emulator.components import numbers
from tests.maya_emulator.graph import Plug
from tests.maya_emulator.mesh import MeshData
from tests.maya_emulator.node import Node
from tests.maya_emulator.session import current

from .objects import MDagPath, MObject
from .values import MFn, MPointArray, MSpace


class MFnMesh:
    """A mesh node, a path to one, or mesh data from a plug. Object space only for data, as in Maya."""

    def __init__(self, item: MObject | MDagPath) -> None:
        held = item.node().held if isinstance(item, MDagPath) else item.held
        self._path = item if isinstance(item, MDagPath) else None
        if isinstance(held, Node):
            if held.type != "mesh":
                raise TypeError("(kInvalidParameter): Object is incompatible with MFnMesh")
            session = current()
            held = session.evaluator.value(Plug(held, (("outMesh", None),)), session.time)
        if not isinstance(held, MeshData):
            raise TypeError("(kInvalidParameter): Object is incompatible with MFnMesh")
        self._mesh: MeshData = held

    def getPoints(self, space: int = MSpace.kObject) -> MPointArray:
        points = self._mesh.points
        if space == MSpace.kWorld:
            if self._path is None:
                raise RuntimeError("(kInvalidParameter): Must have a DAG path to do world space transforms")
            session = current()
            world = session.evaluator.value(Plug(self._path.node().node, (("worldMatrix", 0),)), session.time)
            points = (np.c_[points, np.ones(len(points))] @ world)[:, :3]
        return MPointArray(points)

    def getVertices(self) -> tuple[list[int], list[int]]:
        return self._mesh.counts.tolist(), self._mesh.corners.tolist()

    def currentUVSetName(self) -> str:
        return self._mesh.uv_sets[0].name if self._mesh.uv_sets else ""

    def _uv_set(self, name: str) -> Any:
        for uv in self._mesh.uv_sets:
            if not name or uv.name == name:
                return uv
        raise RuntimeError("(kInvalidParameter): no such UV set")

    def numUVs(self, name: str = "") -> int:
        return len(self._uv_set(name).points) if self._mesh.uv_sets else 0

    def getUVs(self, name: str = "") -> tuple[list[float], list[float]]:
        points = self._uv_set(name).points
        return points[:, 0].tolist(), points[:, 1].tolist()

    def getAssignedUVs(self, name: str = "") -> tuple[list[int], list[int]]:
        """Counts of UVs of each polygon (0 where none are assigned) and the UV numbers."""
        corners = self._uv_set(name).corners
        counts = self._mesh.counts if len(corners) else np.zeros_like(self._mesh.counts)
        return counts.tolist(), corners.tolist()


class MFnPointArrayData:
    def __init__(self, item: MObject) -> None:
        if not isinstance(item.held, np.ndarray) or item.held.shape[1:] != (4,):
            raise TypeError("(kInvalidParameter): Object is incompatible with MFnPointArrayData")
        self._points = item.held

    def array(self) -> MPointArray:
        return MPointArray(self._points)

    def __len__(self) -> int:
        return len(self._points)


class _Component:
    """What a component list holds: vertex numbers. count: of all of them, for a component that is complete."""

    def __init__(self, text: str, count: int = 0) -> None:
        self.text = text
        self.count = count


class MFnComponentListData:
    def __init__(self, item: MObject) -> None:
        if not isinstance(item.held, list):
            raise TypeError("(kInvalidParameter): Object is incompatible with MFnComponentListData")
        self._components = item.held

    def length(self) -> int:
        return len(self._components)

    def get(self, index: int) -> MObject:
        return MObject(_Component(self._components[index]))


class MFnSingleIndexedComponent:
    def __init__(self, item: MObject | None = None) -> None:
        held = _Component("") if item is None else item.held
        if not isinstance(held, _Component):
            raise TypeError("(kInvalidParameter): Object is incompatible with MFnSingleIndexedComponent")
        self._component = held

    def create(self, kind: int) -> MObject:
        if kind != MFn.kMeshVertComponent:
            raise TypeError("(kInvalidParameter): only vertices of meshes")
        self._component = _Component("")
        return MObject(self._component)

    def setCompleteData(self, count: int) -> MFnSingleIndexedComponent:
        self._component.text, self._component.count = "vtx[*]", count
        return self

    @property
    def _text(self) -> str:
        return self._component.text

    @property
    def isComplete(self) -> bool:
        return "*" in self._text

    def getElements(self) -> list[int]:
        return [] if self.isComplete else numbers(self._text, 0)
