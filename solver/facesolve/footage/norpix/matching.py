"""Footage of a take from Norpix ``.seq`` recordings: opens one file a camera, matches their images, and tells how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from facesolve.footage.container import UnreadableImage
from facesolve.take import Footage, FootageError, TakeError

from .reader import NorpixFile
from .synchronize import NUMBER, STAMPS, Recording, Synchronization, synchronize

_NAMED = 8  # dropped frames that are named before the rest is counted


@dataclass(frozen=True)
class Matching:
    """How recordings are matched. mode: one of SYNC_MODES. ahead: seconds that a camera's clock is known to be ahead of
    the others', by camera name."""

    mode: str = STAMPS
    ahead: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Matched:
    """Footage with the image of every frame. frames: first and last, both included. fps: frames a second, or None
    when the stamps do not tell. report: sentences about drops, clocks and the worst mismatch."""

    footage: tuple[Footage, ...]
    frames: tuple[int, int]
    fps: float | None
    report: tuple[str, ...]


def match_recordings(
    footage: Sequence[Footage], matching: Matching, frames: tuple[int, int] | None, on_bad_frame: str
) -> Matched:
    """Matches the ``.seq`` files of ``footage``, one for each camera; frame 0 is the first that all were recording.

    frames: the wanted first and last, None for all in common. Raises FootageError when a file cannot be read, the
    recordings do not fit together, frames are not there, or, with ``on_bad_frame`` stop, a camera dropped one of them.
    """
    unknown = sorted(set(matching.ahead) - {source.camera for source in footage})
    if unknown:
        raise TakeError(f"clock: there is no camera '{unknown[0]}'.")
    notes: list[str] = []
    recordings = [_recording(source, matching.mode, notes) for source in footage]
    found = synchronize(recordings, matching.mode, matching.ahead)
    wanted = (0, found.frames - 1) if frames is None else frames
    if wanted[0] < 0 or wanted[1] >= found.frames:
        raise FootageError(
            f"frames {wanted[0]}-{wanted[1]}: the recordings have {found.frames} frames in common, 0 to "
            f"{found.frames - 1}."
        )
    for match in found.cameras:
        lost = [frame for frame in match.dropped if wanted[0] <= frame <= wanted[1]]
        if lost and on_bad_frame == "stop":
            raise FootageError(
                f"camera '{match.camera}' has no image of {_frames(lost)} (dropped when it was recorded); choose other "
                "frames, or solve without them by '--on-bad-frame unseen'."
            )
    sources = tuple(replace(source, images=match.runs) for source, match in zip(footage, found.cameras, strict=True))
    return Matched(sources, wanted, round(found.fps, 4) or None, (*notes, *_report(found)))


def _recording(footage: Footage, mode: str, notes: list[str]) -> Recording:
    """The time stamps of one file; what is wrong with a file that can be read goes to ``notes``."""
    try:
        file = NorpixFile(Path(footage.path), footage.bayer)
        try:
            if file.note:
                notes.append(f"camera '{footage.camera}': '{footage.path}' {file.note}")
            stamps = np.zeros(file.count, np.int64) if mode == NUMBER else file.stamps()
        finally:
            file.close()
    except UnreadableImage as problem:
        raise FootageError(f"footage of camera '{footage.camera}': '{footage.path}' {problem}") from None
    return Recording(footage.camera, stamps)


def _report(found: Synchronization) -> list[str]:
    """A sentence for each camera, then the common frames, the worst mismatch, and warnings."""
    first = found.cameras[0].camera
    told = []
    for match in found.cameras:
        clock = (
            ""
            if match.camera == first
            else f", clock {round(1e3 * match.ahead, 3) + 0.0:+.3f} ms relative to '{first}'"
        )
        lost = f"dropped {_frames(match.dropped)}" if match.dropped else "nothing dropped"
        unused = f", {match.unused} not in common" if match.unused else ""
        told.append(f"camera '{match.camera}': {match.count} images{unused}, {lost}{clock}.")
    rate = f" at {found.fps:.4f} a second" if found.fps else ""
    worst = ""
    if found.worst is not None:
        a, b = found.worst.cameras
        worst = f"; worst mismatch {1e3 * found.worst.seconds:.3f} ms, frame {found.worst.frame}, '{a}' and '{b}'"
    told.append(f"{found.frames} frames in common{rate}{worst}.")
    return [*told, *(f"warning: {warning}" for warning in found.warnings)]


def _frames(numbers: Sequence[int]) -> str:
    """``frame 3``, or ``5 frames (3, 7-9, 12)`` cut after a few."""
    if len(numbers) == 1:
        return f"frame {numbers[0]}"
    starts = [k for k, number in enumerate(numbers) if k == 0 or numbers[k - 1] != number - 1]
    ends = [*(start - 1 for start in starts[1:]), len(numbers) - 1]
    spans = [f"{numbers[a]}" if a == b else f"{numbers[a]}-{numbers[b]}" for a, b in zip(starts, ends, strict=True)]
    return f"{len(numbers)} frames ({', '.join(spans[:_NAMED])}{', ...' if len(spans) > _NAMED else ''})"
