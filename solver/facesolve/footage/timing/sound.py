"""Sound tracks of videos and audio files, through PyAV, and how much later one recording of a sound is than another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facesolve.footage.container import UnreadableImage
from facesolve.footage.exr import optional_module

_RATE = 24000  # samples a second: five for half a bit of timecode
_ENVELOPE = 200  # a second, for the rough search
_WINDOW = 20.0  # seconds that are compared finely at a time
_CLEAR, _NEXT = 8.0, 0.75  # how many deviations the best must stand out, and how near the next may come
_LONGEST = 600.0  # seconds that are read: enough for offsets and for the pace of clocks
_FEW_CHANNELS = 8  # of more, less time is read, so that memory stays at half a gigabyte
_LOWEST_RATE, _HIGHEST_RATE = 1000, 800_000  # samples a second
_MOST_CHANNELS = 64  # of a recorder of production sound


@dataclass(frozen=True, eq=False)
class Sound:
    """channels: (c, n) float32 at ``rate`` samples a second. start: seconds of its first sample by the file's clock.
    reference: seconds since midnight that a Broadcast Wave file (bext) says, else None."""

    channels: np.ndarray
    rate: float
    start: float
    reference: float | None = None

    @property
    def mono(self) -> np.ndarray:
        """(n,) the mean of the channels."""
        mean: np.ndarray = self.channels.mean(0)
        return mean


@dataclass(frozen=True)
class Lag:
    """later: seconds that the second recording's clock is behind: a sound at t in the first is at t - later in the
    second. pace: seconds of the first's clock in a second of the second's. clear: whether the sounds leave no doubt."""

    later: float
    pace: float
    clear: bool


def read_sound(path: Path, longest: float = _LONGEST) -> Sound | None:
    """The first sound track, at 24 kHz; None when there is none. Raises UnreadableImage.

    longest: seconds that are read at most; 600 without it, and less of a track with more than eight channels.
    """
    av = optional_module("av", "video")
    try:
        container = av.open(str(path), metadata_errors="replace")
    except (av.FFmpegError, OSError) as error:
        raise UnreadableImage(f"cannot be opened ({error.strerror}); copy it again.") from None
    with container:
        if not container.streams.audio:
            return None
        stream = container.streams.audio[0]
        if stream.codec_context is None:
            return None
        channels = stream.codec_context.channels
        rate = stream.codec_context.sample_rate
        if not _LOWEST_RATE <= rate <= _HIGHEST_RATE:
            raise UnreadableImage(f"states {rate} samples of sound a second, which no recorder makes; copy it again.")
        if not 1 <= channels <= _MOST_CHANNELS:
            raise UnreadableImage(
                f"states {channels} channels of sound, of which at most {_MOST_CHANNELS} are read; copy it again, or "
                "keep the channel that all cameras share."
            )
        # samples of all channels in turn: PyAV crashes on more than seven channels of which each stands for itself
        resampler = av.AudioResampler(format="flt", rate=_RATE)
        most = min(longest, _LONGEST * _FEW_CHANNELS / channels) * _RATE * channels
        parts, start, count = [], None, 0
        try:
            for frame in container.decode(stream):
                if start is None:
                    start = float(frame.pts * frame.time_base) if frame.pts is not None else 0.0
                parts += [part.to_ndarray() for part in resampler.resample(frame)]
                count += parts[-1].shape[1] if parts else 0
                if count > most:
                    break
            else:
                parts += [part.to_ndarray() for part in resampler.resample(None)]
        except av.FFmpegError as error:
            raise UnreadableImage(f"has sound that cannot be decoded ({error.strerror}); copy it again.") from None
        told = container.metadata.get("time_reference")
        reference = int(told) / rate if told is not None and told.isdigit() else None
    if not parts:
        return None
    samples = np.concatenate(parts, 1).reshape(-1, channels).T
    return Sound(np.ascontiguousarray(samples, np.float32), float(_RATE), start or 0.0, reference)


def find_lag(first: Sound, second: Sound) -> Lag:
    """How the clock of the second recording stands to the first's, from one sound that both recorded.

    Loudness is searched first, over all lags; then stretches of both are compared finely, which also tells the pace.
    """
    a, b = (_envelope(sound) for sound in (first, second))
    lag, clear = _best(a, b)
    rough = lag / _ENVELOPE
    stretches = _stretches(first, second, rough)
    if not clear or not stretches:
        return Lag(rough + first.start - second.start, 1.0, False)
    at = np.array([where for where, _ in stretches])
    later = np.array([value for _, value in stretches])
    pace = 1.0
    if np.ptp(at) > 5.0:  # a slope over less is noise
        slope, _ = np.polyfit(at, later, 1)
        pace = 1.0 + float(slope)
    offset = float(np.median(later - (pace - 1.0) * at))
    return Lag(offset + first.start - pace * second.start, pace, True)


def _envelope(sound: Sound) -> np.ndarray:
    """Loudness, ``_ENVELOPE`` values a second, of what changes."""
    step = int(sound.rate / _ENVELOPE)
    mono = np.diff(sound.mono, prepend=sound.mono[:1])
    count = len(mono) // step
    loud = np.log(1e-4 + np.abs(mono[: count * step]).reshape(count, step).mean(1))
    smooth = np.convolve(np.pad(loud, 100, mode="edge"), np.ones(201) / 201, "valid")
    return loud - smooth[: len(loud)]


def _best(a: np.ndarray, b: np.ndarray) -> tuple[int, bool]:
    """The lag at which ``b`` moved later by it fits ``a`` best, and whether it stands out."""
    if min(len(a), len(b)) < _ENVELOPE or not a.any() or not b.any():
        return 0, False
    size = _padded(len(a) + len(b))
    score = np.fft.irfft(np.fft.rfft(a, size) * np.conj(np.fft.rfft(b, size)), size)
    best = int(np.argmax(score))
    around = np.abs((np.arange(size) - best + size // 2) % size - size // 2)
    others = score[around > _ENVELOPE // 10]
    clear = bool(score[best] > _CLEAR * others.std() and others.max() < _NEXT * score[best])
    return best if best < len(a) else best - size, clear


def _stretches(first: Sound, second: Sound, rough: float) -> list[tuple[float, float]]:
    """Seconds in the second recording, and how much later that is in the first, of some stretches of both."""
    rate, whole, other = first.rate, first.mono, second.mono
    begin, end = max(0.0, -rough), min(len(other) / rate, len(whole) / rate - rough)
    length = min(_WINDOW, max((end - begin) / 5, 1.0))
    if length > end - begin:
        return []
    found = []
    for at in np.linspace(begin, end - length, 7 if end - begin > 3 * length else 1):
        b = other[int(at * rate) : int((at + length) * rate)]
        reach = 0.05 + 1e-3 * at  # a clock may drift
        low = max(0, int((at + rough - reach) * rate))
        a = whole[low : int((at + rough + length + reach) * rate)]
        if len(a) < len(b) or not b.any():
            continue
        size = _padded(len(a) + len(b))
        cross = np.fft.rfft(a, size) * np.conj(np.fft.rfft(b, size))
        score = np.fft.irfft(cross / np.maximum(np.abs(cross), 1e-3 * np.abs(cross).max()), size)
        best = int(np.argmax(score[: len(a) - len(b) + 1]))
        if score[best] > _CLEAR * score.std():
            found.append((float(at), (low + best) / rate - float(int(at * rate)) / rate))
    return found


def _padded(length: int) -> int:
    """A length that is quick to transform."""
    return 1 << (length - 1).bit_length()
