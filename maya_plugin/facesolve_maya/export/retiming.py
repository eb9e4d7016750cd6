"""Which take frame each scene time shows, also where the scene holds its footage, slows it down or turns it back.

An image is solved once, in the order in which it was filmed, and keyed wherever it is shown. Knows no node.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import List, Tuple

import numpy as np

from facesolve.take import Camera
from facesolve_maya.scene.findings import Refusal, Report

from .footage import CameraFootage

_STILL = 1e-6  # relative


@dataclass(frozen=True, eq=False)
class Retiming:
    """The images that scene times (T,) show.

    numbers: (T,) take frame number at each time. frames: (F,) the numbers, rising, each once. rows: (F,) the earliest
    time that shows each. repeats: (R,) the other times. offsets: of each camera, image number = frame + offset.
    """

    numbers: np.ndarray
    frames: np.ndarray
    rows: np.ndarray
    repeats: np.ndarray
    offsets: List[int]

    @property
    def retimed(self) -> bool:
        """True where an image is shown twice, or a later one before an earlier one."""
        return bool(len(self.repeats)) or bool((np.diff(self.rows) < 0).any())


def retiming(found: List[CameraFootage], times: Tuple[float, ...]) -> Retiming:
    """How the footage of all cameras is shown over scene times.

    Frames are the scene's frames where these are whole numbers and the images keep step, else the first camera's
    image numbers. Refusal names a camera whose images do not keep step with the first one's.
    """
    whole = np.rint(times).astype(np.int64)
    numbers = whole
    if np.abs(whole - np.array(times)).max() > 1e-6 or np.ptp(found[0].numbers - whole):
        numbers = np.asarray(found[0].numbers, np.int64)
    offsets = []
    for camera in found:
        steps = np.asarray(camera.numbers) - numbers
        if np.ptp(steps):
            at = int(np.flatnonzero(steps != steps[0])[0])
            raise Refusal(
                camera.camera,
                "its image numbers are out of step: at scene frame {:g} it shows image {}, expected {}.".format(
                    times[at], camera.numbers[at], int(numbers[at] + steps[0])
                ),
                "Give the footage of all cameras the same numbering, or correct the image plane's frame extension.",
            )
        offsets.append(int(steps[0]))
    frames, rows = np.unique(numbers, return_index=True)
    repeats = np.setdiff1d(np.arange(len(numbers)), rows)
    return Retiming(numbers, frames, rows, repeats, offsets)


def say_of_retiming(found: Retiming, times: Tuple[float, ...], report: Report) -> None:
    """A note that footage is held or turned back, so that nobody wonders about the count of frames."""
    if not found.retimed:
        return
    held = "{} of {} scene frames repeat an image".format(len(found.repeats), len(times))
    back = "; part of it runs backward" if (np.diff(found.numbers) < 0).any() else ""
    report.note("scene", "the footage is retimed: {}{}. Each image is solved once.".format(held, back))


def camera_of(camera: Camera, found: Retiming, times: Tuple[float, ...], report: Report) -> Camera:
    """A camera with parameters at scene times (T,) as one with parameters at the take's frames (F,).

    A warning where it moves while its image is the same.
    """
    changes, moves = {}, np.zeros(len(found.repeats), bool)
    shown_first = np.searchsorted(found.frames, found.numbers[found.repeats])
    for name, still in (("intrinsics", 2), ("rotation", 2), ("translation", 1)):
        values = getattr(camera, name)
        if values.ndim > still:
            changes[name] = values[found.rows]
            apart = np.abs(values[found.repeats] - changes[name][shown_first])
            moves |= apart.max(axis=tuple(range(1, apart.ndim))) > _STILL * np.abs(values).max()
    if moves.any():
        report.warning(
            camera.name,
            "it moves while its footage is held, at scene frame {:g}; it is taken to stand where it was when the image "
            "was shown first.".format(times[int(found.repeats[np.argmax(moves)])]),
            "Retime the camera together with its footage.",
        )
    return replace(camera, **changes) if changes else camera
