"""The rig's meshes and targets as USD meshes with UsdSkel blend shapes, bound to the joints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from pxr import Gf, Sdf, UsdGeom, UsdSkel, Vt

from facesolve.geometry.rig import RigModel
from facesolve.take import Rig, Shape

from .errors import ExportError
from .performance import Performance
from .usd_names import unique_names
from .usd_skeleton import SkeletonLayout

_TURNED = 1e-4  # change of a unit normal above which it is written


@dataclass(frozen=True, eq=False)
class BlendShape:
    """One UsdSkel blend shape: the index of the rig's target it is (part) of; its primary shape, then its in-betweens;
    and its weight at every frame (F,) as USD counts it, 1 where the primary shape is fully on."""

    name: str
    target: int
    shapes: tuple[Shape, ...]
    weights: np.ndarray


@dataclass(frozen=True, eq=False)
class _Part:
    """One mesh of the rig: its ranges of vertices, polygons and polygon corners, and its prim."""

    vertices: slice
    polygons: slice
    corners: slice
    mesh: Any


def blend_shapes(performance: Performance, split_inbetweens: bool) -> list[BlendShape]:
    """The blend shapes of the rig: one a target, or with ``split_inbetweens`` one for each shape of a target.

    A target's primary shape is that at weight 1, else the one furthest from 0. Shapes that move nothing are left out;
    raises ExportError when none is left.
    """
    weights, activations = performance.target_weights(), performance.activations()
    made, column = [], 0
    for t, target in enumerate(performance.rig.targets):
        main = max(target.shapes, key=lambda shape: (shape.weight == 1.0, abs(shape.weight)))
        between = tuple(shape for shape in target.shapes if shape is not main)
        if split_inbetweens:
            for offset, shape in enumerate(target.shapes):
                name = target.name if shape is main else f"{target.name}_{_written(shape.weight)}"
                made.append(BlendShape(name, t, (shape,), activations[:, column + offset]))
        else:
            made.append(BlendShape(target.name, t, (main, *between), weights[:, t] / main.weight))
        column += len(target.shapes)
    late = {t for t, target in enumerate(performance.rig.targets) if target.after_skin}
    moving = [shape for shape in made if shape.target not in late and any(len(part.vertices) for part in shape.shapes)]
    if not moving and performance.rig.linear:
        raise ExportError("export: no target of the rig moves a vertex, so there is no blend shape to write.")
    names = unique_names([shape.name for shape in moving])
    return [replace(shape, name=name) for shape, name in zip(moving, names, strict=True)]


def define_meshes(
    stage: Any,
    head: Any,
    performance: Performance,
    skeleton: Any,
    shapes: Sequence[BlendShape],
    layout: SkeletonLayout,
) -> None:
    """Defines a Mesh under ``head`` for each mesh of the rig, with those of the blend shapes that move it.

    The surface is the polygons themselves (subdivision scheme none): they are what was solved, and subdivision would
    shrink them. So normals are written, for the neutral and as offsets for every shape. Both sides are drawn.
    Raises ExportError when a polygon uses vertices of another mesh.
    """
    rig = performance.rig
    model = RigModel(rig, dtype=torch.float64)
    parts = _define_parts(stage, head, rig)
    normals = model.vertex_normals(model.neutral[None])[0].numpy()
    for part in parts:
        _fill_mesh(part, rig, normals)
        _bind(part, skeleton, layout)
    for shape in shapes:
        _define_blend_shape(stage, parts, shape, rig, model, normals)


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


def _fill_mesh(part: _Part, rig: Rig, normals: np.ndarray) -> None:
    """Neutral, polygons and UVs. normals: (V, 3)."""
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


def _bind(part: _Part, skeleton: Any, layout: SkeletonLayout) -> None:
    """What every vertex of a mesh hangs on."""
    indices, weights = layout.indices[part.vertices], layout.weights[part.vertices]
    binding = UsdSkel.BindingAPI.Apply(part.mesh.GetPrim())
    binding.CreateSkeletonRel().SetTargets([skeleton])
    binding.CreateGeomBindTransformAttr(Gf.Matrix4d(1.0))
    width = indices.shape[1]
    binding.CreateJointIndicesPrimvar(False, width).Set(Vt.IntArray.FromNumpy(indices.ravel().astype(np.int32)))
    binding.CreateJointWeightsPrimvar(False, width).Set(Vt.FloatArray.FromNumpy(weights.ravel().astype(np.float32)))


def _define_blend_shape(
    stage: Any, parts: list[_Part], blend: BlendShape, rig: Rig, model: RigModel, normals: np.ndarray
) -> None:
    """The BlendShape prim under every mesh that it moves. normals: (V, 3) of the neutral."""
    offsets = np.zeros((len(blend.shapes), rig.vertex_count, 3))
    for row, shape in zip(offsets, blend.shapes, strict=True):
        row[shape.vertices] = shape.deltas
    turns = model.vertex_normals(model.neutral + torch.from_numpy(offsets)).numpy() - normals
    moved = np.abs(offsets).max((0, 2)) > 0
    touched = moved | (np.abs(turns).max((0, 2)) > _TURNED)
    for part in parts:
        if not moved[part.vertices].any():
            continue
        local = np.flatnonzero(touched[part.vertices])
        prim = UsdSkel.BlendShape.Define(stage, part.mesh.GetPath().AppendChild(blend.name))
        prim.CreatePointIndicesAttr(Vt.IntArray.FromNumpy(local.astype(np.int32)))
        prim.CreateOffsetsAttr(_vectors(offsets[0, part.vertices][local]))
        prim.CreateNormalOffsetsAttr(_vectors(turns[0, part.vertices][local]))
        for number, shape in enumerate(blend.shapes[1:], 1):
            weight = shape.weight / blend.shapes[0].weight
            between = prim.CreateInbetween(unique_names([f"weight_{_written(weight)}"])[0])
            between.SetWeight(weight)
            between.SetOffsets(_vectors(offsets[number, part.vertices][local]))
            between.SetNormalOffsets(_vectors(turns[number, part.vertices][local]))
        prim.GetPrim().SetCustomDataByKey("facesolve", _origin(rig, blend.target))
        binding = UsdSkel.BindingAPI(part.mesh)
        binding.CreateBlendShapeTargetsRel().AddTarget(prim.GetPath())
        known = binding.GetBlendShapesAttr().Get() or []
        binding.CreateBlendShapesAttr([*known, blend.name])


def _written(weight: float) -> str:
    """The weight as part of a name."""
    return f"{weight:g}".replace("-", "minus_")


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
