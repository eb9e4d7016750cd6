"""nerfstudio's ``transforms.json`` and the older NeRF and Blender ones, in and out.

Source: docs.nerf.studio, "Data conventions". Camera to world, the camera looks along -z with y up (OpenGL, Blender);
intrinsics are COLMAP's, so the first pixel's center is (0.5, 0.5); lengths have no unit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from facesolve.take import TakeError
from facesolve.take.calibration import CalibratedCamera
from facesolve.take.camera import FISHEYE
from facesolve.take.files import write_json

from .images import cameras_of_images
from .reading import (
    FLIPPED,
    Asked,
    PosedImage,
    Reading,
    calibrated,
    matrix_of,
    numbers,
    polynomial_of,
    posed,
    understood,
)

PROGRAM = "nerfstudio"
_MODELS = {"OPENCV": False, "PINHOLE": False, "SIMPLE_PINHOLE": False, "OPENCV_FISHEYE": True}


def is_transforms(record: Any) -> bool:
    """Whether a JSON document is such a file."""
    frames = record.get("frames") if isinstance(record, dict) else None
    return isinstance(frames, list) and bool(frames) and isinstance(frames[0], dict) and "transform_matrix" in frames[0]


def read(record: Mapping[str, Any], path: Path, asked: Asked) -> Reading:
    """The cameras of the document. Raises TakeError."""
    images = []
    with understood(path, PROGRAM):
        for frame in record["frames"]:
            images.append(_image({**record, **frame}, path, asked))
    cameras, notes = cameras_of_images(images, asked.images, path)
    return Reading(cameras, scaled=False, notes=notes)


def write(cameras: Sequence[CalibratedCamera], path: Path) -> None:
    """Writes nerfstudio's layout, a frame for each camera; lengths are centimeters."""
    frames = []
    for camera in cameras:
        if camera.size is None:
            raise TakeError(f"calibration: camera '{camera.name}' has no image size, which nerfstudio needs.")
        fisheye, count = camera.lens == FISHEYE, len(camera.distortion)
        if count > 5 or abs(camera.intrinsics[0, 1]) > 1e-9:
            raise TakeError(f"calibration: camera '{camera.name}' has a lens or skew that nerfstudio cannot store.")
        names = ("k1", "k2", "k3", "k4") if fisheye else ("k1", "k2", "p1", "p2", "k3")
        k = camera.intrinsics
        to_world = np.eye(4)
        to_world[:3, :3] = camera.rotation.T @ FLIPPED
        to_world[:3, 3] = -camera.rotation.T @ camera.translation
        frames.append(
            {
                "file_path": f"{camera.name}.png",
                "camera_model": "OPENCV_FISHEYE" if fisheye else "OPENCV",
                "w": camera.size[0],
                "h": camera.size[1],
                **dict(
                    zip(("fl_x", "fl_y", "cx", "cy"), map(float, (k[0, 0], k[1, 1], k[0, 2], k[1, 2])), strict=True)
                ),
                **dict(zip(names, np.pad(camera.distortion, (0, len(names) - count)).tolist(), strict=True)),
                "transform_matrix": to_world.tolist(),
            }
        )
    write_json(path, {"frames": frames})


def _image(given: Mapping[str, Any], path: Path, asked: Asked) -> PosedImage:
    name = str(given.get("file_path", given.get("colmap_im_id", "")))
    where = f"calibration: image '{name}' in '{path}'"
    model = given.get("camera_model", "OPENCV")
    if model not in _MODELS:
        raise TakeError(f"{where} has the camera model {model}; read are {', '.join(_MODELS)}.")
    size = (int(given["w"]), int(given["h"])) if "w" in given and "h" in given else asked.size(_stem(name), where)
    fx, fy = (_focal(given, *axis) for axis in (("x", size[0]), ("y", size[1])))
    if fx is None:
        raise KeyError("fl_x")
    matrix = matrix_of(fx, fx if fy is None else fy, given.get("cx", size[0] / 2), given.get("cy", size[1] / 2))
    k = [float(given.get(f"k{n}", 0.0)) for n in (1, 2, 3, 4)]
    fisheye = _MODELS[model] or bool(given.get("is_fisheye"))
    tangential = float(given.get("p1", 0.0)), float(given.get("p2", 0.0))
    distortion = np.array(k) if fisheye else polynomial_of(where, k, tangential, matrix, size)
    rotation, translation = posed(numbers(given["transform_matrix"], 4, 4), flipped=True)
    return PosedImage(name, calibrated(name, matrix, rotation, translation, distortion, size, fisheye))


def _focal(given: Mapping[str, Any], axis: str, length: int) -> float | None:
    if f"fl_{axis}" in given:
        return float(given[f"fl_{axis}"])
    if f"camera_angle_{axis}" in given:
        return length / 2 / math.tan(float(given[f"camera_angle_{axis}"]) / 2)
    return None


def _stem(name: str) -> str:
    return Path(name.replace("\\", "/")).stem
