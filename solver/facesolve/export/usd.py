"""The solved head, its animation and the cameras as a USD stage. Needs usd-core.

The head transform is the animation of a one-joint skeleton to which every vertex is bound, not a time-sampled Xform:
Unreal by default takes just the joint animation of the SkelAnimation prim (its documentation of
EUsdRootMotionHandling), and importers of skeletal animation build on joints. Blender's does; Maya's and Unreal's were
never tried here.
https://openusd.org/release/api/_usd_skel__schemas.html
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pxr import Gf, Kind, Sdf, Tf, Usd, UsdGeom, UsdSkel, Vt

from facesolve.take.camera import FISHEYE
from facesolve.take.version import VERSION

from .errors import ExportError
from .performance import Performance
from .textures import BakedTexture
from .usd_cameras import define_cameras
from .usd_material import define_material
from .usd_mesh import blend_shapes, define_meshes
from .usd_names import unique_names

SUFFIXES = (".usd", ".usda", ".usdc")
METERS_PER_UNIT = 0.01  # centimeters
JOINT = "head"


@dataclass(frozen=True)
class UsdOptions:
    """stabilized: the head stands still at the origin and the cameras move around it. up_axis: ``y`` or ``z``, which a
    take does not say. split_inbetweens: in-betweens become blend shapes of their own, for programs that ignore USD's.
    """

    stabilized: bool = False
    up_axis: str = "y"
    split_inbetweens: bool = False


DEFAULTS = UsdOptions()


def write_usd(performance: Performance, path: Path, options: UsdOptions = DEFAULTS) -> list[str]:
    """Writes the stage of ``build_stage`` to ``path``, text for ``.usda``, binary otherwise; whole or not at all.

    The baked texture goes into ``STEM_textures`` beside it. Returns what the user should know about the result.
    Raises ExportError for another suffix, for what USD cannot hold, and when it cannot be written.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ExportError(f"export: '{path}' must end in one of {', '.join(SUFFIXES)}.")
    texture = BakedTexture.of(performance.solution, performance.folder)
    stage = build_stage(performance, options, texture.asset_path(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    texture.copy(path)
    temporary = path.with_name(f"{path.stem}.{uuid.uuid4().hex}{path.suffix.lower()}")
    try:
        try:
            written = stage.GetRootLayer().Export(os.fspath(temporary))
        except Tf.ErrorException as error:
            raise ExportError(f"export: '{path}' cannot be written ({error}).") from None
        if not written:
            raise ExportError(f"export: '{path}' cannot be written; check the folder and its free space.")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return _notes(performance, texture)


def build_stage(performance: Performance, options: UsdOptions = DEFAULTS, texture: str | None = None) -> Any:
    """A ``Usd.Stage`` in memory: centimeters, time codes are footage frame numbers.

    /TAKE (default prim, kind component, provenance in its custom data)
      /Head SkelRoot: /Skeleton (one joint), /Animation (head transform, blend shape weights), a Mesh for each mesh of
        the rig with its BlendShapes. Weights are those of the rig's targets, so what controls, curves and combinations
        make of them is baked; in-betweens are USD's unless split.
      /Cameras: a Camera each.   /Materials/Skin: where the rig has UVs and ``texture`` names an image.
    texture: asset path relative to the file that will be written, ``<UDIM>`` allowed.
    """
    solution = performance.solution
    stage = Usd.Stage.CreateInMemory()
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.z if options.up_axis == "z" else UsdGeom.Tokens.y)
    UsdGeom.SetStageMetersPerUnit(stage, METERS_PER_UNIT)
    stage.SetTimeCodesPerSecond(solution.fps)
    stage.SetFramesPerSecond(solution.fps)
    stage.SetStartTimeCode(float(solution.frames[0]))
    stage.SetEndTimeCode(float(solution.frames[-1]))
    top = Sdf.Path.absoluteRootPath.AppendChild(unique_names([performance.take.name])[0])
    root = UsdGeom.Xform.Define(stage, top).GetPrim()
    stage.SetDefaultPrim(root)
    Usd.ModelAPI(root).SetKind(Kind.Tokens.component)
    root.SetCustomDataByKey("facesolve", _provenance(performance, options.stabilized))
    _define_head(stage, top.AppendChild("Head"), performance, options)
    define_cameras(stage, top.AppendChild("Cameras"), performance, options.stabilized)
    if texture is not None and len(performance.rig.face_uvs):
        meshes = [prim for prim in stage.Traverse() if prim.IsA(UsdGeom.Mesh)]
        define_material(stage, top.AppendChild("Materials"), meshes, texture)
    return stage


def _notes(performance: Performance, texture: BakedTexture) -> list[str]:
    notes = [f"without {name}, which is not in '{performance.folder}'" for name in texture.missing]
    cameras = performance.take.cameras
    fisheyes = [camera.name for camera in cameras if camera.lens == FISHEYE]
    if fisheyes:
        notes.append(
            f"cameras {', '.join(fisheyes)}: a fisheye cannot be stored in USD, so they are pinholes of the same focal "
            "length, which show less of the scene; use undistorted images"
        )
    bent = [camera.name for camera in cameras if camera.distorted and camera.lens != FISHEYE]
    if bent:
        notes.append(f"cameras {', '.join(bent)}: no lens distortion, which USD cannot store; use undistorted images")
    return notes


def _define_head(stage: Any, path: Any, performance: Performance, options: UsdOptions) -> None:
    root = UsdSkel.Root.Define(stage, path)
    skeleton = UsdSkel.Skeleton.Define(stage, path.AppendChild("Skeleton"))
    identity = Vt.Matrix4dArray([Gf.Matrix4d(1.0)])
    skeleton.CreateJointsAttr([JOINT])
    skeleton.CreateBindTransformsAttr(identity)
    skeleton.CreateRestTransformsAttr(identity)
    animation = UsdSkel.Animation.Define(stage, path.AppendChild("Animation"))
    binding = UsdSkel.BindingAPI.Apply(skeleton.GetPrim())
    binding.CreateAnimationSourceRel().SetTargets([animation.GetPath()])
    shapes = blend_shapes(performance, options.split_inbetweens)
    define_meshes(stage, path, performance, skeleton.GetPath(), shapes)
    frames = performance.solution.frames.tolist()
    animation.CreateJointsAttr([JOINT])
    _animate_joint(animation, frames, performance.head(options.stabilized))
    animation.CreateBlendShapesAttr([shape.name for shape in shapes])
    weights = animation.CreateBlendShapeWeightsAttr()
    values = np.stack([shape.weights for shape in shapes], 1)
    for frame, row in zip(frames, values.astype(np.float32), strict=True):
        weights.Set(Vt.FloatArray.FromNumpy(row), frame)
    _bound(root, performance.vertices(options.stabilized))


def _animate_joint(animation: Any, frames: list[int], heads: np.ndarray) -> None:
    """Translation and rotation of the joint; neighboring quaternions on the same side, so that slerp goes the short
    way."""
    rotations, translations = animation.CreateRotationsAttr(), animation.CreateTranslationsAttr()
    animation.CreateScalesAttr(Vt.Vec3hArray([Gf.Vec3h(1.0)]))
    before = Gf.Quatd(1.0)
    for frame, head in zip(frames, heads, strict=True):
        turn = Gf.Matrix4d(head.T).ExtractRotationQuat().GetNormalized()
        if Gf.Dot(before, turn) < 0:
            turn = -turn
        before = turn
        rotations.Set(Vt.QuatfArray([Gf.Quatf(turn)]), frame)
        translations.Set(Vt.Vec3fArray([Gf.Vec3f(*head[:3, 3].tolist())]), frame)


def _bound(root: Any, vertices: Iterable[tuple[int, np.ndarray]]) -> None:
    """The box around the moving head at every frame, which USD wants on a SkelRoot."""
    extent = root.CreateExtentAttr()
    for frame, points in vertices:
        extent.Set(Vt.Vec3fArray([Gf.Vec3f(*corner.tolist()) for corner in (points.min(0), points.max(0))]), frame)


def _provenance(performance: Performance, stabilized: bool) -> dict[str, Any]:
    """Custom data: strings and numbers, since USD's dictionaries hold no mixed lists."""
    solution = performance.solution
    return {
        "exporter": f"facesolve {VERSION}",
        "take": performance.take.name,
        "space": "head" if stabilized else "world",
        "frames": f"{solution.frames[0]}-{solution.frames[-1]}",
        "sceneTimes": f"{solution.scene_times[0]:g}-{solution.scene_times[-1]:g}",
        "solution": json.dumps(solution.provenance),
    }
