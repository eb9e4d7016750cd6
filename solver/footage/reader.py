"""The images of one camera, frame by frame: linear light, checked against the calibration, free of distortion."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from ..take import Camera, Footage, FootageError
from ..take.footage import VIDEO
from .color import to_linear
from .container import UnreadableImage
from .decode import read_pixels
from .image import Image
from .video import VideoFile

cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # its complaints reach the user as FootageError


def open_footage(footage: Footage, camera: Camera) -> FootageReader:
    """Reader of the images of ``camera``; a video is opened and indexed at once, a sequence only when read.

    Raises FootageError when a video cannot be opened or a codec is not installed.
    """
    return FootageReader(footage, camera)


class FootageReader:
    """Reads images by take frame number. ``read`` may be called from several threads.

    in_order: True when reading in rising frame order from one thread is much faster (videos).
    """

    def __init__(self, footage: Footage, camera: Camera) -> None:
        self.footage = footage
        self.camera = camera
        self.in_order = footage.kind == VIDEO
        self._seen = np.ones((camera.height, camera.width), bool)
        self._seen.setflags(write=False)
        self._video: VideoFile | None = None
        if self.in_order:
            try:
                self._video = VideoFile(Path(footage.path))
            except UnreadableImage as problem:
                raise FootageError(f"camera '{camera.name}': '{footage.path}' {problem}") from None

    def read(self, frame: int) -> Image:
        """The image at take frame number ``frame``, (H, W) of the camera.

        Raises FootageError naming camera, frame and file when the image or its matte is missing, cut short, damaged
        or of another size than the camera's.
        """
        stored = self._stored(frame, self.footage.image_path(frame))
        valid = self._seen
        if stored.dtype.kind == "f":
            finite = np.isfinite(stored).reshape(*valid.shape, -1).all(axis=2)
            if not finite.all():
                stored = np.where(np.isfinite(stored), stored, np.float32(0))
                valid = finite
        pixels = to_linear(stored, self.footage.color_space)
        if pixels.ndim == 2:
            pixels = cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB)
        return Image(pixels, valid, self._matte(frame))

    def close(self) -> None:
        """Closes the video file, if any."""
        if self._video is not None:
            self._video.close()

    def _matte(self, frame: int) -> np.ndarray | None:
        """(H, W) float32 coverage, the mean of the matte's channels at full scale; None without mattes."""
        path = self.footage.matte_path(frame)
        if path is None:
            return None
        matte = to_linear(self._file(frame, path), "linear")
        return matte if matte.ndim == 2 else matte.mean(axis=2)

    def _stored(self, frame: int, path: str) -> np.ndarray:
        if self._video is None:
            return self._file(frame, path)
        try:
            pixels = self._video.read(frame + self.footage.offset)
        except UnreadableImage as problem:
            raise self._error(frame, path, problem) from None
        return self._sized(frame, path, pixels)

    def _file(self, frame: int, path: str) -> np.ndarray:
        try:
            pixels = read_pixels(Path(path))
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


def wrong_size(width: int, height: int, camera: Camera) -> str:
    """What to say of an image of ``width`` x ``height`` pixels that is not of the size ``camera`` was calibrated at."""
    return (
        f"is {width}x{height} pixels, but the camera is calibrated at {camera.width}x{camera.height}; give footage of "
        "that size or the calibration of this one."
    )
