"""COLMAP's models, text and binary, in and (as text) out.

Source: colmap.github.io/format.html and cameras.html. World to camera, OpenCV's axes; the first pixel's center is
(0.5, 0.5); lengths have no unit.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from facesolve.take import TakeError
from facesolve.take.calibration import CalibratedCamera
from facesolve.take.camera import FISHEYE
from facesolve.take.files import write_atomic
from facesolve.take.reading import read_text

from .images import cameras_of_images
from .reading import Asked, PosedImage, Reading, calibrated, matrix_of, turn_of_quaternion, understood

PROGRAM = "COLMAP"
_MODELS = {  # name: number in binary files, parameters
    "SIMPLE_PINHOLE": (0, "f cx cy"),
    "PINHOLE": (1, "fx fy cx cy"),
    "SIMPLE_RADIAL": (2, "f cx cy k1"),
    "RADIAL": (3, "f cx cy k1 k2"),
    "OPENCV": (4, "fx fy cx cy k1 k2 p1 p2"),
    "OPENCV_FISHEYE": (5, "fx fy cx cy k1 k2 k3 k4"),
    "FULL_OPENCV": (6, "fx fy cx cy k1 k2 p1 p2 k3 k4 k5 k6"),
    "SIMPLE_RADIAL_FISHEYE": (8, "f cx cy k1"),
    "RADIAL_FISHEYE": (9, "f cx cy k1 k2"),
    "SIMPLE_FISHEYE": (14, "f cx cy"),
    "FISHEYE": (15, "fx fy cx cy"),
}
_UNREAD = {7: "FOV", 10: "THIN_PRISM_FISHEYE", 11: "RAD_TAN_THIN_PRISM_FISHEYE", 12: "SIMPLE_DIVISION", 13: "DIVISION"}
_BROWN, _FISHEYE = ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6"), ("k1", "k2", "k3", "k4")
_MOST_POINTS = 1 << 32  # of an image; beyond that a count is damaged


class _Lens(NamedTuple):
    model: str
    size: tuple[int, int]
    parameters: tuple[float, ...]


def model_folder(path: Path) -> Path | None:
    """The folder of the model that ``path`` is or is in; None when there is none."""
    folders = [path, path / "sparse" / "0", path / "sparse"] if path.is_dir() else [path.parent]
    if not path.is_dir() and path.name not in ("cameras.txt", "images.txt", "cameras.bin", "images.bin"):
        return None
    for folder in folders:
        if any(
            (folder / f"cameras{end}").is_file() and (folder / f"images{end}").is_file() for end in (".bin", ".txt")
        ):
            return folder
    return None


def read(folder: Path, asked: Asked) -> Reading:
    """The cameras of a model's folder, the binary files first. Raises TakeError."""
    binary = (folder / "cameras.bin").is_file() and (folder / "images.bin").is_file()
    path = folder / ("cameras.bin" if binary else "cameras.txt")
    with understood(path, PROGRAM):
        lenses = _binary_lenses(path) if binary else _text_lenses(path)
    path = folder / ("images.bin" if binary else "images.txt")
    with understood(path, PROGRAM):
        images = _binary_images(path, lenses) if binary else _text_images(path, lenses)
    cameras, notes = cameras_of_images(images, asked.images, folder)
    return Reading(cameras, scaled=False, notes=notes)


def write(cameras: Sequence[CalibratedCamera], folder: Path) -> None:
    """A text model without points: cameras.txt, images.txt and an empty points3D.txt. Lengths are centimeters."""
    lenses = ["# Camera list with one line of data per camera:", "#   CAMERA_ID, MODEL, WIDTH, HEIGHT, PARAMS[]"]
    images = [
        "# Image list with two lines of data per image:",
        "#   IMAGE_ID, QW, QX, QY, QZ, TX, TY, TZ, CAMERA_ID, NAME",
        "#   POINTS2D[] as (X, Y, POINT3D_ID)",
    ]
    for number, camera in enumerate(cameras, 1):
        if camera.size is None:
            raise TakeError(f"calibration: camera '{camera.name}' has no image size, which COLMAP needs.")
        if abs(camera.intrinsics[0, 1]) > 1e-9:
            raise TakeError(f"calibration: camera '{camera.name}' has skew, which COLMAP cannot store.")
        k = camera.intrinsics
        fisheye = camera.lens == FISHEYE
        model = "OPENCV_FISHEYE" if fisheye else "OPENCV" if len(camera.distortion) <= 4 else "FULL_OPENCV"
        count = len(_MODELS[model][1].split()) - 4
        coefficients = np.pad(camera.distortion, (0, count - len(camera.distortion)))
        values = [k[0, 0], k[1, 1], k[0, 2], k[1, 2], *coefficients]
        lenses.append(" ".join([str(number), model, *map(str, camera.size), *(repr(float(v)) for v in values)]))
        pose = [*_quaternion(camera.rotation), *camera.translation]
        images += [" ".join([str(number), *(repr(float(v)) for v in pose), str(number), f"{camera.name}.png"]), ""]
    write_atomic(folder / "cameras.txt", "\n".join([*lenses, ""]).encode())
    write_atomic(folder / "images.txt", "\n".join([*images, ""]).encode())
    write_atomic(folder / "points3D.txt", b"# 3D point list with one line of data per point:\n")


def _lens(model: str, width: int, height: int, parameters: Sequence[float]) -> _Lens:
    if model not in _MODELS:
        raise TakeError(
            f"calibration: COLMAP's camera model {model} is not supported; reconstruct with one of "
            f"{', '.join(_MODELS)}."
        )
    if len(parameters) != len(_MODELS[model][1].split()):
        raise ValueError(f"{len(parameters)} parameters of a {model} camera")
    return _Lens(model, (width, height), tuple(parameters))


def _text_lenses(path: Path) -> dict[int, _Lens]:
    rows = [line.split() for line in read_text(path, "calibration").splitlines() if line and not line.startswith("#")]
    return {int(row[0]): _lens(row[1], int(row[2]), int(row[3]), [float(v) for v in row[4:]]) for row in rows}


def _text_images(path: Path, lenses: dict[int, _Lens]) -> list[PosedImage]:
    lines = [line for line in read_text(path, "calibration").splitlines() if not line.startswith("#")]
    images = []
    for line in lines[::2]:  # between them are the image's points
        if line.strip():
            row = line.split(maxsplit=9)
            pose = [float(value) for value in row[1:8]]
            images.append(_image(row[9], pose[:4], pose[4:], lenses[int(row[8])]))
    return images


def _binary_lenses(path: Path) -> dict[int, _Lens]:
    lenses = {}
    names = {number: (name, len(given.split())) for name, (number, given) in _MODELS.items()}
    with path.open("rb") as stream:
        for _ in range(_unpack(stream, "Q")[0]):
            number, model, width, height = _unpack(stream, "iiQQ")
            if model not in names:
                _lens(_UNREAD.get(model, f"number {model}"), width, height, ())
            name, count = names[model]
            lenses[number] = _lens(name, width, height, _unpack(stream, f"{count}d"))
    return lenses


def _binary_images(path: Path, lenses: dict[int, _Lens]) -> list[PosedImage]:
    images = []
    with path.open("rb") as stream:
        for _ in range(_unpack(stream, "Q")[0]):
            _, *pose, lens = _unpack(stream, "i7di")
            name = bytearray()
            while (character := stream.read(1)) != b"\0":
                if not character:
                    raise ValueError("it is cut short")
                name += character
            points = _unpack(stream, "Q")[0]
            if points > _MOST_POINTS:
                raise ValueError(f"an image of {points} points")
            stream.seek(24 * points, 1)
            images.append(_image(name.decode("utf-8"), pose[:4], pose[4:], lenses[lens]))
    return images


def _unpack(stream: BinaryIO, layout: str) -> tuple:
    size = struct.calcsize("<" + layout)
    data = stream.read(size)
    if len(data) < size:
        raise ValueError("it is cut short")
    return struct.unpack("<" + layout, data)


def _image(name: str, quaternion: Sequence[float], translation: Sequence[float], lens: _Lens) -> PosedImage:
    given = dict(zip(_MODELS[lens.model][1].split(), lens.parameters, strict=True))
    fx, fy = given.get("fx", given.get("f", 0.0)), given.get("fy", given.get("f", 0.0))
    fisheye = "FISHEYE" in lens.model
    coefficients = np.array([given.get(key, 0.0) for key in (_FISHEYE if fisheye else _BROWN)])
    if not fisheye:
        used = int(np.flatnonzero(coefficients).max(initial=-1)) + 1
        coefficients = coefficients[: next(length for length in (0, 4, 5, 8) if length >= used)]
    camera = calibrated(
        name,
        matrix_of(fx, fy, given["cx"], given["cy"]),
        turn_of_quaternion(*quaternion),
        np.array(translation, np.float64),
        coefficients,
        lens.size,
        fisheye,
    )
    return PosedImage(name, camera)


def _quaternion(rotation: np.ndarray) -> np.ndarray:
    """(4,) scalar first: of the four, that of the largest component is exact."""
    r = rotation
    squares = np.array([1 + r.trace(), *(1 + 2 * r[i, i] - r.trace() for i in range(3))])
    w = np.array([squares[0], r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]])
    x = np.array([w[1], squares[1], r[0, 1] + r[1, 0], r[0, 2] + r[2, 0]])
    y = np.array([w[2], x[2], squares[2], r[1, 2] + r[2, 1]])
    z = np.array([w[3], x[3], y[3], squares[3]])
    found = (w, x, y, z)[int(np.argmax(squares))]
    return found / np.linalg.norm(found)
