"""UsdSkel as a rig: blend shapes with in-betweens, skeletons and skinning, by Pixar's own library."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from facesolve.take import Rig, TakeError
from facesolve.take.rig import COMBINATION_METHODS
from facesolve.take.skeleton import RIG_SPACE

from .skinned import Bone, Morph, Part, SkinnedScene, reversed_corners, skinned_rig

_CENTIMETERS = 100.0
_KEPT = "facesolve"  # custom data of what Facesolve wrote
_Z_UP = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])  # to y up


def read_usd(path: Path, tell: Callable[[str], None]) -> Rig:
    """The rig of a stage: all its meshes, in centimeters with y up; meshes without a skeleton stand still.

    tell: called with a sentence about what became a control. Raises TakeError, also when usd-core is not installed.
    """
    where = f"rig: '{path}'"
    if not path.is_file():
        raise TakeError(f"{where} does not exist; check the path.")
    try:
        usd, geometry, skeleton, tf = (importlib.import_module(f"pxr.{n}") for n in ("Usd", "UsdGeom", "UsdSkel", "Tf"))
    except ImportError:
        raise TakeError(
            f"{where} is USD, which needs 'usd-core'; install it: python -m pip install \"facesolve[usd]\"."
        ) from None
    try:
        scene = _Stage(usd.Stage.Open(str(path)), geometry, skeleton, where).scene()
    except (tf.ErrorException, UnicodeError) as problem:
        raise TakeError(f"{where} is not readable USD ({_said(problem)}).") from None
    return skinned_rig(scene, where, tell)


def _said(problem: Exception) -> str:
    """The library's words about a file, which may be no text when the file is none."""
    try:
        return next(iter(str(problem).splitlines()), "damaged")
    except UnicodeError:
        return "damaged"


class _Stage:
    """An open stage on its way to parts and bones. Matrices are for column vectors, centimeters, y up."""

    def __init__(self, stage: Any, geometry: Any, skeleton: Any, where: str) -> None:
        self._stage, self._geometry, self._skeleton, self._where = stage, geometry, skeleton, where
        self._scale = _CENTIMETERS * float(geometry.GetStageMetersPerUnit(stage))
        self._upright = np.eye(4) if str(geometry.GetStageUpAxis(stage)) != "Z" else _Z_UP
        self._bones: list[Bone] = []
        self._first_bone: dict[str, int] = {}
        self._combinations: dict[str, tuple[str, tuple[str, ...]]] = {}

    def scene(self) -> SkinnedScene:
        """Everything that the stage shows."""
        parts = []
        for prim in self._stage.Traverse():
            if prim.IsA(self._geometry.Mesh):
                parts.append(self._part(prim))
        return SkinnedScene([part for part in parts if part is not None], self._bones, self._combinations)

    def _world(self, prim: Any) -> np.ndarray:
        """(4, 4) of a prim at the first time."""
        time = self._stage.GetStartTimeCode() if self._stage.HasAuthoredTimeCodeRange() else 0.0
        return self._upright @ self._matrix(self._geometry.Xformable(prim).ComputeLocalToWorldTransform(time))

    def _matrix(self, value: Any) -> np.ndarray:
        matrix = _numbers(value, 4, f"{self._where}: a matrix").reshape(-1, 4).T
        matrix[:3, 3] *= self._scale
        return matrix

    def _part(self, prim: Any) -> Part | None:
        mesh, where = self._geometry.Mesh(prim), f"{self._where}: mesh '{prim.GetPath()}'"
        points = _numbers(mesh.GetPointsAttr().Get(), 3, f"{where}: its points") * self._scale
        counts = _numbers(mesh.GetFaceVertexCountsAttr().Get(), 0, f"{where}: its polygons").astype(np.int64)
        corners = _numbers(mesh.GetFaceVertexIndicesAttr().Get(), 0, f"{where}: its corners").astype(np.int64)
        if not len(points) or not len(counts):
            return None
        if counts.min() < 3 or counts.sum() != len(corners) or corners.min() < 0 or corners.max() >= len(points):
            raise TakeError(f"{where} has polygons that do not fit its points.")
        uvs, corner_uvs = self._uvs(prim, corners)
        if str(mesh.GetOrientationAttr().Get()) == "leftHanded":
            order = reversed_corners(counts)
            corners, corner_uvs = corners[order], corner_uvs[order] if len(corner_uvs) else corner_uvs
        binding = self._skeleton.BindingAPI(prim)
        bones, inverse_bind, influences, weights = self._skin(prim, binding, len(points), where)
        return Part(
            name=prim.GetName(),
            points=points,
            face_counts=counts,
            corners=corners,
            uvs=uvs,
            corner_uvs=corner_uvs,
            bones=bones,
            inverse_bind=inverse_bind,
            influences=influences,
            weights=weights,
            morphs=tuple(self._morphs(binding, len(points), where)),
        )

    def _uvs(self, prim: Any, corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """UVs and their indices for each corner; nothing when the mesh has none as most programs name them."""
        primvar, where = self._geometry.PrimvarsAPI(prim).GetPrimvar("st"), f"{self._where}: UVs of '{prim.GetPath()}'"
        uvs = _numbers(primvar.Get() if primvar else None, 2, where)
        index = np.arange(len(uvs))
        if len(uvs) and primvar.IsIndexed():
            index = _numbers(primvar.GetIndices(), 0, where).astype(np.int64)
        if len(uvs) and str(primvar.GetInterpolation()) in ("vertex", "varying") and len(index) > corners.max():
            index = index[corners]
        fits = len(uvs) and len(index) == len(corners) and index.min() >= 0 and index.max() < len(uvs)
        return (uvs, index) if fits else (np.zeros((0, 2)), np.zeros(0, np.int64))

    def _skin(
        self, prim: Any, binding: Any, count: int, where: str
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Bones with inverse bind matrices, influences and weights (count, m); a bone of its own without a skeleton."""
        skeleton = binding.GetInheritedSkeleton()
        primvar = binding.GetJointIndicesPrimvar()
        values = primvar.Get() if skeleton and primvar else None
        if values is None:
            self._bones.append(Bone(prim.GetName(), RIG_SPACE, self._world(prim)))
            one = np.ones((count, 1))
            return np.array([len(self._bones) - 1]), np.eye(4)[None], np.zeros((count, 1), np.int64), one
        first, inverse_bind, joints = self._skeleton_bones(skeleton)
        own = _words(binding.GetJointsAttr().Get(), f"{where}: its joints")
        order = [self._place(joint, joints, where) for joint in own] or list(range(len(joints)))
        width = max(primvar.GetElementSize(), 1)
        influences = _numbers(values, 0, f"{where}: its joint indices").astype(np.int64)
        weights = _numbers(binding.GetJointWeightsPrimvar().Get(), 0, f"{where}: its joint weights")
        if str(primvar.GetInterpolation()) == "constant":
            influences, weights = np.tile(influences, count), np.tile(weights, count)
        fits = len(influences) == len(weights) == count * width
        if not fits or influences.min(initial=0) < 0 or influences.max(initial=0) >= len(order):
            raise TakeError(f"{where} has weights that do not fit its points and joints.")
        bind = binding.GetGeomBindTransformAttr().Get()
        geometry_bind = np.eye(4) if bind is None else self._matrix(bind)
        bones = np.array([first + place for place in order])
        return bones, inverse_bind[order] @ geometry_bind, influences.reshape(-1, width), weights.reshape(-1, width)

    def _place(self, joint: str, joints: Sequence[str], where: str) -> int:
        if joint not in joints:
            raise TakeError(f"{where} hangs on '{joint}', which its skeleton does not have.")
        return joints.index(joint)

    def _skeleton_bones(self, skeleton: Any) -> tuple[int, np.ndarray, list[str]]:
        """The first bone of a skeleton, the inverse bind matrices of all, and the paths of its joints."""
        where, key = f"{self._where}: skeleton '{skeleton.GetPath()}'", str(skeleton.GetPath())
        joints = _words(skeleton.GetJointsAttr().Get(), f"{where}: its joints")
        rest = _numbers(skeleton.GetRestTransformsAttr().Get(), 4, f"{where}: its rest transforms")
        bind = _numbers(skeleton.GetBindTransformsAttr().Get(), 4, f"{where}: its bind transforms")
        if not joints or not len(rest) == len(bind) == len(joints):
            raise TakeError(f"{where} needs a rest and a bind transform for each of its joints.")
        binds = np.stack([self._matrix(matrix) for matrix in bind])
        if (np.abs(np.linalg.det(binds)) < 1e-12).any():
            raise TakeError(f"{where} has a bind transform that cannot be undone.")
        if key not in self._first_bone:
            self._first_bone[key] = len(self._bones)
            world = self._world(skeleton.GetPrim())
            for index, joint in enumerate(joints):
                above = joint.rpartition("/")[0]
                local = self._matrix(rest[index])
                if above in joints[:index]:
                    parent = self._first_bone[key] + joints.index(above)
                elif above in joints:
                    raise TakeError(f"{where} lists '{joint}' before the joint above it.")
                else:
                    parent, local = RIG_SPACE, world @ local
                self._bones.append(Bone(joint.rpartition("/")[2], parent, local))
        return self._first_bone[key], np.linalg.inv(binds), joints

    def _morphs(self, binding: Any, count: int, where: str) -> list[Morph]:
        """The mesh's blend shapes by the names that its animation uses, or their own where Facesolve wrote them."""
        names = _words(binding.GetBlendShapesAttr().Get(), f"{where}: its blend shapes")
        paths = binding.GetBlendShapeTargetsRel().GetTargets()
        if len(names) != len(paths):
            raise TakeError(f"{where} names {len(names)} blend shapes and has {len(paths)}.")
        found = []
        for name, path in zip(names, paths, strict=True):
            shape = self._skeleton.BlendShape(self._stage.GetPrimAtPath(path))
            if not shape:
                raise TakeError(f"{where}: there is no blend shape at '{path}'.")
            kept = shape.GetPrim().GetCustomDataByKey(_KEPT) or {}
            own = str(kept.get("target", name))
            if kept.get("combination") in COMBINATION_METHODS:
                self._combinations[own] = (kept["combination"], tuple(str(kept.get("drivers", "")).split(", ")))
            found.append(Morph(own, tuple(self._shapes(shape, count, f"{where}: blend shape '{name}'"))))
        return found

    def _shapes(self, shape: Any, count: int, where: str) -> list[tuple[float, np.ndarray, np.ndarray]]:
        indices = shape.GetPointIndicesAttr().Get()
        vertices = np.arange(count) if indices is None or not len(indices) else np.array(indices, np.int64)
        if len(np.unique(vertices)) != len(vertices) or (
            len(vertices) and not 0 <= vertices.min() <= vertices.max() < count
        ):
            raise TakeError(f"{where} moves points that the mesh does not have, or one twice.")
        order = np.argsort(vertices)
        weighted = [(1.0, shape.GetOffsetsAttr().Get())]
        weighted += [(float(between.GetWeight()), between.GetOffsets()) for between in shape.GetInbetweens()]
        found: list[tuple[float, np.ndarray, np.ndarray]] = []
        for weight, values in weighted:
            offsets = _numbers(values, 3, f"{where}: its offsets") * self._scale
            if len(offsets) != len(vertices):
                raise TakeError(f"{where} has {len(offsets)} offsets for {len(vertices)} points.")
            if weight in [known for known, _, _ in found] or weight == 0.0:
                raise TakeError(f"{where} has two shapes at weight {weight:g}, or one at 0.")
            found.append((weight, vertices[order], offsets[order]))
        return found


def _numbers(values: Any, width: int, where: str) -> np.ndarray:
    """(n,) or (n, ..., width) float64, empty for nothing. TakeError for other values and what is not finite."""
    try:
        array = np.array(() if values is None else values, np.float64)
    except (TypeError, ValueError):
        raise TakeError(f"{where} are of another kind.") from None
    if not array.size:
        return np.zeros((0, width) if width else 0)
    if array.shape[-1] != width if width else array.ndim != 1:
        raise TakeError(f"{where} are of another kind.")
    if not np.isfinite(array).all():
        raise TakeError(f"{where} hold a number that is not finite.")
    return array


def _words(values: Any, where: str) -> list[str]:
    """A list of names, empty for nothing. TakeError for other values."""
    try:
        return [str(value) for value in (() if values is None else values)]
    except TypeError:
        raise TakeError(f"{where} are of another kind.") from None
