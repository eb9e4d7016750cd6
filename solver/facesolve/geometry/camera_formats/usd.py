"""Cameras of USD stages (.usd, .usda, .usdc, .usdz), by Pixar's own library.

Source: openusd.org, UsdGeomCamera. The camera looks along -z with y up; focal length, apertures and offsets are tenths
of a scene unit; lengths are in metersPerUnit. USD holds neither image size nor lens distortion, except where Facesolve
wrote them into its custom data.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np

from facesolve.take import TakeError
from facesolve.take.calibration import CalibratedCamera
from facesolve.take.film import FilmBack, intrinsics_from_film_back

from .reading import FLIPPED, Asked, Reading, calibrated

_INCH = 25.4
_METERS = 100.0


def read(path: Path, asked: Asked) -> Reading:
    """The perspective cameras of a stage; one that moves is refused. Raises TakeError."""
    try:
        usd, geometry, tf = (importlib.import_module(f"pxr.{name}") for name in ("Usd", "UsdGeom", "Tf"))
    except ImportError:
        raise TakeError(
            f"calibration: '{path}' is USD, which needs 'usd-core': python -m pip install \"facesolve[usd]\"."
        ) from None
    try:
        stage = usd.Stage.Open(str(path))
    except tf.ErrorException as problem:
        raise TakeError(f"calibration: '{path}' is not readable USD ({str(problem).splitlines()[0]}).") from None
    found = [prim for prim in stage.Traverse() if prim.IsA(geometry.Camera)]
    cameras = tuple(_camera(geometry.Camera(prim), stage, path, asked) for prim in found)
    if not cameras:
        raise TakeError(f"calibration: '{path}' holds no camera.")
    up = str(geometry.GetStageUpAxis(stage)).lower()
    return Reading(cameras, _METERS * float(geometry.GetStageMetersPerUnit(stage)), up=up)


def _camera(lens: Any, stage: Any, path: Path, asked: Asked) -> CalibratedCamera:
    prim = lens.GetPrim()
    kept = prim.GetCustomDataByKey("facesolve") or {}
    name = str(kept.get("camera", prim.GetName()))
    where = f"calibration: camera '{name}' in '{path}'"
    times = {time for time in (stage.GetStartTimeCode(), stage.GetEndTimeCode())}
    poses = [np.array(lens.ComputeLocalToWorldTransform(time)) for time in sorted(times)]
    views = [lens.GetCamera(time) for time in sorted(times)]
    if views[0].projection.name != "Perspective":
        raise TakeError(f"{where} is orthographic; only perspective cameras can be used.")
    if max(np.abs(pose - poses[0]).max() for pose in poses) > 1e-6 or len({v.focalLength for v in views}) > 1:
        raise TakeError(f"{where} moves or zooms; import it into Maya and export the take from there.")
    size = (int(kept["width"]), int(kept["height"])) if "width" in kept else asked.size(name, where)
    view = views[0]
    back = FilmBack(
        view.focalLength,
        view.horizontalAperture / _INCH,
        view.verticalAperture / _INCH,
        view.horizontalApertureOffset / _INCH,
        view.verticalApertureOffset / _INCH,
        fit="horizontal" if not kept else "fill",
        pixel_aspect=_pixel_aspect(view, size) if kept else 1.0,
    )
    axes = poses[0][:3, :3] / np.linalg.norm(poses[0][:3, :3], axis=1, keepdims=True)
    rotation = FLIPPED @ axes  # USD's matrices are of row vectors
    translation = -rotation @ poses[0][3, :3]
    fisheye = kept.get("lens") == "fisheye"
    distortion = np.array(kept.get("distortion", ()), np.float64)
    return calibrated(name, intrinsics_from_film_back(back, *size), rotation, translation, distortion, size, fisheye)


def _pixel_aspect(view: Any, size: tuple[int, int]) -> float:
    """What Facesolve writes shows the whole image, so the film's aspect and the image's tell that of a pixel."""
    return float(view.horizontalAperture / view.verticalAperture * size[1] / size[0])
