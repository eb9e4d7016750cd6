"""Camera files, ours and other programs', recognized by what is in them. Formats: ``camera_formats``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from facesolve.take import Camera, TakeError
from facesolve.take.calibration import CalibratedCamera, calibrated_cameras, world_up, write_calibrated_cameras
from facesolve.take.checks import FARTHEST, NAME, printable
from facesolve.take.finding import ERROR
from facesolve.take.reading import BadText, json_value, read_text, read_toml

from .camera_formats import (
    colmap,
    fbx,
    metashape,
    nerf,
    opencv,
    opentrackio,
    realitycapture,
    rigs,
    robotics,
    tde,
    usd,
    yaml,
)
from .camera_formats.fbx_tree import is_fbx
from .camera_formats.reading import UNITS, Asked, Reading, Size
from .camera_formats.xml import parsed
from .camera_sense import camera_findings
from .stage_frame import StageFrame, staged

_OURS = {"intrinsic", "distortion", "rotation", "translation"}  # a camera of our own layout has some
FORMATS = ("json", "thesis", "yml", "xml", "opentrackio", "colmap", "nerfstudio")
LONGEST = 1000  # characters of a sentence
READ = (
    "Facesolve's and the thesis' JSON, OpenCV's YAML and XML, COLMAP's model folder, RealityCapture's CSV and XMP, "
    "Metashape's XML, nerfstudio's and NeRF's transforms.json, aniposelib's and caliscope's TOML, multical's and "
    "NeRSemble's JSON, MC-Calib's, Kalibr's and ROS' YAML, OpenTrackIO, 3DEqualizer's Maya export, FBX and USD"
)


@dataclass(frozen=True)
class CameraFile:
    """How a camera file is read. What the file says itself goes before what is given here.

    unit: of lengths, one of UNITS. scale: centimeters in a unit of the file. distance: two cameras and the centimeters
    between their centers, measured. image_size: (width, height) in pixels of a camera's images. images: which images of
    a reconstruction are which cameras, with ``{camera}``. extrinsics: OpenCV's other file of a stereo pair.
    lenses_only: a file of lenses without places will do. check_places: whether impossible places are refused.
    """

    unit: str | None = None
    scale: float | None = None
    distance: tuple[str, str, float] | None = None
    image_size: Callable[[str], Size | None] = lambda camera: None
    images: str | None = None
    extrinsics: Path | None = None
    lenses_only: bool = False
    check_places: bool = True


def read_cameras(
    path: Path, how: CameraFile | None = None, tell: Callable[[str], None] = lambda sentence: None
) -> tuple[CalibratedCamera, ...]:
    """The cameras of ``read_stage``."""
    return read_stage(path, how, tell)[0]


def read_stage(
    path: Path, how: CameraFile | None = None, tell: Callable[[str], None] = lambda sentence: None
) -> tuple[tuple[CalibratedCamera, ...], str | None]:
    """The cameras of a file or, where a program writes one, of a folder: OpenCV's axes, centimeters, centers at .5;
    and the world's axis that points up, where the program or the file says so.

    tell: called with each sentence about what was left out or looks wrong. Raises TakeError for what is no camera file,
    for lengths without a unit, and for cameras that cannot be.
    """
    how = CameraFile() if how is None else how
    if not path.exists():
        raise TakeError(f"calibration: '{path}' does not exist.")
    try:
        reading = _reading(path, how)
        cameras = _scaled(reading, path, how)
        for camera in cameras:
            _check(camera, path)
    except TakeError as error:  # one line, whatever words of the file it quotes
        sentence = printable(str(error))
        raise TakeError(sentence if len(sentence) < LONGEST else f"{sentence[:LONGEST]}....") from None
    for note in reading.notes:
        tell(printable(note))
    named = [camera.name for camera in cameras]
    twice = next((name for name in named if named.count(name) > 1), None)
    if twice is not None:
        raise TakeError(f"calibration: '{path}' has two cameras named '{twice}'; name them apart.")
    for finding in camera_findings(cameras, placed=how.check_places and not how.lenses_only):
        if finding.severity == ERROR:
            raise TakeError(f"calibration: '{path}': {finding.text}")
        tell(str(finding))
    return cameras, reading.up


def _check(camera: CalibratedCamera, path: Path) -> None:
    """Raises TakeError for names and numbers that no camera has, before anything is computed with them."""
    NAME(camera.name, f"calibration: the name of a camera in '{path}'")
    for name in ("intrinsics", "rotation", "translation", "distortion"):
        if not (np.abs(getattr(camera, name)) <= FARTHEST).all():
            raise TakeError(
                f"calibration: camera '{camera.name}' in '{path}': {name} holds a number that no camera has."
            )


def write_cameras(cameras: Sequence[CalibratedCamera], path: Path, layout: str, up: str | None = None) -> None:
    """Writes in one of ``FORMATS``; ``colmap`` into the folder ``path``. up: the world's axis that points up."""
    if layout in ("yml", "xml"):
        opencv.write(cameras, path)
    elif layout == "opentrackio":
        opentrackio.write(staged(cameras, StageFrame("y-up", "z"))[0] if up == "y" else cameras, path)
    elif layout == "nerfstudio":
        nerf.write(cameras, path)
    elif layout == "colmap":
        colmap.write(cameras, path)
    else:
        write_calibrated_cameras(cameras, path, thesis=layout == "thesis", up=up)


def as_calibrated(camera: Camera) -> CalibratedCamera:
    """A still camera of a take as one of a calibration file."""
    return CalibratedCamera(
        camera.name,
        camera.intrinsics,
        camera.rotation,
        camera.translation,
        camera.distortion,
        camera.width,
        camera.height,
        camera.lens,
    )


def _reading(path: Path, how: CameraFile) -> Reading:
    """The file read by the program's own module, which its contents tell."""
    asked = Asked(how.image_size, how.images)
    model = colmap.model_folder(path)
    if model is not None:
        return _without_extrinsics(colmap.read(model, asked), path, how)
    if path.is_dir():
        sidecars = sorted(path.glob("*.xmp"))
        if not sidecars:
            raise TakeError(f"calibration: the folder '{path}' holds no camera file; read are {READ}.")
        return _without_extrinsics(realitycapture.read_xmp(sidecars, path, asked), path, how)
    head = _head(path)
    if is_fbx(head):
        return _without_extrinsics(fbx.read(path, asked), path, how)
    if head.startswith((b"#usda", b"PXR-USDC", b"PK\x03\x04")):
        return _without_extrinsics(usd.read(path, asked), path, how)
    text = _text(path)
    if text.lstrip("\ufeff \t\r\n").startswith("%YAML") or "<opencv_storage" in text[:2000]:
        return opencv.read(path, how.extrinsics, how.lenses_only)
    return _without_extrinsics(_of_text(text, path, asked), path, how)


def _of_text(text: str, path: Path, asked: Asked) -> Reading:
    start = text.lstrip("\ufeff \t\r\n")
    if tde.is_export(text):
        return tde.read(path, asked)
    if realitycapture.is_csv(text):
        return realitycapture.read_csv(path, asked)
    if start.startswith("<"):
        root = parsed(path)
        if metashape.is_document(root):
            return metashape.read(path, asked)
        if realitycapture.is_xmp(root):
            return realitycapture.read_xmp([path], path, asked)
        raise _unknown(path)
    table = None if start.startswith("{") else _toml(path)
    if table is not None and rigs.is_toml_rig(table):
        return rigs.read_toml(table, path)
    if start.startswith(("{", "[")) and table is None:
        return _of_json(text, path, asked)
    record = _yaml(text, path) if table is None else None
    if record is not None and robotics.is_kalibr(record):
        return robotics.read_kalibr(record, path)
    if record is not None and robotics.is_ros(record):
        return robotics.read_ros(record, path)
    raise _unknown(path)


def _of_json(text: str, path: Path, asked: Asked) -> Reading:
    samples = opentrackio.samples(text)
    if samples:
        return opentrackio.read(samples, path, asked)
    try:
        record = json_value(text)
    except BadText as problem:
        raise TakeError(f"calibration: '{path}' is not valid JSON ({problem}).") from None
    if not isinstance(record, dict):
        raise TakeError(f"calibration: '{path}' must hold a JSON object.")
    if nerf.is_transforms(record):
        return nerf.read(record, path, asked)
    if rigs.is_multical(record):
        return rigs.read_multical(record, path)
    if rigs.is_nersemble(record):
        return rigs.read_nersemble(record, path, asked)
    if record and not any(isinstance(value, dict) and _OURS & set(value) for value in record.values()):
        raise _unknown(path)
    return Reading(calibrated_cameras(record, path), unit=1.0, up=world_up(record, path))


def _scaled(reading: Reading, path: Path, how: CameraFile) -> tuple[CalibratedCamera, ...]:
    """The cameras in centimeters. Raises TakeError when nobody says how long a unit of the file is."""
    given = [name for name in ("unit", "scale", "distance") if getattr(how, name) is not None]
    if len(given) > 1:
        raise TakeError(f"calibration: --{given[0]} and --{given[1]} both say how long a unit is; give one of them.")
    moved = [camera for camera in reading.cameras if camera.translation.any()]
    if how.distance is not None:
        factor = _by_distance(reading.cameras, path, *how.distance)
    elif how.scale is not None:
        factor = how.scale
    elif reading.unit is not None:
        factor = reading.unit
    elif how.unit is not None:
        factor = UNITS[how.unit]
    elif not moved or how.lenses_only:
        factor = 1.0
    else:
        kind = "does not name the unit of its lengths" if reading.scaled else "holds a reconstruction without scale"
        raise TakeError(
            f"calibration: '{path}' {kind}; give --unit mm, cm or m, or the measured distance of two cameras, for "
            f"example --distance {','.join(camera.name for camera in reading.cameras[:2])}=45.2 (centimeters)."
        )
    return tuple(replace(camera, translation=camera.translation * factor) for camera in reading.cameras)


def _by_distance(cameras: Sequence[CalibratedCamera], path: Path, first: str, second: str, length: float) -> float:
    """Centimeters in a unit of the file, from the distance of two cameras' centers of projection."""
    centers = {camera.name: -camera.rotation.T @ camera.translation for camera in cameras}
    for name in (first, second):
        if name not in centers:
            raise TakeError(f"calibration: '{path}' has no camera '{name}'; it has {', '.join(centers)}.")
    apart = float(np.linalg.norm(centers[first] - centers[second]))
    if apart == 0:
        raise TakeError(f"calibration: cameras '{first}' and '{second}' in '{path}' are in one place.")
    return length / apart


def _without_extrinsics(reading: Reading, path: Path, how: CameraFile) -> Reading:
    if how.extrinsics is not None:
        raise TakeError(
            f"calibration: '{path}' is not an OpenCV file, so it cannot be combined with a file of extrinsics."
        )
    return reading


def _head(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(4096)


def _text(path: Path) -> str:
    if b"\0" in _head(path):
        raise _unknown(path)
    return read_text(path, "calibration")


def _toml(path: Path) -> dict[str, Any] | None:
    try:
        return read_toml(path, "calibration")
    except TakeError:  # it is one of the other formats, or none
        return None


def _yaml(text: str, path: Path) -> Any:
    """The document; None for what is no YAML."""
    if not any(f"\n{key}:" in f"\n{text}" for key in ("cam0", "camera_matrix")):
        return None
    return yaml.parsed(text, path)


def _unknown(path: Path) -> TakeError:
    return TakeError(f"calibration: '{path}' is no camera file that is read; those are {READ}.")
