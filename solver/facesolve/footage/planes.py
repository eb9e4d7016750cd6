"""Video frames to RGB; deep ones from their planes, by the matrix and the range that the file names.

Libraries that do this have lost the green channel of 4:2:0 frames of 10 bits, so it is done here: ITU-T H.273, tables 3
to 5. Knows frames of PyAV, no files.
"""

from __future__ import annotations

import re
from typing import Any

import cv2
import numpy as np

# red's and blue's share of luma, by the code of matrix coefficients (H.273, table 4); any other is BT.601
_SHARES = {1: (0.2126, 0.0722), 4: (0.30, 0.11), 7: (0.212, 0.087), 9: (0.2627, 0.0593), 10: (0.2627, 0.0593)}
_BT601 = 0.299, 0.114
_FULL_RANGE = 2
_PLANAR = re.compile(r"yuva?(420|422|440|444)p(9|10|12|14|16)le")
_STEPS = {
    "420": (2, 2),
    "422": (2, 1),
    "440": (1, 2),
    "444": (1, 1),
}  # luma for one of chroma


def rgb_of(frame: Any) -> np.ndarray:
    """(H, W, 3) RGB: uint8, or uint16 at full scale for more than 8 bits."""
    if max(component.bits for component in frame.format.components) <= 8:
        return np.asarray(frame.to_ndarray(format="rgb24"))
    deep = deep_rgb(frame)
    return np.asarray(frame.to_ndarray(format="rgb48le")) if deep is None else deep


def deep_rgb(frame: Any) -> np.ndarray | None:
    """(H, W, 3) uint16 RGB at full scale of a planar YUV frame of more than 8 bits; None for other kinds of frames."""
    kind = _PLANAR.fullmatch(frame.format.name)
    if kind is None:
        return None
    across, down = _STEPS[kind[1]]
    bits = int(kind[2])
    luma = _plane(frame.planes[0])
    height, width = luma.shape
    chroma = [_spread(_plane(plane), width, height, across, down) for plane in frame.planes[1:3]]
    scale = 2.0 ** (bits - 8)
    if frame.color_range == _FULL_RANGE:
        top = 2.0**bits - 1
        y, (u, v) = luma / top, [(c - 2.0 ** (bits - 1)) / top for c in chroma]
    else:
        y, (u, v) = (luma - 16 * scale) / (219 * scale), [(c - 128 * scale) / (224 * scale) for c in chroma]
    red, blue = _SHARES.get(int(frame.colorspace), _BT601)
    r, b = y + 2 * (1 - red) * v, y + 2 * (1 - blue) * u
    g = (y - red * r - blue * b) / (1 - red - blue)
    return np.rint(65535 * np.clip(np.stack([r, g, b], -1), 0, 1)).astype(np.uint16)


def _plane(plane: Any) -> np.ndarray:
    """(h, w) float32 samples of a plane of 16-bit words, whose rows may be padded."""
    rows = np.frombuffer(plane, "<u2").reshape(-1, plane.line_size // 2)
    return rows[: plane.height, : plane.width].astype(np.float32)


def _spread(chroma: np.ndarray, width: int, height: int, across: int, down: int) -> np.ndarray:
    """Chroma at every luma sample, (height, width), linearly between its own, which lie on every second column."""
    if (across, down) == (1, 1):
        return chroma
    x = np.arange(width, dtype=np.float32) / across
    y = np.arange(height, dtype=np.float32) / down - (0.25 if down == 2 else 0.0)
    return cv2.remap(chroma, *np.meshgrid(x, y), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
