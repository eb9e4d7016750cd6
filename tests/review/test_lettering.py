"""Text stays legible on any ground, the color bar reads as it is, pictures fill a screen."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib import colormaps

from facesolve.review.layout import lay_out
from facesolve.review.lettering import color_bar, text_size, text_width, write_text


@pytest.mark.parametrize("ground", [0, 128, 255])
@pytest.mark.parametrize("height", [120, 480, 2160])
def test_text_stands_out_on_any_ground(ground: int, height: int) -> None:
    size = text_size(height)
    picture = np.full((height, 600, 3), ground, np.uint8)
    write_text(picture, "frame 1001", 5, 5, size)
    written = picture[: int(2 * size)]
    assert written.max() >= 235  # ink
    assert written.min() <= 40 or ground == 0  # outline
    assert picture[int(2 * size) :].min() == picture[int(2 * size) :].max() == ground


def test_letters_are_told_apart_and_holes_stay_open() -> None:
    one, other = (np.zeros((60, 120, 3), np.uint8) for _ in range(2))
    write_text(one, "8", 10, 5, 40)
    write_text(other, "3", 10, 5, 40)
    assert np.abs(one.astype(int) - other).max() > 200
    inked = one[..., 0] > 200
    rows, columns = np.nonzero(inked)
    middle = one[rows.min() : rows.max(), (columns.min() + columns.max()) // 2, 0]
    assert ((middle[:-1] > 200) & (middle[1:] <= 200)).sum() >= 2  # the bars of an 8, with holes between


def test_text_is_cut_at_the_picture_and_placed_by_its_corner() -> None:
    picture = np.zeros((40, 100, 3), np.uint8)
    write_text(picture, "camera", 90, 30, 20)
    write_text(picture, "camera", 500, 30, 20)
    low = np.zeros((40, 200, 3), np.uint8)
    write_text(low, "x", 200, 40, 20, right=True, bottom=True)
    rows, columns = np.nonzero(low[..., 0] > 128)
    assert columns.min() >= 200 - text_width("x", 20)
    assert rows.max() >= 30


def test_color_bar_runs_from_low_below_to_high_above() -> None:
    bar = color_bar(300, 14, "RdBu_r", -20, 20, ("levels",))
    column = bar[:, 10].astype(int)
    ends = np.rint(255 * np.array(colormaps["RdBu_r"]([1.0, 0.0]))[:, :3]).astype(int)
    colored = np.flatnonzero(np.ptp(column, axis=1) > 60)
    np.testing.assert_allclose(column[colored[0]], ends[0], atol=3)
    np.testing.assert_allclose(column[colored[-1]], ends[1], atol=3)


def test_layout_fills_a_screen_and_is_even() -> None:
    nine = lay_out([(1600, 1200)] * 9, 1)
    assert nine.columns == 3
    assert nine.canvas[0] <= 3840
    assert nine.canvas[1] <= 2160
    one = lay_out([(641, 481)], 1)
    assert (one.sizes, one.canvas) == (((641, 481),), (642, 482))
    assert lay_out([(600, 800)] * 3, 1).columns == 3
    mixed = lay_out([(600, 800), (800, 600)], 2, height=400)
    assert mixed.canvas[1] == 400
    assert mixed.sizes[0][0] < mixed.sizes[1][0] == mixed.cell[0]
    (x0, _), (x1, _) = mixed.place(0, 0), mixed.place(0, 1)
    assert x1 - x0 == mixed.cell[0] + 2


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_scale_is_that_of_the_footage(scale: float) -> None:
    layout = lay_out([(600, 800)], 1, scale=scale)
    assert layout.canvas == (round(600 * scale), round(800 * scale))
