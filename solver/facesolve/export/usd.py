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
from .usd_skeleton import decomposed, skeleton_layout

SUFFIXES = (".usd", ".usda", ".usdc")
METERS_PER_UNIT = 0.01  # centimeters
SAME_SCALE = 1e-6


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
      /Head SkelRoot: /Skeleton (head and joints), /Animation (joints, blend shape weights), a Mesh for each mesh of
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
    late = [target.name for target in performance.rig.targets if target.after_skin]
    if late:
        notes.append(f"without {', '.join(late)}: USD skins after its blend shapes, these come after the skin")
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
    heads = performance.head(options.stabilized)
    layout = skeleton_layout(performance.evaluator, performance.solution.controls, heads)
    skeleton.CreateJointsAttr(list(layout.paths))
    skeleton.CreateBindTransformsAttr(_matrices(layout.bind))
    skeleton.CreateRestTransformsAttr(_matrices(layout.rest))
    animation = UsdSkel.Animation.Define(stage, path.AppendChild("Animation"))
    binding = UsdSkel.BindingAPI.Apply(skeleton.GetPrim())
    binding.CreateAnimationSourceRel().SetTargets([animation.GetPath()])
    shapes = blend_shapes(performance, options.split_inbetweens)
    define_meshes(stage, path, performance, skeleton.GetPath(), shapes, layout)
    frames = performance.solution.frames.tolist()
    animation.CreateJointsAttr(list(layout.paths))
    _animate_joints(animation, frames, layout.frames)
    animation.CreateBlendShapesAttr([shape.name for shape in shapes])
    weights = animation.CreateBlendShapeWeightsAttr()
    values = np.stack([shape.weights for shape in shapes], 1)
    for frame, row in zip(frames, values.astype(np.float32), strict=True):
        weights.Set(Vt.FloatArray.FromNumpy(row), frame)
    _bound(root, performance.vertices(options.stabilized))


def _animate_joints(animation: Any, frames: list[int], local: np.ndarray) -> None:
    """Translations, rotations and scales of n joints, local (F, n, 4, 4); neighboring quaternions on the same side, so
    that slerp goes the short way."""
    rotations, translations = animation.CreateRotationsAttr(), animation.CreateTranslationsAttr()
    turned, scales = decomposed(local)
    sized, before = animation.CreateScalesAttr(), [Gf.Quatd(1.0)] * local.shape[1]
    if np.ptp(scales, axis=0).max(initial=0.0) < SAME_SCALE:
        sized.Set(_halves(scales[0]))
    for row, frame in enumerate(frames):
        for joint, rotation in enumerate(turned[row]):
            matrix = np.eye(4)
            matrix[:3, :3] = rotation.T
            turn = Gf.Matrix4d(matrix).ExtractRotationQuat().GetNormalized()
            before[joint] = -turn if Gf.Dot(before[joint], turn) < 0 else turn
        rotations.Set(Vt.QuatfArray([Gf.Quatf(turn) for turn in before]), frame)
        translations.Set(Vt.Vec3fArray([Gf.Vec3f(*place) for place in local[row, :, :3, 3].tolist()]), frame)
        if not sized.HasAuthoredValue() or sized.GetNumTimeSamples():
            sized.Set(_halves(scales[row]), frame)


def _halves(scales: np.ndarray) -> Any:
    return Vt.Vec3hArray([Gf.Vec3h(*scale) for scale in scales.tolist()])


def _matrices(columns: np.ndarray) -> Any:
    """(n, 4, 4) matrices for column vectors as USD's, which are for rows."""
    return Vt.Matrix4dArray([Gf.Matrix4d(matrix.T) for matrix in columns])


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
