"""A board moved before running cameras: which frames of their videos or ``.seq`` files serve as views."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from facesolve.footage.container import UnreadableImage
from facesolve.footage.norpix.matching import Matching, match_recordings
from facesolve.footage.reader import ManyImages, open_many
from facesolve.footage.timing.match_videos import VideoSync, match_videos
from facesolve.geometry.camera import pixels_to_opencv
from facesolve.runtime.progress import Progress
from facesolve.take import Footage, FootageError, TakeError
from facesolve.take.footage import NORPIX

from .board import Board
from .detect import detect_all, to_gray
from .images import matching_files
from .markers import check_markers
from .session import BoardImage, Detection, Session

SUFFIXES = (".mp4", ".mov", ".m4v", ".avi", ".mkv", ".mxf", ".webm", ".mts", ".seq")
LOOKED_AT = 120  # frames in which the board is looked for
MOST_VIEWS = 40
STILL = 0.5  # pixels from one frame to the next: a faster board is blurred, and late in cameras that are not in step
FEWEST_STILL = 6  # views; with fewer, moving ones are taken too
APART = 0.04  # of the image's width: views whose boards are nearer to each other than this are one


def find_recordings(source: str, cameras: Sequence[str] = ()) -> tuple[Footage, ...]:
    """The videos or ``.seq`` files of ``source``, one a camera; none when it is a pattern or folder of images.

    source: a pattern with ``{camera}``, a folder of such files named after their cameras, or one file. cameras: take
    only these, in this order. Raises FootageError when one of them is missing.
    """
    path, pattern = Path(source), source.replace("\\", "/") if os.sep == "\\" else source
    if "{camera}" in source and "{view}" not in source and path.suffix.lower() in SUFFIXES:
        found = {match["camera"]: file for file, match in matching_files(pattern, cameras)}
    elif path.is_dir():
        found = {file.stem: file for file in sorted(path.iterdir()) if file.suffix.lower() in SUFFIXES}
    else:
        found = {path.stem: path} if path.suffix.lower() in SUFFIXES and path.is_file() else {}
    missing = [name for name in cameras if name not in found]
    if found and missing:
        raise FootageError(f"images: '{source}' has no camera '{missing[0]}'; there are {', '.join(found)}.")
    return tuple(Footage(name, found[name].as_posix()) for name in (cameras or found)) if found else ()


def detect_recordings(
    recordings: Sequence[Footage], boards: Sequence[Board], progress: Progress
) -> tuple[Session, tuple[BoardImage, ...]]:
    """Finds the boards in frames spread over the recordings and keeps those where it stood still, each pose once.

    Cameras are put in step by their time stamps. Raises FootageError when files cannot be read or do not fit together,
    TakeError when a camera never saw the board.
    """
    for board in boards:
        check_markers(board)
    matched, frames = _in_step(recordings, progress)
    files = {source.camera: _opened(source) for source in matched}
    try:
        candidates = _candidates(matched, frames, files, boards, progress)
    finally:
        for file in files.values():
            file.close()
    sizes = {source.camera: (files[source.camera].width, files[source.camera].height) for source in matched}
    kept = _kept(candidates, sizes)
    detections = tuple(detection for candidate in kept for detection in candidate.detections)
    for camera in sizes:
        if not any(detection.camera == camera for detection in detections):
            raise TakeError(
                f"camera '{camera}': the board was found in none of the {len(candidates)} frames looked at; check "
                "--board (columns, rows) and that the whole board is in sight and sharp."
            )
    numbers = {source.camera: source for source in matched}
    images = tuple(
        BoardImage(d.camera, d.view, Path(numbers[d.camera].path), numbers[d.camera].image_number(int(d.view)))
        for d in detections
    )
    order = list(sizes)
    ordered = tuple(sorted(detections, key=lambda detection: (order.index(detection.camera), detection.view)))
    return Session(boards[0], sizes, ordered, more=tuple(boards[1:])), images


@dataclass(frozen=True, eq=False)
class _Candidate:
    """What the cameras saw of the board at a frame. motion: pixels to the next frame, the fastest camera's."""

    frame: int
    detections: tuple[Detection, ...]
    motion: float


def _in_step(recordings: Sequence[Footage], progress: Progress) -> tuple[tuple[Footage, ...], range]:
    """The recordings with the image of each frame, and the frames in common."""
    if recordings[0].kind == NORPIX:
        norpix = match_recordings(recordings, Matching(), None, "unseen")
        found, (first, last), report = norpix.footage, norpix.frames, norpix.report
    else:
        videos = match_videos(recordings, VideoSync(), None, "unseen")
        found, (first, last), report = videos.footage, videos.frames, videos.report
    for sentence in report if len(recordings) > 1 else ():
        progress.message(sentence)
    return tuple(found), range(first, last + 1)


def _opened(source: Footage) -> ManyImages:
    try:
        return open_many(source)
    except UnreadableImage as problem:
        raise FootageError(f"images: '{source.path}' {problem}") from None


def _candidates(
    matched: Sequence[Footage],
    frames: range,
    files: Mapping[str, ManyImages],
    boards: Sequence[Board],
    progress: Progress,
) -> list[_Candidate]:
    """The board at frames spread evenly, and how fast it moved there."""
    step = max(1, len(frames) // LOOKED_AT)
    chosen = frames[::step]
    progress.stage("find the board", len(chosen))
    found = []
    for frame in chosen:
        detections, motion = [], 0.0
        for source in matched:
            gray = _gray(source, files[source.camera], frame)
            own = [] if gray is None else detect_all(gray, boards, source.camera, f"{frame:06d}")
            if gray is None or not own:
                continue
            detections += own
            later = _gray(source, files[source.camera], frame + 1) if frame + 1 in frames else None
            if later is not None:
                motion = max(motion, *(_motion(gray, later, detection) for detection in own))
        if detections:
            found.append(_Candidate(frame, tuple(detections), motion))
        progress.advance()
    return found


def _gray(source: Footage, file: ManyImages, frame: int) -> np.ndarray | None:
    """(H, W) uint8; None for an image that was dropped or is damaged."""
    number = source.image_number(frame)
    if number is None or not 0 <= number < file.count:
        return None
    try:
        return to_gray(file.read(number))
    except UnreadableImage:
        return None


def _motion(gray: np.ndarray, later: np.ndarray, detection: Detection) -> float:
    """Median pixels that the board's points move to the next image."""
    points = np.ascontiguousarray(pixels_to_opencv(detection.pixels)[:, None], np.float32)
    moved, found, _ = cv2.calcOpticalFlowPyrLK(gray, later, points, None)  # type: ignore[call-overload]
    tracked = found.ravel() > 0
    return float(np.median(np.linalg.norm(moved - points, axis=2)[tracked])) if tracked.any() else np.inf


def _kept(candidates: Sequence[_Candidate], sizes: Mapping[str, tuple[int, int]]) -> list[_Candidate]:
    """The stillest of every pose of the board, most cameras first."""
    still = [candidate for candidate in candidates if candidate.motion <= STILL]
    if len(still) < FEWEST_STILL:
        still = sorted(candidates, key=lambda candidate: candidate.motion)[: 2 * FEWEST_STILL]
    kept: list[_Candidate] = []
    for candidate in sorted(still, key=lambda c: (-len(c.detections), c.motion)):
        if len(kept) < MOST_VIEWS and all(_differ(candidate, other, sizes) for other in kept):
            kept.append(candidate)
    return sorted(kept, key=lambda candidate: candidate.frame)


def _differ(one: _Candidate, other: _Candidate, sizes: Mapping[str, tuple[int, int]]) -> bool:
    """Whether some camera saw the board elsewhere, or tilted otherwise."""
    there = {(detection.camera, detection.board): detection for detection in other.detections}
    for detection in one.detections:
        second = there.get((detection.camera, detection.board))
        if second is None:
            continue
        _, a, b = np.intersect1d(detection.ids, second.ids, return_indices=True)
        apart = np.linalg.norm(detection.pixels[a] - second.pixels[b], axis=1)
        if not len(apart) or apart.max() > APART * sizes[detection.camera][0]:
            return True
    return not {(detection.camera, detection.board) for detection in one.detections} & set(there)
