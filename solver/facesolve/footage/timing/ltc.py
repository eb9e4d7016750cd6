"""Linear timecode (LTC, SMPTE ST 12-1) in a sound track: labels and where they stand. Knows no files."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from facesolve.take.timecode import Timecode, nominal, usual_rate

_BITS = 80
_SYNC = np.array([int(bit) for bit in "0011111111111101"])
_FEWEST = 10  # labels that rise one by one, to be sure that it is timecode
_HYSTERESIS = 0.15  # of the loudest: smaller turns are noise
_FIELDS = {"frames": ((0, 4), (8, 2)), "seconds": ((16, 4), (24, 3)), "minutes": ((32, 4), (40, 3))}
_HOURS = ((48, 4), (56, 2))
_DROP = 10
_SPREAD, _MOST_FIT = 0.2, 0.8  # of a bit; part of the intervals


@dataclass(frozen=True, eq=False)
class LinearTimecode:
    """Labels of a sound track: positions (n,), in samples, where each label's frame begins, rising; and the labels."""

    positions: np.ndarray
    labels: tuple[Timecode, ...]

    def clock(self, sample_rate: float) -> tuple[float, float]:
        """(start, pace): the timecode's seconds at the track's beginning, and its seconds in a second of the track.

        A recorder whose clock is fast has a pace below 1. Fitted to all labels, outliers left out.
        """
        at = self.positions / sample_rate
        told = np.array([float(label.seconds) for label in self.labels])
        keep = np.ones(len(at), bool)
        for _ in range(3):
            pace, start = np.polyfit(at[keep], told[keep], 1) if keep.sum() > 1 else (1.0, told[0] - at[0])
            off = np.abs(told - (start + pace * at))
            keep = off <= max(3 * np.median(off), 1e-4)
        return float(start), float(pace)


def decode_ltc(samples: np.ndarray, sample_rate: float) -> LinearTimecode | None:
    """The timecode in mono ``samples`` (n,); None when there is none.

    Forward only. The frame rate is what the spacing of the labels says, 29.97 where numbers are dropped.
    """
    if not any(_two_lengths(np.diff(_turns(part))) for part in _parts(samples, int(sample_rate))):
        return None
    turns = _turns(samples)
    if len(turns) < _BITS * _FEWEST:
        return None
    bits, begins = _bits(turns)
    if len(bits) < _BITS * 2:
        return None
    windows = np.lib.stride_tricks.sliding_window_view(bits, len(_SYNC))
    ends = np.flatnonzero((windows == _SYNC).all(1)) + len(_SYNC)
    starts = [end - _BITS for end in ends.tolist() if end >= _BITS]
    frames = [(start, _label(bits[start : start + _BITS])) for start in starts]
    return _counted([(begins[start], label) for start, label in frames if label is not None], sample_rate)


def _parts(samples: np.ndarray, second: int) -> list[np.ndarray]:
    """A second at the beginning, in the middle and at the end: most sounds are told apart from timecode by these."""
    if len(samples) < 8 * second:
        return [samples]
    return [samples[at : at + second] for at in (second, len(samples) // 2, len(samples) - 2 * second)]


def _turns(samples: np.ndarray) -> np.ndarray:
    """(n,) positions where the signal crosses zero, between samples; small noise is left out."""
    if not len(samples) or not np.ptp(samples):
        return np.zeros(0)
    some = samples[:: max(1, len(samples) // 100_000)]
    low, high = np.percentile(some, (5, 95))
    centered = np.asarray(samples, np.float64) - (low + high) / 2
    level = _HYSTERESIS * np.percentile(np.abs(some - (low + high) / 2), 90)
    state = np.sign(centered) * (np.abs(centered) > level)
    known = np.flatnonzero(state)
    changes = np.flatnonzero(np.diff(state[known]))
    before, after = known[changes], known[changes + 1]
    a, b = centered[before], centered[after]
    positions: np.ndarray = before + (after - before) * a / (a - b)
    return positions


def _two_lengths(intervals: np.ndarray) -> bool:
    """Whether nearly all intervals have one of two lengths, one twice the other, as no other sound has them."""
    if len(intervals) < _BITS:
        return False
    period = _period(intervals)
    ratio = intervals / period
    return bool(((np.abs(ratio - 1) < _SPREAD) | (np.abs(ratio - 0.5) < _SPREAD)).mean() > _MOST_FIT)


def _bits(turns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Biphase marks: (n,) bits, and (n,) positions where each begins. A long interval is 0, two short ones are 1."""
    intervals = np.diff(turns)
    period = _period(intervals)
    bits, begins = [], []
    index = 0
    while index < len(intervals):
        length = intervals[index]
        if 0.75 * period < length < 1.35 * period:
            bits.append(0)
            begins.append(turns[index])
            period += 0.05 * (length - period)  # tape speeds and rates differ
            index += 1
        elif index + 1 < len(intervals) and 0.75 * period < length + intervals[index + 1] < 1.35 * period:
            bits.append(1)
            begins.append(turns[index])
            period += 0.05 * (length + intervals[index + 1] - period)
            index += 2
        else:
            bits.append(2)  # damage: no sync word reaches over it
            begins.append(turns[index])
            index += 1
    return np.array(bits), np.array(begins)


def _period(intervals: np.ndarray) -> float:
    """The long interval: the upper of the two lengths that occur; a quarter or more of all are short."""
    short = np.percentile(intervals, 10)
    long = intervals[(intervals > 1.5 * short) & (intervals < 3 * short)]
    return float(np.median(long)) if len(long) > 0.1 * len(intervals) else 2.0 * float(short)


def _label(bits: np.ndarray) -> tuple[int, int, int, int, bool] | None:
    def value(field: tuple[tuple[int, int], tuple[int, int]]) -> int:
        digits = [sum(int(bits[first + n]) << n for n in range(count)) for first, count in field]
        return digits[0] + 10 * digits[1]

    if (bits > 1).any():
        return None
    frames, seconds, minutes = (value(_FIELDS[name]) for name in ("frames", "seconds", "minutes"))
    hours = value(_HOURS)
    if hours > 23 or minutes > 59 or seconds > 59 or frames > 29:
        return None
    return hours, minutes, seconds, frames, bool(bits[_DROP])


def _counted(found: list[tuple[float, tuple[int, int, int, int, bool]]], sample_rate: float) -> LinearTimecode | None:
    """Labels at their rate, of those that rise one by one; None when too few do."""
    if len(found) < _FEWEST:
        return None
    spacing = float(np.median(np.diff([position for position, _ in found])))
    rate = _rate(sample_rate / spacing, any(label[4] for _, label in found))
    base = nominal(rate)
    positions, labels = [], []
    for position, (hours, minutes, seconds, frames, drop) in found:
        if frames >= base:
            continue
        count = ((hours * 60 + minutes) * 60 + seconds) * base + frames
        if drop:
            whole = hours * 60 + minutes
            count -= base // 15 * (whole - whole // 10)
        positions.append(position)
        labels.append(Timecode(count, rate, drop))
    steps = np.diff([label.count for label in labels])
    if len(labels) < _FEWEST or (steps == 1).mean() < 0.8:
        return None
    return LinearTimecode(np.array(positions), tuple(labels))


def _rate(measured: float, drop: bool) -> Fraction:
    """The rate in use nearest to a measured one; clocks of recorders are off by much less than 0.05 %."""
    return usual_rate(min(measured, 30.0), drop)
