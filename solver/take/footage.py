"""The footage half of the contract: where each camera's images are and how to read their numbers. Opens no file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Optional

from .errors import TakeError

SEQUENCE = "sequence"
VIDEO = "video"
COLOR_SPACES = ("srgb", "linear")
BAD_FRAME_POLICIES = ("stop", "unseen")

_FRAME_FIELD = re.compile(r"\{frame(:0?\d*d)?\}")


@dataclass(frozen=True)
class Footage:
    """The image source of one camera.

    path: an image sequence pattern with ``{frame}`` or ``{frame:04d}`` in the file name, or a video file. Absolute,
        or relative to the take's folder; forward slashes.
    offset: image number = take frame number + offset (for a video, image 0 is its first frame).
    matte: pattern of a second sequence, white where the actor is (255 = keep), or None.
    color_space: ``srgb`` or ``linear``: how pixel values are encoded.
    undistorted: the images are already undistorted, the camera's distortion must not be applied.
    """

    camera: str
    path: str
    offset: int = 0
    matte: Optional[str] = None
    color_space: str = "srgb"
    undistorted: bool = False

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

    @property
    def kind(self) -> str:
        """``sequence`` when the path has a frame field, else ``video``."""
        return SEQUENCE if _FRAME_FIELD.search(self.path) else VIDEO

    def image_path(self, frame: int) -> str:
        """Path of the image of take frame ``frame`` (the video itself for a video)."""
        return fill_frame(self.path, frame + self.offset)

    def matte_path(self, frame: int) -> Optional[str]:
        """Path of the matte of take frame ``frame``, or None."""
        return None if self.matte is None else fill_frame(self.matte, frame + self.offset)


def fill_frame(pattern: str, number: int) -> str:
    """``pattern`` with its frame field replaced by ``number``; other text is left alone (no format evaluation)."""
    return _FRAME_FIELD.sub(lambda match: ("{" + (match.group(1) or "") + "}").format(number), pattern)
