"""The index: one page over all takes of a folder; which need somebody, what they share; 500 open in a second."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from facesolve.review.index.rows import index_record
from facesolve.review.index.write import asset, write_index
from facesolve.review.report.page import offline_page
from facesolve.runtime.progress import Silent
from facesolve.runtime.sole_writer import has_writer, sole_writer
from facesolve.take import Solution, TakeError, write_solution
from facesolve.take.review import APPROVED, REJECTED, ReviewMark, write_review
from facesolve.take.verdict import DOES_NOT_FIT, FITS, Verdict

from ..browser import Tab
from ..filmed import Filmed


def solution(filmed: Filmed, verdict: Verdict, smoothness: float = 1.0, weak: bool = False) -> Solution:
    residual = np.tile([[0.1, 0.1, 0.3 if weak else 0.1]], (3, 1))
    residual[2] *= 3
    settings = {"quality": "standard", "smoothness": smoothness}
    errors = {"left": {"rotation_degrees": 0.1 * smoothness}}
    made = {
        "settings": settings,
        "seconds": {"track": 4.0},
        "camera_errors": errors,
        "date": f"2026-01-0{smoothness:.0f}",
    }
    return replace(filmed.solution, residual=residual, verdict=verdict, provenance=made)


@pytest.fixture
def solved(filmed: Filmed, tmp_path: Path) -> Path:
    """Three solutions, and a take whose solve failed."""
    fits = Verdict(FITS, "3 of 3 cameras agree.", error_mm=0.12)
    words = {"reason": "cameras disagree everywhere.", "next_step": "Calibrate again."}
    wrong = Verdict(DOES_NOT_FIT, **words, error_mm=2.5, frames=(1,))
    for name, one in {
        "good": solution(filmed, fits, weak=True),
        "other": solution(filmed, fits, 2.0, weak=True),
        "wrong": solution(filmed, wrong),
    }.items():
        write_solution(one, tmp_path / name)
    (tmp_path / "good" / "report.html").touch()
    write_review(tmp_path / "other", [ReviewMark(0, 1, REJECTED, "lids")])
    (tmp_path / "failed").mkdir()
    (tmp_path / "failed" / "solve.log").write_text("0.1 s  stage: track\n0.2 s  no camera sees the rig\n")
    (tmp_path / "notes").mkdir()
    return tmp_path


def test_each_take_is_a_row_with_what_is_particular_about_it(solved: Path) -> None:
    record = index_record(solved, solved / "index.html")
    rows = {row["name"]: row for row in record["rows"]}
    assert list(rows) == ["failed", "good", "other", "wrong"]
    by_trouble = sorted(rows, key=lambda name: -rows[name]["trouble"])
    assert by_trouble[:2] == ["failed", "wrong"]
    assert rows["failed"]["reason"] == "could not be solved; its log ends: 0.2 s  no camera sees the rig."
    assert (rows["wrong"]["verdict"], rows["wrong"]["error"], rows["wrong"]["worst"]) == ("does not fit", 2.5, 2)
    assert (rows["wrong"]["seen"], rows["wrong"]["next"]) == ("seen in frame 1.", "Calibrate again.")
    assert rows["wrong"]["why"] == ["frame 2 has 3.0 times its usual error."]  # its verdict says the rest
    assert rows["other"]["differs"] == ["smoothness 2"]
    assert rows["good"]["differs"] == []
    assert rows["good"]["cameras"] == ["right (3.0 times)"]
    assert (rows["good"]["report"], rows["wrong"]["report"]) == ("good/report.html", "")
    assert (rows["other"]["review"], rows["good"]["review"]) == ("rejected", "")
    assert rows["good"]["sparks"] == [1.0, 1.0, 3.0]
    assert record["across"]["cameras"] == [["right", 2]]
    (drift,) = record["across"]["drift"]
    assert (drift["camera"], drift["unit"]) == ("left", "degrees")
    assert [name for name, *_ in drift["points"]] == ["good", "wrong", "other"]
    assert rows["other"]["why"][0] == "a person rejected it."
    assert by_trouble[2] == "other"


def test_a_take_that_is_being_solved_needs_nobody_and_an_approved_one_no_more(solved: Path) -> None:
    (solved / "running").mkdir()
    (solved / "running" / "solve.log").write_text("0.1 s  stage: track\n")
    write_review(solved / "wrong", [ReviewMark(0, 2, APPROVED)])
    with sole_writer(solved / "running", lambda _: None):
        rows = {row["name"]: row for row in index_record(solved, solved / "index.html")["rows"]}
    assert (rows["running"]["verdict"], rows["running"]["reason"]) == ("being solved", "0.1 s  stage: track.")
    assert rows["running"]["trouble"] < rows["wrong"]["trouble"] < rows["good"]["trouble"]
    rows = {row["name"]: row for row in index_record(solved, solved / "index.html")["rows"]}
    assert rows["running"]["verdict"] == "not solved"
    assert not has_writer(solved / "running")


def test_a_camera_that_works_loose_over_the_day_is_told_from_one_that_is_only_off(
    filmed: Filmed, tmp_path: Path
) -> None:
    noise = np.random.default_rng(3).normal(0, 0.003, (9, 2))
    for number in range(9):
        errors = {"loose": 0.02 + 0.01 * number + noise[number, 0], "off": 0.2 + noise[number, 1]}
        made = {
            "camera_errors": {name: {"rotation_degrees": value} for name, value in errors.items()},
            "date": f"2026-01-01T{9 + number:02d}:00:00+00:00",
        }
        write_solution(replace(filmed.solution, provenance=made), tmp_path / f"take_{9 - number}")
    loose, off = index_record(tmp_path, tmp_path / "index.html")["across"]["drift"]
    assert (loose["camera"], loose["grows"], off["grows"]) == ("loose", True, False)
    assert loose["rise"] == pytest.approx(0.08, abs=0.01)
    assert loose["points"][0][:2] == ["take_9", "2026-01-01T09:00:00+00:00"]


def test_on_a_good_night_the_first_to_look_at_are_those_that_stand_out(filmed: Filmed, tmp_path: Path) -> None:
    fits = Verdict(FITS, "3 of 3 cameras agree.", error_mm=0.1)
    for number in range(6):
        write_solution(replace(filmed.solution, verdict=replace(fits, error_mm=0.1)), tmp_path / f"plain_{number}")
    write_solution(replace(filmed.solution, verdict=replace(fits, error_mm=0.45)), tmp_path / "unsure")
    residual = np.full((3, 3), 0.1)
    residual[1] *= 4
    write_solution(replace(filmed.solution, verdict=fits, residual=residual), tmp_path / "jump")
    rows = index_record(tmp_path, tmp_path / "index.html")["rows"]
    why = {row["name"]: row["why"] for row in rows if row["why"]}
    assert why == {
        "unsure": ["expected error 4.5 times that of the others."],
        "jump": ["frame 1 has 4.0 times its usual error."],
    }


def test_the_worst_frame_is_drawn_once_and_anew_after_another_solve(filmed: Filmed, tmp_path: Path) -> None:
    from facesolve.take import write_take

    write_take(filmed.take, tmp_path / "take")
    made = {**filmed.solution.provenance, "take": "../../take"}
    write_solution(replace(filmed.solution, provenance=made), tmp_path / "solved" / "a")
    assert write_index(tmp_path / "solved", tmp_path / "solved" / "index.html", Silent()) == 1
    picture = tmp_path / "solved" / "a" / "worst.jpg"
    assert cv2.imread(str(picture)).shape == (150, 200, 3)
    before = picture.read_bytes()
    picture.write_bytes(b"kept")
    write_index(tmp_path / "solved", tmp_path / "solved" / "index.html", Silent(), overwrite=True)
    assert picture.read_bytes() == b"kept"
    (tmp_path / "solved" / "a" / "solution.json").touch()
    write_index(tmp_path / "solved", tmp_path / "solved" / "index.html", Silent(), overwrite=True)
    assert picture.read_bytes() == before


def test_a_folder_without_solutions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TakeError, match="holds a solution"):
        write_index(tmp_path, tmp_path / "index.html", Silent())
    with pytest.raises(TakeError, match="does not exist"):
        write_index(tmp_path / "no", tmp_path / "index.html", Silent())


def test_500_takes_open_in_a_second_and_the_worst_come_first(browser: Any, solved: Path, tmp_path: Path) -> None:
    record = index_record(solved, solved / "index.html")
    seen, broken = record["rows"][1], record["rows"][3]
    _, jpeg = cv2.imencode(".jpg", np.random.default_rng(0).integers(0, 255, (150, 112, 3)).astype(np.uint8))
    seen["picture"] = base64.b64encode(jpeg.tobytes()).decode()
    rows = [{**seen, "name": f"shot_{n:03d}", "error": n / 1000, "trouble": n / 1000} for n in range(495)]
    rows += [{**broken, "name": f"bad_{n}"} for n in range(5)]
    page = tmp_path / "page" / "index.html"
    page.parent.mkdir()
    about = {"facesolve": "1", "date": "today"}
    page.write_bytes(
        offline_page(
            *map(asset, ("index.html", "index.css", "index.js")), "many", {**record, "rows": rows, "written": about}
        )
    )
    tab = Tab(browser, page, (1440, 900))
    assert any(_busy_seconds(tab.page, page) < 1.0 for _ in range(3))  # the machine may be busy with something else
    assert "Next: Calibrate again." in tab.page.locator("#first li").first.inner_text()
    assert "Settings that differ" not in tab.page.locator("#heads").inner_text()  # none does
    named = tab.page.locator("#first li strong").all_inner_texts()
    assert sorted(named) == [f"bad_{n}" for n in range(5)]
    tab.page.fill("#filter", "shot_49")
    assert tab.page.locator("#rows tr").count() == 5
    tab.page.fill("#filter", "")
    tab.page.get_by_role("button", name="Expected error").click()
    assert tab.page.locator("#rows tr").first.locator("td.name").inner_text().startswith("bad_")
    tab.page.get_by_role("button", name="5 does not fit").click()
    assert tab.page.locator("#rows tr").count() == 5
    tab.page.get_by_role("button", name="Contact sheet").click()
    assert tab.page.locator("#sheet img, #sheet .blank").count() == 5
    assert tab.complaints == []
    assert [address for address in tab.asked if not address.startswith(("file:", "data:"))] == []
    tab.page.close()


def _busy_seconds(page: Any, file: Path) -> float:
    """What opening the file costs the page's thread, whatever else the machine does."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def spent() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return float(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))

    before = spent()
    page.goto(file.as_uri())
    page.wait_for_selector("#rows tr:nth-child(500)", state="attached")
    return spent() - before


def test_names_cannot_become_markup() -> None:
    record = {"folder": "<b>", "rows": [], "across": {}, "written": {}}
    page = offline_page(*map(asset, ("index.html", "index.css", "index.js")), "</title><script>", record).decode()
    assert "</title><script>" not in page
    stored = re.search(r'id="data">(.*?)</script>', page)
    assert stored is not None
    assert json.loads(stored[1])["folder"] == "<b>"
