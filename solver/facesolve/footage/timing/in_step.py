"""Which images of several free-running cameras belong together, by times on a common clock. Opens no file.

Frames are those of an even grid through the images of the camera that films most evenly; each camera gives the image
nearest in time to each. What does not fit is told in a table, one row a camera.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from facesolve.take import FootageError
from facesolve.take.timecode import Timecode, rational_rate

from .camera_times import CameraTimes

_RATES = 0.05  # cameras whose rates differ by more film at different rates
_MOST_MISSING = 0.25  # of the frames: a camera that lacks more is not in step
_UNEVEN = 0.1  # of a frame: times that jitter by more are of a variable rate
_LATE = 0.25  # of a frame


@dataclass(frozen=True)
class InStepCamera:
    """How one camera's images fall on the frames 0, 1, ...: runs of (first frame, last, image number of the first);
    dropped: frames without an image; count: its images. later: frames from the first camera's first image to its own.
    drift: parts in a million by which it films faster than the grid. uneven: whether its rate varies. worst: largest
    difference in time from a frame, seconds. source: what tells its time."""

    camera: str
    runs: tuple[tuple[int, int, int], ...]
    dropped: tuple[int, ...]
    count: int
    rate: float
    later: float
    drift: float
    uneven: bool
    worst: float
    source: str
    label: str


@dataclass(frozen=True)
class InStep:
    """frames: how many all cameras have in common. fps: of the grid. start: timecode of frame 0, where it is known."""

    cameras: tuple[InStepCamera, ...]
    frames: int
    fps: Fraction
    start: Timecode | None

    @property
    def table(self) -> tuple[str, ...]:
        """A heading, then a row for each camera."""
        return _table(self.cameras)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences about cameras that film evenly but between the others' images."""
        return tuple(
            f"warning: camera '{camera.camera}' films up to {camera.worst * float(self.fps):.2f} of a frame away from "
            "the others; their shutters are not locked. A solve finds the part of a frame by which a camera is late."
            for camera in self.cameras
            if not camera.uneven and camera.worst * float(self.fps) > _LATE
        )


def put_in_step(cameras: Sequence[CameraTimes]) -> InStep:
    """The frames that all cameras have. Frame 0 is the first of the grid that all of them cover.

    Raises FootageError with the table when rates differ, recordings do not overlap, or a camera lacks too many frames.
    """
    grid, step = _grid(min(cameras, key=_unevenness))
    rates = {camera.camera: camera.rate for camera in cameras if camera.rate} or {cameras[0].camera: 0.0}
    slow, fast = min(rates, key=rates.__getitem__), max(rates, key=rates.__getitem__)
    begin, end = max(float(c.common[0]) for c in cameras), min(float(c.common[-1]) for c in cameras)
    first = int(np.ceil((begin - grid) / step - 0.5))
    frames = int(np.floor((end - grid) / step + 0.5)) - first + 1
    matched = tuple(_matched(camera, cameras[0], grid, step, first, max(frames, 0)) for camera in cameras)
    if rates[fast] > rates[slow] * (1 + _RATES):
        raise _not_in_step(
            matched, f"camera '{fast}' films {rates[fast]:.4g} images a second and '{slow}' {rates[slow]:.4g}"
        )
    if frames < 1:
        raise _not_in_step(matched, "the recordings do not overlap")
    for camera in matched:
        if len(camera.dropped) > _MOST_MISSING * frames:
            raise _not_in_step(
                matched, f"camera '{camera.camera}' has no image of {len(camera.dropped)} of {frames} frames"
            )
    return InStep(matched, frames, rational_rate(1 / step), _start(cameras, grid + step * first))


def _unevenness(camera: CameraTimes) -> float:
    """How far its images are from an even grid, in parts of a frame, rounded so that the first of equals counts."""
    start, step = _grid(camera)
    place = (camera.common - start) / step
    return round(float(np.abs(place - np.rint(place)).mean()), 3)


def _grid(camera: CameraTimes) -> tuple[float, float]:
    """(start, step) of the even grid through a camera's images; dropped images leave holes in it."""
    times = camera.common
    if len(times) < 2:
        return float(times[0]), 1 / 25
    steps = np.diff(times)
    step = float(np.median(steps))
    step = float(steps[steps < 1.5 * step].mean())
    start, count = float(times[0]), 8
    while True:
        some = times[:count]
        numbers = np.rint((some - start) / step)
        if numbers[-1] > 0:
            step, start = (float(value) for value in np.polyfit(numbers, some, 1))
        if count >= len(times):
            return start, step
        count *= 2


def _matched(camera: CameraTimes, base: CameraTimes, grid: float, step: float, first: int, frames: int) -> InStepCamera:
    times = camera.common
    wanted = grid + step * (first + np.arange(frames))
    after = np.clip(np.searchsorted(times, wanted), 1, max(len(times) - 1, 1))
    before = after - 1
    nearest = np.where(np.abs(times[before] - wanted) <= np.abs(times[after % len(times)] - wanted), before, after)
    nearest = np.minimum(nearest, len(times) - 1)
    off = times[nearest] - wanted
    keep = np.abs(off) <= step * (0.5 + 1e-6)
    for index in np.flatnonzero(np.diff(nearest) == 0):  # one image for two frames: the nearer has it
        keep[index if abs(off[index]) > abs(off[index + 1]) else index + 1] = False
    runs: list[tuple[int, int, int]] = []
    for frame in np.flatnonzero(keep).tolist():
        image = int(nearest[frame])
        if runs and runs[-1][1] == frame - 1 and runs[-1][2] + frame - runs[-1][0] == image:
            runs[-1] = (runs[-1][0], frame, runs[-1][2])
        else:
            runs.append((frame, frame, image))
    steps = np.diff(times)
    own = float(np.median(steps)) if len(steps) else step
    even = np.abs(steps / own - np.maximum(np.rint(steps / own), 1)) < _UNEVEN
    _, pace = _grid(camera)
    return InStepCamera(
        camera.camera,
        tuple(runs),
        tuple(np.flatnonzero(~keep).tolist()),
        len(times),
        1 / pace,
        (float(times[0]) - float(base.common[0])) / step,
        1e6 * (step / pace - 1) if even.all() else 0.0,
        not bool(even.all()),
        float(np.abs(off[keep]).max()) if keep.any() else 0.0,
        camera.source,
        "" if camera.label is None else str(camera.label),
    )


def _start(cameras: Sequence[CameraTimes], at: float) -> Timecode | None:
    """The label of the common time ``at``, of the first camera that has labels."""
    for camera in cameras:
        if camera.label is not None:
            label = camera.label
            return Timecode(round(at * float(label.rate)), label.rate, label.drop)
    return None


def _not_in_step(cameras: Sequence[InStepCamera], why: str) -> FootageError:
    rows = "; ".join(_row(camera) for camera in cameras)
    return FootageError(
        f"the cameras are not in step: {why}. {rows}. Choose other files, or say how they belong together with --sync."
    )


def _row(camera: InStepCamera) -> str:
    """One camera's row as words, for a sentence."""
    label = f" from {camera.label}" if camera.label else ""
    drop = f", {len(camera.dropped)} frames without an image" if camera.dropped else ""
    varies = ", variable rate" if camera.uneven else ""
    return (
        f"'{camera.camera}': {camera.count} images{label}, {camera.rate:.5g} a second{varies}, begins "
        f"{camera.later:+.2f} frames later{drop}, by {camera.source}"
    )


def _table(cameras: Sequence[InStepCamera]) -> tuple[str, ...]:
    head = ("camera", "images", "first", "a second", "begins, frames", "drift, ppm", "no image", "worst, ms", "time by")
    rows = [head]
    for c in cameras:
        drift = "varies" if c.uneven else f"{round(c.drift) + 0.0:+.0f}"
        lost = _spans(c.dropped)
        rows.append(
            (
                c.camera,
                str(c.count),
                c.label or "-",
                f"{c.rate:.3f}",
                f"{c.later:+.2f}",
                drift,
                lost,
                f"{1e3 * c.worst:.1f}",
                c.source,
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return tuple("  ".join(text.ljust(w) for text, w in zip(row, widths, strict=True)).rstrip() for row in rows)


def _spans(frames: Sequence[int]) -> str:
    """``3, 7-9``, cut after a few; ``none``."""
    if not frames:
        return "none"
    starts = [k for k, n in enumerate(frames) if k == 0 or frames[k - 1] != n - 1]
    ends = [*(start - 1 for start in starts[1:]), len(frames) - 1]
    spans = [str(frames[a]) if a == b else f"{frames[a]}-{frames[b]}" for a, b in zip(starts, ends, strict=True)]
    return ", ".join(spans[:4]) + (", ..." if len(spans) > 4 else "")
