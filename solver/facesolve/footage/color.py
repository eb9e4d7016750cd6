"""sRGB encoding to linear light and back, IEC 61966-2-1 (piecewise, exact). Knows no files."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np


def srgb_to_linear(encoded: np.ndarray) -> np.ndarray:
    """Linear light of sRGB values ``encoded``, any shape, 0..1 (float); values outside keep the curve's odd extension.

    Returns the input's float type. IEC 61966-2-1, decoding function.
    """
    magnitude = np.abs(encoded)
    power = ((magnitude + 0.055) / 1.055) ** 2.4
    return np.copysign(np.where(magnitude <= 0.04045, magnitude / 12.92, power), encoded).astype(encoded.dtype)


def linear_to_srgb(linear: np.ndarray) -> np.ndarray:
    """sRGB values of linear light ``linear``, any shape, 0..1 (float); the inverse of ``srgb_to_linear``."""
    magnitude = np.abs(linear)
    power = 1.055 * magnitude ** (1 / 2.4) - 0.055
    return np.copysign(np.where(magnitude <= 0.0031308, magnitude * 12.92, power), linear).astype(linear.dtype)


def srgb_bytes(light: np.ndarray) -> np.ndarray:
    """sRGB values uint8 of linear light ``light``, any shape; what is outside 0..1 is clipped."""
    return np.rint(255 * linear_to_srgb(light.clip(0, 1))).astype(np.uint8)


def to_linear(stored: np.ndarray, color_space: str) -> np.ndarray:
    """Linear light float32, same shape, of ``stored`` pixels: uint8 or uint16 at full scale 0..1, or float as it is.

    color_space: ``srgb`` or ``linear``, how the stored values are encoded.
    """
    if stored.dtype.kind == "f":
        decoded = srgb_to_linear(stored) if color_space == "srgb" else stored
        return decoded.astype(np.float32, copy=False)
    table = transfer_table(stored.dtype.str, color_space)
    if stored.dtype == np.uint8:
        return cv2.LUT(np.ascontiguousarray(stored), table)
    return np.take(table, stored, mode="clip")


@cache
def transfer_table(dtype: str, color_space: str) -> np.ndarray:
    """Linear light of every value of the integer type ``dtype``: (256,) or (65536,) float32."""
    levels = np.arange(np.iinfo(dtype).max + 1, dtype=np.float64) / np.iinfo(dtype).max
    return (srgb_to_linear(levels) if color_space == "srgb" else levels).astype(np.float32)
