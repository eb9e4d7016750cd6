"""The words of the command line: what each argument and flag means, once for all commands."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from facesolve.take import FacesolveError, TakeError
from facesolve.take.device_names import check_device
from facesolve.take.frame_range import parse_frame_list, parse_frames
from facesolve.take.timecode import rational_rate


class UsageError(FacesolveError):
    """The command line itself is wrong."""


@dataclass(frozen=True)
class Word:
    """What a word on the command line stands for.

    metavar: what its value is called in help. help: where a command says nothing itself. read: makes the value of a
    text, and raises FacesolveError. several: the same of all texts, for a flag that may be given several times. short:
    a one-letter flag.
    """

    metavar: str = ""
    help: str = ""
    read: Callable[[str], Any] | None = None
    several: Callable[[Sequence[str]], Any] | None = None
    short: str = ""


def names(text: str) -> tuple[str, ...]:
    """The names in a text such as ``left,right``."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def all_names(texts: Sequence[str]) -> tuple[str, ...]:
    """The names in several such texts."""
    return tuple(name for text in texts for name in names(text))


def frame_list(text: str) -> tuple[int, ...]:
    """Frame numbers, rising, of a text like ``12,13`` or ``20-30``. Raises TakeError for anything else."""
    return tuple(sorted(parse_frame_list(text)))


def several_devices(text: str) -> tuple[str, ...]:
    """Names of devices of a text like ``0,1`` (CUDA indices) or ``cpu,cpu``. Raises UsageError for others."""
    parts = text.replace(" ", "").split(",")
    if set(parts) == {"cpu"}:
        return tuple(parts)
    indices = [re.fullmatch("(?:cuda:)?([0-9]+)", part) for part in parts]
    found = [f"cuda:{int(index[1])}" for index in indices if index is not None]
    if len(found) < len(parts):
        raise UsageError(f"devices: '{text}' is neither CUDA indices, like 0,1, nor cpu,cpu.")
    if len(set(found)) < len(found):
        raise UsageError(f"devices: '{text}' names a device twice.")
    return tuple(found)


def clocks(texts: Sequence[str]) -> dict[str, float]:
    """Seconds by camera name of texts like ``left=0.25``. Raises TakeError for anything else."""
    found = {}
    for text in all_names(texts):
        camera, equals, seconds = text.rpartition("=")
        try:
            value = float(seconds)
        except ValueError:
            equals = ""
        if not camera or not equals or not math.isfinite(value):
            raise TakeError(f"clock: '{text}' is not CAMERA=SECONDS, for example left=0.25.")
        found[camera] = value
    return found


def size_in_pixels(text: str) -> tuple[int, int]:
    """(width, height) of a text like ``1920x1080``. Raises TakeError for anything else."""
    found = re.fullmatch(r"([1-9]\d{0,5})x([1-9]\d{0,5})", text.strip().lower())
    if found is None:
        raise TakeError(f"image size: '{text}' is not a size such as 1920x1080.")
    return int(found[1]), int(found[2])


def distance(text: str) -> tuple[str, str, float]:
    """Two cameras and the centimeters between them, of a text like ``left,right=45.2``. Raises TakeError for others."""
    pair, _, length = text.rpartition("=")
    between = [name.strip() for name in pair.split(",")]
    try:
        value = float(length)
    except ValueError:
        value = math.nan
    if len(between) != 2 or not all(between) or not (math.isfinite(value) and value > 0):
        raise TakeError(f"distance: '{text}' is not A,B=CENTIMETERS, for example left,right=45.2.")
    return between[0], between[1], value


def distances(texts: Sequence[str]) -> tuple[tuple[str, str, float], ...]:
    """Several of what ``distance`` reads."""
    return tuple(distance(text) for text in texts)


def rate(text: str) -> float:
    """Frames a second of a text like ``25``, ``29.97`` or ``30000/1001``. Raises TakeError for anything else."""
    return float(rational_rate(text))


def three_lengths(text: str) -> tuple[float, float, float]:
    """Three centimeters of a text like ``0,120,-35.5``. Raises TakeError for anything else."""
    try:
        x, y, z = (float(part) for part in text.split(","))
    except ValueError:
        x = y = z = math.nan
    if not all(map(math.isfinite, (x, y, z))):
        raise TakeError(f"offset: '{text}' is not X,Y,Z in centimeters, for example 0,120,-35.5.")
    return x, y, z


def scale(text: str) -> float:
    """Centimeters in a unit of a camera file. Raises TakeError for what is no positive number."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise TakeError(f"scale: '{text}' is not a positive number of centimeters.")
    return value


WORDS: Mapping[str, Word] = {
    # inputs, in their places
    "take": Word("TAKE", "folder with take.json"),
    "takes": Word("TAKE...", "folders with take.json"),
    "action": Word(),
    "folder": Word("FOLDER"),
    "against": Word("SOLUTION"),
    "solution": Word("SOLUTION", "folder with solution.json"),
    "footage": Word("FOOTAGE"),
    "recording": Word("RECORDING"),
    "images": Word("IMAGES"),
    # inputs by flags
    "cameras": Word("FILE"),
    "other_cameras": Word("FILE", several=tuple),
    "only_cameras": Word("A,B", "these cameras only", read=names),
    "frames": Word("A-B", "first and last frame, both included (default: all)", read=parse_frames),
    "settings": Word("FILE", "settings file: TOML, or JSON of the same keys"),
    "fix": Word("WHAT=VALUE", several=tuple),
    "mask": Word("FILE", "vertices: .npy of one number per vertex, or a list of vertex numbers"),
    "region": Word("A:B", "also measure vertices A to B - 1"),
    "truth": Word("FILE"),
    "rig": Word("FILE"),
    "start": Word("FILE"),
    "texture": Word("FILE"),
    "actor": Word("FILE", "actor's profile that an earlier solve has written; its neutral is used, and refined"),
    "neutral": Word("FRAMES", read=frame_list),
    "edited": Word("FRAMES", read=frame_list),
    "matte": Word("PATTERN"),
    "name": Word("PATTERN"),
    "board": Word("KIND:SIZE"),
    "back": Word("KIND:SIZE"),
    "thickness": Word("MM"),
    "intrinsics": Word("FILE"),
    "extrinsics": Word("FILE"),
    "lens": Word("[CAMERA=]MODEL", several=all_names),
    "distance": Word("A,B=CM", read=distance),
    "distances": Word("A,B=CM", several=distances),
    "more_boards": Word("KIND:SIZE", several=tuple),
    "check": Word("A,B=CM", read=distance),
    "fps": Word("FPS", read=rate),
    "offset": Word("X,Y,Z", read=three_lengths),
    "scale": Word("CM", read=scale),
    "image_size": Word("WxH", read=size_in_pixels),
    "camera_images": Word("PATTERN"),
    "sound": Word("PATTERN"),
    "range": Word("TC-TC"),
    "cuts": Word("FILE"),
    "clock": Word("CAMERA=SECONDS", several=clocks),
    "origin": Word("VIEW"),
    "landmark_python": Word("FILE"),
    "landmark_model": Word("FILE"),
    "spacing": Word("CM"),
    # how and where
    "device": Word("DEVICE", "auto, cpu, cuda or cuda:N; auto uses CUDA when it is available", read=check_device),
    "devices": Word("0,1", read=several_devices),
    "resume": Word(help="continue what was begun"),
    # outputs
    "out": Word("OUT"),
    "solutions": Word("FOLDER"),
    "overwrite": Word(help="replace what is there already"),
    "picture": Word("FILE"),
    "write_start": Word("FILE"),
    "json": Word(help="print one JSON object instead of sentences"),
    "verbose": Word(short="-v"),
    "quiet": Word(short="-q"),
}
