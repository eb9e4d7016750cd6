"""The documentation's pictures: ``python -m tests.docs.pictures demo|panel|report|calibrate FOLDER [DEMO]``.

``demo`` and ``report`` draw the results of ``facesolve demo --out DEMO`` (default: facesolve_demo, made when it is not
there); ``report`` needs Chromium and PyAV. ``panel`` needs PySide6 and shows the panel outside Maya, on a scene of the
tests; its footage is the demo's. ``calibrate`` calibrates computed photographs of a board.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

from facesolve.calibrate.board import parse_board
from facesolve.cli import main as facesolve
from facesolve.geometry.camera import scaled
from tests.calibrate.boards_seen import arc_of_cameras, waved_boards
from tests.calibrate.photographs import photograph_board

from .pages import ROOT

LARGEST = 295_000  # bytes of a picture
PANEL_PAGES = {"panel_start": "start", "panel_setup": "setup", "panel_controls": "controls", "panel_result": "result"}
GAP = 12  # pixels between the panels in a row
BOARD = "circles:10x10:20:12"
REPORT_SIZE = (1280, 1500)


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
    """The top of the demo's report as Chromium shows it."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        raise SystemExit("pictures: there is no Chromium.")
    with tempfile.TemporaryDirectory() as folder:
        page, picture = Path(folder) / "report.html", Path(folder) / "report.png"
        if facesolve(["report", str(demo / "solution"), "--out", str(page)]) != 0:
            raise SystemExit("pictures: the report was not written.")
        size = f"--window-size={REPORT_SIZE[0]},{REPORT_SIZE[1]}"
        quiet = ["--headless", "--no-sandbox", "--hide-scrollbars", "--virtual-time-budget=8000"]
        subprocess.run([browser, *quiet, size, f"--screenshot={picture}", page.as_uri()], check=True, timeout=120)
        with Image.open(picture) as shown:
            _save(shown.convert("RGB"), out / "report.jpg", REPORT_SIZE[0])


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
