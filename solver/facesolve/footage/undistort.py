"""Resamples stored images into undistorted ones of the same intrinsics. Lens model: ``facesolve.geometry.camera``."""

from __future__ import annotations

import cv2
import numpy as np

from facesolve.geometry.camera import undistortion_maps
from facesolve.take import Camera

_EDGE = 1e-3  # pixels: rounding allowed at the image's edge


class Undistortion:
    """Bilinear resampling for one camera at the 0-based take frame ``frame_index`` (any, unless the camera zooms).

    maps: (2, H, W) float32, x and y of the stored image, pixel centers at whole numbers, where each pixel is read.
    valid: (H, W) bool, True where the undistorted pixel lies inside the stored image.
    """

    def __init__(self, camera: Camera, frame_index: int = 0) -> None:
        self.maps = np.stack(undistortion_maps(camera, frame_index))
        x, y = self.maps
        inside_x = (x >= -_EDGE) & (x <= camera.width - 1 + _EDGE)
        self.valid = inside_x & (y >= -_EDGE) & (y <= camera.height - 1 + _EDGE)
        self.valid.setflags(write=False)

    def pixels(self, stored: np.ndarray) -> np.ndarray:
        """Undistorted (H, W, C) float32; edge values repeat where ``valid`` is False."""
        return cv2.remap(stored, self.maps[0], self.maps[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

    def coverage(self, stored: np.ndarray) -> np.ndarray:
        """Undistorted (H, W) float32 of a matte; 0 outside the stored image."""
        return cv2.remap(
            stored, self.maps[0], self.maps[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0
        )
