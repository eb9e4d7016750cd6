"""A look at the pixels of a take's footage: images that cannot be decoded, and those that agree with no neighbor."""

from __future__ import annotations

import os
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from facesolve.take import Camera, Footage, FootageError, Take
from facesolve.take.finding import ERROR, WARNING, Finding, Show
from facesolve.take.footage import MEMORY

from .check import check_footage
from .neighbors import FEWEST, odd_pictures, small_picture
from .reader import FootageReader

MOST_DECODED = 300  # images of each camera; of longer takes parts are looked at
DECODED_BEFORE_A_SOLVE = 120
FILES_CHECKED = 200  # at most this many images a camera are read before the solve starts
RUN = 12  # consecutive images of such a part
ODD_IMAGE = (
    "does not go on from the images next to it: it is damaged although it can be decoded, another shot begins, or "
    "a light flashed."
)


def check_pixels(take: Take, told: Collection[Finding] = (), most: int = MOST_DECODED) -> list[Finding]:
    """What is wrong with the pixels of ``take``, cameras in order, each by frame; empty when all is well.

    told: what is known already; of an image that it is about nothing more is said. most: images of
    each camera that are decoded. A finding shows its frame.
    """
    known = {finding.subject for finding in told if finding.severity == ERROR or finding.action}
    findings = []
    for camera, footage in zip(take.cameras, take.footage, strict=True):
        if footage.kind == MEMORY or f"camera '{camera.name}'" in known:
            continue
        try:
            reader = FootageReader(footage, camera, take.frames.tolist(), careful=True)
        except FootageError:  # told by whoever looks for the file
            continue
        try:
            findings += _camera_findings(take, reader, known, most)
        finally:
            reader.close()
    return findings


def looked_at(frames: list[int], most: int) -> list[list[int]]:
    """Runs of frames that are looked at: all of them in one, or of long takes some spread over the whole."""
    if len(frames) <= most:
        return [frames]
    count = most // RUN
    starts = np.linspace(0, len(frames) - RUN, count).astype(int).tolist()
    return [frames[start : start + RUN] for start in starts]


def _camera_findings(take: Take, reader: FootageReader, known: Collection[str], most: int) -> list[Finding]:
    camera, footage = reader.camera, reader.footage
    severity = WARNING if take.on_bad_frame == "unseen" else ERROR
    findings = []
    for run in looked_at(take.frames.tolist(), most):
        looked = dict(zip(run, _looks(reader, run), strict=True))
        for frame, look in looked.items():
            if isinstance(look, str) and _subject(camera, frame) not in known:
                findings.append(Finding(severity, _subject(camera, frame), look, action=Show((frame,))))
        findings += [_odd(camera, footage, frame) for frame in _odd_frames(run, looked)]
    return findings


def _looks(reader: FootageReader, frames: list[int]) -> list[np.ndarray | str]:
    """Of each frame a small picture, or what is wrong with it."""

    def look(frame: int) -> np.ndarray | str:
        try:
            return small_picture(reader.stored(frame))
        except FootageError as error:
            return str(error).removeprefix(_subject(reader.camera, frame) + ": ")

    workers = 1 if reader.in_order else min(8, os.cpu_count() or 1)
    with ThreadPoolExecutor(workers, "pixel-check") as pool:
        return list(pool.map(look, frames))


def _odd_frames(run: list[int], looked: dict[int, np.ndarray | str]) -> list[int]:
    """The frames of a run whose images do not go on from their neighbors."""
    odd: list[int] = []
    whole: list[tuple[int, np.ndarray]] = []
    for frame in [*run, None]:
        look = None if frame is None else looked[frame]
        if frame is not None and isinstance(look, np.ndarray):
            whole.append((frame, look))
            continue
        if len(whole) >= FEWEST:
            odd += [whole[index][0] for index in odd_pictures(np.stack([picture for _, picture in whole]))]
        whole = []
    return odd


def _odd(camera: Camera, footage: Footage, frame: int) -> Finding:
    sentence = f"'{footage.image_path(frame)}' {ODD_IMAGE}"
    remedy = "Look at it; copy it again, or leave the frame out."
    return Finding(WARNING, _subject(camera, frame), sentence, remedy, Show((frame,)))


def _subject(camera: Camera, frame: int) -> str:
    return f"camera '{camera.name}', frame {frame}"


def check_images(take: Take) -> list[Finding]:
    """FootageError for the first image that a solve of ``take`` cannot use; of long takes a part is looked at.

    Returns what is odd about the pixels of the others.
    """
    found = check_footage(take, every=max(1, take.frame_count // FILES_CHECKED))
    odd = [] if _errors(found) else check_pixels(take, found, DECODED_BEFORE_A_SOLVE)
    errors = _errors([*found, *odd])
    if errors:
        more = f" ({len(errors) - 1} more; see 'facesolve inspect')" if len(errors) > 1 else ""
        raise FootageError(errors[0].text + more)
    return odd


def _errors(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.severity == ERROR]
