"""Meshes of the scene as arrays: points, polygons, UVs. Object space, centimeters. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import maya.api.OpenMaya as om
import numpy as np
from maya import cmds

from .findings import Report
from .plugs import data_object, short_name


@dataclass(frozen=True, eq=False)
class Topology:
    """counts (P,), corners (sum,) int32; uvs (T, 2) float32 and corner_uvs (sum,) int32, both empty without UVs."""

    counts: np.ndarray
    corners: np.ndarray
    uvs: np.ndarray
    corner_uvs: np.ndarray


def points_of(item: om.MObject) -> np.ndarray:
    """(V, 3) float64 object-space points of mesh data, centimeters (the API never uses the scene's unit)."""
    points = om.MFnMesh(item).getPoints(om.MSpace.kObject)
    return np.array(points, np.float64).reshape(-1, 4)[:, :3]


def shape_points(shape: str) -> np.ndarray:
    """(V, 3) float64 object-space points of a mesh shape as it stands now, centimeters."""
    points = om.MFnMesh(om.MSelectionList().add(shape).getDagPath(0)).getPoints(om.MSpace.kObject)
    return np.array(points, np.float64).reshape(-1, 4)[:, :3]


def plug_points(plug: str) -> Optional[np.ndarray]:
    """(V, 3) float64 points of the mesh at a plug, centimeters, or None when the plug holds none."""
    item = data_object(plug)
    return None if item is None else points_of(item)


def read_topology(shape: str, report: Report) -> Topology:
    """Polygons and the current UV set of a mesh shape. UVs that miss some polygons are left out, with a note."""
    mesh = om.MFnMesh(om.MSelectionList().add(shape).getDagPath(0))
    counts, corners = mesh.getVertices()
    name = mesh.currentUVSetName()
    none = np.zeros((0, 2), np.float32), np.zeros(0, np.int32)
    uvs, corner_uvs = none
    if name and mesh.numUVs(name):
        uv_counts, uv_numbers = mesh.getAssignedUVs(name)
        if list(uv_counts) == list(counts):
            u, v = mesh.getUVs(name)
            uvs, corner_uvs = np.stack([u, v], axis=1).astype(np.float32), np.array(uv_numbers, np.int32)
        else:
            report.note(
                short_name(shape),
                "UV set '{}' leaves polygons without UVs, so no texture coordinates are exported.".format(name),
                "Lay out UVs for every polygon if a texture is to be used.",
            )
    return Topology(np.array(counts, np.int32), np.array(corners, np.int32), uvs, corner_uvs)


def world_matrix(node: str, time: Optional[float] = None) -> np.ndarray:
    """(4, 4) world matrix now, or what Maya says of a scene time without going there (see ``motion``).

    Maya's layout (row vectors, translation in the last row), centimeters.
    """
    plug = node + ".worldMatrix[0]"
    found = cmds.getAttr(plug) if time is None else cmds.getAttr(plug, time=time)
    return np.array(found, np.float64).reshape(4, 4)


def transformed(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Points (V, 3) through a row-vector matrix (4, 4)."""
    return points @ matrix[:3, :3] + matrix[3, :3]
