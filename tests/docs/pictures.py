"""The documentation's pictures: ``python -m tests.docs.pictures demo|panel|report|index|calibrate FOLDER [DEMO]``.

``demo``, ``report`` and ``index`` draw the results of ``facesolve demo --out DEMO`` (default: facesolve_demo, made when
it is not there); the latter two need Chromium and PyAV. ``panel`` needs PySide6 and shows the panel outside Maya, on a
scene of the tests; its footage is the demo's. ``calibrate`` calibrates computed photographs of a board.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from facesolve.calibrate.board import parse_board
from facesolve.cli import main as facesolve
from facesolve.geometry.camera import scaled
from facesolve.take import Solution, read_solution, write_solution
from facesolve.take.solved import find_take_folder
from facesolve.take.verdict import DOES_NOT_FIT, DOUBTFUL, Verdict
from tests.calibrate.boards_seen import arc_of_cameras, waved_boards
from tests.calibrate.photographs import photograph_board
from tests.review.browser import Tab, find_chromium

from .pages import ROOT

LARGEST = 295_000  # bytes of a picture
PANEL_PAGES = {"panel_start": "start", "panel_setup": "setup", "panel_controls": "controls", "panel_result": "result"}
GAP = 12  # pixels between the panels in a row
BOARD = "circles:10x10:20:12"
REPORT_SIZE, REPORT_FRAME = (1440, 2230), 9
INDEX_SIZE = (1280, 900)


def demo_pictures(out: Path, demo: Path) -> None:
    """demo_overlay.jpg and demo_curves.png."""
    with Image.open(demo / "overlay_front.png") as picture:
        _save(picture.convert("RGB"), out / "demo_overlay.jpg", 1600)
    with Image.open(demo / "curves.png") as picture:
        _save(picture.convert("RGB"), out / "demo_curves.png", 1400)


def panel_pictures(out: Path, demo: Path) -> None:
    """A picture of each page of the panel, and all of them in a row."""
    from tests.facesolve_maya.ui.screenshots import Photographer

    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    footage = [str(next((demo / "take" / "footage" / name).iterdir())) for name in ("front", "left", "right")]
    with tempfile.TemporaryDirectory() as folder:
        photographer = Photographer(Path(folder), footage)
        for state in ("start", "setup", "controls"):
            getattr(photographer, state)()
        photographer.result(demo / "solution")
        pages = []
        for name, page in PANEL_PAGES.items():
            with Image.open(Path(folder) / f"{page}.png") as picture:
                pages.append(picture.convert("RGB"))
            _save(pages[-1], out / f"{name}.png", pages[-1].width)
    row = Image.new("RGB", (sum(page.width + GAP for page in pages) - GAP, max(page.height for page in pages)), "white")
    for index, page in enumerate(pages):
        row.paste(page, (index * (page.width + GAP), 0))
    _save(row, out / "panel.png", row.width)


def report_picture(out: Path, demo: Path) -> None:
    """The upper half of the demo's report, looked into, as Chromium shows it."""
    with tempfile.TemporaryDirectory() as folder, _browser() as browser:
        page = Path(folder) / "report.html"
        if facesolve(["report", str(demo / "solution"), "--out", str(page)]) != 0:
            raise SystemExit("pictures: the report was not written.")
        tab = Tab(browser, page, REPORT_SIZE)
        tab.page.get_by_role("button", name="Start the three-dimensional view").click()
        tab.page.select_option("#head3d-heat", "Expected error")
        tab.page.select_option("#loupe", label="Loupe: mouth")
        tab.page.fill("#frame-number", str(REPORT_FRAME))
        tab.page.press("#frame-number", "Enter")
        tab.page.evaluate("window.scrollTo(0, 600)")  # so that the neighbors are seen and drawn
        tab.page.wait_for_timeout(3000)
        tab.page.evaluate("window.scrollTo(0, 0)")
        tab.page.wait_for_timeout(500)
        shown = tab.page.screenshot(full_page=True)
    with Image.open(io.BytesIO(shown)) as picture:
        _save(picture.convert("RGB").crop((0, 0, REPORT_SIZE[0], REPORT_SIZE[1])), out / "report.jpg", INDEX_SIZE[0])


def index_picture(out: Path, demo: Path) -> None:
    """An index of takes that are copies of the demo's, some with faults put in."""
    with tempfile.TemporaryDirectory() as folder, _browser() as browser:
        night = Path(folder) / "night_03"
        _faulty_takes(night, read_solution(demo / "solution"), demo / "solution")
        if facesolve(["index", str(night)]) != 0:
            raise SystemExit("pictures: the index was not written.")
        page = Tab(browser, night / "index.html", INDEX_SIZE).page
        page.evaluate("document.getElementById('about').textContent = '41 takes, 640 frames, in /shows/film/night_03'")
        shown = page.screenshot()
    with Image.open(io.BytesIO(shown)) as picture:
        _save(picture.convert("RGB"), out / "index.jpg", INDEX_SIZE[0])


def _faulty_takes(night: Path, solution: Solution, made_in: Path) -> None:
    """Forty solutions: one camera turns further from take to take, and four takes need somebody."""
    dice = np.random.default_rng(1)
    take = os.path.relpath(find_take_folder(solution, made_in).resolve(), night.resolve() / "take")
    wrong = {
        7: Verdict(DOES_NOT_FIT, "the cameras agree about 24% of the visible face; the head is not where the face is."),
        21: Verdict(DOUBTFUL, "what camera 'left' shows lies 1.4 mm away from what the others show.", error_mm=0.9),
    }
    for number in range(40):
        residual = solution.residual * (1 + 0.03 * dice.normal(size=solution.residual.shape))
        residual[5] *= 3.2 if number == 30 else 1.0
        residual[:, 1] *= 1.8 if number == 21 else 1.0
        turned = {"left": 0.02 + 0.002 * number, "right": 0.02}
        made = {
            "take": take,
            "date": f"2026-11-30T{9 + number // 6:02d}:{number % 6 * 10:02d}:00+00:00",
            "camera_errors": {
                name: {"rotation_degrees": abs(angle + dice.normal(0, 0.003))} for name, angle in turned.items()
            },
        }
        one = replace(
            solution,
            residual=residual,
            verdict=wrong.get(number, solution.verdict),
            provenance={**solution.provenance, **made},
        )
        write_solution(one, night / f"sc{number // 10:02d}_shot_{number * 10:04d}")
    unsolved = night / "sc02_shot_0295"
    unsolved.mkdir()
    (unsolved / "solve.log").write_text("0.2 s  no camera sees the rig at its start pose\n", encoding="utf-8")


@contextmanager
def _browser() -> Iterator[Any]:
    """Chromium; the system's, which plays H.264."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as api:
        started = api.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        yield started
        started.close()


def calibration_pictures(out: Path, _demo: Path) -> None:
    """The rig and one view of a session of four cameras."""
    board = parse_board(BOARD)
    with tempfile.TemporaryDirectory() as folder:
        session, found = Path(folder) / "session", Path(folder) / "calibration"
        for camera in arc_of_cameras(4):
            small = scaled(camera, 0.4)
            (session / camera.name).mkdir(parents=True)
            for view, pose in enumerate(waved_boards(board, 10, spread=10.0)):
                image = photograph_board(board, small, pose, 1.2, noise=2, seed=view)
                Image.fromarray(image).save(session / camera.name / f"view{view:02d}.png")
        if facesolve(["calibrate", str(session), "--board", BOARD, "--out", str(found)]) != 0:
            raise SystemExit("pictures: the calibration failed.")
        for name, source in (("calibration_rig.png", found / "rig.png"), ("calibration_view.jpg", _first_view(found))):
            with Image.open(source) as picture:
                _save(picture.convert("RGB"), out / name, 1000)


def _first_view(calibration: Path) -> Path:
    return min((calibration / "views").rglob("*.jpg"))


def _save(picture: Image.Image, path: Path, width: int) -> None:
    """Writes ``picture`` at most ``width`` pixels wide; PNG in as many colors as fit into LARGEST bytes."""
    if picture.width > width:
        picture = picture.resize((width, round(picture.height * width / picture.width)), Image.Resampling.LANCZOS)
    for grade in (256, 128, 64, 32) if path.suffix == ".png" else (88, 80, 70, 60):
        data = io.BytesIO()
        if path.suffix == ".png":
            picture.quantize(grade, dither=Image.Dither.NONE).save(data, "PNG", optimize=True)
        else:
            picture.save(data, "JPEG", quality=grade, optimize=True)
        if data.tell() <= LARGEST:
            break
    path.write_bytes(data.getvalue())
    print(f"{path.name}: {picture.width}x{picture.height}, {data.tell() / 1000:.0f} kB")


def main(arguments: list[str]) -> None:
    kinds = {
        "demo": demo_pictures,
        "panel": panel_pictures,
        "report": report_picture,
        "index": index_picture,
        "calibrate": calibration_pictures,
    }
    if len(arguments) not in (2, 3) or arguments[0] not in kinds:
        raise SystemExit(__doc__)
    out, demo = Path(arguments[1]), Path(arguments[2] if len(arguments) == 3 else ROOT / "facesolve_demo")
    made = kinds[arguments[0]] is calibration_pictures or (demo / "solution" / "solution.json").is_file()
    if not made and facesolve(["demo", "--out", str(demo)]) != 0:
        raise SystemExit("pictures: the demo failed.")
    out.mkdir(parents=True, exist_ok=True)
    kinds[arguments[0]](out, demo)


if __name__ == "__main__":
    main(sys.argv[1:])
