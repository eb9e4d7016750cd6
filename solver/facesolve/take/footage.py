"""Where each camera's images are, in files or in memory, and how to read their numbers. Opens no file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Optional, Tuple

import numpy as np

from .checks import FRAME, NAME, PATH, flag, optional
from .errors import TakeError

SEQUENCE = "sequence"
VIDEO = "video"
NORPIX = "norpix"
MEMORY = "memory"
COLOR_SPACES = ("srgb", "linear")
BAD_FRAME_POLICIES = ("stop", "unseen")
BAYER_PATTERNS = ("RGGB", "GRBG", "GBRG", "BGGR")
SYNC_MODES = ("stamps", "start", "number", "sound", "motion")

_FRAME_FIELD = re.compile(r"\{frame(:0?\d{0,2}d)?\}")  # a wider field would be longer than any path


@dataclass(frozen=True, eq=False)
class ImageArrays:
    """The images of one camera in memory, N of them; they are not copied.

    Attributes:
        images: (N, H, W) gray or (N, H, W, 3) RGB; uint8 or uint16 at full scale, or float with white at 1.
        mattes: (N, H, W), 1 (of integers: full scale, of bool: True) where the actor is, or None.

    Raises:
        FacesolveError: For another shape or kind of numbers.
    """

    images: np.ndarray
    mattes: Optional[np.ndarray] = None

    def __post_init__(self) -> None:
        for name in ("images", "mattes"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, np.asarray(getattr(self, name)))
        images, mattes = self.images, self.mattes
        if images.ndim not in (3, 4) or images.shape[3:] not in ((), (3,)) or not images.size:
            raise TakeError(
                "footage in memory: images have shape {}, expected (images, height, width) or (images, height, "
                "width, 3).".format(images.shape)
            )
        if images.dtype not in (np.uint8, np.uint16) and images.dtype.kind != "f":
            raise TakeError(
                "footage in memory: images hold {}, expected uint8, uint16 or float numbers.".format(images.dtype)
            )
        if mattes is None:
            return
        if mattes.shape != images.shape[:3]:
            raise TakeError(
                "footage in memory: mattes have shape {}, expected {} like the images.".format(
                    mattes.shape, images.shape[:3]
                )
            )
        if mattes.dtype not in (np.uint8, np.uint16) and mattes.dtype.kind not in "fb":
            raise TakeError(
                "footage in memory: mattes hold {}, expected bool, uint8, uint16 or float numbers.".format(mattes.dtype)
            )


@dataclass(frozen=True)
class Footage:
    """The image source of one camera: files, or with ``Footage.from_arrays`` images in memory.

    Attributes:
        camera: The camera's name.
        path: An image sequence pattern with ``{frame}`` or ``{frame:04d}`` in the file name, a video file, or a Norpix
            ``.seq`` file. Absolute, or relative to the take's folder; forward slashes.
        offset: Image number = take frame number + offset. Image 0 is the first of a video, a ``.seq`` or of arrays.
        matte: Pattern of a second sequence, white where the actor is (255 = keep), or None.
        color_space: How pixel values are encoded: ``srgb``, ``linear``, or the name of a color space of OpenColorIO.
        undistorted: The images are already undistorted, the camera's distortion must not be applied.
        images: Which image of a video or ``.seq`` each take frame is, where cameras were matched by time: runs of
            (first take frame, last take frame, image number of the first). A frame in no run has no image (it was
            dropped when it was recorded). Empty: ``offset`` counts.
        bayer: The colors of the top left 2x2 pixels when a ``.seq`` holds a Bayer mosaic (``RGGB``, ...), else None.
        arrays: The images themselves when they are in memory; ``path`` then only stands in messages.
    """

    camera: str
    path: str
    offset: int = 0
    matte: Optional[str] = None
    color_space: str = "srgb"
    undistorted: bool = False
    images: Tuple[Tuple[int, int, int], ...] = ()
    bayer: Optional[str] = None
    arrays: Optional[ImageArrays] = None

    def __post_init__(self) -> None:
        where = "footage of camera '{}'".format(self.camera)
        if not self.path:
            raise TakeError("{}: the path is empty.".format(where))
        NAME(self.camera, "footage: the name of a camera")
        PATH(self.path, "{}: the path".format(where))
        optional(PATH)(self.matte, "{}: the pattern of its mattes".format(where))
        FRAME(self.offset, "{}: the offset".format(where))
        flag(self.undistorted, "{}: undistorted".format(where))
        NAME(self.color_space, "{}: the color space".format(where))
        for pattern in (self.path, self.matte or ""):
            if ("{" in pattern or "}" in pattern) and not _FRAME_FIELD.search(pattern):
                raise TakeError(
                    "{}: pattern '{}' has braces but no {{frame}} or {{frame:04d}} field.".format(where, pattern)
                )
        if self.bayer is not None and self.bayer not in BAYER_PATTERNS:
            raise TakeError(
                "{}: Bayer pattern '{}', expected one of {}.".format(where, self.bayer, ", ".join(BAYER_PATTERNS))
            )
        if self.kind != NORPIX and self.bayer:
            raise TakeError("{}: '{}' is not a .seq file; only those are Bayer.".format(where, self.path))
        if self.kind not in (NORPIX, VIDEO) and self.images:
            raise TakeError(
                "{}: '{}' is neither a video nor a .seq file; only those have matched images.".format(where, self.path)
            )
        object.__setattr__(self, "images", _runs(self.images, where))

    @staticmethod
    def from_arrays(
        camera: str,
        images: np.ndarray,
        mattes: Optional[np.ndarray] = None,
        offset: int = 0,
        color_space: str = "srgb",
        undistorted: bool = False,
    ) -> Footage:
        """Footage that is in memory, for a take that is solved without files.

        Args:
            camera: The camera's name.
            images: (N, H, W) gray or (N, H, W, 3) RGB; uint8 or uint16 at full scale, or float with white at 1.
            mattes: (N, H, W), 1 (of integers: full scale, of bool: True) where the actor is, or None.
            offset: Image number = take frame number + offset; image 0 is the first. A take of frames 1 to N has -1.
            color_space: ``srgb`` or ``linear``: how pixel values are encoded.
            undistorted: The images are already undistorted.

        Raises:
            FacesolveError: For another shape or kind of numbers.
        """
        arrays = ImageArrays(images, mattes)
        return Footage(camera, "images in memory", offset, None, color_space, undistorted, arrays=arrays)

    @property
    def kind(self) -> str:
        """``memory``, ``sequence`` when the path has a frame field, ``norpix`` for a ``.seq`` file, else ``video``."""
        if self.arrays is not None:
            return MEMORY
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
