"""Outlined text that stays legible on any picture, and the color bar. Knows no camera and no frame."""

from __future__ import annotations

from functools import lru_cache
from math import ceil
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib import colormaps
from PIL import Image, ImageDraw, ImageFont

LEAST_SIZE = 10.0  # pixels of a capital's height times 1.4; smaller text cannot be read
INK, OUTLINE = (245, 245, 245), (0, 0, 0)
BAR_TICKS = 5
FONT = Path("fonts", "ttf", "DejaVuSans-Bold.ttf")  # in matplotlib's data, so the same letters everywhere


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
    line = _one_line(text)
    margin = _margin(size)
    width, height = text_width(text, size), ceil(size * 1.05 + 2 * margin)
    left, top = round(x - width if right else x), round(y - height if bottom else y)
    rows = slice(max(top, 0), min(top + height, picture.shape[0]))
    columns = slice(max(left, 0), min(left + width, picture.shape[1]))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return
    part = Image.fromarray(picture[rows, columns])
    baseline = (left - columns.start + margin, top - rows.start + margin + 0.8 * size)
    ImageDraw.Draw(part).text(
        baseline, line, INK, _font(size), anchor="ls", stroke_width=max(1.4, size / 11), stroke_fill=OUTLINE
    )
    picture[rows, columns] = np.asarray(part)


def text_width(text: str, size: float) -> int:
    """Width in pixels of what ``write_text`` writes."""
    return ceil(_font(size).getlength(_one_line(text)) + 2 * _margin(size))


def color_bar(height: int, size: float, colormap: str, low: float, high: float, titles: tuple[str, ...]) -> np.ndarray:
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


def _margin(size: float) -> float:
    """Pixels around the letters, for their outline."""
    return max(2.0, size / 7)


def _one_line(text: str) -> str:
    return text.replace("\n", " ")


@lru_cache(maxsize=32)
def _font(size: float) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / FONT, size, layout_engine=ImageFont.Layout.BASIC)
