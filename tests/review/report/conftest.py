"""The troubled report, open in a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from facesolve.review.report.head import head_record
from facesolve.review.report.page import Film, page_html
from facesolve.review.report.record import packed, report_record
from facesolve.take import Solution, Take

from ..browser import Tab
from . import troubled


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
        against: Solution | None = None,
    ) -> Tab:
        shown = troubled.solution() if solution is None else solution
        record = {
            **report_record(shown, take if with_take else None),
            "take": {"name": troubled.HOSTILE_TAKE, "folder": "/shows/<take>", "solution": "/shows/out"},
            "no_film": "No video: <b>its take is gone</b>.",
            "review": [{"first": 3, "last": 9, "mark": "noted", "text": "<b>lids</b>"}],
            "head3d": head_record(shown, take) if with_take else None,
            "against": None
            if against is None
            else {"name": "other", "values": packed(against.controls.T), "head3d": head_record(against, take)},
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
