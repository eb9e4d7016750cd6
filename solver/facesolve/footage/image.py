"""One image of the footage in linear light, and its resolution pyramid. Knows no files."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from .color import to_linear
from .undistort import Undistortion


@dataclass(frozen=True, eq=False)
class Image:
    """What one camera saw at one frame; the arrays may be shared between images, so never write to them.

    stored: (H, W) gray or (H, W, 3) RGB; uint8, uint16 or float32, encoded as ``color_space`` says.
    valid: (H, W) bool, False where the camera saw nothing (outside the stored image after undistortion, or a value
        that is not finite).
    matte: (H, W) float32 0..1, 1 where the actor is, or None when the footage has no matte.
    color_space: ``srgb`` or ``linear``.
    lens: what ``stored`` is still to be undistorted by; the other members are undistorted already.
    """

    stored: np.ndarray
    valid: np.ndarray
    matte: np.ndarray | None = None
    color_space: str = "linear"
    lens: Undistortion | None = None

    @cached_property
    def pixels(self) -> np.ndarray:
        """(H, W, 3) float32 RGB, linear light, undistorted, 0..1 (float footage may exceed 1)."""
        linear = to_linear(self.stored, self.color_space)
        linear = cv2.cvtColor(linear, cv2.COLOR_GRAY2RGB) if linear.ndim == 2 else linear
        return linear if self.lens is None else self.lens.pixels(linear)


def pyramid(image: Image, levels: int) -> list[Image]:
    """``levels`` images, the first is ``image``, each next one half its width and height.

    A coarse pixel is the mean of 2x2 fine ones. With pixel centers at .5 the intrinsics of level n are exactly those
    of level 0 with the first two rows divided by 2^n. An odd last row or column is dropped (it would be half a pixel).
    A coarse pixel is valid when all four fine ones are. Raises ValueError when the image is too small for ``levels``.
    """
    height, width = image.valid.shape
    if levels < 1 or min(height, width) >> (levels - 1) < 1:
        raise ValueError(f"{levels} pyramid levels do not fit an image of {width}x{height} pixels.")
    result = [image]
    while len(result) < levels:
        fine = result[-1]
        valid = _halve(fine.valid.astype(np.float32)) == 1
        matte = None if fine.matte is None else _halve(fine.matte)
        result.append(Image(_halve(fine.pixels), valid, matte))
    return result


def _halve(values: np.ndarray) -> np.ndarray:
    """Mean over 2x2 blocks of (H, W[, C]) float32; INTER_AREA is that exact mean when the factor is exactly 2."""
    height, width = values.shape[0] // 2, values.shape[1] // 2
    return cv2.resize(values[: height * 2, : width * 2], (width, height), interpolation=cv2.INTER_AREA)
