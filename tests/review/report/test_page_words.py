"""The report in a real browser: findings, names, provenance, widths; no complaint, no request."""

from __future__ import annotations

import re

import pytest

from . import troubled
from .on_page import Open


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


@pytest.mark.parametrize("width", [1920, 1440, 1280, 1000, 600])
def test_nothing_is_cut_at_any_width(open_report: Open, width: int) -> None:
    tab = open_report(size=(width, 800), shown_films=[] if width == 600 else None)
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= width
    for selector in ("#curve-chart", "#strip .over", "#head .chart >> nth=1", "#picker"):
        box = tab.box(selector)
        assert box["width"] >= 150, selector
        assert box["x"] + box["width"] <= width, selector
    assert tab.page.locator("#curve-chart").bounding_box()["height"] >= 200
