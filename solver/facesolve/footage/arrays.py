"""Images in memory behind the interface of a file that holds many images. Knows no cameras."""

from __future__ import annotations

import numpy as np

from facesolve.take.footage import ImageArrays

from .color import to_linear
from .container import UnreadableImage


class ArrayFile:
    """``count`` images of ``width`` x ``height`` pixels; read from several threads."""

    def __init__(self, arrays: ImageArrays) -> None:
        self._arrays = arrays
        self.count, self.height, self.width = arrays.images.shape[:3]

    def read(self, number: int) -> np.ndarray:
        """Stored values of image ``number``: (H, W) or (H, W, 3); uint8, uint16 or float32. Never write to them.

        Raises UnreadableImage when there is no such image.
        """
        stored = self._arrays.images[self._checked(number)]
        return stored.astype(np.float32, copy=False) if stored.dtype.kind == "f" else stored

    def matte(self, number: int) -> np.ndarray | None:
        """(H, W) float32 coverage 0..1 of image ``number``, None without mattes. Raises as ``read``."""
        if self._arrays.mattes is None:
            return None
        stored = self._arrays.mattes[self._checked(number)]
        return to_linear(stored, "linear") if stored.dtype.kind == "u" else stored.astype(np.float32)

    def close(self) -> None:
        """Nothing is open."""

    def _checked(self, number: int) -> int:
        if not 0 <= number < self.count:
            raise UnreadableImage(f"has {self.count} images, 0 to {self.count - 1}, but no image {number}.")
        return number
