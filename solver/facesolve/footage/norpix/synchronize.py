"""Which images of several cameras were taken together, by the time stamps of their recordings. Knows no files.

The cameras are triggered by one signal at an even rate. But each recorder stamps by its own clock, sometimes late,
starts on its own, and may drop images. So each camera's images are numbered on an even grid of its own; which numbers
belong together follows from irregularities of the trigger that all saw, where they tell, else from the clocks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from facesolve.take import FootageError
from facesolve.take.footage import SYNC_MODES

STAMPS, START, NUMBER = SYNC_MODES[:3]

_RATE_TOLERANCE = 0.05
_CLOCK_TOLERANCE = 2e-4  # clocks of computers differ less in rate; recordings that differ more had no common trigger
_FAR = 0.25  # of a frame: a mismatch worth a warning
_MOST_MISSING = 100_000  # frames of a recording without an image
_JITTER_FRAMES, _JITTER_BEST, _JITTER_NEXT = 30, 0.8, 0.75


@dataclass(frozen=True, eq=False)
class Recording:
    """Images of one camera: stamps (N,) int64 microseconds by its own clock."""

    camera: str
    stamps: np.ndarray


@dataclass(frozen=True)
class CameraMatch:
    """How one camera's images fall on the common frames 0, 1, ...

    runs: (first frame, last frame, image number of the first), as ``Footage.images``. dropped: common frames without
    an image. count: images of the recording; unused: those outside the common frames. ahead: seconds that its clock is
    ahead of the first camera's.
    """

    camera: str
    runs: tuple[tuple[int, int, int], ...]
    dropped: tuple[int, ...]
    count: int
    unused: int
    ahead: float


@dataclass(frozen=True)
class Mismatch:
    """The two cameras whose stamps of ``frame`` differ most, by ``seconds``, the clocks' difference taken off.

    far: number of frames whose stamps differ by more than a quarter of a frame.
    """

    seconds: float
    frame: int
    cameras: tuple[str, str]
    far: int


@dataclass(frozen=True)
class Synchronization:
    """frames: number of common frames. fps: measured images a second, 0 when unknown. warnings: sentences."""

    cameras: tuple[CameraMatch, ...]
    frames: int
    fps: float
    worst: Mismatch | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _Timeline:
    """One camera's images on its grid: image i is frame ``numbers[i]`` (N,), the first 0, and was stamped ``late[i]``
    (N,) seconds after ``start + step * numbers[i]``."""

    camera: str
    numbers: np.ndarray
    late: np.ndarray
    start: float
    step: float


def synchronize(
    recordings: Sequence[Recording], mode: str = STAMPS, ahead: Mapping[str, float] | None = None
) -> Synchronization:
    """Matches the images of ``recordings``. Frame 0 is the first that all cameras were recording.

    mode: ``stamps``; ``start`` when the first images of all cameras were taken together, whatever their clocks say;
    ``number`` to match equal image numbers and ignore the stamps. ahead: known seconds that a camera's clock is ahead,
    by camera name. Raises FootageError naming the camera whose stamps cannot be used or do not fit the others'.
    """
    if mode == NUMBER:
        return _by_number(recordings)
    times = [_seconds(recording, recordings[0]) for recording in recordings]
    lines = _timelines(recordings, times)
    shifts = [0]
    for line in lines[1:]:
        shifts.append(0 if mode == START else _shift(lines[0], line, ahead or {}))
    first = max(shifts)
    last = min(shift + int(line.numbers[-1]) for shift, line in zip(shifts, lines, strict=True))
    if last < first:
        raise _no_overlap(lines, shifts)
    table = [
        {int(n) + shift - first: image for image, n in enumerate(line.numbers)}
        for line, shift in zip(lines, shifts, strict=True)
    ]
    frames = last - first + 1
    matches = tuple(
        _camera_match(recording, images, frames, line.start - lines[0].start - shift * lines[0].step)
        for recording, images, line, shift in zip(recordings, table, lines, shifts, strict=True)
    )
    worst = _worst(lines, table, frames)
    fps = 1 / lines[0].step if max(len(t) for t in times) > 1 else 0.0
    return Synchronization(matches, frames, fps, worst, tuple(_warnings(matches, worst, frames, lines[0].step)))


def frame_rate(stamps: np.ndarray) -> float:
    """Images a second of the (N,) microseconds ``stamps``, dropped images left out of account; 0 when unknown."""
    steps = np.diff(stamps)
    if len(steps) == 0 or steps.min() <= 0:
        return 0.0
    return 1e6 / float(steps[steps < 1.5 * np.median(steps)].mean())


def _seconds(recording: Recording, first: Recording) -> np.ndarray:
    """Seconds since the first camera's first image, by the camera's own clock. FootageError when stamps do not rise."""
    stamps = recording.stamps
    if stamps.any():  # space reserved for images that were never recorded has stamps of 0
        stamps = stamps[: np.flatnonzero(stamps)[-1] + 1]
    fall = np.flatnonzero(np.diff(stamps) <= 0)
    if len(fall) or not stamps[0]:
        where = f"do not increase from image {fall[0]} to {fall[0] + 1}" if len(fall) else "are empty"
        raise FootageError(
            f"camera '{recording.camera}': the time stamps {where}; match the cameras by image numbers "
            "('--sync number'), or record or export again."
        )
    return (stamps - first.stamps[0]) / 1e6


def _timelines(recordings: Sequence[Recording], times: Sequence[np.ndarray]) -> list[_Timeline]:
    """The images of each camera numbered; FootageError when the cameras' rates differ."""
    rates = [frame_rate(np.rint(t * 1e6).astype(np.int64)) for t in times]
    known = [(rate, r.camera) for rate, r in zip(rates, recordings, strict=True) if rate]
    slow, fast = (min(known), max(known)) if known else ((1.0, ""), (1.0, ""))  # one image each: any rate will do
    if fast[0] > slow[0] * (1 + _RATE_TOLERANCE):
        raise FootageError(
            f"camera '{fast[1]}' recorded {fast[0]:.5g} images a second and '{slow[1]}' {slow[0]:.5g}; only recordings "
            "of equal rate can be matched."
        )
    lines: list[_Timeline] = []
    for recording, t, rate in zip(recordings, times, rates, strict=True):
        line = _numbered(recording.camera, t, *_grid(t, 1 / (rate or fast[0])))
        if lines and abs(line.step / lines[0].step - 1) > _CLOCK_TOLERANCE:
            line = _numbered(recording.camera, t, line.start, lines[0].step)
        lines.append(line)
    return lines


def _grid(times: np.ndarray, period: float) -> tuple[float, float]:
    """(start, step) in seconds of the even grid that fits the rising (N,) ``times``; ``period`` is nearly its step."""
    start, step, count = float(times[0]), period, 8
    while True:
        some = times[:count]
        numbers = np.rint((some - start) / step)
        if numbers[-1] > 0:
            step, start = np.polyfit(numbers, some, 1).tolist()
        if count >= len(times):
            return start, step
        count *= 2  # a longer stretch makes the step exact enough to number the next one


def _numbered(camera: str, times: np.ndarray, start: float, step: float) -> _Timeline:
    """Images of ``times`` (N,) put on the grid of ``start`` and ``step``, one on each number at most, in order.

    Recorders stamp late rather than early: of two images that round to one number the earlier belongs one before.
    """
    position = (times - start) / step
    turn = float(np.angle(np.exp(2j * np.pi * position).mean())) / (2 * np.pi)  # where the images are on the grid
    numbers = np.rint(position - turn).astype(np.int64)
    ordinal = np.arange(len(numbers))
    if numbers[-1] - numbers[0] - ordinal[-1] > _MOST_MISSING:
        image = int(np.argmax(np.diff(numbers)))
        raise FootageError(
            f"camera '{camera}': the time stamps jump by {times[image + 1] - times[image]:.0f} s after image {image}; "
            "match the cameras by image numbers ('--sync number')."
        )
    numbers = np.minimum.accumulate((numbers - ordinal)[::-1])[::-1] + ordinal
    begin = times - step * numbers
    middle = float(np.median(begin))
    first = int(numbers[0])
    return _Timeline(camera, numbers - first, begin - middle, middle + step * first, step)


def _shift(base: _Timeline, other: _Timeline, ahead: Mapping[str, float]) -> int:
    """Number on ``base`` of the first image of ``other``."""
    known = base.camera in ahead or other.camera in ahead
    if not known:
        found = _by_jitter(base, other)
        if found is not None:
            return found
    difference = ahead.get(other.camera, 0.0) - ahead.get(base.camera, 0.0)
    # clocks may differ a little in rate: compare in the middle of what both recorded
    begin = max(base.start, other.start - difference)
    end = min(base.start + base.step * base.numbers[-1], other.start - difference + other.step * other.numbers[-1])
    middle = round(((begin + end) / 2 + difference - other.start) / other.step)
    return round((other.start + other.step * middle - difference - base.start) / base.step) - middle


def _by_jitter(base: _Timeline, other: _Timeline) -> int | None:
    """Number on ``base`` of the first image of ``other``, where the jitter that both share tells it beyond doubt."""
    lines = (base, other)
    if any(len(line.numbers) < _JITTER_FRAMES for line in lines):
        return None
    size = sum(int(line.numbers[-1]) + 1 for line in lines)
    values, masks = np.zeros((2, size)), np.zeros((2, size))
    for row, line in enumerate(lines):
        bound = 3 * np.median(np.abs(line.late))  # one late stamp must not decide
        values[row, line.numbers], masks[row, line.numbers] = np.clip(line.late, -bound, bound), 1

    def correlate(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """(2 size,) sums of a[k + lag] b[k]; negative lags stand at the end."""
        return np.fft.irfft(np.fft.rfft(a, 2 * size) * np.conj(np.fft.rfft(b, 2 * size)), 2 * size)

    enough = np.rint(correlate(*masks)) >= max(_JITTER_FRAMES, min(len(line.numbers) for line in lines) // 2)
    power = correlate(values[0] ** 2, masks[1]) * correlate(masks[0], values[1] ** 2)
    score = np.where(enough & (power > 0), correlate(*values) / np.sqrt(np.maximum(power, 1e-30)), 0)
    best = int(np.argmax(score))
    if score[best] < _JITTER_BEST or np.delete(score, best).max() > _JITTER_NEXT * score[best]:
        return None
    return best if best < size else best - 2 * size


def _no_overlap(lines: Sequence[_Timeline], shifts: Sequence[int]) -> FootageError:
    late = int(np.argmax(shifts))
    early = int(np.argmin([shift + line.numbers[-1] for shift, line in zip(shifts, lines, strict=True)]))
    apart = (shifts[late] - shifts[early]) * lines[0].step
    return FootageError(
        f"cameras '{lines[early].camera}' and '{lines[late].camera}': their recordings do not overlap (by their clocks "
        f"they began {apart:.3f} s apart); if the clocks differ, align them with '--sync start' or "
        f"'--clock {lines[late].camera}=SECONDS'."
    )


def _camera_match(recording: Recording, images: Mapping[int, int], frames: int, ahead: float) -> CameraMatch:
    runs: list[tuple[int, int, int]] = []
    dropped = []
    for frame in range(frames):
        number = images.get(frame)
        if number is None:
            dropped.append(frame)
        elif runs and runs[-1][1] == frame - 1 and images[frame - 1] == number - 1:
            runs[-1] = (runs[-1][0], frame, runs[-1][2])
        else:
            runs.append((frame, frame, number))
    count = len(recording.stamps)
    return CameraMatch(recording.camera, tuple(runs), tuple(dropped), count, count - frames + len(dropped), ahead)


def _worst(lines: Sequence[_Timeline], table: Sequence[Mapping[int, int]], frames: int) -> Mismatch | None:
    """The largest difference within a frame; None for a single camera."""
    late = np.full((len(lines), frames), np.nan)
    for row, line, images in zip(late, lines, table, strict=True):
        inside = [(frame, image) for frame, image in images.items() if 0 <= frame < frames]
        row[[frame for frame, _ in inside]] = line.late[[image for _, image in inside]]
    apart = np.where(np.isnan(late), -np.inf, late).max(axis=0) - np.where(np.isnan(late), np.inf, late).min(axis=0)
    apart[np.isnan(late).sum(axis=0) > len(lines) - 2] = -1  # fewer than two cameras saw the frame
    frame = int(np.argmax(apart))
    if apart[frame] < 0:
        return None
    pair = lines[int(np.nanargmin(late[:, frame]))].camera, lines[int(np.nanargmax(late[:, frame]))].camera
    return Mismatch(float(apart[frame]), frame, pair, int((apart > _FAR * lines[0].step).sum()))


def _warnings(matches: Sequence[CameraMatch], worst: Mismatch | None, frames: int, period: float) -> list[str]:
    told = []
    if worst is not None and worst.far:
        told.append(
            f"{worst.far} of {frames} frames are stamped more than a quarter of a frame apart (worst: "
            f"{1e3 * worst.seconds:.2f} ms, frame {worst.frame}, '{worst.cameras[0]}' and '{worst.cameras[1]}'): late "
            "stamps, or cameras without a common trigger signal."
        )
    for match in matches[1:]:
        part = abs(match.ahead) / period
        if _FAR < part < 1 - _FAR:
            told.append(
                f"the clock of camera '{match.camera}' differs from that of '{matches[0].camera}' by "
                f"{1e3 * match.ahead:+.2f} ms, {part:.0%} of a frame; this close to half a frame, the match may be "
                "off by one."
            )
    return told


def _by_number(recordings: Sequence[Recording]) -> Synchronization:
    frames = min(len(recording.stamps) for recording in recordings)
    matches = tuple(
        CameraMatch(r.camera, ((0, frames - 1, 0),), (), len(r.stamps), len(r.stamps) - frames, 0.0) for r in recordings
    )
    return Synchronization(matches, frames, frame_rate(recordings[0].stamps))
