"""A real browser: Chromium of FACESOLVE_CHROMIUM, the system, or Playwright; and a page that is open in it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")


def find_chromium() -> str | None:
    """Path of a Chromium of the system, or None."""
    chosen = os.environ.get("FACESOLVE_CHROMIUM")
    return chosen or next((path for path in map(shutil.which, CHROMIUMS) if path), None)


class Tab:
    """An open report. page: Playwright's. complaints: console errors and uncaught exceptions. asked: addresses."""

    def __init__(self, browser: Any, file: Path, size: tuple[int, int]) -> None:
        self.page = browser.new_page(viewport={"width": size[0], "height": size[1]})
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(file.as_uri())

    def _hear(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    @property
    def frame(self) -> int:
        """0-based frame that is shown."""
        return int(self.page.locator("body").get_attribute("data-frame"))

    def text(self, selector: str) -> str:
        return " ".join(self.page.locator(selector).all_inner_texts())

    def box(self, selector: str) -> dict[str, float]:
        """Where an element lies, scrolled into view."""
        element = self.page.locator(selector)
        element.scroll_into_view_if_needed()
        found: dict[str, float] = element.bounding_box()
        return found

    def point(self, selector: str, across: float, down: float = 0.5) -> tuple[float, float]:
        """A point in an element by parts of its size."""
        box = self.box(selector)
        return box["x"] + across * box["width"], box["y"] + down * box["height"]

    def until(self, condition: str) -> None:
        """Waits until a JavaScript expression holds. Not Playwright's own wait: the page's policy forbids its eval."""
        for _ in range(200):
            if self.page.evaluate(condition):
                return
            self.page.wait_for_timeout(20)
        raise AssertionError(f"never came true: {condition}")

    def has_video(self) -> bool:
        """Whether this browser plays H.264; Playwright's own Chromium does not."""
        answer = "document.createElement('video').canPlayType('video/mp4; codecs=\"avc1.42E01E\"')"
        return bool(self.page.evaluate(answer))
