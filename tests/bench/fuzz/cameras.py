"""Camera files of all programs that are read: OpenCV's, as they are written, and the samples of the others."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from facesolve.geometry.camera_files import CameraFile, read_cameras, write_cameras
from facesolve.take.calibration import CalibratedCamera
from facesolve.take.camera import Camera
from tests.synthetic import cameras

from .campaign import Files, Subject
from .mutations import Random, mutated_bytes, mutated_json, mutated_text, pick

SAMPLES = Path(__file__).parents[2] / "geometry" / "camera_samples"
SIZE = (640, 480)
HOW = CameraFile(unit="m", image_size=lambda camera: SIZE)

UNITS = {"aniposelib.toml": "mm"}


def _mutated(files: Files, random: Random) -> Files:
    name = pick(random, sorted(files))
    data = files[name]
    if name.endswith(".json"):
        return {name: mutated_json(data, random)}
    binary = b"\0" in data[:4096]
    return {name: mutated_bytes(data, random) if binary else mutated_text(data, random)}


def _read(folder: Path, name: str = "") -> None:
    path = folder / name if name else folder
    sentences: list[str] = []
    found = read_cameras(path, replace(HOW, unit=UNITS.get(name, "m")), sentences.append)
    for camera in found:
        width, height = camera.size or SIZE
        lens = camera.distortion, camera.lens
        Camera(camera.name, width, height, camera.intrinsics, camera.rotation, camera.translation, *lens)
    assert all("\n" not in sentence for sentence in sentences)


def _written(name: str, layout: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        folder.mkdir(parents=True)
        lenses = np.array([0.01, 0.0, 0.0, 0.0, 0.0])
        given = [
            CalibratedCamera(c.name, c.intrinsics, c.rotation, c.translation, lenses, c.width, c.height)
            for c in cameras()
        ]
        write_cameras(given, folder / name, layout)

    return make


def _sample(name: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        source = SAMPLES / name
        if source.is_dir():
            shutil.copytree(source, folder)
        elif source.suffix == ".gz":
            folder.mkdir(parents=True)
            (folder / name).write_bytes(gzip.decompress(source.read_bytes()))
        else:
            folder.mkdir(parents=True)
            shutil.copy(source, folder / name)

    return make


def _subject(name: str, make: Callable[[Path], None], whole_folder: bool = False) -> Subject:
    return Subject(f"cameras, {name}", make, _mutated, lambda folder: _read(folder, "" if whole_folder else name))


WRITTEN = {"opencv.yml": "yml", "opencv.xml": "xml", "opentrackio.json": "opentrackio"}
FOLDERS = ("colmap_text", "colmap_binary")
FILES = (
    *("aniposelib.toml", "caliscope.toml", "blender_transforms.json", "kalibr.yaml", "kalibr_equidistant.yaml"),
    *("metashape.xml", "multical.json", "realitycapture.csv", "realitycapture.xmp"),
    *("3dequalizer.mel", "blender_6100.fbx", "maya_7700.fbx.gz"),
)
SUBJECTS = (
    *(_subject(name, _written(name, layout)) for name, layout in WRITTEN.items()),
    *(_subject(name, _sample(name)) for name in FILES),
    *(_subject(name, _sample(name), whole_folder=True) for name in FOLDERS),
)
