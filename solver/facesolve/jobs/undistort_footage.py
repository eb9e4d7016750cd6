"""Footage without its lens distortion, as new image files beside a calibration that says so."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from facesolve.footage import FootageReader, open_footage
from facesolve.footage.container import UnreadableImage
from facesolve.footage.decode import image_size
from facesolve.footage.norpix.matching import Matching, match_recordings
from facesolve.footage.reader import open_many
from facesolve.footage.sequence import canonical_pattern, frames_on_disk
from facesolve.geometry.camera import undistortion_maps, without_distortion
from facesolve.geometry.camera_files import CameraFile, as_calibrated, read_cameras, write_cameras
from facesolve.runtime.progress import Progress
from facesolve.take import Camera, Footage, FootageError, TakeError
from facesolve.take.calibration import CalibratedCamera
from facesolve.take.checks import file_name
from facesolve.take.files import check_new, new_folder, write_atomic
from facesolve.take.footage import NORPIX, SEQUENCE

from .requests import UndistortRequest

OWN = r"([^/]+)/\1_\d{4,}\.(png|jpg|tif)"  # what it writes, by which earlier images are known
_JPEG_QUALITY = 95
_WORKERS = 8


def undistort_footage(request: UndistortRequest, folder: Path, progress: Progress, overwrite: bool = False) -> int:
    """Writes ``CAMERA/CAMERA_0001.png`` ... and ``calibration.json`` into the new ``folder``; the number of images.

    Intrinsics, size, depth and encoding of the images stay; what the lens did not see is black. ``.seq`` files of
    several cameras are matched by their time stamps, and numbered from the first image that all recorded; an image that
    was dropped is not written. All or nothing: the folder appears when every image is written. Raises TakeError or
    FootageError; a folder that is there already is one unless ``overwrite``, which removes images of an earlier run.
    """
    check_new(folder, overwrite)
    pattern = canonical_pattern(request.footage)
    how = CameraFile(
        request.unit,
        request.scale,
        request.distance,
        lambda camera: _known_size(request, pattern, camera),
        request.camera_images,
        check_places=False,
    )
    calibrated = _chosen(read_cameras(request.cameras, how), request)
    paths = {camera.name: pattern.replace("{camera}", camera.name) for camera in calibrated}
    if len(set(paths.values())) < len(paths):
        raise TakeError(f"footage: '{request.footage}' has no {{camera}}; all cameras would have the same images.")
    footage = [Footage(name, path, bayer=request.bayer) for name, path in paths.items()]
    footage, frames = _matched(footage, request, progress) or (footage, [_frames(f, request.frames) for f in footage])
    cameras = [_camera(camera, source, f[0]) for camera, source, f in zip(calibrated, footage, frames, strict=True)]
    progress.stage("undistort", sum(map(len, frames)))
    with new_folder(folder, overwrite, OWN) as target:
        for camera, source, numbers in zip(cameras, footage, frames, strict=True):
            file_name(camera.name, "undistort: the name of a camera")
            _write_camera(camera, source, numbers, request.format, target / camera.name, progress)
        straight = [as_calibrated(without_distortion(camera)) for camera in cameras]
        write_cameras(straight, target / "calibration.json", "json")
    return sum(map(len, frames))


def _chosen(calibrated: Sequence[CalibratedCamera], request: UndistortRequest) -> list[CalibratedCamera]:
    by_name = {camera.name: camera for camera in calibrated}
    for name in request.only_cameras:
        if name not in by_name:
            raise TakeError(f"cameras: '{request.cameras}' has no camera '{name}'; it has {', '.join(by_name)}.")
    chosen = [by_name[name] for name in request.only_cameras] if request.only_cameras else list(calibrated)
    for camera in chosen:  # it names a folder of the output
        if set(camera.name) & set("/\\:") or camera.name in ("", ".", ".."):
            raise TakeError(
                f"camera '{camera.name}' in '{request.cameras}': its name is not a valid folder name; rename it."
            )
    return chosen


def _matched(
    footage: Sequence[Footage], request: UndistortRequest, progress: Progress
) -> tuple[list[Footage], list[list[int]]] | None:
    """Recordings of several cameras in step, and the frames of which each has an image; None for other footage."""
    if len(footage) == 1 or any(source.kind != NORPIX for source in footage):
        return None
    matched = match_recordings(footage, Matching(), request.frames, "unseen")
    for sentence in matched.report:
        progress.message(sentence)
    wanted = range(matched.frames[0], matched.frames[1] + 1)
    found = [[frame for frame in wanted if f.image_number(frame) is not None] for f in matched.footage]
    return list(matched.footage), found


def _frames(footage: Footage, wanted: tuple[int, int] | None) -> list[int]:
    """The frame numbers to write; FootageError when there is none."""
    if wanted is not None:
        return list(range(wanted[0], wanted[1] + 1))
    where = f"footage of camera '{footage.camera}'"
    if footage.kind != SEQUENCE:
        try:
            file = open_many(footage)
        except UnreadableImage as problem:
            raise FootageError(f"{where}: '{footage.path}' {problem}") from None
        file.close()
        return list(range(file.count))
    numbers = frames_on_disk(footage.path)
    if not numbers:
        raise FootageError(f"{where}: nothing matches '{footage.path}'; check the pattern.")
    return numbers


def _camera(calibrated: CalibratedCamera, footage: Footage, frame: int) -> Camera:
    """The camera at the size that the calibration says, else at that of the first image."""
    width, height = calibrated.size or _size(footage, frame)
    return Camera(
        calibrated.name,
        width,
        height,
        calibrated.intrinsics,
        calibrated.rotation,
        calibrated.translation,
        calibrated.distortion,
        calibrated.lens,
    )


def _known_size(request: UndistortRequest, pattern: str, camera: str) -> tuple[int, int]:
    """For camera files that do not say."""
    source = Footage(camera, pattern.replace("{camera}", camera), bayer=request.bayer)
    return _size(source, _frames(source, request.frames)[0])


def _size(footage: Footage, frame: int) -> tuple[int, int]:
    try:
        if footage.kind == SEQUENCE:
            return image_size(Path(footage.image_path(frame)))
        file = open_many(footage)
        file.close()
        return file.width, file.height
    except UnreadableImage as problem:
        raise FootageError(f"footage of camera '{footage.camera}': '{footage.path}' {problem}") from None


def _write_camera(
    camera: Camera, footage: Footage, frames: Sequence[int], form: str | None, folder: Path, progress: Progress
) -> None:
    maps = undistortion_maps(camera)
    digits = max(4, len(str(max(frames))))
    reader = open_footage(replace(footage, undistorted=True), camera)

    def write(frame: int) -> None:
        straight = cv2.remap(_read(reader, frame), *maps, cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT)
        name, data = _encoded(straight, form, f"camera '{camera.name}', frame {frame}")
        write_atomic(folder / f"{camera.name}_{frame:0{digits}d}.{name}", data)

    workers = 1 if reader.in_order else min(_WORKERS, os.cpu_count() or 1)
    try:
        with ThreadPoolExecutor(workers, "undistort") as pool:
            for _ in pool.map(write, frames):
                progress.advance()
    finally:
        reader.close()


def _read(reader: FootageReader, frame: int) -> np.ndarray:
    """Stored values, without those that are not finite: resampling would spread them."""
    stored = reader.stored(frame)
    return np.nan_to_num(stored, posinf=0.0, neginf=0.0) if stored.dtype.kind == "f" else stored


def _encoded(pixels: np.ndarray, form: str | None, where: str) -> tuple[str, bytes]:
    """Format and bytes of a file with these pixels."""
    form = form or ("tif" if pixels.dtype.kind == "f" else "png")
    if (form == "jpg" and pixels.dtype != np.uint8) or (form == "png" and pixels.dtype.kind == "f"):
        raise TakeError(f"{where}: {pixels.dtype} values do not fit into {form}; choose --format tif.")
    if pixels.ndim == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    options = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY] if form == "jpg" else []
    written, data = cv2.imencode(f".{form}", pixels, options)
    assert written, f"OpenCV cannot write {form}"
    return form, data.tobytes()
