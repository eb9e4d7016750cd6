"""Meshes through their history: creators, tweaks, blend shapes, skinning."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.maya_emulator.components import expand
from tests.maya_emulator.errors import EmulatorError
from tests.maya_emulator.graph import Plug
from tests.maya_emulator.mesh import MeshData, UVSet, cube, decode_faces
from tests.maya_emulator.node import Node

from .engine import computes

if TYPE_CHECKING:
    from .engine import Evaluator


@computes("mesh", "outMesh")
def out_mesh(engine: Evaluator, plug: Plug, time: float) -> MeshData | None:
    """Incoming or stored mesh, moved by the shape's own tweaks (``pnts``)."""
    node = plug.node
    mesh = engine.input(plug, "inMesh", time)
    if mesh is None:
        mesh = stored_mesh(node)
    tweaks = node.arrays.get((("pnts", None),))
    if mesh is not None and tweaks is not None and len(tweaks):
        points = mesh.points.copy()
        points[: len(tweaks)] += tweaks[: len(points)]
        mesh = mesh.moved(points)
    return mesh


@computes("mesh", "worldMesh")
def world_mesh(engine: Evaluator, plug: Plug, time: float) -> MeshData | None:
    return engine.input(plug, "outMesh", time)


def stored_mesh(node: Node) -> MeshData | None:
    """The mesh that the file holds in the shape itself, or None."""
    points = node.arrays.get((("vrts", None),))
    if points is None:
        return None
    edges = node.arrays[(("edge", None),)][:, :2].astype(int)
    counts, corners, sets = _faces(tuple(node.faces), edges.tobytes())
    uv_sets = []
    for index, (uvs, complete) in sorted(sets.items()):
        name = node.values.get((("uvSet", index), ("uvSetName", None)), f"map{index + 1}")
        coordinates = node.arrays[(("uvSet", index), ("uvSetPoints", None))]
        uv_sets.append(UVSet(name, coordinates, uvs if complete else np.zeros(0, np.int32)))
    return MeshData(points.astype(np.float32).astype(np.float64), counts, corners, tuple(uv_sets))


@lru_cache(maxsize=16)
def _faces(chunks: tuple[str, ...], edges: bytes) -> tuple[np.ndarray, np.ndarray, dict[int, tuple[np.ndarray, bool]]]:
    """``decode_faces``, once for a mesh and not at every time."""
    return decode_faces([chunk.split() for chunk in chunks], np.frombuffer(edges, int).reshape(-1, 2))


@computes("polyCube", "output")
def cube_output(engine: Evaluator, plug: Plug, time: float) -> MeshData:
    for name in ("subdivisionsWidth", "subdivisionsHeight", "subdivisionsDepth"):
        if engine.input(plug, name, time) != 1:
            raise EmulatorError(f"'{plug.node.name}': a cube with subdivisions is not evaluated")
    return cube(*(engine.input(plug, name, time) for name in ("width", "height", "depth")))


@computes("groupParts", "outputGeometry")
def grouped(engine: Evaluator, plug: Plug, time: float) -> MeshData | None:
    return engine.input(plug, "inputGeometry", time)


def _incoming(engine: Evaluator, plug: Plug, time: float) -> MeshData:
    mesh = engine.value(Plug(plug.node, (("input", plug.path[-1][1]), ("inputGeometry", None))), time)
    if mesh is None:
        raise EmulatorError(f"no geometry arrives at '{plug.node.name}'")
    return mesh


@computes("tweak", "outputGeometry")
def tweaked(engine: Evaluator, plug: Plug, time: float) -> MeshData:
    mesh = _incoming(engine, plug, time)
    geometry = plug.path[-1][1]
    points = mesh.points.copy()
    for root in ((("plist", geometry), ("controlPoints", None)), (("vlist", geometry), ("vertex", None))):
        for index in engine.graph.indices(plug.node, root):
            points[index] += engine.value(Plug(plug.node, (*root[:-1], (root[-1][0], index))), time)
    return mesh.moved(points)


@computes("blendShape", "outputGeometry")
def blend(engine: Evaluator, plug: Plug, time: float) -> MeshData:
    """base + envelope * sum over targets; piecewise linear through in-betweens, ends extrapolated."""
    node, geometry = plug.node, plug.path[-1][1]
    assert geometry is not None
    mesh = _incoming(engine, plug, time)
    for name, plain in (("origin", 1), ("deformationOrder", 0)):
        if engine.input(plug, name, time) != plain:
            raise EmulatorError(f"'{node.name}.{name}' is not evaluated away from {plain}")
    envelope = engine.input(plug, "envelope", time)
    moved = np.zeros_like(mesh.points)
    groups = (("inputTarget", geometry), ("inputTargetGroup", None))
    for target in engine.graph.indices(node, groups):
        weight = engine.value(Plug(node, (("weight", target),)), time)
        if weight < 0 and not engine.input(plug, "supportNegativeWeights", time):
            weight = 0.0  # as the documentation of the attribute has it
        if weight:
            moved += _target_offset(engine, node, geometry, target, weight, mesh, time)
    base = _map(engine, node, (("inputTarget", geometry), ("baseWeights", None)), len(moved), time)
    base *= _members(engine, node, geometry, len(moved), time)
    return mesh.moved(mesh.points + envelope * base[:, None] * moved)


def _members(engine: Evaluator, node: Node, geometry: int, count: int, time: float) -> np.ndarray:
    """1 for the vertices that the deformer's set holds, else 0."""
    above = engine.graph.source(Plug(node, (("input", geometry), ("inputGeometry", None))))
    if above is None or above.node.type != "groupParts":
        return np.ones(count)
    components = engine.value(Plug(above.node, (("inputComponents", None),)), time)
    if not components:
        return np.ones(count)
    mask = np.zeros(count)
    mask[expand(components, count)] = 1.0
    return mask


def _target_offset(
    engine: Evaluator, node: Node, geometry: int, target: int, weight: float, mesh: MeshData, time: float
) -> np.ndarray:
    group = (("inputTarget", geometry), ("inputTargetGroup", target))
    items = engine.graph.indices(node, (*group, ("inputTargetItem", None)))
    stops = [(0.0, np.zeros_like(mesh.points))]
    stops += [((item - 5000) / 1000.0, item_delta(engine, node, geometry, target, item, mesh, time)) for item in items]
    stops.sort(key=lambda stop: stop[0])
    if len(stops) == 1:
        return stops[0][1]
    segment = min(max(int(np.searchsorted([s[0] for s in stops], weight)) - 1, 0), len(stops) - 2)
    (low, a), (high, b) = stops[segment], stops[segment + 1]
    offset = a + (b - a) * ((weight - low) / (high - low))
    return offset * _map(engine, node, (*group, ("targetWeights", None)), len(offset), time)[:, None]


def item_delta(
    engine: Evaluator, node: Node, geometry: int, target: int, item: int, mesh: MeshData, time: float
) -> np.ndarray:
    """(V, 3) offsets of one target item: from its live mesh where connected, else from the stored points."""
    place = Plug(node, (("inputTarget", geometry), ("inputTargetGroup", target), ("inputTargetItem", item)))
    live = engine.child(place, "inputGeomTarget", time=time)
    if live is not None:
        return live.points - mesh.points
    points = engine.child(place, "inputPointsTarget", time=time)
    components = engine.child(place, "inputComponentsTarget", time=time)
    delta = np.zeros_like(mesh.points)
    if points is not None and len(points):
        delta[expand(components or [], len(delta))] = np.asarray(points)[:, :3]
    return delta


def _map(engine: Evaluator, node: Node, root: tuple, count: int, time: float) -> np.ndarray:
    values = np.ones(count)
    for index in engine.graph.indices(node, root):
        values[index] = engine.value(Plug(node, (*root[:-1], (root[-1][0], index))), time)
    return values


@computes("skinCluster", "outputGeometry")
def skinned(engine: Evaluator, plug: Plug, time: float) -> MeshData:
    """Linear blend skinning; dual quaternions only where all that carries a vertex moves alike: it is the same."""
    node = plug.node
    mesh = _incoming(engine, plug, time)
    geometry: Any = engine.input(plug, "geomMatrix", time)
    geometry = np.eye(4) if geometry is None else geometry
    matrices = {}
    for index in engine.graph.indices(node, (("matrix", None),)):
        bind = engine.value(Plug(node, (("bindPreMatrix", index),)), time)
        joint = engine.value(Plug(node, (("matrix", index),)), time)
        matrices[index] = geometry @ bind @ joint @ np.linalg.inv(geometry)
    points = np.c_[mesh.points, np.ones(len(mesh.points))]
    result = np.zeros_like(mesh.points)
    held = {index: np.zeros(len(points)) for index in matrices}
    for vertex in engine.graph.indices(node, (("weightList", None),)):
        if vertex < len(points):
            root = (("weightList", vertex), ("weights", None))
            for index in engine.graph.indices(node, root):
                held[index][vertex] = engine.value(Plug(node, (("weightList", vertex), ("weights", index))), time)
    dual = engine.input(plug, "skinningMethod", time) in (1, 2)
    if dual and _blends(np.stack(list(held.values())), list(matrices.values())):
        raise EmulatorError(f"'{node.name}': dual quaternions are evaluated only where nothing is blended")
    for index, weights in held.items():
        result += weights[:, None] * (points @ matrices[index])[:, :3]
    share = engine.input(plug, "envelope", time) * _members(engine, node, plug.path[-1][1], len(points), time)[:, None]
    return mesh.moved(mesh.points + share * (result - mesh.points))


def _blends(weights: np.ndarray, matrices: list[np.ndarray]) -> bool:
    """Whether some vertex is shared by influences that do not move alike as rigid bodies. weights: (I, V)."""
    every = np.stack(matrices)
    rigid = np.abs(every[:, :3, :3] @ every[:, :3, :3].transpose(0, 2, 1) - np.eye(3)).max((1, 2)) < 1e-5
    apart = np.abs(every[weights.argmax(0)][:, None] - every).max((2, 3)) > 1e-5  # (V, I)
    return bool(((weights.T > 0) & (apart | ~rigid)).any())


@computes("nonLinear", "outputGeometry")
def bent(engine: Evaluator, plug: Plug, time: float) -> MeshData:
    if engine.input(plug, "envelope", time) == 0:
        return _incoming(engine, plug, time)
    raise EmulatorError(f"'{plug.node.name}': nonlinear deformers are not evaluated")
