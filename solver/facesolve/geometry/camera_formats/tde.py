"""3DEqualizer4's export to Maya, a MEL script: the cameras in it, without running it.

Source: 3DE4's own ``export_maya.py``. Centimeters, degrees; Maya's axes (the camera looks along -z with y up) and
rotation order zxy; film back and offsets in inches, focal length in millimeters. The image size is that of the footage.
3DE4 writes no lens distortion into it: such cameras fit undistorted footage.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from facesolve.take import TakeError
from facesolve.take.calibration import CalibratedCamera
from facesolve.take.film import FilmBack, intrinsics_from_film_back
from facesolve.take.reading import read_text

from .reading import Asked, Reading, calibrated, posed, turn_about, understood

PROGRAM = "3DEqualizer"
_MARK = "Maya/MEL export data written by 3DE"
_NUMBER = r"(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)"
_CAMERA = re.compile(rf'`camera -name "(?P<name>[^"]+)" -hfa {_NUMBER}\s+-vfa {_NUMBER} -fl {_NUMBER}', re.MULTILINE)


def is_export(text: str) -> bool:
    """Whether a file's beginning is that of such a script."""
    return _MARK in text[:2000]


def read(path: Path, asked: Asked) -> Reading:
    """The cameras of the script; one that moves is refused. Raises TakeError."""
    text = read_text(path, "calibration")
    starts = [*_CAMERA.finditer(text)]
    if not starts:
        raise TakeError(f"calibration: '{path}' holds no camera; export it from 3DEqualizer again.")
    ends = [*(match.start() for match in starts[1:]), len(text)]
    with understood(path, PROGRAM):
        cameras = tuple(_camera(m, text[m.end() : end], path, asked) for m, end in zip(starts, ends, strict=True))
    note = f"'{path}' holds no lens distortion, as 3DEqualizer writes it; the cameras fit undistorted footage."
    return Reading(cameras, 1.0, notes=(note,), up="y")


def _camera(match: re.Match, text: str, path: Path, asked: Asked) -> CalibratedCamera:
    name = re.sub(r"_\d+_1$", "", match["name"])  # the script numbers them
    where = f"calibration: camera '{name}' in '{path}'"
    keys = {
        channel: {float(value) for value in re.findall(rf"setKeyframe -at {channel} -t -?\d+ -v {_NUMBER}", text)}
        for channel in ("translateX", "translateY", "translateZ", "rotateX", "rotateY", "rotateZ", "focalLength")
    }
    moves = [channel for channel, values in keys.items() if values and max(values) - min(values) > 1e-6]
    if moves:
        raise TakeError(f"{where} moves or zooms ({moves[0]}); import it into Maya and export the take from there.")
    offsets = [float(re.search(rf'"\.{axis}FilmOffset"\) {_NUMBER}', text)[1]) for axis in ("horizontal", "vertical")]  # type: ignore[index]
    translation = _three(text, "translation")
    x, y, z = _three(text, "rotation")
    to_world = np.eye(4)
    to_world[:3, :3] = turn_about(1, y) @ turn_about(0, x) @ turn_about(2, z)  # zxy: z is applied first
    to_world[:3, 3] = translation
    width, height, focal = (float(match[index]) for index in (2, 3, 4))
    size = asked.size(name, where)
    back = FilmBack(focal, width, height, offsets[0], offsets[1], fit="overscan")
    matrix = intrinsics_from_film_back(back, *size)
    return calibrated(name, matrix, *posed(to_world, flipped=True), np.zeros(0), size)


def _three(text: str, what: str) -> list[float]:
    found = re.search(rf"xform -{what} {_NUMBER} {_NUMBER} {_NUMBER}", text)
    if found is None:
        raise ValueError(f"no {what}")
    return [float(value) for value in found.groups()]
