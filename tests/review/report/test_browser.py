"""The report in a real browser, driven by mouse and keys. Every test also checks: no complaint, no request."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from facesolve.review.report.page import Film

from ..browser import Tab
from . import troubled

Open = Callable[..., Tab]
STRIP, CURVES = "#strip .over", "#curve-chart .u-over"


def shown_gray(tab: Tab) -> float:
    """The mean level of the picture that the video shows."""
    read = """() => {
      const video = document.querySelector('video');
      const canvas = Object.assign(document.createElement('canvas'), {width: 8, height: 8});
      const context = canvas.getContext('2d');
      context.drawImage(video, 0, 0, 8, 8);
      return [...context.getImageData(0, 0, 8, 8).data].filter((_, n) => n % 4 < 3).reduce((a, b) => a + b) / 192;
    }"""
    return float(tab.page.evaluate(read))


def wait_for_video(tab: Tab, index: int) -> None:
    """Waits until the video shows frame ``index``; its gray tells."""
    tab.until("() => { const v = document.querySelector('video'); return v.readyState > 1 && !v.seeking }")
    tab.page.wait_for_timeout(80)
    assert shown_gray(tab) == pytest.approx(troubled.GRAY + troubled.GRAY_STEP * index, abs=1.9)


def needs_video(tab: Tab) -> None:
    if not tab.has_video():
        pytest.skip("this Chromium plays no H.264; the system's does (apt-get install chromium)")


def on_strip(tab: Tab, index: int) -> tuple[float, float]:
    return tab.point(STRIP, (index + 0.5) / troubled.COUNT, 0.4)


def on_curves(tab: Tab, index: float) -> tuple[float, float]:
    return tab.point(CURVES, (index + 0.5) / troubled.COUNT)


def control(tab: Tab, name: str) -> Any:
    """The row of a control in the list."""
    return tab.page.locator(".control", has=tab.page.get_by_text(name, exact=True))


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


def view(tab: Tab) -> list[float]:
    return [float(limit) for limit in tab.page.locator("#curve-chart").get_attribute("data-view").split()]


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


def test_findings_lead_to_frame_and_curve(open_report: Open) -> None:
    tab = open_report()
    assert re.search(r"\d+ likely wrong, \d+ worth a look", tab.text("#verdict"))
    weak = tab.page.locator(".findings li", has_text="camera 'top': it fits 1.50 times worse")
    assert weak.locator(".subject").inner_text().strip() == "camera 'top':"
    assert weak.locator(".remedy").inner_text() == "Look at its calibration, focus and frame offset."
    spike = tab.page.locator(".findings li", has_text="smile_L: it spikes")
    spike.get_by_role("button", name=f"Go to frame {troubled.SPIKE + 1}").click()
    assert tab.frame == troubled.SPIKE
    assert tab.page.locator("#readout li").count() == 1
    assert "0.500" in tab.text("#readout li[title=smile_L]")
    assert "21" in spike.locator(".chip").first.inner_text()
    limit = tab.page.locator(".findings li", has_text="browUp: it is at")
    assert limit.locator(".chip").first.inner_text() == "9–20"


def test_uncertain_and_confused_controls_lead_to_their_curves(open_report: Open) -> None:
    tab = open_report()
    first = tab.page.locator("#certainty .bar-row").first
    assert "mouthPress" in first.inner_text()
    assert "±22.5 %" in first.inner_text()
    first.click()
    assert tab.frame == 39
    assert tab.page.locator("#readout li").count() == 1
    pair = tab.page.locator("#confused .pair-row").first
    assert "raising both together" in pair.inner_text()
    assert "0.95" in pair.inner_text()
    pair.click()
    assert tab.page.locator("#readout li").count() == 2


def test_head_motion_tells_degrees_and_millimeters(open_report: Open) -> None:
    tab = open_report()
    tab.page.keyboard.press("End")
    assert "y 10.00 ± 0.06°" in tab.text("#head")
    assert re.search(r"x 20\.00 ± 0\.10 mm", tab.text("#head"))


def test_names_are_shown_and_never_run(open_report: Open) -> None:
    tab = open_report()
    for name, selector in (
        (troubled.HOSTILE_TAKE, "h1"),
        (troubled.HOSTILE_CAMERA, "#strip .cameras"),
        (troubled.HOSTILE, "#readout"),
        (troubled.HOSTILE, "#picker"),
        ("<i>Second</i>", "#film-choices"),
        ("/shows/<take>", "#provenance"),
    ):
        assert name in tab.text(selector), selector
    tab.page.locator("summary", has_text="solve.log").click()
    assert "<script>window.hacked = 'log'</script>" in tab.text("pre")
    assert tab.page.evaluate("window.hacked") is None
    assert tab.page.locator("img, i:text('Second'), b:text('left & right')").count() == 0


def test_policy_stops_scripts_and_requests(open_report: Open) -> None:
    tab = open_report()
    failures: list[str] = []
    tab.page.on("requestfailed", lambda request: failures.append(f"{request.url} {request.failure}"))
    stopped = tab.page.evaluate(
        """async () => {
          const stopped = [];
          document.addEventListener('securitypolicyviolation', (event) => stopped.push(event.effectiveDirective));
          const script = document.createElement('script');
          script.textContent = 'window.hacked = true';
          document.body.append(script);
          const image = new Image();
          image.src = 'http://127.0.0.1:9/x.png';
          await fetch('http://127.0.0.1:9/').catch(() => {});
          await new Promise((resolve) => setTimeout(resolve, 50));
          return [stopped.sort(), window.hacked];
        }"""
    )
    assert stopped == [["connect-src", "img-src", "script-src-elem"], None]
    assert len(tab.complaints) >= 3
    assert all("csp" in failure for failure in failures)
    tab.complaints.clear()  # they were the point of this test
    tab.asked = [address for address in tab.asked if not address.startswith("http://127.0.0.1:9/")]


def test_provenance_holds_everything(open_report: Open) -> None:
    tab = open_report()
    text = tab.text("#provenance")
    for expected in ("Take folder", "/shows/out", "0.1.0", "draft", "noseLocked", "control jawOpen, value 0.9"):
        assert expected in text, expected
    tab.page.locator("summary", has_text="solution.json").click()
    assert '"keyframes"' in tab.text("pre")


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


def test_without_deviations_there_are_no_bands(open_report: Open) -> None:
    nothing = np.full((troubled.COUNT, 8), np.nan)
    tab = open_report(troubled.solution(control_std=nothing, head_std=np.full((troubled.COUNT, 6), np.nan)))
    assert "±" not in tab.text("#readout") + tab.text("#head") + tab.text("#curve-tools")
    assert "has no standard deviations" in tab.text("#certainty")


def test_frame_field_and_gaps(open_report: Open) -> None:
    frames = np.arange(1, 41)
    frames[20:] += 100
    tab = open_report(troubled.solution(frames=frames))
    field = tab.page.locator("#frame-number")
    field.fill("119")
    field.press("Enter")
    assert (tab.frame, field.input_value()) == (20, "121")


INKED, TINTED = (150, 255), (35, 70)  # opacity of a curve's pixels, and of its band's


def drawn_pixels(tab: Tab, index: float, opacity: tuple[int, int]) -> int:
    """Pixels in the first curve's color and of such opacity on the curves' canvas, in the column at ``index``."""
    read = """([across, [low, high]]) => {
      const canvas = document.querySelector('#curve-chart canvas');
      const over = document.querySelector('#curve-chart .u-over');
      const x = Math.round((parseFloat(over.style.left) + across * over.clientWidth) * devicePixelRatio);
      const copy = Object.assign(document.createElement('canvas'), {width: 1, height: canvas.height});
      copy.getContext('2d').drawImage(canvas, -x, 0);
      const column = copy.getContext('2d').getImageData(0, 0, 1, canvas.height).data;
      let count = 0;
      for (let n = 0; n < column.length; n += 4) {
        const colored = [92, 200, 232].every((level, part) => Math.abs(level - column[n + part]) < 24);
        if (colored && column[n + 3] >= low && column[n + 3] <= high) count += 1;
      }
      return count;
    }"""
    return int(tab.page.evaluate(read, [(index + 0.5) / troubled.COUNT, opacity]))


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


@pytest.mark.parametrize("width", [1920, 1440, 1280, 1000, 600])
def test_nothing_is_cut_at_any_width(open_report: Open, width: int) -> None:
    tab = open_report(size=(width, 800), shown_films=[] if width == 600 else None)
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= width
    for selector in ("#curve-chart", "#strip .over", "#head .chart >> nth=1", "#picker"):
        box = tab.box(selector)
        assert box["width"] >= 150, selector
        assert box["x"] + box["width"] <= width, selector
    assert tab.page.locator("#curve-chart").bounding_box()["height"] >= 200
