"""Vertex masks that a user gives as a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from . import TakeError
from .layouts import MASK, SIZES
from .reading import read_npy, read_text


def read_mask(path: Path, count: int) -> np.ndarray:
    """(V,) float32 in 0..1 from an ``.npy`` of one number per vertex, or from a text of vertex numbers, one a line.

    Raises TakeError.
    """
    try:
        if path.suffix.lower() == ".npy":
            mask = read_npy(path, "vertex mask", MASK, SIZES)
        else:
            mask = np.zeros(count)
            mask[_vertex_numbers(read_text(path, "vertex mask"), count)] = 1
    except ValueError as error:
        raise TakeError(f"vertex mask: '{path}' is neither an .npy array nor a list of vertices ({error}).") from None
    if mask.shape != (count,):
        raise TakeError(f"vertex mask: '{path}' has shape {mask.shape}; the rig needs one number for {count} vertices.")
    if not (np.isfinite(mask).all() and mask.min() >= 0 and mask.max() <= 1 and mask.max() > 0):
        raise TakeError(f"vertex mask: '{path}' must hold numbers in 0..1, not all of them 0.")
    return mask.astype(np.float32)


def _vertex_numbers(text: str, count: int) -> list[int]:
    numbers = [int(line) for line in text.split()]
    outside = [number for number in numbers if not 0 <= number < count]
    if outside:
        raise ValueError(f"vertex {outside[0]} is outside 0..{count - 1}")
    return numbers
