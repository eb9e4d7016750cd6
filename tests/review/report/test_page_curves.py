"""The report in a real browser: controls and curves. Every test also checks: no complaint, no request."""

from __future__ import annotations

import re

import numpy as np
import pytest

from . import troubled
from .on_page import Open, control, drawn_pixels, on_curves, on_strip, view

INKED, TINTED = (150, 255), (35, 70)  # opacity of a curve's pixels, and of its band's


def test_typing_filters_the_list_and_moves_no_frame(open_report: Open) -> None:
    tab = open_report()
    tab.page.locator("#filter").click()
    tab.page.keyboard.type("BLINK l")
    tab.page.keyboard.press("ArrowLeft")
    tab.page.keyboard.press("End")
    assert tab.frame == 0
    visible = tab.page.locator(".control:visible .name").all_inner_texts()
    assert visible == ["eyeBlink_L"]
    assert tab.page.locator(".region:visible").count() == 1
    tab.page.locator("#filter").fill("face.odd")  # by its plug
    assert tab.page.locator(".control:visible .name").all_inner_texts() == [troubled.HOSTILE]
    tab.page.locator("#filter").fill("nothing like it")
    assert tab.page.get_by_text("No control has such a name.").is_visible()
    tab.page.keyboard.press("Escape")
    assert tab.page.locator(".control:visible").count() == 8


def test_controls_are_picked_by_name_by_region_and_dropped(open_report: Open) -> None:
    tab = open_report()
    tab.page.get_by_role("button", name="Drop all picked controls").click()
    assert tab.page.locator("#readout li").count() == 0
    control(tab, "smile_L").click()
    control(tab, "noseLocked").click()
    assert "0.000 ± 0.010" in tab.text("#readout li[title=smile_L]")
    assert "1.000 locked" in tab.text("#readout li[title=noseLocked]")
    assert control(tab, "smile_L").get_by_role("checkbox").is_checked()
    tab.page.get_by_role("checkbox", name="All of Mouth").click()
    assert tab.page.locator("#readout li").count() == 3
    tab.page.get_by_role("button", name="Drop smile_L").click()
    assert not control(tab, "smile_L").get_by_role("checkbox").is_checked()
    assert tab.page.locator("#readout li").count() == 2
    tab.page.get_by_role("button", name="Pick the controls that move most").click()
    assert tab.page.locator("#readout li").count() == 4


def test_every_picked_control_shows_the_color_of_its_curve(open_report: Open) -> None:
    tab = open_report()
    read = "() => [...document.querySelectorAll('#readout .swatch')].map((patch) => patch.style.background)"
    colors = tab.page.evaluate(read)
    assert len(colors) > 1
    assert all(color.startswith("rgb") for color in colors)
    assert len(set(colors)) == len(colors)


def test_hovering_the_curves_tells_values(open_report: Open) -> None:
    tab = open_report()
    tab.page.mouse.move(*on_curves(tab, 15))
    tip = tab.text("#tip")
    assert "frame 16 (scene 1016), a keyframe of the solve" in tip
    assert f"jawOpen: {troubled.controls()[15, troubled.JAW]:.3f} ± 0.010" in tip
    tab.page.mouse.move(*on_curves(tab, troubled.MISSED))
    assert "pinned" in tab.text("#tip")
    assert tab.frame == 0
    tab.page.mouse.click(*on_curves(tab, 15))
    assert tab.frame == 15


def test_curves_zoom_and_pan_together(open_report: Open) -> None:
    tab = open_report()
    start, end = on_curves(tab, 10), on_curves(tab, 20)
    tab.page.mouse.move(*start)
    tab.page.mouse.down()
    tab.page.mouse.move(*end, steps=3)
    tab.page.mouse.up()
    np.testing.assert_allclose(view(tab), [10, 20], atol=0.3)
    assert tab.frame == 0
    assert tab.page.locator("#head .chart").first.get_attribute("data-view").startswith("10.")
    whole = tab.page.get_by_role("button", name="Show the whole take")
    assert whole.is_enabled()
    tab.page.keyboard.down("Shift")
    tab.page.mouse.move(*end)
    tab.page.mouse.down()
    tab.page.mouse.move(*start, steps=3)
    tab.page.mouse.up()
    tab.page.keyboard.up("Shift")
    np.testing.assert_allclose(np.diff(view(tab)), 10, atol=0.6)
    assert view(tab)[0] > 11
    tab.page.keyboard.press("Home")  # the view follows the frame
    assert view(tab)[0] <= 0
    tab.page.mouse.dblclick(*end)
    assert view(tab) == [-0.5, 39.5]
    assert whole.is_disabled()
    tab.page.keyboard.press("+")
    assert np.diff(view(tab)) == pytest.approx(25, abs=0.1)
    tab.page.keyboard.press("0")
    assert view(tab) == [-0.5, 39.5]


def test_bands_and_parts_of_range_can_be_switched(open_report: Open) -> None:
    tab = open_report()
    picture = tab.page.locator("#curve-chart canvas").first
    with_bands = picture.screenshot()
    tab.page.get_by_role("button", name="Bands of one standard deviation").click()
    assert picture.screenshot() != with_bands
    share = tab.page.get_by_role("button", name="Curves as parts of each control’s range")
    share.click()
    tab.page.keyboard.press("End")
    odd = troubled.controls()[39, troubled.ODD]
    row = tab.page.locator("#readout li", has_text="hacked")
    assert f"{(odd + 2) / 10:.3f} ± 0.001" in row.inner_text().replace("−", "-")
    share.click()
    assert f"{odd:.2f} ± 0.01" in row.inner_text().replace("−", "-")


def test_head_motion_tells_degrees_and_millimeters(open_report: Open) -> None:
    tab = open_report()
    tab.page.keyboard.press("End")
    assert "y 10.00 ± 0.06°" in tab.text("#head")
    assert re.search(r"x 20\.00 ± 0\.10 mm", tab.text("#head"))


def test_without_deviations_there_are_no_bands(open_report: Open) -> None:
    nothing = np.full((troubled.COUNT, 8), np.nan)
    tab = open_report(troubled.solution(control_std=nothing, head_std=np.full((troubled.COUNT, 6), np.nan)))
    assert "±" not in tab.text("#readout") + tab.text("#head") + tab.text("#curve-tools")
    assert "has no standard deviations" in tab.text("#certainty")


def test_curves_and_bands_are_cut_where_the_take_leaves_frames_out(open_report: Open) -> None:
    frames = np.arange(1, 41)
    frames[20:] += 100
    tab = open_report(troubled.solution(frames=frames, control_std=np.full((troubled.COUNT, 8), 0.2)))
    tab.page.get_by_role("button", name="Drop all picked controls").click()
    assert tab.page.get_by_text("Pick controls on the right").is_visible()
    control(tab, "jawOpen").click()
    assert not tab.page.get_by_text("Pick controls on the right").is_visible()
    tab.page.wait_for_timeout(50)
    for index in (18.5, 20.5):
        assert drawn_pixels(tab, index, INKED) >= 1
        assert drawn_pixels(tab, index, TINTED) >= 60
    assert drawn_pixels(tab, 19.5, INKED) == drawn_pixels(tab, 19.5, TINTED) == 0
    tab.page.get_by_role("button", name="Bands of one standard deviation").click()
    tab.page.wait_for_timeout(50)
    assert drawn_pixels(tab, 18.5, INKED) >= 1
    assert drawn_pixels(tab, 18.5, TINTED) <= 3


def test_the_playhead_marks_the_value_of_every_curve(open_report: Open) -> None:
    tab = open_report()
    tab.page.get_by_role("button", name="Drop all picked controls").click()
    control(tab, "jawOpen").click()
    heights = []
    for index in (2, 15):
        tab.page.mouse.click(*on_strip(tab, index))
        dot = tab.page.locator("#curve-chart .playhead .swatch")
        box = dot.bounding_box()
        assert box["x"] + box["width"] / 2 == pytest.approx(on_curves(tab, index)[0], abs=1.5)
        heights.append(box["y"])
    low, high = troubled.controls()[[2, 15], troubled.JAW]
    assert (heights[0] > heights[1]) == (low < high)
