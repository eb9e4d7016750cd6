"""Outlined text that stays legible on any picture, and the colour bar. Knows no camera and no frame."""

from __future__ import annotations

import warnings
from functools import cache, lru_cache
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from matplotlib import colormaps
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

LEAST_SIZE = 10.0  # pixels of a capital's height times 1.4; smaller text cannot be read
INK, OUTLINE = np.array([245.0, 245.0, 245.0]), np.array([0.0, 0.0, 0.0])
FINE = 4  # sub-pixels a side when glyphs are filled
BAR_TICKS = 5


def text_size(picture_height: int) -> float:
    """Size in pixels of the text on a picture of that height."""
    return max(LEAST_SIZE, picture_height / 36)


def write_text(
    picture: np.ndarray, text: str, x: float, y: float, size: float, right: bool = False, bottom: bool = False
) -> None:
    """Writes ``text`` into (H, W, 3) uint8, in white with a dark outline.

    x, y: pixels of the text's top left corner, or of its right end and lower edge when ``right`` and ``bottom``. What
    falls outside the picture is cut.
    """
    ink, outline = _masks(text, round(size * 4) / 4)
    height, width = ink.shape
    left, top = round(x - width if right else x), round(y - height if bottom else y)
    rows = slice(max(top, 0), min(top + height, picture.shape[0]))
    columns = slice(max(left, 0), min(left + width, picture.shape[1]))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return
    part = np.s_[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    under = picture[rows, columns] * (1 - outline[part][..., None]) + OUTLINE * outline[part][..., None]
    picture[rows, columns] = np.rint(under + (INK - under) * ink[part][..., None])


def text_width(text: str, size: float) -> int:
    """Width in pixels of what ``write_text`` writes."""
    return _masks(text, round(size * 4) / 4)[0].shape[1]


def colour_bar(height: int, size: float, colormap: str, low: float, high: float, titles: tuple[str, ...]) -> np.ndarray:
    """(height, W, 3) uint8: a strip with a scale from ``low`` (bottom) to ``high`` (top), its unit above it.

    size: of the text, pixels.
    """
    values = np.linspace(low, high, BAR_TICKS)
    labels = [f"{value:+.3g}" if low < 0 and value else f"{value:.3g}" for value in values]
    thick, pad = max(8, round(size)), round(size * 0.5)
    wide = thick + pad + max(text_width(label, size) for label in labels)
    wide = max(wide, *(text_width(title, size) for title in titles))
    bar = np.full((height, wide + 2 * pad, 3), 18, np.uint8)
    line = size * 1.35
    top, bottom = round(pad + line * (len(titles) + 0.6)), height - round(line)
    for number, title in enumerate(titles):
        write_text(bar, title, pad, pad + number * line, size)
    ramp = colormaps[colormap](np.linspace(1, 0, max(bottom - top, 1)))[:, None, :3]
    bar[top:bottom, pad : pad + thick] = np.rint(255 * ramp)
    for number, label in enumerate(labels):
        y = bottom + (top - bottom) * number / (BAR_TICKS - 1)
        write_text(bar, label, 2 * pad + thick, y - 0.62 * size, size)
    return bar


@lru_cache(maxsize=512)
def _masks(text: str, size: float) -> tuple[np.ndarray, np.ndarray]:
    """Opacity (h, w) in 0..1 of the letters and of the outline around and under them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a letter that the font lacks is drawn as a box
        path = TextPath((0, 0), text, size=size, prop=_font())
    margin = max(2.0, size / 7)
    width = int(np.ceil(path.get_extents().x1 + 2 * margin)) if text.strip() else 1
    height = int(np.ceil(size * 1.05 + 2 * margin))
    base = margin + 0.8 * size
    polygons = []
    for polygon in path.to_polygons():
        points = np.asarray(polygon) * (1, -1) + (margin, base)
        polygons.append(np.rint((points * FINE - 0.5) * 16).astype(np.int32))
    fine = np.zeros((height * FINE, width * FINE), np.uint8)
    cv2.fillPoly(fine, polygons, 255, cv2.LINE_8, 4)
    reach = max(1.4, size / 11) * FINE
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * round(reach) + 1,) * 2)
    thick = cv2.dilate(fine, disc)
    ink, outline = (
        cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        for mask in (fine, thick)
    )
    return ink, outline * 0.85


@cache
def _font() -> FontProperties:
    return FontProperties(fname=Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans-Bold.ttf")
