"""Footage of a take from videos of several cameras: reads their times, puts them in step, and tells how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from facesolve.footage.container import UnreadableImage
from facesolve.take import Footage, FootageError, TakeError
from facesolve.take.footage import SYNC_MODES
from facesolve.take.timecode import DAY, Timecode

from .camera_times import CameraTimes, read_camera_times, with_labels
from .cut_list import Cut, count_of
from .in_step import InStep, put_in_step
from .motion import find_frame_lag, motion_curve
from .sound import find_lag

STAMPS, START, NUMBER, SOUND, MOTION = SYNC_MODES
_NAMED = 8


@dataclass(frozen=True)
class VideoSync:
    """How videos are matched. mode: one of SYNC_MODES but ``number``. ahead: seconds that a camera's clock is known to
    be ahead, by camera. sound: pattern of audio files with ``{camera}``, None for the videos' own tracks. span: first
    and last timecode of the frames wanted, as ``01:02:03:04-01:02:05:00``, or a cut of a cut list."""

    mode: str = STAMPS
    ahead: Mapping[str, float] = field(default_factory=dict)
    sound: str | None = None
    span: str | Cut | None = None


@dataclass(frozen=True)
class MatchedVideos:
    """Footage with the image of every frame; frames: first and last, both included; report: sentences and a table."""

    footage: tuple[Footage, ...]
    frames: tuple[int, int]
    fps: float
    start: Timecode | None
    report: tuple[str, ...]


def match_videos(
    footage: Sequence[Footage], sync: VideoSync, frames: tuple[int, int] | None, on_bad_frame: str
) -> MatchedVideos:
    """Matches the videos of ``footage``, one for each camera; frame 0 is the first that all were filming.

    frames: the wanted first and last, None for all in common. Raises FootageError when a file cannot be read, the
    videos do not fit together, frames are not there, or, with ``on_bad_frame`` stop, a camera lacks one of them.
    """
    unknown = sorted(set(sync.ahead) - {source.camera for source in footage})
    if unknown:
        raise TakeError(f"clock: there is no camera '{unknown[0]}'.")
    listen = sync.mode in (STAMPS, SOUND) and len(footage) > 1
    cameras = [read_camera_times(source, _sound_of(sync.sound, source.camera), listen=listen) for source in footage]
    cameras, notes = _with_clocks(with_labels(cameras), footage, sync.mode)
    ahead = [sync.ahead.get(camera.camera, 0.0) for camera in cameras]
    cameras = [_moved(camera, seconds) if seconds else camera for camera, seconds in zip(cameras, ahead, strict=True)]
    found = put_in_step(cameras)
    wanted = _wanted(found, frames, sync.span)
    for camera in found.cameras:
        lost = [frame for frame in camera.dropped if wanted[0] <= frame <= wanted[1]]
        if lost and on_bad_frame == "stop":
            named = ", ".join(map(str, lost[:_NAMED])) + (", ..." if len(lost) > _NAMED else "")
            raise FootageError(
                f"camera '{camera.camera}' has no image of {len(lost)} frames ({named}), by its time stamps; choose "
                "other frames, or solve without them by '--on-bad-frame unseen'."
            )
    plain = all(camera.runs == ((0, found.frames - 1, 0),) for camera in found.cameras)
    sources = tuple(
        source if plain else replace(source, images=camera.runs)
        for source, camera in zip(footage, found.cameras, strict=True)
    )
    told = f"{found.frames} frames in common at {float(found.fps):.6g} a second"
    told += f", from {found.start}." if found.start is not None else "."
    return MatchedVideos(sources, wanted, float(found.fps), found.start, (*notes, *found.table, *found.warnings, told))


def _sound_of(pattern: str | None, camera: str) -> Path | None:
    return None if pattern is None else Path(pattern.replace("{camera}", camera))


def _with_clocks(
    cameras: Sequence[CameraTimes], footage: Sequence[Footage], mode: str
) -> tuple[list[CameraTimes], list[str]]:
    """The cameras on one clock, and sentences about how it was found."""
    if mode == START:
        return [_from_start(camera) for camera in cameras], []
    if mode == MOTION:
        return _by_motion(cameras, footage), []
    cameras = _same_day(cameras)
    timed = [camera for camera in cameras if camera.clock is not None]
    if mode == STAMPS and len(timed) == len(cameras):
        return list(cameras), []
    if len(cameras) == 1:
        return [_from_start(camera) for camera in cameras], []
    heard = _by_sound(cameras)
    if heard is not None:
        return heard, []
    if mode == SOUND:
        silent = [camera.camera for camera in cameras if camera.sound is None]
        why = f"camera '{silent[0]}' has no sound" if silent else "their sounds do not fit each other clearly"
        raise FootageError(f"the cameras cannot be put in step by sound: {why}; try '--sync motion'.")
    if timed:
        without = next(camera.camera for camera in cameras if camera.clock is None)
        raise FootageError(
            f"camera '{without}' has no timecode, but '{timed[0].camera}' has, and no sound tells how they belong "
            "together; try '--sync motion', or '--sync start' where all began together."
        )
    note = (
        "warning: no timecode and no sound tells how the videos belong together; their first images are taken to be of "
        "one moment. '--sync motion' compares what they show."
    )
    return [_from_start(camera) for camera in cameras], [note]


def _same_day(cameras: Sequence[CameraTimes]) -> list[CameraTimes]:
    """Labels begin anew at midnight: a camera that began half a day or more before the others began after it."""
    latest = max((camera.clock[0] for camera in cameras if camera.clock is not None), default=0.0)
    return [
        replace(camera, clock=(camera.clock[0] + DAY, camera.clock[1]))
        if camera.clock is not None and latest - camera.clock[0] > DAY / 2
        else camera
        for camera in cameras
    ]


def _from_start(camera: CameraTimes) -> CameraTimes:
    return replace(camera, clock=(-float(camera.times[0]), 1.0), source="first image")


def _by_sound(cameras: Sequence[CameraTimes]) -> list[CameraTimes] | None:
    """On the clock of the first camera that has one, else of the first; None where a sound is missing or unclear."""
    base = next((camera for camera in cameras if camera.clock is not None), cameras[0])
    start, pace = base.clock or (-float(base.times[0]), 1.0)
    found = []
    for camera in cameras:
        if camera is base or camera.clock is not None:
            kept = camera.clock or (start, pace)
            source = camera.source if camera.clock is not None else "sound"
            found.append(replace(camera, clock=kept, source=source))
            continue
        if base.sound is None or camera.sound is None:
            return None
        lag = find_lag(base.sound, camera.sound)
        if not lag.clear:
            return None
        found.append(replace(camera, clock=(start + pace * lag.later, pace * lag.pace), source="sound"))
    return found


def _by_motion(cameras: Sequence[CameraTimes], footage: Sequence[Footage]) -> list[CameraTimes]:
    try:
        curves = [motion_curve(Path(source.path)) for source in footage]
    except UnreadableImage as problem:
        raise FootageError(f"footage: {problem}") from None
    base = cameras[0]
    found = [_from_start(base)]
    for camera, curve in zip(cameras[1:], curves[1:], strict=True):
        lag, clear = find_frame_lag(curves[0], curve)
        if not clear:
            raise FootageError(
                f"cameras '{base.camera}' and '{camera.camera}' do not show one motion clearly enough to be put in "
                "step; clap or nod once where all see it, or say '--sync start' where all began together."
            )
        first = float(base.times[lag] if lag >= 0 else base.times[0]) - float(base.times[0])
        own = float(camera.times[0] if lag >= 0 else camera.times[-lag])
        found.append(replace(camera, clock=(first - own, 1.0), source="motion"))
    return [replace(found[0], source="motion"), *found[1:]]


def _moved(camera: CameraTimes, seconds: float) -> CameraTimes:
    start, pace = camera.clock or (0.0, 1.0)
    return replace(camera, clock=(start - seconds, pace))


def _wanted(found: InStep, frames: tuple[int, int] | None, span: str | Cut | None) -> tuple[int, int]:
    if span is not None:
        if frames is not None:
            raise TakeError("range: give --frames or --range, not both.")
        frames = frames_of_span(span, found.start)
    if frames is None:
        return 0, found.frames - 1
    if frames[0] < 0 or frames[1] >= found.frames:
        there = f"0 to {found.frames - 1}"
        if found.start is not None:
            last = replace(found.start, count=found.start.count + found.frames - 1)
            there += f", {found.start} to {last}"
        raise FootageError(f"frames {frames[0]}-{frames[1]}: the videos have {found.frames} frames in common, {there}.")
    return frames


def frames_of_span(span: str | Cut, start: Timecode | None) -> tuple[int, int]:
    """First and last frame, both included, of a span of timecodes; start: the label of frame 0. Raises TakeError."""
    if start is None:
        named = span if isinstance(span, str) else span.name
        raise TakeError(f"range: '{named}' is of timecode, which the footage does not have; give --frames.")
    if isinstance(span, Cut):
        return span.frames(start)
    first, dash, last = span.partition("-")
    if not dash:
        raise TakeError(f"range: '{span}' is not a span such as 01:02:03:04-01:02:05:00.")
    day = round(DAY * start.rate)  # labels begin anew at midnight
    counts = [count_of(label.strip(), start) - start.count for label in (first, last)]
    counts = [count + day if count < -day // 2 else count for count in counts]
    if counts[1] < counts[0]:
        raise TakeError(f"range: '{span}' is empty; the last label comes before the first.")
    return counts[0], counts[1]
