"""The images of one camera, frame by frame: linear light, checked against the calibration, free of distortion."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from facesolve.footage.norpix.reader import NorpixFile
from facesolve.take import Camera, Footage, FootageError
from facesolve.take.footage import COLOR_SPACES, NORPIX, SEQUENCE, VIDEO

from .arrays import ArrayFile
from .color import to_linear
from .container import OtherSize, UnreadableImage
from .decode import read_matte, read_pixels
from .image import Image
from .ocio import to_named_linear
from .undistort import Undistortion
from .video import VideoFile

cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # its complaints reach the user as FootageError


ManyImages = VideoFile | NorpixFile | ArrayFile  # files and arrays that hold many images


def open_footage(footage: Footage, camera: Camera, frames: Sequence[int] = ()) -> FootageReader:
    """Reader of the images of ``camera``; a video or ``.seq`` is opened and indexed at once, a sequence when read.

    frames: the take's frame numbers; needed only for a camera that zooms and distorts, else ValueError.
    Raises FootageError when a video or ``.seq`` cannot be opened or its codec is not installed.
    """
    return FootageReader(footage, camera, frames)


class FootageReader:
    """Reads images by take frame number. ``read`` may be called from several threads.

    in_order: True when reading in rising frame order from one thread is much faster (videos). careful: as of
    ``VideoFile``.
    """

    def __init__(self, footage: Footage, camera: Camera, frames: Sequence[int] = (), careful: bool = False) -> None:
        self.footage = footage
        self.camera = camera
        self.in_order = footage.kind == VIDEO
        self._zooms = camera.intrinsics.ndim == 3
        self._undistorts = camera.distorted and not footage.undistorted
        if self._undistorts and self._zooms and len(frames) != len(camera.intrinsics):
            raise ValueError(f"camera '{camera.name}' zooms: undistorting it needs the take's frame numbers.")
        self._frame_index = {int(frame): index for index, frame in enumerate(frames)}
        self._lens: Undistortion | None = None
        self._lens_lock = threading.Lock()
        self._everywhere = np.ones((camera.height, camera.width), bool)
        self._everywhere.setflags(write=False)
        self._many = self._open_many(careful) if footage.kind != SEQUENCE else None

    def read(self, frame: int) -> Image:
        """The image at take frame number ``frame``, (H, W) of the camera, undistorted.

        Raises FootageError naming camera, frame and file when the image or its matte is missing, cut short, damaged
        or of another size than the camera's.
        """
        stored = self.stored(frame)
        finite = self._everywhere
        if stored.dtype.kind == "f" and not np.isfinite(stored).all():
            finite = np.isfinite(stored).reshape(*finite.shape, -1).all(axis=2)
            stored = np.nan_to_num(stored, nan=0.0, posinf=0.0, neginf=0.0)
        space = self.footage.color_space
        if space not in COLOR_SPACES:
            stored, space = self._named_linear(frame, stored), "linear"
        image = Image(stored, finite, self._matte(frame), space)
        if not self._undistorts:
            return image
        lens = self._undistortion(frame)
        valid = lens.valid
        if finite is not self._everywhere:
            valid = valid & (lens.coverage(finite.astype(np.float32)) > 0.999)
        matte = None if image.matte is None else lens.coverage(image.matte)
        return Image(stored, valid, matte, space, lens)

    def _named_linear(self, frame: int, stored: np.ndarray) -> np.ndarray:
        try:
            return to_named_linear(stored, self.footage.color_space)
        except (UnreadableImage, FootageError) as problem:
            raise self._error(
                frame, self.footage.image_path(frame), f"in '{self.footage.color_space}' {problem}"
            ) from None

    def stored(self, frame: int) -> np.ndarray:
        """Stored values of the image at take frame number ``frame``, distortion and encoding untouched.

        (H, W) gray or (H, W, 3) RGB; uint8, uint16 or float32. Raises FootageError as ``read`` does.
        """
        path = self.footage.image_path(frame)
        if self._many is None:
            return self._file(frame, path)
        number = self.footage.image_number(frame)
        if number is None:
            raise self._error(frame, path, NO_IMAGE)
        try:
            pixels = self._many.read(number)
        except UnreadableImage as problem:
            raise self._error(frame, path, problem) from None
        return self._sized(frame, path, pixels)

    def close(self) -> None:
        """Closes the file that holds many images, if there is one."""
        if self._many is not None:
            self._many.close()

    def _open_many(self, careful: bool) -> ManyImages:
        try:
            return open_many(self.footage, careful)
        except UnreadableImage as problem:
            raise FootageError(f"camera '{self.camera.name}': '{self.footage.path}' {problem}") from None

    def _undistortion(self, frame: int) -> Undistortion:
        if self._zooms:
            return Undistortion(self.camera, self._frame_index[frame])
        with self._lens_lock:
            if self._lens is None:
                self._lens = Undistortion(self.camera)
            return self._lens

    def _matte(self, frame: int) -> np.ndarray | None:
        """(H, W) float32 coverage, the mean of the matte's channels at full scale; None without mattes."""
        if isinstance(self._many, ArrayFile):
            return self._many.matte(frame + self.footage.offset)
        path = self.footage.matte_path(frame)
        if path is None:
            return None
        matte = to_linear(self._file(frame, path, read_matte), "linear")
        return matte if matte.ndim == 2 else matte.mean(axis=2)

    def _file(
        self, frame: int, path: str, read: Callable[[Path, tuple[int, int] | None], np.ndarray] = read_pixels
    ) -> np.ndarray:
        try:
            pixels = read(Path(path), (self.camera.width, self.camera.height))
        except OtherSize as other:
            raise self._error(frame, path, wrong_size(other.width, other.height, self.camera)) from None
        except UnreadableImage as problem:
            raise self._error(frame, path, problem) from None
        return self._sized(frame, path, pixels)

    def _sized(self, frame: int, path: str, pixels: np.ndarray) -> np.ndarray:
        height, width = pixels.shape[:2]
        if (width, height) != (self.camera.width, self.camera.height):
            raise self._error(frame, path, wrong_size(width, height, self.camera))
        return pixels

    def _error(self, frame: int, path: str, problem: object) -> FootageError:
        return FootageError(f"camera '{self.camera.name}', frame {frame}: '{path}' {problem}")


NO_IMAGE = "has no image of this frame (dropped when it was recorded); leave the frame out or solve without the image."


def open_many(footage: Footage, careful: bool = False) -> ManyImages:
    """The video, ``.seq`` file or arrays of ``footage``; raises UnreadableImage. careful: as of ``VideoFile``."""
    if footage.arrays is not None:
        return ArrayFile(footage.arrays)
    path = Path(footage.path)
    return NorpixFile(path, footage.bayer) if footage.kind == NORPIX else VideoFile(path, careful)


def wrong_size(width: int, height: int, camera: Camera) -> str:
    """What to say of an image of ``width`` x ``height`` pixels that is not of the size ``camera`` was calibrated at."""
    return (
        f"is {width}x{height} pixels, but the camera is calibrated at {camera.width}x{camera.height}; give footage of "
        "that size or the calibration of this one."
    )
