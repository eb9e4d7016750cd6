"""The footage half of the contract: where each camera's images are and how to read their numbers. Opens no file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Optional, Tuple

from .errors import TakeError

SEQUENCE = "sequence"
VIDEO = "video"
NORPIX = "norpix"
COLOR_SPACES = ("srgb", "linear")
BAD_FRAME_POLICIES = ("stop", "unseen")
BAYER_PATTERNS = ("RGGB", "GRBG", "GBRG", "BGGR")
SYNC_MODES = ("stamps", "start", "number")

_FRAME_FIELD = re.compile(r"\{frame(:0?\d*d)?\}")


@dataclass(frozen=True)
class Footage:
    """The image source of one camera.

    path: an image sequence pattern with ``{frame}`` or ``{frame:04d}`` in the file name, a video file, or a Norpix
        ``.seq`` file. Absolute, or relative to the take's folder; forward slashes.
    offset: image number = take frame number + offset (for a video or ``.seq``, image 0 is its first frame).
    matte: pattern of a second sequence, white where the actor is (255 = keep), or None.
    color_space: ``srgb`` or ``linear``: how pixel values are encoded.
    undistorted: the images are already undistorted, the camera's distortion must not be applied.
    images: which image of a ``.seq`` each take frame is, where cameras were matched by their time stamps: runs of
        (first take frame, last take frame, image number of the first). A frame in no run has no image (it was
        dropped when it was recorded). Empty: ``offset`` counts.
    bayer: the colours of the top left 2x2 pixels when a ``.seq`` holds a Bayer mosaic (``RGGB``, ...), else None.
    """

    camera: str
    path: str
    offset: int = 0
    matte: Optional[str] = None
    color_space: str = "srgb"
    undistorted: bool = False
    images: Tuple[Tuple[int, int, int], ...] = ()
    bayer: Optional[str] = None

    def __post_init__(self) -> None:
        where = "footage of camera '{}'".format(self.camera)
        if not self.path:
            raise TakeError("{}: the path is empty.".format(where))
        if self.color_space not in COLOR_SPACES:
            raise TakeError(
                "{}: colour space '{}', expected one of {}.".format(where, self.color_space, ", ".join(COLOR_SPACES))
            )
        for pattern in (self.path, self.matte or ""):
            if ("{" in pattern or "}" in pattern) and not _FRAME_FIELD.search(pattern):
                raise TakeError(
                    "{}: pattern '{}' has braces but no {{frame}} or {{frame:04d}} field.".format(where, pattern)
                )
        if self.bayer is not None and self.bayer not in BAYER_PATTERNS:
            raise TakeError(
                "{}: Bayer pattern '{}', expected one of {}.".format(where, self.bayer, ", ".join(BAYER_PATTERNS))
            )
        if self.kind != NORPIX and (self.images or self.bayer):
            raise TakeError(
                "{}: '{}' is no .seq file; only those have matched images and Bayer.".format(where, self.path)
            )
        object.__setattr__(self, "images", _runs(self.images, where))

    @property
    def kind(self) -> str:
        """``sequence`` when the path has a frame field, ``norpix`` for a ``.seq`` file, else ``video``."""
        if _FRAME_FIELD.search(self.path):
            return SEQUENCE
        return NORPIX if self.path.lower().endswith(".seq") else VIDEO

    def image_number(self, frame: int) -> Optional[int]:
        """Number of the image of take frame ``frame``; None when the camera has none."""
        if not self.images:
            return frame + self.offset
        for first, last, image in self.images:
            if first <= frame <= last:
                return image + frame - first
        return None

    def image_path(self, frame: int) -> str:
        """Path of the image of take frame ``frame`` (the file itself for a video or ``.seq``)."""
        return fill_frame(self.path, frame + self.offset)

    def matte_path(self, frame: int) -> Optional[str]:
        """Path of the matte of take frame ``frame``, or None; it has the image's number."""
        number = self.image_number(frame)
        return None if self.matte is None or number is None else fill_frame(self.matte, number)


def fill_frame(pattern: str, number: int) -> str:
    """``pattern`` with its frame field replaced by ``number``; other text is left alone (no format evaluation)."""
    return _FRAME_FIELD.sub(lambda match: ("{" + (match.group(1) or "") + "}").format(number), pattern)


def _runs(images: object, where: str) -> Tuple[Tuple[int, int, int], ...]:
    """``images`` as tuples; TakeError unless each run is three whole numbers and comes after the one before."""
    try:
        runs = tuple((int(first), int(last), int(image)) for first, last, image in images)  # type: ignore[attr-defined]
    except (TypeError, ValueError, OverflowError):
        raise TakeError("{}: images must be runs of three whole numbers.".format(where)) from None
    before = None
    for first, last, image in runs:
        if image < 0 or last < first or (before is not None and first <= before):
            raise TakeError("{}: the run of images {} is out of order.".format(where, (first, last, image)))
        before = last
    return runs
