"""Rigs of tools that lean on OpenCV: aniposelib and caliscope (TOML), multical and the NeRSemble data (JSON).

Sources: the tools' own code (aniposelib/cameras.py, caliscope/cameras/camera_array.py, multical/io/export_calib.py).
World to camera, OpenCV's axes, coefficients and pixels (the first pixel's center is (0, 0)). Lengths are those of the
board that the user gave: caliscope's meters, the others' any.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from facesolve.geometry.camera import intrinsics_from_opencv
from facesolve.take import TakeError
from facesolve.take.calibration import CalibratedCamera

from .reading import Asked, Reading, brown_of, calibrated, numbers, understood

_METERS = 100.0


def is_toml_rig(record: Mapping[str, Any]) -> bool:
    """Whether a TOML document is aniposelib's or caliscope's."""
    return bool(_tables(record))


def is_multical(record: Any) -> bool:
    """Whether a JSON document is multical's."""
    cameras = record.get("cameras") if isinstance(record, dict) else None
    return (
        isinstance(cameras, dict) and bool(cameras) and all(isinstance(c, dict) and "K" in c for c in cameras.values())
    )


def read_toml(record: Mapping[str, Any], path: Path) -> Reading:
    """aniposelib's ``[cam_0]`` tables, or caliscope's ``[cameras.0]``. Raises TakeError."""
    caliscope = "cameras" in record
    cameras, notes = [], []
    with understood(path, "caliscope" if caliscope else "aniposelib"):
        for key, given in _tables(record).items():
            name = f"cam_{key}" if caliscope else str(given.get("name", key))
            if given.get("ignore"):
                notes.append(f"camera '{name}' is ignored in '{path}'.")
                continue
            rotation = given.get("rotation")
            if rotation is None or rotation == "null" or given.get("translation") in (None, "null"):
                raise TakeError(f"calibration: camera '{name}' in '{path}' has no place; calibrate the rig first.")
            fisheye, distortion = bool(given.get("fisheye")), np.ravel(np.asarray(given["distortions"], np.float64))
            cameras.append(
                _camera(name, path, given["matrix"], distortion, rotation, given["translation"], given["size"], fisheye)
            )
    return Reading(tuple(cameras), _METERS if caliscope else None, notes=tuple(notes))


def read_multical(record: Mapping[str, Any], path: Path) -> Reading:
    """multical's ``calibration.json``; poses to the master camera, or to the world. Raises TakeError."""
    cameras = []
    with understood(path, "multical"):
        poses = {name.partition("_to_")[0]: pose for name, pose in record.get("camera_poses", {}).items()}
        for name, given in record["cameras"].items():
            if name not in poses:
                raise TakeError(
                    f"calibration: camera '{name}' in '{path}' has no pose; multical's calibration.json has them, "
                    "intrinsic.json holds lenses only."
                )
            pose, distortion = poses[name], np.ravel(np.asarray(given["dist"], np.float64))
            fisheye = given.get("model") == "fisheye"
            cameras.append(
                _camera(name, path, given["K"], distortion, pose["R"], pose["T"], given["image_size"], fisheye)
            )
    return Reading(tuple(cameras))


def is_nersemble(record: Any) -> bool:
    """Whether a JSON document is the ``camera_params.json`` of a NeRSemble sequence."""
    return isinstance(record, dict) and isinstance(record.get("world_2_cam"), dict) and "intrinsics" in record


def read_nersemble(record: Mapping[str, Any], path: Path, asked: Asked) -> Reading:
    """The cameras of a NeRSemble sequence: one lens for all, meters, undistorted images. Raises TakeError."""
    cameras = []
    with understood(path, "NeRSemble"):
        matrix = intrinsics_from_opencv(numbers(record["intrinsics"], 3, 3))
        for name, given in record["world_2_cam"].items():
            pose = numbers(given, 4, 4)
            size = asked.size(name, f"calibration: camera '{name}' in '{path}'")
            cameras.append(calibrated(name, matrix, pose[:3, :3], pose[:3, 3], np.zeros(0), size))
    return Reading(tuple(cameras), _METERS)


def _tables(record: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    cameras = record.get("cameras")
    tables = cameras if isinstance(cameras, dict) else record
    return {
        key: value
        for key, value in tables.items()
        if isinstance(value, dict) and {"matrix", "distortions", "size"} <= set(value)
    }


def _camera(
    name: str,
    path: Path,
    matrix: Any,
    distortion: np.ndarray,
    rotation: Any,
    translation: Any,
    size: Any,
    fisheye: bool,
) -> CalibratedCamera:
    where = f"calibration: camera '{name}' in '{path}'"
    given = np.asarray(rotation, np.float64)
    turn = numbers(cv2.Rodrigues(numbers(given, 3))[0] if given.size == 3 else given, 3, 3)
    k = list(distortion)
    if fisheye:
        coefficients = numbers(distortion[:4], 4)
        if distortion[4:].any():
            raise TakeError(f"{where} is a fisheye with {len(distortion)} distortion coefficients instead of 4.")
    else:
        if distortion[8:].any():
            raise TakeError(f"{where} has thin-prism or tilt coefficients, which are not supported.")
        k += [0.0] * (8 - len(k))
        coefficients = brown_of([k[0], k[1], *k[4:8]], (k[2], k[3]))
    shift = numbers(translation, 3)
    return calibrated(
        name, intrinsics_from_opencv(numbers(matrix, 3, 3)), turn, shift, coefficients, (size[0], size[1]), fisheye
    )
