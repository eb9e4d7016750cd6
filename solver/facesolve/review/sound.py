"""The sound that was recorded with a take's footage, cut to the frames of a video. Knows neither video nor page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facesolve.footage.container import UnreadableImage
from facesolve.footage.timing.ltc import decode_ltc
from facesolve.footage.timing.sound import Sound, read_sound
from facesolve.footage.video import VideoFile
from facesolve.take import Footage, Take
from facesolve.take.footage import VIDEO

AUDIBLE = 1e-4  # of full scale: a track that is never louder is silent


@dataclass(frozen=True, eq=False)
class Track:
    """samples: (n,) float32 in -1..1 at ``rate`` samples a second, from the beginning of the first frame on."""

    samples: np.ndarray
    rate: int


def sound_of(take: Take, frames: Sequence[int], fps: float) -> Track | None:
    """What was heard while ``frames`` were filmed, one after the other at ``fps``; None where no camera recorded it.

    The first camera whose video has a sound track that is neither silent nor timecode. A video that cannot be read has
    none: that it is damaged is for others to say.
    """
    for source in take.footage:
        if source.kind == VIDEO:
            try:
                track = _heard(source, frames, fps)
            except UnreadableImage:
                continue
            if track is not None:
                return track
    return None


def _heard(source: Footage, frames: Sequence[int], fps: float) -> Track | None:
    file = VideoFile(Path(source.path))
    try:
        times = file.times
    finally:
        file.close()
    numbers = [source.image_number(frame) for frame in frames]
    at = [None if number is None or not 0 <= number < len(times) else float(times[number]) for number in numbers]
    known = [time for time in at if time is not None]
    if not known:
        return None
    sound = read_sound(Path(source.path), max(known) + 1.0)
    voice = None if sound is None else _voice(sound)
    if sound is None or voice is None:
        return None
    return Track(_cut(voice, sound, at, fps), int(sound.rate))


def _voice(sound: Sound) -> np.ndarray | None:
    """The channels that hold sound rather than timecode, mixed."""
    loud = [channel for channel in sound.channels if np.abs(channel).max(initial=0.0) > AUDIBLE]
    heard = [channel for channel in loud if decode_ltc(channel, sound.rate) is None]
    return np.mean(heard, axis=0) if heard else None


def _cut(voice: np.ndarray, sound: Sound, at: Sequence[float | None], fps: float) -> np.ndarray:
    """A piece a frame, silence where there is no image; frames that follow each other are one piece, uncut."""
    ends = np.rint(np.arange(len(at) + 1) * sound.rate / fps).astype(int)
    found = np.zeros(ends[-1], np.float32)
    offset: int | None = None  # from places in ``found`` to places in ``voice``
    for begin, end, time in zip(ends[:-1], ends[1:], at, strict=True):
        if time is None:
            offset = None
            continue
        wanted = round((time - sound.start) * sound.rate) - int(begin)
        if offset is None or abs(wanted - offset) > sound.rate / fps / 2:
            offset = wanted
        low, high = max(begin + offset, 0), min(end + offset, len(voice))
        if low < high:
            found[low - offset : high - offset] = voice[low:high]
    return found
