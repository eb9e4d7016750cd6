"""When each image of a camera was taken, by its file: presentation times, timecode tracks, timecode in its sound.

Knows how to open files; which images of several cameras belong together is told by ``in_step``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from facesolve.footage.container import UnreadableImage
from facesolve.footage.video import VideoFile
from facesolve.take import Footage, FootageError, TakeError
from facesolve.take.timecode import Timecode, nominal, read_timecode, usual_rate

from .ltc import decode_ltc
from .sound import Sound, read_sound


@dataclass(frozen=True, eq=False)
class CameraTimes:
    """times: (N,) seconds of the images by the camera's own clock, rising. clock: (start, pace), seconds of the common
    clock at 0 of the camera's, and in a second of it; None while nobody knows. source: what tells, in words. label: the
    timecode of the first image, or None; told: the same as the file has it, without its rate. sound: what was recorded
    with it, or None."""

    camera: str
    times: np.ndarray
    clock: tuple[float, float] | None = None
    source: str = "nothing"
    label: Timecode | None = None
    told: str | None = None
    sound: Sound | None = None

    @property
    def common(self) -> np.ndarray:
        """(N,) seconds by the common clock; by the camera's own, from its first image on, where there is none."""
        if self.clock is None:
            own: np.ndarray = self.times - self.times[0]
            return own
        start, pace = self.clock
        return start + pace * self.times

    @property
    def rate(self) -> float:
        """Images a second of the common clock, dropped images left out of account; 0 for a single image."""
        steps = np.diff(self.common)
        return float(1 / np.median(steps)) if len(steps) else 0.0


def read_camera_times(footage: Footage, sound: Path | None = None, listen: bool = False) -> CameraTimes:
    """The times of a video. sound: an audio file recorded with it, instead of its own track.

    A timecode in the sound goes before the file's own, which ``with_labels`` reads: it tells the clock's pace, too.
    listen: whether sound without timecode is kept to compare cameras by. Raises FootageError.
    """
    where = f"footage of camera '{footage.camera}': '{footage.path}'"
    try:
        file = VideoFile(Path(footage.path))
        try:
            times, told = file.times, file.timecode
        finally:
            file.close()
        track = read_sound(Path(footage.path) if sound is None else sound)
    except UnreadableImage as problem:
        raise FootageError(f"{where} {problem}") from None
    kept = replace(track, channels=track.mono[None]) if listen and track is not None else None
    found = CameraTimes(footage.camera, times, sound=kept)
    if track is not None:
        heard = _by_sound(found, track)
        if heard is not None:
            return heard
    if told is not None:
        return replace(found, told=told)
    if track is not None and track.reference is not None:
        return replace(found, clock=(track.reference - track.start, 1.0), source="Broadcast Wave time reference")
    return found


def with_labels(cameras: Sequence[CameraTimes]) -> list[CameraTimes]:
    """The cameras with the clock that their timecode tracks tell. Raises FootageError for labels that cannot be.

    A track says its labels, not whether they count 29.97 or 30 a second. All cameras of a stage count alike: as the one
    whose times are the most even. One that counts quite otherwise, 25 or 60, goes by itself.
    """
    labeled = [camera for camera in cameras if camera.told is not None and len(camera.times) > 1]
    best = min(labeled, key=lambda camera: _jitter(camera)[1], default=None)
    if best is None:
        return list(cameras)
    drop = any(";" in (camera.told or "") for camera in cameras)
    common = usual_rate(_jitter(best)[0], drop)
    found = []
    for camera in cameras:
        if camera.told is None:
            found.append(camera)
            continue
        own = usual_rate(_jitter(camera)[0] if len(camera.times) > 1 else float(common), ";" in camera.told)
        rate = common if nominal(own) == nominal(common) else own
        try:
            label = read_timecode(camera.told, rate)
        except TakeError as problem:
            raise FootageError(f"footage of camera '{camera.camera}': {problem}") from None
        clock = float(label.seconds) - float(camera.times[0]), 1.0
        found.append(replace(camera, clock=clock, source="timecode track", label=label))
    return found


def _jitter(camera: CameraTimes) -> tuple[float, float]:
    """Images a second, and how far they are from an even grid, in parts of its step."""
    times = camera.times
    step = float(np.median(np.diff(times)))
    numbers = np.concatenate(([0.0], np.cumsum(np.maximum(np.rint(np.diff(times) / step), 1))))
    slope, start = np.polyfit(numbers, times, 1)
    return float(1 / slope), float(np.abs(times - start - slope * numbers).mean() / slope)


def _by_sound(found: CameraTimes, track: Sound) -> CameraTimes | None:
    """With the clock that timecode in a channel tells; None when no channel holds any."""
    for channel in track.channels:
        heard = decode_ltc(channel, track.rate)
        if heard is not None:
            start, pace = heard.clock(track.rate)
            clock = start - pace * track.start, pace
            rate = heard.labels[0].rate
            first = Timecode(round((clock[0] + pace * float(found.times[0])) * rate), rate, heard.labels[0].drop)
            return replace(found, clock=clock, source="timecode in the sound", label=first)
    return None
