"""The take's cameras as UsdGeomCamera."""

from __future__ import annotations

from typing import Any

import numpy as np
from pxr import Gf, UsdGeom, Vt

from facesolve.geometry.camera import film_back_from_intrinsics, maya_world_matrix_from_extrinsics
from facesolve.take import Camera
from facesolve.take.film import MILLIMETERS_AN_INCH

from .performance import Performance
from .usd_names import unique_names

_CLIPPING = (1.0, 10000.0)  # centimeters


def define_cameras(stage: Any, path: Any, performance: Performance, stabilized: bool) -> None:
    """Defines a Camera under ``path`` for each camera of the take, without lens distortion (which USD lacks).

    USD's camera looks along -z with +y up and a matrix of row vectors, as Maya's does. Focal length, apertures and
    offsets are tenths of a scene unit, so millimeters on a stage in centimeters. Image size, lens and
    distortion are in the custom data. stabilized: the cameras move so that they see the still head as they saw the
    moving one.
    """
    UsdGeom.Scope.Define(stage, path)
    frames = performance.solution.frames.tolist()
    heads = performance.head(stabilized=False)
    names = unique_names([camera.name for camera in performance.take.cameras])
    for name, camera in zip(names, performance.take.cameras, strict=True):
        lens = UsdGeom.Camera.Define(stage, path.AppendChild(name))
        lens.CreateClippingRangeAttr(Gf.Vec2f(*_CLIPPING))
        lens.GetPrim().SetCustomDataByKey("facesolve", _origin(camera))
        transform = lens.AddTransformOp()
        poses = [camera.at(int(row)) for row in performance.rows]
        moves = stabilized or camera.rotation.ndim == 3 or camera.translation.ndim == 2
        for index in range(len(poses) if moves else 1):
            _, rotation, translation = poses[index]
            if stabilized:
                rotation, translation = rotation @ heads[index, :3, :3], rotation @ heads[index, :3, 3] + translation
            matrix = Gf.Matrix4d(maya_world_matrix_from_extrinsics(rotation, translation))
            transform.Set(matrix, *([frames[index]] if moves else []))
        zooms = camera.intrinsics.ndim == 3
        for index in range(len(poses) if zooms else 1):
            _set_lens(lens, camera, poses[index][0], *([frames[index]] if zooms else []))


def _set_lens(lens: Any, camera: Camera, intrinsics: np.ndarray, *time: int) -> None:
    film = film_back_from_intrinsics(intrinsics, camera.width, camera.height)
    lens.CreateFocalLengthAttr().Set(film.focal_length, *time)
    inches = {
        lens.CreateHorizontalApertureAttr(): film.horizontal_aperture,
        lens.CreateVerticalApertureAttr(): film.vertical_aperture,
        lens.CreateHorizontalApertureOffsetAttr(): film.horizontal_offset,
        lens.CreateVerticalApertureOffsetAttr(): film.vertical_offset,
    }
    for attribute, value in inches.items():
        attribute.Set(value * MILLIMETERS_AN_INCH, *time)


def _origin(camera: Camera) -> dict[str, Any]:
    return {
        "camera": camera.name,
        "width": camera.width,
        "height": camera.height,
        "distortion": Vt.DoubleArray(camera.distortion.tolist()),
        "lens": camera.lens,
    }
