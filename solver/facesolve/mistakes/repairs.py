"""Repairs of a take, one word each, such as ``units=mm`` or ``swap=left,right``. Nothing is read or written here.

A repair says what was wrong, and gives the take as it would be without it. Images stay as they are: of one that lies on
its side the camera is turned.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

import numpy as np

from facesolve.take import Camera, Footage, Take, TakeError
from facesolve.take.frame_range import part_of_take

UNITS = {"mm": 0.1, "m": 100.0, "inch": 2.54}
FLIP = np.diag([1.0, -1.0, -1.0])
Z_UP = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # y up to z up
TURNS = {
    90: np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]),
    180: np.diag([-1.0, -1, 1]),
    270: np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]]),
}
EVERY = "all"
Known = TypeVar("Known")
Placed = Callable[[np.ndarray, np.ndarray], "tuple[np.ndarray, np.ndarray]"]


def _across(rotation: np.ndarray, translation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    back = np.swapaxes(rotation, -1, -2)
    return back, -(back @ translation[..., None])[..., 0]


AXES: dict[str, Placed] = {
    "opengl": lambda r, t: (FLIP @ r, t @ FLIP),
    "camera-to-world": _across,
    "opengl-camera-to-world": lambda r, t: (FLIP @ _across(r, t)[0], _across(r, t)[1] @ FLIP),
    "row-vectors": lambda r, t: (np.swapaxes(r, -1, -2), t),
    "y-down": lambda r, t: (r @ FLIP, t),
    "z-up": lambda r, t: (r @ Z_UP, t),
    "z-down": lambda r, t: (r @ Z_UP.T, t),
}
WORDS = ("units", "axes", "swap", "rotate", "shift", "scale", "focal", "center", "distortion")


def repaired(take: Take, fix: str) -> Take:
    """The take without what ``fix`` names. Raises TakeError for a word or a camera that is not known.

    ``units=mm`` (m, inch), ``axes=opengl`` (see AXES), ``swap=A,B``, ``rotate=A:180`` (90, 270), ``shift=A:2`` (its
    images show what is two frames later), ``scale=A:2`` (of the intrinsics), ``focal=A:1.05``, ``center=A`` (the
    principal point in the middle), ``distortion=A`` (its sign turned). A is a camera, or ``all``.
    """
    word, _, value = fix.partition("=")
    if word not in WORDS or not value:
        raise TakeError(f"fix: '{fix}' is not known; expected one of {', '.join(f'{each}=...' for each in WORDS)}.")
    if word == "units":
        factor = _one_of(UNITS, value, fix)
        return _with(take, lambda camera: replace(camera, translation=camera.translation * factor))
    if word == "axes":
        placed = _one_of(AXES, value, fix)
        return _with(take, lambda camera: _placed(camera, placed))
    if word == "swap":
        return _swapped(take, value, fix)
    name, _, amount = value.partition(":")
    if name != EVERY and name not in [camera.name for camera in take.cameras]:
        raise TakeError(f"fix: the take has no camera '{name}'.")
    only = None if name == EVERY else name
    if word == "center":
        return _with(take, _centered, only)
    if word == "distortion":
        return _with(take, lambda camera: replace(camera, distortion=-camera.distortion), only)
    number = _number(amount, fix)
    if word == "rotate":
        if int(number) not in TURNS:
            raise TakeError(f"fix: '{fix}' turns by neither 90, 180 nor 270 degrees.")
        return _with(take, lambda camera: _turned(camera, int(number)), only)
    if word == "shift":
        return _shifted(take, only, int(number))
    if number <= 0:
        raise TakeError(f"fix: the factor in '{fix}' is not positive.")
    lines = slice(0, 2)
    return _with(take, lambda camera: _zoomed(camera, number, lines if word == "scale" else None), only)


def _one_of(known: Mapping[str, Known], value: str, fix: str) -> Known:
    if value not in known:
        raise TakeError(f"fix: '{fix}' is not known; expected one of {', '.join(known)}.")
    return known[value]


def _number(text: str, fix: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise TakeError(f"fix: '{fix}' lacks a number, as in 'shift=left:2'.")
    return value


def _with(take: Take, change: Callable[[Camera], Camera], only: str | None = None) -> Take:
    return replace(
        take, cameras=tuple(change(camera) if only in (None, camera.name) else camera for camera in take.cameras)
    )


def _placed(camera: Camera, placed: Placed) -> Camera:
    rotation, translation = placed(camera.rotation, camera.translation)
    return replace(camera, rotation=rotation, translation=translation)


def _swapped(take: Take, value: str, fix: str) -> Take:
    names = value.split(",")
    index = {camera.name: number for number, camera in enumerate(take.cameras)}
    if len(names) != 2 or not set(names) <= set(index):
        raise TakeError(f"fix: '{fix}' does not name two of the cameras {', '.join(index)}.")
    first, second = (index[name] for name in names)
    footage = list(take.footage)
    footage[first] = replace(take.footage[second], camera=names[0])
    footage[second] = replace(take.footage[first], camera=names[1])
    return replace(take, footage=tuple(footage))


def _turned(camera: Camera, degrees: int) -> Camera:
    """The camera of images that were turned clockwise. Its width and height are those of the images as they are."""
    turn, lens = TURNS[degrees], np.array(camera.intrinsics)
    x, y = lens[..., 0, 2].copy(), lens[..., 1, 2].copy()
    if degrees == 180:
        lens[..., 0, 2], lens[..., 1, 2] = camera.width - x, camera.height - y
    else:
        lens[..., 0, 0], lens[..., 1, 1] = (
            np.array(camera.intrinsics)[..., 1, 1],
            np.array(camera.intrinsics)[..., 0, 0],
        )
        lens[..., 0, 2], lens[..., 1, 2] = (camera.width - y, x) if degrees == 90 else (y, camera.height - x)
    distortion = camera.distortion.copy()
    if len(distortion) >= 4 and camera.lens == "brown":
        p1, p2 = distortion[2:4]
        distortion[2:4] = {90: (p2, -p1), 180: (-p1, -p2), 270: (-p2, p1)}[degrees]
    return replace(
        camera,
        intrinsics=lens,
        rotation=turn @ camera.rotation,
        translation=camera.translation @ turn.T,
        distortion=distortion,
    )


def _centered(camera: Camera) -> Camera:
    lens = np.array(camera.intrinsics)
    lens[..., 0, 2], lens[..., 1, 2] = camera.width / 2, camera.height / 2
    return replace(camera, intrinsics=lens)


def _zoomed(camera: Camera, factor: float, lines: slice | None) -> Camera:
    """Intrinsics times a factor: the focal lengths alone, or both lines whole."""
    lens = np.array(camera.intrinsics)
    if lines is None:
        lens[..., 0, 0] *= factor
        lens[..., 1, 1] *= factor
    else:
        lens[..., lines, :] *= factor
    return replace(camera, intrinsics=lens)


def shifted(take: Take, only: str | None, frames: int) -> Take:
    """The take with images of another number, whether it has them or not."""

    def moved(footage: Footage) -> Footage:
        runs = tuple((first + frames, last + frames, image) for first, last, image in footage.images)
        return replace(footage, offset=footage.offset - frames, images=runs)

    return replace(take, footage=tuple(moved(each) if only in (None, each.camera) else each for each in take.footage))


def _shifted(take: Take, only: str | None, frames: int) -> Take:
    """``shifted``, without the frames at one end that would need images beyond the take's own."""
    if abs(frames) >= take.frame_count:
        raise TakeError(f"fix: the take is shorter than {abs(frames)} frames.")
    first, last = int(take.frames[0]), int(take.frames[-1])
    kept = part_of_take(take, first + max(frames, 0), last + min(frames, 0))
    return shifted(kept, only, frames)
