"""A real browser: Chromium of FACESOLVE_CHROMIUM, the system, or Playwright; tests skip where there is none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from facesolve.review.report.page import Film, page_html
from facesolve.review.report.record import report_record
from facesolve.take import Solution, Take

from . import troubled

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")


def find_chromium() -> str | None:
    """Path of a Chromium of the system, or None."""
    chosen = os.environ.get("FACESOLVE_CHROMIUM")
    return chosen or next((path for path in map(shutil.which, CHROMIUMS) if path), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="Playwright is not installed; pip install playwright"
    )
    root = hasattr(os, "geteuid") and os.geteuid() == 0  # Chromium refuses to start its sandbox as root
    with playwright.sync_playwright() as api:
        try:
            started = api.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"] if root else [])
        except playwright.Error as error:
            pytest.skip(f"no Chromium starts here (apt-get install chromium, or FACESOLVE_CHROMIUM): {error.message}")
        yield started
        started.close()


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


@pytest.fixture(scope="session")
def take(tmp_path_factory: pytest.TempPathFactory) -> Take:
    return troubled.take(tmp_path_factory.mktemp("take"))


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> list[Film]:
    folder = tmp_path_factory.mktemp("films")
    return [troubled.film(folder / "a.mp4"), troubled.film(folder / "b.mp4", "<i>Second</i>")]


@pytest.fixture
def open_report(browser: Any, tmp_path: Path, take: Take, films: list[Film]) -> Iterator[Callable[..., Tab]]:
    """Opens the troubled report; afterwards nothing may have complained, and nothing been asked of a network."""
    opened: list[Tab] = []

    def open_it(
        solution: Solution | None = None,
        with_take: bool = True,
        shown_films: list[Film] | None = None,
        size: tuple[int, int] = (1280, 900),
    ) -> Tab:
        shown = troubled.solution() if solution is None else solution
        record = {
            **report_record(shown, take if with_take else None),
            "take": {"name": troubled.HOSTILE_TAKE, "folder": "/shows/<take>", "solution": "/shows/out"},
            "no_film": "No video: <b>its take is gone</b>.",
            "solution": {"schema": 1, "provenance": shown.provenance},
            "log": "0.00 s  <script>window.hacked = 'log'</script>",
            "written": {"facesolve": "0.1.0", "date": "2026-01-02T03:04:05+00:00"},
        }
        file = tmp_path / f"report{len(opened)}.html"
        file.write_bytes(page_html(troubled.HOSTILE_TAKE, record, films if shown_films is None else shown_films))
        opened.append(Tab(browser, file, size))
        return opened[-1]

    yield open_it
    for tab in opened:
        assert tab.complaints == []
        assert [address.split(":")[0] for address in tab.asked].count("file") == 1
        assert {address.split(":")[0] for address in tab.asked} <= {"file", "blob", "data"}
        tab.page.close()
