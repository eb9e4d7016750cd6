"""glTF as a rig: morph targets and skins, on the nodes of a scene as joints. Knows no bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from facesolve.take import Rig, TakeError
from facesolve.take.skeleton import RIG_SPACE

from .gltf_file import GltfFile, names_of_targets
from .skinned import Bone, Morph, Part, SkinnedScene, skinned_rig

_METERS = 100.0
_TRIANGLES = (4, 5, 6)  # modes of primitives: triangles, strip, fan


def read_gltf(path: Path, tell: Callable[[str], None]) -> Rig:
    """The rig of a .gltf or .glb: y is up, the face looks along z, meters become centimeters.

    Vertices that a program split because of their UVs or normals are one again. tell: called with a sentence about what
    became a control. Raises TakeError.
    """
    file = GltfFile(path)
    order = _in_order(file)
    place = {node: index for index, (node, _) in enumerate(order)}
    bones = [
        Bone(file.listed("nodes")[node].get("name", f"node_{node}"), place.get(parent, RIG_SPACE), _local(file, node))
        for node, parent in order
    ]
    parts = [_part(file, node, place) for node, _ in order if "mesh" in file.listed("nodes")[node]]
    return skinned_rig(SkinnedScene([part for part in parts if part is not None], bones), file.where, tell)


def _in_order(file: GltfFile) -> list[tuple[int, int]]:
    """Nodes of the scene with their parents (-1 for none), parents first; all nodes where there is no scene."""
    nodes = file.listed("nodes")
    parents = {}
    for index, node in enumerate(nodes):
        for child in node.get("children", ()):
            if child >= len(nodes) or child in parents:
                raise TakeError(f"{file.where}: node {child} is below two nodes, or does not exist.")
            parents[child] = index
    roots = [index for index in range(len(nodes)) if index not in parents]
    if file.listed("scenes"):
        roots = file.entry("scenes", file.record.get("scene", 0)).get("nodes", [])
    ordered, waiting, seen = [], [(root, RIG_SPACE) for root in roots], set()
    while waiting:
        node, parent = waiting.pop(0)
        if node in seen or node >= len(nodes):
            raise TakeError(f"{file.where}: node {node} is twice in the scene, or does not exist.")
        seen.add(node)
        ordered.append((node, parent))
        waiting += [(child, node) for child in nodes[node].get("children", ())]
    return ordered


def _local(file: GltfFile, index: int) -> np.ndarray:
    """(4, 4) the node below its parent, centimeters."""
    node = file.listed("nodes")[index]
    if "matrix" in node:
        local = np.array(node["matrix"], np.float64).reshape(4, 4).T
    else:
        local = np.eye(4)
        turn = _rotation(np.array(node.get("rotation", (0, 0, 0, 1)), np.float64), f"{file.where}: node {index}")
        local[:3, :3] = turn * np.array(node.get("scale", (1, 1, 1)), np.float64)
        local[:3, 3] = node.get("translation", (0, 0, 0))
    local[:3, 3] *= _METERS
    return local


def _rotation(quaternion: np.ndarray, where: str) -> np.ndarray:
    """(3, 3) of a quaternion x, y, z, w."""
    length = np.linalg.norm(quaternion)
    if length < 1e-9:
        raise TakeError(f"{where} has a rotation of length 0.")
    x, y, z, w = quaternion / length
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def _part(file: GltfFile, node_index: int, place: dict[int, int]) -> Part | None:
    """A node's mesh, its primitives in one; None when none of them has triangles."""
    node = file.listed("nodes")[node_index]
    mesh = file.entry("meshes", node["mesh"])
    found = [_Primitive(file, record) for record in mesh["primitives"] if record.get("mode", 4) in _TRIANGLES]
    if not found:
        return None
    target_counts = {len(primitive.deltas) for primitive in found}
    if len(target_counts) > 1:
        raise TakeError(f"{file.where}: the primitives of a mesh have different numbers of targets.")
    bones, inverse_bind = np.array([place[node_index]]), np.eye(4)[None]
    skinned = "skin" in node and all(primitive.joints.size for primitive in found)
    if skinned:
        bones, inverse_bind = _skin(file, node["skin"], place)
    width = max((primitive.joints.shape[1] for primitive in found), default=0) if skinned else 1
    welded = _Welded([primitive.key(width, skinned) for primitive in found])
    firsts = np.cumsum([0, *(len(primitive.points) for primitive in found)])
    faces = np.concatenate([p.corners + first for p, first in zip(found, firsts, strict=False)]).reshape(-1, 3)
    round_ = (np.diff(np.sort(welded.places[faces], axis=1), axis=1) > 0).all(1)  # three vertices of their own
    influences = welded.kept[:, 3 : 3 + width].astype(np.int64)
    if influences.max(initial=0) >= len(bones):
        raise TakeError(f"{file.where}: a vertex hangs on a joint that its skin does not have.")
    names = names_of_targets(mesh, target_counts.pop())
    has_uvs = all(len(primitive.uvs) for primitive in found)
    return Part(
        name=mesh.get("name") or node.get("name") or f"mesh_{node['mesh']}",
        points=welded.kept[:, :3],
        face_counts=np.full(int(round_.sum()), 3),
        corners=welded.places[faces[round_]].ravel(),
        uvs=np.concatenate([primitive.uvs for primitive in found]) if has_uvs else np.zeros((0, 2)),
        corner_uvs=faces[round_].ravel() if has_uvs else np.zeros(0, np.int64),
        bones=bones,
        inverse_bind=inverse_bind,
        influences=influences,
        weights=welded.kept[:, 3 + width : 3 + 2 * width],
        morphs=tuple(
            Morph(name, ((1.0, *welded.shape([primitive.deltas[k] for primitive in found], firsts)),))
            for k, name in enumerate(names)
        ),
    )


class _Welded:
    """Vertices of which none is the same as another. kept: (n, m) what they are; places: (V,) which one each became."""

    def __init__(self, keys: list[np.ndarray]) -> None:
        every = np.concatenate(keys)
        _, firsts, places = np.unique(every, axis=0, return_index=True, return_inverse=True)
        order = np.argsort(firsts)
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        self.places = rank[places.ravel()]
        self.kept = every[firsts[order]]
        self._stays = np.zeros(len(every), bool)
        self._stays[firsts] = True

    def shape(self, parts: list[tuple[np.ndarray, np.ndarray]], firsts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Vertices and offsets of a target, from those of the primitives, which begin at the vertices ``firsts``."""
        vertices = np.concatenate([own + first for (own, _), first in zip(parts, firsts, strict=False)])
        deltas = np.concatenate([deltas for _, deltas in parts])
        stays = self._stays[vertices]
        return self.places[vertices[stays]], deltas[stays]


def _skin(file: GltfFile, index: int, place: dict[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Bones and inverse bind matrices, centimeters."""
    skin = file.entry("skins", index)
    if any(joint not in place for joint in skin["joints"]):
        raise TakeError(f"{file.where}: a joint of skins[{index}] is not in the scene.")
    bones = np.array([place[joint] for joint in skin["joints"]])
    matrices = np.tile(np.eye(4), (len(bones), 1, 1))
    if "inverseBindMatrices" in skin:
        matrices = (
            file.array(skin["inverseBindMatrices"], "MAT4", len(bones)).reshape(-1, 4, 4).transpose(0, 2, 1).copy()
        )
        matrices[:, :3, 3] *= _METERS
    return bones, matrices


class _Primitive:
    """Triangles of one primitive. points: (V, 3) cm; joints, weights: (V, m); deltas: of each target the vertices (n,)
    that it moves and their offsets (n, 3)."""

    def __init__(self, file: GltfFile, record: Any) -> None:
        attributes = record["attributes"]
        if "POSITION" not in attributes:
            raise TakeError(f"{file.where}: a primitive has no POSITION.")
        self.points = _METERS * file.array(attributes["POSITION"], "VEC3").astype(np.float64)
        count = len(self.points)
        self.deltas: list[tuple[np.ndarray, np.ndarray]] = []
        self._mixed = np.zeros((count, 3))  # all offsets in one, each target with a factor of its own
        factors = np.random.default_rng(0).normal(size=len(record.get("targets", ())))
        for target, factor in zip(record.get("targets", ()), factors, strict=True):
            offsets = np.zeros((count, 3))
            if "POSITION" in target:
                offsets = _METERS * file.array(target["POSITION"], "VEC3", count).astype(np.float64)
            moved = np.flatnonzero(np.abs(offsets).max(axis=1) > 0)
            self.deltas.append((moved, offsets[moved]))
            self._mixed[moved] += factor * offsets[moved]
        self.uvs = np.zeros((0, 2))
        if "TEXCOORD_0" in attributes:
            self.uvs = file.array(attributes["TEXCOORD_0"], "VEC2", count) * (1.0, -1.0) + (0.0, 1.0)
        sets = [n for n in range(8) if f"JOINTS_{n}" in attributes and f"WEIGHTS_{n}" in attributes]
        joints = [file.array(attributes[f"JOINTS_{n}"], "VEC4", count) for n in sets]
        weights = [file.array(attributes[f"WEIGHTS_{n}"], "VEC4", count).astype(np.float64) for n in sets]
        self.joints = np.concatenate(joints, 1) if sets else np.zeros((count, 0), np.int64)
        self.weights = np.concatenate(weights, 1) if sets else np.zeros((count, 0))
        self.corners = _triangles(self._indices(file, record, count), record.get("mode", 4))

    def key(self, width: int, skinned: bool) -> np.ndarray:
        """(V, n) what makes a vertex what it is: place, influences, weights, and how it is moved."""
        count = len(self.points)
        influences, weights = np.zeros((count, width)), np.zeros((count, width))
        if skinned:
            own = self.joints.shape[1]
            weights[:, :own] = self.weights
            influences[:, :own] = np.where(self.weights != 0, self.joints, 0)
        else:
            weights[:, 0] = 1.0
        return np.concatenate([self.points, influences, weights, self._mixed], axis=1)

    def _indices(self, file: GltfFile, record: Any, count: int) -> np.ndarray:
        if "indices" not in record:
            return np.arange(count)
        indices = file.array(record["indices"], "SCALAR")
        if indices.dtype.kind != "i" or indices.min() < 0 or indices.max() >= count:
            raise TakeError(f"{file.where}: a triangle uses a vertex that its primitive does not have.")
        return indices


def _triangles(indices: np.ndarray, mode: int) -> np.ndarray:
    """Corners of triangles, three for each, of a list, a strip or a fan."""
    if mode == 4:
        return indices[: len(indices) // 3 * 3]
    count = max(len(indices) - 2, 0)
    steps = np.arange(count)
    if mode == 6:
        return np.stack([np.full(count, indices[0] if len(indices) else 0), indices[1:-1], indices[2:]], 1).ravel()
    odd = steps % 2
    return np.stack([indices[steps], indices[steps + 1 + odd], indices[steps + 2 - odd]], 1).ravel()
