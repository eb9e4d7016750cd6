"""OpenEXR sequences of several cameras by the timecode in their headers: which image numbers belong together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from facesolve.footage.container import UnreadableImage
from facesolve.footage.exr import optional_module
from facesolve.footage.sequence import frames_on_disk
from facesolve.take import Footage, FootageError
from facesolve.take.timecode import Timecode, nominal, rational_rate, usual_rate

_DROP_BIT = 6


@dataclass(frozen=True)
class StampedSequence:
    """numbers: first and last image on disk. first, last: timecode counts in their headers. rate: frames a second."""

    camera: str
    numbers: tuple[int, int]
    first: Timecode
    last: Timecode


@dataclass(frozen=True)
class MatchedSequences:
    """Footage with offsets, so that equal frames have equal timecode; start: timecode of take frame 0."""

    footage: tuple[Footage, ...]
    start: Timecode
    report: tuple[str, ...]


def match_sequences(footage: Sequence[Footage], fps: float | None) -> MatchedSequences | None:
    """Frame numbers are those of the first camera's images. None where no camera has timecode.

    fps: for headers that do not say their rate. Raises FootageError when some have timecode and others do not, when
    rates differ, or when images are missing or doubled inside a sequence, so that numbers and labels do not agree.
    """
    stamped = [_stamps(source, fps) for source in footage]
    known = [found for found in stamped if found is not None]
    if not known:
        return None
    for source, found in zip(footage, stamped, strict=True):
        if found is None:
            raise FootageError(
                f"camera '{source.camera}' has no timecode in its OpenEXR headers, but '{known[0].camera}' has; use "
                "'--sync number' to match by image numbers."
            )
    base = known[0]
    told = []
    for found in known:
        if found.first.rate != base.first.rate:
            raise FootageError(
                f"camera '{found.camera}' counts {float(found.first.rate):.6g} frames a second and '{base.camera}' "
                f"{float(base.first.rate):.6g}; only sequences of one rate can be matched."
            )
        images = found.numbers[1] - found.numbers[0]
        labels = found.last.count - found.first.count
        if images != labels:
            raise FootageError(
                f"camera '{found.camera}' has images {found.numbers[0]} to {found.numbers[1]} with timecode "
                f"{found.first} to {found.last}: {images + 1} numbers for {labels + 1} labels; images were lost or "
                "numbered anew. Use '--sync number', or number them by their timecode."
            )
        told.append(f"camera '{found.camera}': image {found.numbers[0]} is {found.first}, by its header.")
    zero = base.first.count - base.numbers[0]  # of frame 0
    offsets = [found.numbers[0] - (found.first.count - zero) for found in known]
    sources = tuple(replace(source, offset=offset) for source, offset in zip(footage, offsets, strict=True))
    return MatchedSequences(sources, replace(base.first, count=zero), tuple(told))


def _stamps(source: Footage, fps: float | None) -> StampedSequence | None:
    there = frames_on_disk(source.path)
    if not there:
        return None
    numbers = there[0], there[-1]
    labels = [_timecode(Path(source.image_path(number)), fps, source.camera) for number in numbers]
    if labels[0] is None or labels[1] is None:
        return None
    return StampedSequence(source.camera, numbers, labels[0], labels[1])


def _timecode(path: Path, fps: float | None, camera: str) -> Timecode | None:
    """The label in a header; None without one, or where the file is no OpenEXR."""
    if path.suffix.lower() != ".exr":
        return None
    try:
        oiio: Any = optional_module("OpenImageIO", "exr")
    except UnreadableImage as problem:
        raise FootageError(f"footage of camera '{camera}': '{path}' {problem}") from None
    image = oiio.ImageInput.open(str(path))
    if image is None:  # told by whoever reads it
        oiio.geterror()
        return None
    try:
        spec = image.spec()
        word, told = spec.getattribute("smpte:TimeCode"), spec.getattribute("FramesPerSecond")
    finally:
        image.close()
    if word is None:
        return None
    bits = int(word[0])
    frames, seconds, minutes, hours = (_bcd(bits >> shift & mask) for shift, mask in _FIELDS)
    drop = bool(bits >> _DROP_BIT & 1)
    if told is not None and told[1]:
        rate = rational_rate(Fraction(int(told[0]), int(told[1])))
    elif fps is not None:
        rate = usual_rate(fps, drop)
    else:
        raise FootageError(
            f"footage of camera '{camera}': '{path}' has timecode without a rate; give the rate with --fps."
        )
    base = nominal(rate)
    count = ((hours * 60 + minutes) * 60 + seconds) * base + frames
    if drop:
        whole = hours * 60 + minutes
        count -= base // 15 * (whole - whole // 10)
    return Timecode(count, rate, drop)


_FIELDS = ((0, 0x3F), (8, 0x7F), (16, 0x7F), (24, 0x3F))


def _bcd(value: int) -> int:
    return (value >> 4) * 10 + (value & 15)
