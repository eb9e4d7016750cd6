"""A look over a take's footage before a solve: is every image there, whole and of the right size? Decodes no pixels."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..take import Camera, Footage, Take
from ..take.footage import VIDEO
from .container import UnreadableImage
from .decode import image_size
from .reader import wrong_size
from .video import VideoFile

ERROR, WARNING = "error", "warning"


@dataclass(frozen=True)
class Finding:
    """Something wrong with the footage. ``severity``: ``error`` (a solve would stop) or ``warning``.

    frame: take frame number, or None when it concerns the whole camera. message: one sentence that names the file.
    """

    severity: str
    camera: str
    frame: int | None
    message: str


def check_footage(take: Take, every: int = 1) -> list[Finding]:
    """What is wrong with the footage of ``take``, cameras in order, each by frame; empty when all is well.

    Every file is looked for; each ``every``-th one and the last are also read, to prove them whole and of the camera's
    size (of OpenEXR files and videos only the header). Images a take may go without (``unseen``) give warnings.
    """
    findings = _shared_files(take)
    for camera, footage in zip(take.cameras, take.footage, strict=True):
        if footage.kind == VIDEO:
            findings += _video_findings(take, camera, footage)
        else:
            images = [footage.image_path(frame) for frame in take.frames.tolist()]
            findings += _sequence_findings(take, camera, "images", images, every)
        if footage.matte is not None:
            mattes = [str(footage.matte_path(frame)) for frame in take.frames.tolist()]
            findings += _sequence_findings(take, camera, "mattes", mattes, every)
    return findings


def _shared_files(take: Take) -> list[Finding]:
    first: dict[tuple[str, int], str] = {}
    findings = []
    for footage in take.footage:
        other = first.setdefault((os.path.normcase(footage.path), footage.offset), footage.camera)
        if other != footage.camera:
            message = f"'{footage.path}' is the footage of camera '{other}' too; give each camera its own."
            findings.append(Finding(WARNING, footage.camera, None, message))
    return findings


def _sequence_findings(take: Take, camera: Camera, what: str, files: list[str], every: int) -> list[Finding]:
    paths: dict[str, int] = {}  # a still matte serves all frames: one look, at its first frame
    for path, frame in zip(files, take.frames.tolist(), strict=True):
        paths.setdefault(path, frame)
    read = {*list(paths)[:: max(every, 1)], list(paths)[-1]}

    def problem(path: str) -> str | None:
        try:
            if path not in read and Path(path).exists():
                return None
            return _size_problem(*image_size(Path(path)), camera)
        except UnreadableImage as unreadable:
            return str(unreadable)

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1), "footage-check") as pool:
        problems = list(pool.map(problem, paths))
    if not any(Path(path).exists() for path in paths):
        message = f"none of the {len(paths)} {what} exists, the first would be '{next(iter(paths))}'; check the path."
        return [Finding(ERROR, camera.name, None, message)]
    severity = _severity(take)
    return [
        Finding(severity, camera.name, frame, f"'{path}' {text}")
        for (path, frame), text in zip(paths.items(), problems, strict=True)
        if text is not None
    ]


def _video_findings(take: Take, camera: Camera, footage: Footage) -> Iterator[Finding]:
    try:
        video = VideoFile(Path(footage.path))
    except UnreadableImage as unreadable:
        yield Finding(ERROR, camera.name, None, f"'{footage.path}' {unreadable}")
        return
    video.close()
    size = _size_problem(video.width, video.height, camera)
    if size is not None:
        yield Finding(ERROR, camera.name, None, f"'{footage.path}' {size}")
    numbers = take.frames + footage.offset
    outside = take.frames[(numbers < 0) | (numbers >= video.count)]
    if len(outside):
        message = (
            f"'{footage.path}' has {video.count} images, 0 to {video.count - 1}, but {len(outside)} frames of the take "
            f"from {outside[0]} on ask for others ({numbers.min()} to {numbers.max()}); check the range and the offset."
        )
        yield Finding(_severity(take), camera.name, int(outside[0]), message)
    if video.fps and not np.isclose(video.fps, take.fps, rtol=0.005):
        message = f"'{footage.path}' runs at {video.fps:.6g} frames a second, the take at {take.fps:.6g}; check both."
        yield Finding(WARNING, camera.name, None, message)


def _size_problem(width: int, height: int, camera: Camera) -> str | None:
    return None if (width, height) == (camera.width, camera.height) else wrong_size(width, height, camera)


def _severity(take: Take) -> str:
    return WARNING if take.on_bad_frame == "unseen" else ERROR
