"""Where things are on the page of a report, and what it shows. Knows the browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

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


def view(tab: Tab) -> list[float]:
    return [float(limit) for limit in tab.page.locator("#curve-chart").get_attribute("data-view").split()]


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
