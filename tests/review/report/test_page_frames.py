"""The report in a real browser: strip, video and keys. Every test also checks: no complaint, no request."""

from __future__ import annotations

import re

import numpy as np

from facesolve.review.report.page import Film

from . import troubled
from .on_page import CURVES, STRIP, Open, needs_video, on_curves, on_strip, view, wait_for_video


def test_a_click_on_the_strip_moves_video_curves_and_values(open_report: Open) -> None:
    tab = open_report()
    assert tab.frame == 0
    tab.page.mouse.click(*on_strip(tab, 23))
    assert tab.frame == 23
    assert tab.page.locator("#curve-chart").get_attribute("data-cursor") == "23"
    assert tab.page.locator("#frame-number").input_value() == "24"
    assert "scene 1024" in tab.text("#scene-time")
    assert tab.page.locator(STRIP).get_attribute("aria-valuetext") == "frame 24 (scene 1024)"
    jaw = troubled.controls()[23, troubled.JAW]
    assert f"{jaw:.3f} ± 0.010" in tab.text("#readout li[title=jawOpen]")
    needs_video(tab)
    wait_for_video(tab, 23)


def test_dragging_along_the_strip_scrubs(open_report: Open) -> None:
    tab = open_report()
    tab.page.mouse.move(*on_strip(tab, 4))
    tab.page.mouse.down()
    for index in (9, 18, 31):
        tab.page.mouse.move(*on_strip(tab, index))
        assert tab.frame == index
    tab.page.mouse.up()
    tab.page.mouse.move(*on_strip(tab, 10))
    assert tab.frame == 31
    needs_video(tab)
    wait_for_video(tab, 31)


def test_keys_step_and_jump_everything(open_report: Open) -> None:
    tab = open_report()
    keys = tab.page.keyboard
    for key, expected in (
        ("ArrowRight", 1),
        ("ArrowRight", 2),
        ("ArrowLeft", 1),
        ("Shift+ArrowRight", 11),
        ("ArrowDown", troubled.BAD),
        ("ArrowDown", troubled.UNSEEN),
        ("ArrowUp", troubled.BAD),
        ("End", 39),
        ("ArrowRight", 39),
        ("Home", 0),
        ("ArrowLeft", 0),
        ("Shift+ArrowRight", 10),
    ):
        keys.press(key)
        assert tab.frame == expected, key
    needs_video(tab)
    wait_for_video(tab, 10)


def test_space_plays_in_step_and_pauses(open_report: Open) -> None:
    tab = open_report()
    needs_video(tab)
    wait_for_video(tab, 0)
    tab.page.keyboard.press("Space")
    assert "Pause" in tab.text("#transport")
    tab.until("Number(document.body.dataset.frame) >= 5")
    tab.page.keyboard.press("Space")
    stopped = tab.frame
    assert stopped < 39
    wait_for_video(tab, stopped)
    assert tab.frame == stopped
    assert tab.page.evaluate("document.querySelector('video').paused")


def test_a_click_may_slip_by_a_pixel(open_report: Open) -> None:
    tab = open_report()
    x, y = on_curves(tab, 15)
    tab.page.mouse.move(x - 1, y)
    tab.page.mouse.down()
    tab.page.mouse.move(x + 1, y)
    tab.page.mouse.up()
    assert tab.frame == 15
    assert view(tab) == [-0.5, 39.5]


def test_hovering_the_strip_tells_errors(open_report: Open) -> None:
    tab = open_report()
    tab.page.mouse.move(*on_strip(tab, troubled.BAD))
    tip = tab.text("#tip")
    assert "likely wrong" in tip
    error = troubled.residual()[troubled.BAD, 0]
    assert re.search(rf"front: error {error:.4f}, 1\.\d\d× the usual", tip)
    tab.page.mouse.move(*on_strip(tab, troubled.BLIND[0]))
    assert f"{troubled.HOSTILE_CAMERA}: not used" in tab.text("#tip")
    tab.page.mouse.move(2, 2)
    assert not tab.page.locator("#tip").is_visible()


def test_videos_are_switched_at_the_same_frame(open_report: Open) -> None:
    tab = open_report()
    needs_video(tab)
    tab.page.keyboard.press("Shift+ArrowRight")
    tab.page.get_by_role("button", name="Show <i>Second</i>").click()
    wait_for_video(tab, 10)
    assert tab.page.get_by_role("button", name="Show <i>Second</i>").get_attribute("aria-pressed") == "true"


def test_without_video_the_page_says_so_and_plays_curves(open_report: Open) -> None:
    tab = open_report(shown_films=[], with_take=False)
    assert "No video: <b>its take is gone</b>." in tab.text("#screen")
    tab.page.keyboard.press("Space")
    tab.until("Number(document.body.dataset.frame) >= 3")
    tab.page.keyboard.press("Space")
    assert "Play" in tab.text("#transport")


def test_a_video_that_does_not_play_leaves_the_rest_at_work(open_report: Open) -> None:
    tab = open_report(shown_films=[Film("One", b"no video", troubled.FPS), Film("Other", b"no video", troubled.FPS)])
    tab.page.get_by_text("This browser cannot play the video").wait_for()
    assert tab.page.locator("#film-choices button").count() == 0
    tab.page.mouse.click(*on_strip(tab, 12))
    assert tab.frame == 12
    tab.page.keyboard.press("Space")
    tab.until("Number(document.body.dataset.frame) >= 14")


def test_frame_field_and_gaps(open_report: Open) -> None:
    frames = np.arange(1, 41)
    frames[20:] += 100
    tab = open_report(troubled.solution(frames=frames))
    field = tab.page.locator("#frame-number")
    field.fill("119")
    field.press("Enter")
    assert (tab.frame, field.input_value()) == (20, "121")


INKED, TINTED = (150, 255), (35, 70)  # opacity of a curve's pixels, and of its band's


def test_one_frame_makes_a_page(open_report: Open) -> None:
    solution = troubled.solution()
    names = ("frames", "scene_times", "controls", "head", "control_std", "head_std", "residual")
    one = troubled.solution(**{name: getattr(solution, name)[3:4] for name in names})
    tab = open_report(one, shown_films=[])
    assert "1 frame, 4–4" in tab.text("#facts")
    tab.page.mouse.click(*tab.point(STRIP, 0.9))
    tab.page.mouse.click(*tab.point(CURVES, 0.5))
    tab.page.keyboard.press("ArrowRight")
    assert tab.frame == 0
