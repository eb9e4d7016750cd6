"""The rig's meshes and targets as USD meshes with UsdSkel blend shapes, bound to the one joint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from pxr import Gf, Sdf, UsdGeom, UsdSkel, Vt

from solver.rig import RigModel
from solver.take import Rig, Shape, Target

from .errors import ExportError
from .performance import Performance
from .usd_names import unique_names

_TURNED = 1e-4  # change of a unit normal above which it is written


@dataclass(frozen=True)
class BlendShapes:
    """The blend shapes of a head: their names, the rig's targets (indices) they are, and the weight of each target at
    which USD's primary shape, whose weight is 1, is fully on."""

    names: tuple[str, ...]
    targets: tuple[int, ...]
    full_weights: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class _Part:
    """One mesh of the rig: its ranges of vertices, polygons and polygon corners, and its prim."""

    vertices: slice
    polygons: slice
    corners: slice
    mesh: Any


def define_meshes(stage: Any, head: Any, performance: Performance, skeleton: Any) -> BlendShapes:
    """Defines a Mesh under ``head`` for each mesh of the rig, with the blend shapes that move it; returns all shapes.

    The surface is the polygons themselves (subdivision scheme none): they are what was solved, and subdivision would
    shrink them. So normals are written, for the neutral and as offsets for every shape. Both sides are drawn.
    Raises ExportError when a polygon uses vertices of another mesh, or no target moves anything.
    """
    rig, model = performance.rig, performance.model
    parts = _define_parts(stage, head, rig)
    normals = model.vertex_normals(model.neutral[None])[0].numpy()
    for part in parts:
        _fill_mesh(part, rig, normals, skeleton)
    moving = [t for t, target in enumerate(rig.targets) if any(len(shape.vertices) for shape in target.shapes)]
    if not moving:
        raise ExportError("export: no target of the rig moves a vertex, so there is no blend shape to write.")
    names = unique_names([rig.targets[t].name for t in moving])
    for name, t in zip(names, moving, strict=True):
        _define_target(stage, parts, name, t, rig, model, normals)
    return BlendShapes(tuple(names), tuple(moving), tuple(primary(rig.targets[t]).weight for t in moving))


def primary(target: Target) -> Shape:
    """The shape that is USD's primary one: that at weight 1, else the one furthest from 0."""
    return max(target.shapes, key=lambda shape: (shape.weight == 1.0, abs(shape.weight)))


def _define_parts(stage: Any, head: Any, rig: Rig) -> list[_Part]:
    names = unique_names([mesh.name for mesh in rig.meshes], ("Skeleton", "Animation"))
    ends = np.concatenate(([0], np.cumsum(rig.face_counts)))
    parts, vertex, polygon = [], 0, 0
    for name, mesh in zip(names, rig.meshes, strict=True):
        polygons = slice(polygon, polygon + mesh.face_count)
        vertices = slice(vertex, vertex + mesh.vertex_count)
        corners = slice(int(ends[polygons.start]), int(ends[polygons.stop]))
        used = rig.face_vertices[corners]
        if len(used) and not (used.min() >= vertices.start and used.max() < vertices.stop):
            raise ExportError(f"export: a polygon of mesh '{mesh.name}' uses a vertex of another mesh of the rig.")
        parts.append(_Part(vertices, polygons, corners, UsdGeom.Mesh.Define(stage, head.AppendChild(name))))
        vertex, polygon = vertices.stop, polygons.stop
    return parts


def _fill_mesh(part: _Part, rig: Rig, normals: np.ndarray, skeleton: Any) -> None:
    """Neutral, polygons, UVs, and the binding of every vertex to the joint. normals: (V, 3)."""
    mesh, points = part.mesh, rig.neutral[part.vertices]
    mesh.CreatePointsAttr(_vectors(points))
    mesh.CreateFaceVertexCountsAttr(Vt.IntArray.FromNumpy(rig.face_counts[part.polygons]))
    mesh.CreateFaceVertexIndicesAttr(Vt.IntArray.FromNumpy(rig.face_vertices[part.corners] - part.vertices.start))
    mesh.CreateExtentAttr(_vectors(np.stack((points.min(0), points.max(0)))))
    mesh.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
    mesh.CreateDoubleSidedAttr(True)
    mesh.CreateNormalsAttr(_vectors(normals[part.vertices]))
    mesh.SetNormalsInterpolation(UsdGeom.Tokens.vertex)
    if len(rig.face_uvs):
        used, indices = np.unique(rig.face_uvs[part.corners], return_inverse=True)
        uvs = UsdGeom.PrimvarsAPI(mesh).CreatePrimvar(
            "st", Sdf.ValueTypeNames.TexCoord2fArray, UsdGeom.Tokens.faceVarying
        )
        uvs.Set(Vt.Vec2fArray.FromNumpy(np.ascontiguousarray(rig.uvs[used], np.float32)))
        uvs.SetIndices(Vt.IntArray.FromNumpy(indices.astype(np.int32)))
    binding = UsdSkel.BindingAPI.Apply(mesh.GetPrim())
    binding.CreateSkeletonRel().SetTargets([skeleton])
    binding.CreateGeomBindTransformAttr(Gf.Matrix4d(1.0))
    binding.CreateJointIndicesPrimvar(False, 1).Set(Vt.IntArray(len(points), 0))
    binding.CreateJointWeightsPrimvar(False, 1).Set(Vt.FloatArray(len(points), 1.0))


def _define_target(
    stage: Any, parts: list[_Part], name: str, index: int, rig: Rig, model: RigModel, normals: np.ndarray
) -> None:
    """The BlendShape of one target under every mesh that it moves. normals: (V, 3) of the neutral."""
    target = rig.targets[index]
    main = primary(target)
    ordered = [main, *(shape for shape in target.shapes if shape is not main)]
    offsets = np.zeros((len(ordered), rig.vertex_count, 3))
    for row, shape in zip(offsets, ordered, strict=True):
        row[shape.vertices] = shape.deltas
    turns = model.vertex_normals(model.neutral + torch.from_numpy(offsets)).numpy() - normals
    moved = np.abs(offsets).max((0, 2)) > 0
    touched = moved | (np.abs(turns).max((0, 2)) > _TURNED)
    for part in parts:
        if not moved[part.vertices].any():
            continue
        local = np.flatnonzero(touched[part.vertices])
        shape = UsdSkel.BlendShape.Define(stage, part.mesh.GetPath().AppendChild(name))
        shape.CreatePointIndicesAttr(Vt.IntArray.FromNumpy(local.astype(np.int32)))
        shape.CreateOffsetsAttr(_vectors(offsets[0, part.vertices][local]))
        shape.CreateNormalOffsetsAttr(_vectors(turns[0, part.vertices][local]))
        for number, between in enumerate(ordered[1:], 1):
            weight = between.weight / main.weight
            inbetween = shape.CreateInbetween(unique_names([f"weight_{weight:g}".replace("-", "minus_")])[0])
            inbetween.SetWeight(weight)
            inbetween.SetOffsets(_vectors(offsets[number, part.vertices][local]))
            inbetween.SetNormalOffsets(_vectors(turns[number, part.vertices][local]))
        shape.GetPrim().SetCustomDataByKey("facesolve", _origin(rig, index))
        binding = UsdSkel.BindingAPI(part.mesh)
        binding.CreateBlendShapeTargetsRel().AddTarget(shape.GetPath())
        known = binding.GetBlendShapesAttr().Get() or []
        binding.CreateBlendShapesAttr([*known, name])


def _origin(rig: Rig, index: int) -> dict[str, str]:
    """Custom data of a blend shape: the rig's own name, and what makes its weight."""
    combination = next((c for c in rig.combinations if c.target == index), None)
    if combination is not None:
        return {
            "target": rig.targets[index].name,
            "combination": combination.method,
            "drivers": ", ".join(rig.targets[driver].name for driver in combination.drivers),
        }
    controls = [rig.controls[driver.control].name for driver in rig.drivers if driver.target == index]
    return {"target": rig.targets[index].name, "controls": ", ".join(controls)}


def _vectors(values: np.ndarray) -> Any:
    """(n, 3) as a Vec3fArray."""
    return Vt.Vec3fArray.FromNumpy(np.ascontiguousarray(values, np.float32))
