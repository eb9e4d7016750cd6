"""OpenCV's YAML and XML files, in and out, and MC-Calib's, which are OpenCV's with names of their own.

Source: OpenCV's samples calibration.cpp and stereo_calib.cpp. World to camera, OpenCV's axes; the first pixel's center
is (0, 0); lengths are in any unit, which the file may name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import cv2
import numpy as np

from facesolve.geometry.camera import intrinsics_from_opencv, intrinsics_to_opencv
from facesolve.take import TakeError
from facesolve.take.calibration import CalibratedCamera
from facesolve.take.camera import BROWN, DISTORTION_LENGTHS, FISHEYE
from facesolve.take.checks import LARGEST, NAME, shown, whole
from facesolve.take.files import write_atomic
from facesolve.take.reading import read_text

from . import xml, yaml
from .reading import UNITS, Reading, posed

Node = Mapping[str, Any]
MOST_NUMBERS = 100  # of a matrix

_UNSUPPORTED = ("xi", "mirror_parameters", "distortion_model", "camera_model")  # keys that change what the others mean


def read(path: Path, extrinsics: Path | None = None, lenses_only: bool = False) -> Reading:
    """The cameras of a file, or of a stereo pair's two files. Raises TakeError.

    ``camera_matrix`` and ``distortion_coefficients`` (one camera, named after the file), ``M1 D1 M2 D2`` with ``R T``
    (a stereo pair, named left and right), or what ``write`` writes. A single camera without rotation and translation
    stands at the origin; of several, all but the first need them unless lenses_only.
    """
    root = _opened(path)
    unit = _unit(root, path)
    cameras, unplaced = _cameras(root, path)
    if extrinsics is not None:
        if len(cameras) != 2 or unplaced != [cameras[1].name]:
            raise TakeError(
                f"calibration: '{path}' is not a stereo pair with R and T missing; leave the extrinsics out."
            )
        root = _opened(extrinsics)
        rotation, translation = _place(root, extrinsics)
        unit = _unit(root, extrinsics)
        cameras = cameras[0], replace(cameras[1], rotation=rotation, translation=translation)
    elif unplaced and not lenses_only:
        raise TakeError(
            f"calibration: '{path}' has no R and T for camera '{unplaced[0]}'; for a stereo pair, "
            "add the file that has them with 'facesolve convert-cameras --extrinsics'."
        )
    return Reading(cameras, unit)


def _opened(path: Path) -> Node:
    """The values of an OpenCV file: groups, lists and texts. TakeError when it is not readable.

    Not by ``cv2.FileStorage``, which writes outside of its memory when a file is damaged.
    """
    if not path.is_file():
        raise TakeError(f"calibration: '{path}' does not exist.")
    text = read_text(path, "calibration")
    if text.lstrip().startswith("<"):
        root = _of_element(xml.parsed(path))
    else:
        # OpenCV's first line is none of YAML's
        root = yaml.parsed(re.sub(r"\A\s*%YAML[^\n]*\n", "", text), path)
    if not isinstance(root, dict):
        raise TakeError(f"calibration: '{path}' holds no camera.")
    return root


def _of_element(element: ElementTree.Element) -> Any:
    children = list(element)
    if not children:
        return (element.text or "").strip().strip('"')
    if all(child.tag == "_" for child in children):
        return [_of_element(child) for child in children]
    return {child.tag: _of_element(child) for child in children}


def write(cameras: Sequence[CalibratedCamera], path: Path) -> None:
    """Writes OpenCV YAML or XML, by the suffix: ``cameras``, a list with name, size, matrix, coefficients, R and T.

    Lengths are centimeters, as the file says; pixels are counted as OpenCV does.
    """
    storage = cv2.FileStorage(path.suffix.lower(), cv2.FileStorage_WRITE | cv2.FileStorage_MEMORY)
    storage.write("unit", "cm")
    storage.startWriteStruct("cameras", cv2.FileNode_SEQ)
    for camera in cameras:
        storage.startWriteStruct("", cv2.FileNode_MAP)
        storage.write("name", camera.name)
        if camera.width is not None and camera.height is not None:
            storage.write("image_width", camera.width)
            storage.write("image_height", camera.height)
        storage.write("camera_matrix", intrinsics_to_opencv(camera.intrinsics))
        fisheye = camera.lens == FISHEYE
        storage.write("fisheye_model", int(fisheye))
        coefficients = camera.distortion if len(camera.distortion) else np.zeros(4 if fisheye else 5)
        storage.write("distortion_coefficients", coefficients.reshape(-1, 1))
        storage.write("R", camera.rotation)
        storage.write("T", camera.translation.reshape(3, 1))
        storage.endWriteStruct()
    storage.endWriteStruct()
    write_atomic(path, storage.releaseAndGetString().encode("utf-8"))


def _cameras(root: Node, path: Path) -> tuple[tuple[CalibratedCamera, ...], list[str]]:
    """The cameras, and the names of those behind the first that have no place."""
    if "cameras" in root:
        nodes = root["cameras"] if isinstance(root["cameras"], list) else []
        cameras = tuple(_camera(node, path, f"camera {index + 1}") for index, node in enumerate(nodes))
        placed = [_has_place(node) for node in nodes]
    elif "camera_matrix" in root:
        cameras, placed = (_camera(root, path, path.stem),), [True]
    elif {"M1", "D1", "M2", "D2"} <= set(root):
        left = _build("left", path, _matrix(root, "M1", path), _matrix(root, "D1", path), np.eye(3), np.zeros(3))
        placed = [True, _has_place(root)]
        rotation, translation = _place(root, path) if placed[1] else (np.eye(3), np.zeros(3))
        right = _build("right", path, _matrix(root, "M2", path), _matrix(root, "D2", path), rotation, translation)
        cameras = (left, right)
    elif "nb_camera" in root and "camera_0" in root:
        names = [name for name in root if re.fullmatch(r"camera_\d+", name)]
        cameras, placed = tuple(_of_mc_calib(root[name], path, name) for name in names), [True] * len(names)
    else:
        raise TakeError(f"calibration: '{path}' has neither 'camera_matrix', 'M1' and 'M2', nor 'cameras'.")
    if not cameras:
        raise TakeError(f"calibration: '{path}' holds no camera.")
    return cameras, [camera.name for camera, there in zip(cameras[1:], placed[1:], strict=True) if not there]


def _unit(root: Node, path: Path) -> float | None:
    """Centimeters in the file's unit, None when it names none."""
    if "unit" not in root:
        return None
    named = root["unit"]
    if not isinstance(named, str) or named not in UNITS:
        raise TakeError(f"calibration: '{path}' is in {shown(named)}; lengths must be in one of {', '.join(UNITS)}.")
    return UNITS[named]


def _has_place(node: Node) -> bool:
    return {"R", "T"} <= set(node)


def _place(node: Node, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Rotation (3, 3) and translation (3,) under ``R`` and ``T``."""
    rotation, translation = _matrix(node, "R", path), _matrix(node, "T", path)
    if rotation.size == 3:
        rotation = cv2.Rodrigues(rotation.reshape(3))[0]
    if rotation.shape != (3, 3) or translation.size != 3:
        raise TakeError(f"calibration: R and T in '{path}' have unexpected shapes.")
    return rotation, translation.reshape(3)


def _camera(node: Any, path: Path, name: str) -> CalibratedCamera:
    if not isinstance(node, dict):
        raise TakeError(f"calibration: {name} in '{path}' is not a group of values.")
    where = f"calibration: {name} in '{path}'"
    name = NAME(str(node["name"]), f"{where}: its name") if "name" in node else name
    rotation, translation = _place(node, path) if _has_place(node) else (np.eye(3), np.zeros(3))
    size = None
    if "image_width" in node and "image_height" in node:
        size = _whole(node, "image_width", where), _whole(node, "image_height", where)
    intrinsics, coefficients = _matrix(node, "camera_matrix", path), _matrix(node, "distortion_coefficients", path)
    foreign = [key for key in _UNSUPPORTED if key in node]
    if foreign:
        raise TakeError(
            f"calibration: camera '{name}' in '{path}' has {foreign[0]}, so its lens is another model than OpenCV's; "
            "read are OpenCV's pinhole and fisheye models."
        )
    fisheye = "fisheye_model" in node and _whole(node, "fisheye_model", where) != 0
    return _build(name, path, intrinsics, coefficients, rotation, translation, size, FISHEYE if fisheye else BROWN)


def _of_mc_calib(node: Any, path: Path, name: str) -> CalibratedCamera:
    """MC-Calib's camera: its pose goes from the camera to the world."""
    if not isinstance(node, dict):
        raise TakeError(f"calibration: {name} in '{path}' is not a group of values.")
    where = f"calibration: {name} in '{path}'"
    missing = [key for key in ("distortion_type", "img_width", "img_height") if key not in node]
    if missing:
        raise TakeError(f"{where} lacks {missing[0]}.")
    pose = _matrix(node, "camera_pose_matrix", path)
    if pose.shape != (4, 4):
        raise TakeError(f"{where} has a pose of an unexpected shape.")
    fisheye = _whole(node, "distortion_type", where) == 1
    size = _whole(node, "img_width", where), _whole(node, "img_height", where)
    lens = _matrix(node, "camera_matrix", path), _matrix(node, "distortion_vector", path)
    return _build(name, path, *lens, *posed(pose), size, FISHEYE if fisheye else BROWN)


def _whole(node: Node, key: str, where: str) -> int:
    """The whole number under ``key``; texts of XML are numbers, too."""
    value = node[key]
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,9}", value):
        value = int(value)
    number: int = whole(-(10**9), 10**9)(value, f"{where}: {key}")
    return number


def _matrix(node: Node, key: str, path: Path) -> np.ndarray:
    """The finite float64 matrix (rows, columns) under ``key``."""
    found = node.get(key)
    where = f"calibration: '{path}' lacks a matrix of finite numbers under '{key}'."
    if not isinstance(found, dict):
        raise TakeError(where)
    try:
        data = found["data"]
        words = data.split() if isinstance(data, str) else data
        value = np.array([float(word) for word in words], np.float64).reshape(int(found["rows"]), int(found["cols"]))
    except (KeyError, TypeError, ValueError, OverflowError):
        raise TakeError(where) from None
    if value.size > MOST_NUMBERS or not value.size or not (np.abs(value) <= LARGEST).all():
        raise TakeError(where)
    return value


def _build(
    name: str,
    path: Path,
    matrix: np.ndarray,
    coefficients: np.ndarray,
    rotation: np.ndarray,
    translation: np.ndarray,
    size: tuple[int, int] | None = None,
    lens: str = BROWN,
) -> CalibratedCamera:
    where = f"calibration: camera '{name}' in '{path}'"
    if matrix.shape != (3, 3):
        raise TakeError(f"{where} has a matrix of an unexpected shape.")
    distortion = coefficients.ravel()
    if lens == FISHEYE and len(distortion) != 4:
        raise TakeError(f"{where} is a fisheye with {len(distortion)} distortion coefficients instead of 4.")
    if distortion[8:].any():
        raise TakeError(
            f"{where} has thin-prism or tilt coefficients, which are not supported; calibrate without them."
        )
    length = min((n for n in DISTORTION_LENGTHS if n >= min(len(distortion), 8)), default=8)
    distortion = np.pad(distortion[:8], (0, length - min(len(distortion), 8)))
    if size is not None and min(size) < 1:
        raise TakeError(f"{where} has an image size of {size[0]}x{size[1]}.")
    width, height = (None, None) if size is None else size
    return CalibratedCamera(
        name, intrinsics_from_opencv(matrix), rotation, translation, distortion, width, height, lens
    )
