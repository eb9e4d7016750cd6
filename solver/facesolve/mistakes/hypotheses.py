"""What may be wrong with a take, in the order of how often it is: the repair of each, and how it is said."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from facesolve.take import Take

from .repairs import AXES

FOCAL = (0.8, 0.9, 0.95, 1.05, 1.1, 1.25)
SCALES = (0.5, 2.0)
MOST_TRIED = 4  # cameras that are tried one by one, and each with each other

UNIT_WORDS = {"mm": "millimeters", "m": "meters", "inch": "inches"}
AXES_WORDS = {
    "opengl": "the axes of the cameras are those of OpenGL and Maya (they look along -z, y is up), not OpenCV's",
    "camera-to-world": "the calibration has camera-to-world matrices; a take has world-to-camera",
    "opengl-camera-to-world": "the calibration has camera-to-world matrices with OpenGL's axes",
    "row-vectors": "the rotations are those of row vectors, transposed",
    "y-down": "the calibration's world has y down",
    "z-up": "the calibration's world has z up",
    "z-down": "the calibration's world has z down",
}


@dataclass(frozen=True)
class Hypothesis:
    """A mistake. fix: its repair (``repairs.repaired``), empty where images must be changed. mirrored: cameras whose
    images are mirrored, by index. subject, sentence, remedy: as of a finding; a remedy that is empty is the repair."""

    fix: str
    subject: str
    sentence: str
    mirrored: tuple[int, ...] = ()
    remedy: str = ""


def hypotheses(take: Take, suspects: Sequence[int]) -> list[Hypothesis]:
    """Everything worth a trial. suspects: cameras, by index, that agree least with the others, the worst first."""
    some = [take.cameras[index].name for index in suspects[:MOST_TRIED]]
    everywhere = [*_images(take, "all"), *_lenses(take, "all")]
    images = [each for name in some for each in _images(take, name)]
    return [*_places(), *_swaps(some), *images, *everywhere, *(each for name in some for each in _lenses(take, name))]


def of_focal_lengths(names: Sequence[str], factors: Sequence[float]) -> list[Hypothesis]:
    """Focal lengths that are wrong by one of some factors. names: cameras, or ``all``."""
    return [
        Hypothesis(f"focal={name}:{factor:g}", _subject(name), f"the focal length is {_percent(factor)}.")
        for name in names
        for factor in factors
    ]


def late(name: str, frames: int) -> Hypothesis:
    """Images of another time."""
    how = "late" if frames > 0 else "early"
    count = abs(frames)
    sentence = f"its images are {count} frame{'s' if count > 1 else ''} {how}."
    return Hypothesis(f"shift={name}:{frames}", f"camera '{name}'", sentence)


def _places() -> list[Hypothesis]:
    found = [
        Hypothesis(f"units={unit}", "cameras", f"their lengths are {word}, not centimeters.")
        for unit, word in UNIT_WORDS.items()
    ]
    return found + [Hypothesis(f"axes={axes}", "cameras", f"{AXES_WORDS[axes]}.") for axes in AXES]


def _images(take: Take, name: str) -> list[Hypothesis]:
    subject = _subject(name)
    rows = tuple(i for i, camera in enumerate(take.cameras) if name in ("all", camera.name))
    found = [
        Hypothesis(f"rotate={name}:{turn}", subject, f"images are turned by {turn} degrees.") for turn in (180, 90, 270)
    ]
    remedy = "Mirror the images (ffmpeg -i IN -vf hflip OUT) and make the take again."
    return [*found, Hypothesis("", subject, "images are mirrored.", rows, remedy)]


def _lenses(take: Take, name: str) -> list[Hypothesis]:
    subject = _subject(name)
    found = [
        Hypothesis(
            f"scale={name}:{scale:g}",
            subject,
            f"the intrinsics are those of images of {'half' if scale > 1 else 'twice'} the resolution.",
        )
        for scale in SCALES
    ]
    found.append(Hypothesis(f"center={name}", subject, "the principal point is missing, or that of a crop."))
    if any(camera.distortion.any() for camera in take.cameras if name in ("all", camera.name)):
        found.append(Hypothesis(f"distortion={name}", subject, "the distortion has the opposite sign."))
    return found + of_focal_lengths([name], FOCAL)


def _swaps(names: Sequence[str]) -> list[Hypothesis]:
    return [
        Hypothesis(f"swap={a},{b}", f"cameras '{a}' and '{b}'", "their images are swapped.")
        for a, b in itertools.combinations(names, 2)
    ]


def _subject(name: str) -> str:
    return "cameras" if name == "all" else f"camera '{name}'"


def _percent(factor: float) -> str:
    """A focal length that must be multiplied by ``factor``."""
    return f"{abs(1 / factor - 1):.0%} too {'short' if factor > 1 else 'long'}"
