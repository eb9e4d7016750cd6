"""Kalibr's camera chains and ROS' ``camera_info`` files, both YAML.

Sources: github.com/ethz-asl/kalibr/wiki/yaml-formats and .../supported-models; ROS' sensor_msgs/CameraInfo. World to
camera, OpenCV's axes, coefficients and pixels (the first pixel's center is (0, 0)); meters.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from facesolve.geometry.camera import intrinsics_from_opencv
from facesolve.take import TakeError

from .reading import Reading, brown_of, calibrated, matrix_of, numbers, understood

_METERS = 100.0
_FISHEYE = ("equidistant", "equi", "fisheye")


def is_kalibr(record: Any) -> bool:
    """Whether a YAML document is a camera chain of Kalibr."""
    return isinstance(record, dict) and isinstance(record.get("cam0"), dict) and "intrinsics" in record["cam0"]


def is_ros(record: Any) -> bool:
    """Whether a YAML document is a ``camera_info``."""
    return (
        isinstance(record, dict)
        and isinstance(record.get("camera_matrix"), dict)
        and "data" in record["camera_matrix"]
        and "image_width" in record
    )


def read_kalibr(record: Mapping[str, Any], path: Path) -> Reading:
    """The cameras of a chain, the first at the origin. Raises TakeError."""
    cameras = []
    to_camera = np.eye(4)
    with understood(path, "Kalibr"):
        for index in range(len([name for name in record if name.startswith("cam") and name[3:].isdigit()])):
            name = f"cam{index}"
            given = record[name]
            where = f"calibration: camera '{name}' in '{path}'"
            if given.get("camera_model", "pinhole") != "pinhole":
                raise TakeError(
                    f"{where} has the camera model '{given['camera_model']}'; calibrate with pinhole-radtan or "
                    "pinhole-equi."
                )
            if index and "T_cn_cnm1" not in given:
                raise TakeError(f"{where} has no T_cn_cnm1, its place after the camera before.")
            if index:
                to_camera = numbers(given["T_cn_cnm1"], 4, 4) @ to_camera
            model = given.get("distortion_model", "none")
            fisheye, coefficients = _lens(where, model, given.get("distortion_coeffs", []))
            matrix = intrinsics_from_opencv(matrix_of(*numbers(given["intrinsics"], 4).tolist()))
            size = given["resolution"]
            place = to_camera[:3, :3].copy(), to_camera[:3, 3].copy()
            cameras.append(calibrated(name, matrix, *place, coefficients, (size[0], size[1]), fisheye))
    return Reading(tuple(cameras), _METERS)


def read_ros(record: Mapping[str, Any], path: Path) -> Reading:
    """The one camera of a ``camera_info``, at the origin. Raises TakeError."""
    with understood(path, "ROS"):
        name = str(record.get("camera_name", path.stem))
        where = f"calibration: camera '{name}' in '{path}'"
        matrix = intrinsics_from_opencv(numbers(record["camera_matrix"]["data"], 3, 3))
        model = record.get("distortion_model", "plumb_bob")
        fisheye, coefficients = _lens(where, model, record["distortion_coefficients"]["data"])
        size = int(record["image_width"]), int(record["image_height"])
        camera = calibrated(name, matrix, np.eye(3), np.zeros(3), coefficients, size, fisheye)
    return Reading((camera,), _METERS)


def _lens(where: str, model: str, given: Any) -> tuple[bool, np.ndarray]:
    """Whether it is a fisheye, and its coefficients."""
    values = np.ravel(np.asarray(given, np.float64))
    if model in _FISHEYE:
        return True, numbers(values, 4)
    if model not in ("radtan", "plumb_bob", "rational_polynomial", "none"):
        raise TakeError(f"{where} has the distortion model '{model}'; calibrate with radtan or equidistant.")
    if values[8:].any():
        raise TakeError(f"{where} has thin-prism or tilt coefficients, which are not supported.")
    k = np.pad(values[:8], (0, 8 - len(values[:8])))
    return False, brown_of([k[0], k[1], *k[4:]], (k[2], k[3]))
