"""A look over a take's footage before a solve: is every image there, whole and of the right size? Decodes no pixels."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from facesolve.footage.norpix.reader import NorpixFile
from facesolve.footage.norpix.synchronize import frame_rate
from facesolve.take import Camera, Footage, Take
from facesolve.take.finding import ERROR, WARNING, Finding, Show
from facesolve.take.footage import COLOR_SPACES, MEMORY, SEQUENCE

from .arrays import ArrayFile
from .container import UnreadableImage
from .decode import image_size
from .reader import NO_IMAGE, open_many, wrong_size
from .sequence import named_frames
from .video import VideoFile

RESTORE = "Copy them there, or choose frames that are all there."
_TIMED = 256  # images of a .seq whose time stamps tell its rate


def check_footage(take: Take, every: int = 1) -> list[Finding]:
    """What is wrong with the footage of ``take``, cameras in order, each by frame; empty when all is well.

    A finding about an image shows its frame; its sentence names the file.

    Every file is looked for; each ``every``-th one and the last are also read, to prove them whole and of the camera's
    size (of OpenEXR files and videos only the header; of a ``.seq`` file every so many images). Images a take may go
    without (``unseen``) give warnings.
    """
    findings = _shared_files(take)
    for camera, footage in zip(take.cameras, take.footage, strict=True):
        if footage.kind != SEQUENCE:
            findings += _file_findings(take, camera, footage, every)
        else:
            images = [(footage.image_path(frame), frame) for frame in take.frames.tolist()]
            findings += _sequence_findings(take, camera, "images", images, every)
        paths = [(footage.matte_path(frame), frame) for frame in take.frames.tolist()]
        mattes = [(path, frame) for path, frame in paths if path is not None]
        if mattes:
            findings += _sequence_findings(take, camera, "mattes", mattes, every)
    return findings


def _shared_files(take: Take) -> list[Finding]:
    first: dict[tuple[str, int], str] = {}
    findings = []
    for footage in take.footage:
        if footage.kind == MEMORY:
            continue
        other = first.setdefault((os.path.normcase(footage.path), footage.offset), footage.camera)
        if other != footage.camera:
            message = f"'{footage.path}' is also the footage of camera '{other}'."
            findings.append(_finding(WARNING, footage.camera, None, message, "Give each camera its own."))
    return findings


def _sequence_findings(
    take: Take, camera: Camera, what: str, files: list[tuple[str, int]], every: int
) -> list[Finding]:
    paths: dict[str, int] = {}  # a still matte serves all frames: one look, at its first frame
    for path, frame in files:
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
        message = f"none of the {len(paths)} {what} exists, the first would be '{next(iter(paths))}'."
        return [_finding(ERROR, camera.name, None, message, "Check the path.")]
    severity = _severity(take)
    missing = [(path, frame) for path, frame in paths.items() if not Path(path).exists()]
    findings = []
    if len(missing) > 1:
        frames = tuple(frame for _, frame in missing)
        message = f"{len(missing)} of {len(paths)} {what} do not exist: {named_frames(frames)}; the first is"
        findings.append(
            Finding(severity, f"camera '{camera.name}'", f"{message} '{missing[0][0]}'.", RESTORE, Show(frames))
        )
    told = {path for path, _ in missing} if len(missing) > 1 else set()
    return findings + [
        _finding(severity, camera.name, frame, f"'{path}' {text}")
        for (path, frame), text in zip(paths.items(), problems, strict=True)
        if text is not None and path not in told
    ]


def _file_findings(take: Take, camera: Camera, footage: Footage, every: int) -> Iterator[Finding]:
    """Findings of a video, a ``.seq`` file or arrays, which hold all images."""
    try:
        file = open_many(footage)
    except UnreadableImage as unreadable:
        yield _finding(ERROR, camera.name, None, f"'{footage.path}' {unreadable}")
        return
    try:
        size = _size_problem(file.width, file.height, camera)
        if size is not None:
            yield _finding(ERROR, camera.name, None, f"'{footage.path}' {size}")
        yield from _number_findings(take, footage, file.count)
        if isinstance(file, VideoFile) and file.transfer and footage.color_space in COLOR_SPACES:
            message = f"'{footage.path}' is coded for HDR ({file.transfer}), but is taken as {footage.color_space}."
            remedy = "Convert it to sRGB (BT.709), or name its color space with --color-space."
            yield _finding(WARNING, footage.camera, None, message, remedy)
        if isinstance(file, VideoFile) and file.stated != file.count:
            message = f"'{footage.path}' has {file.count} images, but its header says {file.stated}."
            remedy = "Compare it with the original: images may be lost, and those behind them are off by as many."
            yield _finding(WARNING, footage.camera, None, message, remedy)
        if isinstance(file, NorpixFile):
            yield from _norpix_findings(take, footage, file, every)
        matched = isinstance(file, VideoFile) and bool(footage.images)  # by its times: its mean rate says nothing
        if not isinstance(file, ArrayFile) and not matched:
            yield from _rate_findings(take, footage, _rate(file))
    finally:
        file.close()


def _number_findings(take: Take, footage: Footage, count: int) -> Iterator[Finding]:
    """Frames of the take that have no image, or ask for one that the file of ``count`` images lacks."""
    pairs = [(frame, footage.image_number(frame)) for frame in take.frames.tolist()]
    none = [frame for frame, number in pairs if number is None]
    if none:
        message = f"'{footage.path}' {NO_IMAGE} Frames of the take without an image: {len(none)}, from {none[0]} on."
        yield _finding(_severity(take), footage.camera, none[0], message)
    outside = [(frame, number) for frame, number in pairs if number is not None and not 0 <= number < count]
    if outside:
        numbers = [number for _, number in pairs if number is not None]
        message = (
            f"'{footage.path}' has {count} images, 0 to {count - 1}, but {len(outside)} frames of the take "
            f"from {outside[0][0]} on need others ({min(numbers)} to {max(numbers)})."
        )
        yield _finding(_severity(take), footage.camera, outside[0][0], message, "Check range and offset.")


def _norpix_findings(take: Take, footage: Footage, file: NorpixFile, every: int) -> Iterator[Finding]:
    if file.note:
        yield _finding(WARNING, footage.camera, None, f"'{footage.path}' {file.note}")
    frames = take.frames.tolist()
    for frame in sorted({*frames[:: max(every, 1)], frames[-1]}):
        number = footage.image_number(frame)
        if number is None or not 0 <= number < file.count:
            continue
        try:
            file.check(number)
        except UnreadableImage as unreadable:
            yield _finding(_severity(take), footage.camera, frame, f"'{footage.path}' {unreadable}")


def _rate(file: VideoFile | NorpixFile) -> float:
    """Images a second, 0 when unknown."""
    if isinstance(file, VideoFile):
        return file.fps
    try:
        return frame_rate(file.stamps(range(min(file.count, _TIMED))))
    except UnreadableImage:  # told by whoever needs the stamps; the images do not
        return 0.0


def _rate_findings(take: Take, footage: Footage, fps: float) -> Iterator[Finding]:
    if fps and not np.isclose(fps, take.fps, rtol=0.005):
        message = f"'{footage.path}' runs at {fps:.6g} frames a second, the take at {take.fps:.6g}."
        yield _finding(WARNING, footage.camera, None, message, "Check both.")


def _size_problem(width: int, height: int, camera: Camera) -> str | None:
    return None if (width, height) == (camera.width, camera.height) else wrong_size(width, height, camera)


def _finding(severity: str, camera: str, frame: int | None, sentence: str, remedy: str = "") -> Finding:
    if frame is None:
        return Finding(severity, f"camera '{camera}'", sentence, remedy)
    return Finding(severity, f"camera '{camera}', frame {frame}", sentence, remedy, Show((frame,)))


def _severity(take: Take) -> str:
    return WARNING if take.on_bad_frame == "unseen" else ERROR
