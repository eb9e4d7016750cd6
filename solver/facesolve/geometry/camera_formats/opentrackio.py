"""OpenTrackIO samples (SMPTE RIS OSVP), in and out: one JSON object a camera, in a list or one a line.

Source: opentrackio.org and the OpenLensIO model 1.0.1. The stage's z is up, meters; a camera at rest looks along y with
x to its right; pan, tilt and roll are right-handed about z, x and y, in that order; transforms follow each other from
the stage to the camera. Offsets on the sensor are millimeters from its middle, to the right and down. Coefficients are
of millimeters on the sensor, numerator and denominator alternating.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from facesolve.take import TakeError
from facesolve.take.calibration import CalibratedCamera
from facesolve.take.camera import FISHEYE
from facesolve.take.files import write_atomic
from facesolve.take.reading import BadText, json_value

from .radial import inverted, rational_radial
from .reading import Asked, Reading, brown_of, calibrated, matrix_of, numbers, turn_about, understood

PROGRAM = "OpenTrackIO"
_METERS = 100.0
_MODEL, _INVERSE = "Brown-Conrady U-D", "Brown-Conrady D-U"  # undistorted to distorted, and back; of none the second
_SENSOR = 36.0  # millimeters, of the sensor that is written: only its ratio to the focal length counts
_AT_REST = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])  # stage to OpenCV's axes, no rotation


def samples(text: str) -> list[dict[str, Any]]:
    """The samples in a text, empty when it is something else."""
    try:
        found = json_value(text)
    except BadText:
        try:
            found = [json_value(line) for line in text.splitlines() if line.strip()]
        except BadText:
            return []
    found = found if isinstance(found, list) else [found]
    return found if found and all(isinstance(s, dict) and _is_sample(s) for s in found) else []


def read(found: Sequence[Mapping[str, Any]], path: Path, asked: Asked) -> Reading:
    """A camera for each source; of several samples of one the first. Raises TakeError."""
    cameras: dict[str, CalibratedCamera] = {}
    with understood(path, PROGRAM):
        for sample in found:
            name = _name(sample, len(cameras))
            if name not in cameras:
                cameras[name] = _camera(name, sample, path, asked)
    more = len(found) - len(cameras)
    notes = (f"{more} later samples in '{path}' are left out; each camera stands where its first one says.",)
    return Reading(tuple(cameras.values()), _METERS, notes=notes if more else (), up="z")


def write(cameras: Sequence[CalibratedCamera], path: Path) -> None:
    """Writes a list of samples, one a camera."""
    listed = [_sample(camera, number) for number, camera in enumerate(cameras, 1)]
    write_atomic(path, (json.dumps(listed, indent=1) + "\n").encode())


def _is_sample(sample: Mapping[str, Any]) -> bool:
    protocol = sample.get("protocol")
    named = isinstance(protocol, dict) and protocol.get("name") == PROGRAM
    return named or ("transforms" in sample and "lens" in sample and "sampleId" in sample)


def _name(sample: Mapping[str, Any], index: int) -> str:
    label = sample.get("static", {}).get("camera", {}).get("label")
    return str(label or f"camera{sample.get('sourceNumber', index + 1)}")


def _camera(name: str, sample: Mapping[str, Any], path: Path, asked: Asked) -> CalibratedCamera:
    where = f"calibration: camera '{name}' in '{path}'"
    camera, lens = sample["static"]["camera"], sample["lens"]
    sensor = camera["activeSensorPhysicalDimensions"]
    pixels = camera.get("activeSensorResolution")
    size = asked.size(name, where) if pixels is None else (int(pixels["width"]), int(pixels["height"]))
    squeeze = camera.get("anamorphicSqueeze")
    if squeeze is not None and squeeze["num"] != squeeze["denom"]:
        raise TakeError(f"{where} has an anamorphic squeeze, which is not supported; give unsqueezed footage.")
    offset = lens.get("distortionOffset", {"x": 0.0, "y": 0.0})
    if offset["x"] or offset["y"]:
        raise TakeError(f"{where} has a distortion offset, which is not supported; fold it into projectionOffset.")
    focal, center = float(lens["pinholeFocalLength"]), lens.get("projectionOffset", {"x": 0.0, "y": 0.0})
    a_pixel = size[0] / float(sensor["width"]), size[1] / float(sensor["height"])
    matrix = matrix_of(
        focal * a_pixel[0],
        focal * a_pixel[1],
        size[0] / 2 + float(center["x"]) * a_pixel[0],
        size[1] / 2 + float(center["y"]) * a_pixel[1],
    )
    to_stage = np.eye(4)
    for transform in sample["transforms"]:
        to_stage = to_stage @ _transform(transform, where)
    rotation = _AT_REST @ to_stage[:3, :3].T
    pupil = np.array([0.0, 0.0, float(lens.get("entrancePupilOffset", 0.0))])
    translation = -rotation @ to_stage[:3, 3] - pupil
    distortion = _distortion(lens, focal, matrix, size, where)
    return calibrated(name, matrix, rotation, translation, distortion, size)


def _transform(given: Mapping[str, Any], where: str) -> np.ndarray:
    scale = given.get("scale", {"x": 1.0, "y": 1.0, "z": 1.0})
    if any(abs(float(scale[axis]) - 1) > 1e-9 for axis in "xyz"):
        raise TakeError(f"{where} has a transform with a scale, which a camera cannot have.")
    angles, matrix = given["rotation"], np.eye(4)
    pan, tilt, roll = (float(angles[name]) for name in ("pan", "tilt", "roll"))
    matrix[:3, :3] = turn_about(2, pan) @ turn_about(0, tilt) @ turn_about(1, roll)
    matrix[:3, 3] = numbers([given["translation"][axis] for axis in "xyz"], 3)
    return matrix


def _distortion(
    lens: Mapping[str, Any], focal: float, matrix: np.ndarray, size: tuple[int, int], where: str
) -> np.ndarray:
    """Of the model from the undistorted image to the distorted one where it is sent, else of the inverse."""
    models = {str(model.get("model", _INVERSE)): model for model in lens.get("distortion") or []}
    if not models:
        return np.zeros(0)
    name = next((known for known in (_MODEL, _INVERSE) if known in models), None)
    if name is None:
        raise TakeError(f"{where} has the distortion model {', '.join(models)}; read are {_MODEL} and {_INVERSE}.")
    radial = [float(value) for value in models[name]["radial"]] + [0.0] * 6
    if any(radial[6:12]):
        raise TakeError(f"{where} has more than six radial coefficients, which are not supported.")
    above, below = ([v * focal**n for v, n in zip(radial[first:6:2], (2, 4, 6), strict=True)] for first in (0, 1))
    p = [float(value) * focal for value in models[name].get("tangential") or (0.0, 0.0)]
    if name == _MODEL:
        return brown_of([*above, *below], p)
    if any(p):
        raise TakeError(f"{where} has tangential distortion in the model {_INVERSE}; send {_MODEL} as well.")

    def undistorted(r: np.ndarray) -> np.ndarray:
        u = r * r
        numerator = 1 + u * (above[0] + u * (above[1] + u * above[2]))
        return r * numerator / (1 + u * (below[0] + u * (below[1] + u * below[2])))

    middle = np.abs(matrix[:2, 2] - np.array(size) / 2) + np.array(size) / 2
    corner = float(np.linalg.norm(middle))
    distorted = np.linspace(0, 1.2 * corner / matrix[0, 0], 4000)
    straight = undistorted(distorted)
    if (np.diff(straight) <= 0).any():
        raise TakeError(f"{where} has a lens model that turns back inside its image; calibrate it again.")

    def growth(r: np.ndarray) -> np.ndarray:
        return inverted(r, distorted, straight, undistorted) / r

    return brown_of(rational_radial(where, growth, float(matrix[0, 0]), corner))


def _sample(camera: CalibratedCamera, number: int) -> dict[str, Any]:
    if camera.size is None:
        raise TakeError(f"calibration: camera '{camera.name}' has no image size, which OpenTrackIO needs.")
    if camera.lens == FISHEYE or abs(camera.intrinsics[0, 1]) > 1e-9:
        raise TakeError(f"calibration: camera '{camera.name}' has a fisheye lens or skew, which OpenTrackIO lacks.")
    (width, height), k = camera.size, camera.intrinsics
    focal = float(k[0, 0] * _SENSOR / width)
    sensor_height = focal * height / float(k[1, 1])
    d = np.pad(camera.distortion, (0, 8 - len(camera.distortion)))
    pairs = ((d[0], d[5]), (d[1], d[6]), (d[4], d[7]))
    radial = [float(value) / focal**power for pair, power in zip(pairs, (2, 4, 6), strict=True) for value in pair]
    to_stage = camera.rotation.T @ _AT_REST
    place = -camera.rotation.T @ camera.translation / _METERS
    lens: dict[str, Any] = {
        "pinholeFocalLength": focal,
        "projectionOffset": {
            "x": float(k[0, 2] - width / 2) * _SENSOR / width,
            "y": float(k[1, 2] - height / 2) * sensor_height / height,
        },
    }
    if camera.distortion.any():
        lens["distortion"] = [{"model": _MODEL, "radial": radial, "tangential": [float(v) / focal for v in d[2:4]]}]
    return {
        "static": {
            "camera": {
                "activeSensorPhysicalDimensions": {"width": _SENSOR, "height": sensor_height},
                "activeSensorResolution": {"width": width, "height": height},
                "label": camera.name,
            }
        },
        "lens": lens,
        "protocol": {"name": PROGRAM, "version": [1, 0, 1]},
        "sampleId": uuid.uuid4().urn,
        "sourceId": uuid.uuid4().urn,
        "sourceNumber": number,
        "transforms": [
            {
                "id": "Camera",
                "translation": dict(zip("xyz", map(float, place), strict=True)),
                "rotation": _angles(to_stage),
            }
        ],
    }


def _angles(turn: np.ndarray) -> dict[str, float]:
    """pan, tilt and roll, degrees, of Rz(pan) Rx(tilt) Ry(roll)."""
    tilt = np.arcsin(np.clip(turn[2, 1], -1, 1))
    if abs(turn[2, 1]) > 1 - 1e-12:  # straight up or down: roll is about the same axis as pan
        pan, roll = np.arctan2(turn[1, 0], turn[0, 0]), 0.0
    else:
        pan, roll = np.arctan2(-turn[0, 1], turn[1, 1]), np.arctan2(-turn[2, 0], turn[2, 2])
    return {"pan": float(np.degrees(pan)), "tilt": float(np.degrees(tilt)), "roll": float(np.degrees(roll))}
