"""SMPTE timecode: frame counts, labels and seconds, with dropped numbers and rational rates. Opens no file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Union

from .errors import TakeError

DAY = 24 * 3600  # seconds by the labels
_LABEL = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})([:;.,])(\d{2,3})")


@dataclass(frozen=True)
class Timecode:
    """A label: frames since midnight at ``rate`` frames a second, and whether numbers are dropped (29.97, 59.94).

    At 29.97 a second of labels holds 30 frames, so labels run slower than a clock; dropped numbers make up for it.
    """

    count: int
    rate: Fraction
    drop: bool = False

    @property
    def seconds(self) -> Fraction:
        """Real seconds since the label 00:00:00:00."""
        return Fraction(self.count) / self.rate

    def __str__(self) -> str:
        base, number = nominal(self.rate), self.count
        if self.drop:
            lost, minute = _lost(base), base * 60 - _lost(base)
            tens, rest = divmod(number, minute * 10 + lost)
            number += lost * 9 * tens + (lost * ((rest - lost) // minute) if rest >= base * 60 else 0)
        seconds, frame = divmod(number, base)
        digits = max(2, len(str(base - 1)))
        return "{:02d}:{:02d}:{:02d}{}{:0{}d}".format(
            seconds // 3600 % 24, seconds // 60 % 60, seconds % 60, ";" if self.drop else ":", frame, digits
        )


def rational_rate(fps: Union[float, int, str, Fraction]) -> Fraction:
    """The exact rate that ``fps`` stands for: 29.97 is 30000/1001. Raises TakeError for what is no positive number."""
    try:
        rate = Fraction(fps)
    except (ValueError, ZeroDivisionError, OverflowError, TypeError):
        raise TakeError("fps: '{}' is not a rate; write it as 25, 29.97 or 30000/1001.".format(fps)) from None
    if rate <= 0:
        raise TakeError("fps: '{}' is not a positive number.".format(fps))
    whole = round(float(rate))
    for known in (Fraction(max(whole, 1)), Fraction(1000 * max(round(float(rate) * 1.001), 1), 1001)):
        if abs(float(rate / known) - 1) < 2e-5:
            return known
    return rate.limit_denominator(100000)


def usual_rate(measured: float, drop: bool = False) -> Fraction:
    """The rate of timecode that a camera which films ``measured`` images a second counts by; its clock may be off.

    drop: whether its labels have dropped numbers, as those of 29.97 and 59.94 do.
    """
    whole = [Fraction(n) for n in (24, 25, 30, 48, 50, 60, 100, 120)]
    slowed = [Fraction(1000 * n, 1001) for n in (24, 30, 48, 60, 120)]
    known = [rate for rate in slowed if nominal(rate) % 30 == 0] if drop else [*whole, *slowed]
    nearest = min(known, key=lambda rate: abs(float(rate) / measured - 1))
    return nearest if abs(float(nearest) / measured - 1) < 0.02 else rational_rate(measured)


def nominal(rate: Fraction) -> int:
    """Frame numbers in a second of labels: 30 at 29.97."""
    return max(round(float(rate)), 1)


def read_timecode(text: str, rate: Fraction) -> Timecode:
    """The label ``01:02:03:04``, with ``;`` before the frames where numbers are dropped. Raises TakeError.

    A label that cannot be is refused: minutes above 59, frames above the rate, numbers that are dropped.
    """
    match = _LABEL.fullmatch(text.strip())
    if match is None:
        raise TakeError("timecode: '{}' is not HH:MM:SS:FF, or HH:MM:SS;FF where numbers are dropped.".format(text))
    hours, minutes, seconds, frame = (int(match.group(n)) for n in (1, 2, 3, 5))
    base, drop = nominal(rate), match.group(4) != ":"
    if hours > 23 or minutes > 59 or seconds > 59 or frame >= base:
        raise TakeError("timecode: '{}' cannot be at {:g} frames a second.".format(text, float(rate)))
    if drop and (base % 30 or rate.denominator == 1):
        raise TakeError(
            "timecode: '{}' drops numbers, which {:g} frames a second do not; write it with a colon.".format(
                text, float(rate)
            )
        )
    if drop and frame < _lost(base) and seconds == 0 and minutes % 10:
        raise TakeError("timecode: '{}' is one of the numbers that are dropped.".format(text))
    count = ((hours * 60 + minutes) * 60 + seconds) * base + frame
    if drop:
        whole = hours * 60 + minutes
        count -= _lost(base) * (whole - whole // 10)
    return Timecode(count, rate, drop)


def timecode(frame: int, fps: float) -> str:
    """HH:MM:SS:FF of a frame number that counts from 0, without dropped numbers; at 23.976 a second holds 24 frames."""
    return ("-" if frame < 0 else "") + _plain(abs(frame), max(round(fps), 1))


def _plain(frame: int, rate: int) -> str:
    seconds, rest = divmod(frame, rate)
    digits = len(str(rate - 1))
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{rest:0{max(digits, 2)}d}"


def _lost(base: int) -> int:
    """Numbers dropped a minute."""
    return base // 15
