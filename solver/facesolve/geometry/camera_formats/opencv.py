"""OpenCV's YAML and XML files, in and out.

Source: OpenCV's samples calibration.cpp and stereo_calib.cpp. World to camera, OpenCV's axes; the first pixel's center
is (0, 0); lengths are in any unit, which the file may name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from facesolve.geometry.camera import intrinsics_from_opencv, intrinsics_to_opencv
from facesolve.take import TakeError
from facesolve.take.calibration import CalibratedCamera
from facesolve.take.camera import BROWN, DISTORTION_LENGTHS, FISHEYE
from facesolve.take.files import write_atomic
from facesolve.take.reading import read_text

from .reading import UNITS, Reading

_UNSUPPORTED = ("xi", "mirror_parameters", "distortion_model", "camera_model")  # keys that change what the others mean


def read(path: Path, extrinsics: Path | None = None, lenses_only: bool = False) -> Reading:
    """The cameras of a file, or of a stereo pair's two files. Raises TakeError.

    ``camera_matrix`` and ``distortion_coefficients`` (one camera, named after the file), ``M1 D1 M2 D2`` with ``R T``
    (a stereo pair, named left and right), or what ``write`` writes. A single camera without rotation and translation
    stands at the origin; of several, all but the first need them unless lenses_only.
    """
    with _opened(path) as root:
        unit = _unit(root, path)
        cameras, unplaced = _cameras(root, path)
    if extrinsics is not None:
        if len(cameras) != 2 or unplaced != [cameras[1].name]:
            raise TakeError(
                f"calibration: '{path}' is not a stereo pair with R and T missing; leave the extrinsics out."
            )
        with _opened(extrinsics) as root:
            rotation, translation = _place(root, extrinsics)
            unit = _unit(root, extrinsics)
        cameras = cameras[0], replace(cameras[1], rotation=rotation, translation=translation)
    elif unplaced and not lenses_only:
        raise TakeError(
            f"calibration: '{path}' has no R and T for camera '{unplaced[0]}'; for a stereo pair, "
            "add the file that has them with 'facesolve convert-cameras --extrinsics'."
        )
    return Reading(cameras, unit)


@contextmanager
def _opened(path: Path) -> Iterator[cv2.FileNode]:
    """The root of an OpenCV file. TakeError when it cannot be read, or holds another kind of value than asked for."""
    if not path.is_file():
        raise TakeError(f"calibration: '{path}' does not exist.")
    try:
        storage = cv2.FileStorage(read_text(path, "calibration"), cv2.FileStorage_READ | cv2.FileStorage_MEMORY)
    except (cv2.error, SystemError):
        raise TakeError(f"calibration: '{path}' is not a readable OpenCV file; write it again.") from None
    try:
        if not storage.root().isMap():
            raise TakeError(f"calibration: '{path}' holds no camera.")
        yield storage.root()
    except cv2.error:
        raise TakeError(f"calibration: '{path}' holds something other than numbers; write it again.") from None
    finally:
        storage.release()


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


def _cameras(root: cv2.FileNode, path: Path) -> tuple[tuple[CalibratedCamera, ...], list[str]]:
    """The cameras, and the names of those behind the first that have no place."""
    keys = root.keys()
    if "cameras" in keys:
        listed = root.getNode("cameras")
        nodes = [listed.at(index) for index in range(listed.size())]
        cameras = tuple(_camera(node, path, f"camera {index + 1}") for index, node in enumerate(nodes))
        placed = [_has_place(node) for node in nodes]
    elif "camera_matrix" in keys:
        cameras, placed = (_camera(root, path, path.stem),), [True]
    elif {"M1", "D1", "M2", "D2"} <= set(keys):
        left = _build("left", path, _matrix(root, "M1", path), _matrix(root, "D1", path), np.eye(3), np.zeros(3))
        placed = [True, _has_place(root)]
        rotation, translation = _place(root, path) if placed[1] else (np.eye(3), np.zeros(3))
        right = _build("right", path, _matrix(root, "M2", path), _matrix(root, "D2", path), rotation, translation)
        cameras = (left, right)
    else:
        raise TakeError(f"calibration: '{path}' has neither 'camera_matrix', 'M1' and 'M2', nor 'cameras'.")
    if not cameras:
        raise TakeError(f"calibration: '{path}' holds no camera.")
    return cameras, [camera.name for camera, there in zip(cameras[1:], placed[1:], strict=True) if not there]


def _unit(root: cv2.FileNode, path: Path) -> float | None:
    """Centimeters in the file's unit, None when it names none."""
    if "unit" not in root.keys():  # noqa: SIM118
        return None
    named = root.getNode("unit").string()
    if named not in UNITS:
        raise TakeError(f"calibration: '{path}' is in '{named}'; lengths must be in one of {', '.join(UNITS)}.")
    return UNITS[named]


def _has_place(node: cv2.FileNode) -> bool:
    return {"R", "T"} <= set(node.keys())


def _place(node: cv2.FileNode, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Rotation (3, 3) and translation (3,) under ``R`` and ``T``."""
    rotation, translation = _matrix(node, "R", path), _matrix(node, "T", path)
    if rotation.size == 3:
        rotation = cv2.Rodrigues(rotation.reshape(3))[0]
    if rotation.shape != (3, 3) or translation.size != 3:
        raise TakeError(f"calibration: R and T in '{path}' have unexpected shapes.")
    return rotation, translation.reshape(3)


def _camera(node: cv2.FileNode, path: Path, name: str) -> CalibratedCamera:
    if not node.isMap():
        raise TakeError(f"calibration: {name} in '{path}' is not a group of values.")
    keys = node.keys()
    if "name" in keys:
        name = node.getNode("name").string()
    rotation, translation = _place(node, path) if _has_place(node) else (np.eye(3), np.zeros(3))
    size = None
    if "image_width" in keys and "image_height" in keys:
        size = int(node.getNode("image_width").real()), int(node.getNode("image_height").real())
    intrinsics, coefficients = _matrix(node, "camera_matrix", path), _matrix(node, "distortion_coefficients", path)
    foreign = [key for key in _UNSUPPORTED if key in keys]
    if foreign:
        raise TakeError(
            f"calibration: camera '{name}' in '{path}' has {foreign[0]}, so its lens is another model than OpenCV's; "
            "read are OpenCV's pinhole and fisheye models."
        )
    fisheye = "fisheye_model" in keys and node.getNode("fisheye_model").real() != 0
    return _build(name, path, intrinsics, coefficients, rotation, translation, size, FISHEYE if fisheye else BROWN)


def _matrix(node: cv2.FileNode, key: str, path: Path) -> np.ndarray:
    """The finite float64 matrix under ``key``."""
    found = node.getNode(key)
    value = None if found.empty() or not found.isMap() else found.mat()
    if value is None or not np.isfinite(value).all():
        raise TakeError(f"calibration: '{path}' lacks a matrix of finite numbers under '{key}'.")
    return np.asarray(value, np.float64)


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
