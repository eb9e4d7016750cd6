"""Panel pictures: ``python -m tests.facesolve_maya.ui.screenshots FOLDER [FOOTAGE_IMAGE ...] [--solution SOLUTION]``.

Each page and state at several widths and fonts; with the solution of a real solve also those of the documentation, as
``docs/panel*.png``. QT_SCALE_FACTOR draws them as on a screen of that scale.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

import numpy as np

from facesolve.take.finding import ERROR, NOTE, Finding
from facesolve_maya.run import EnvironmentReport, FoundHead, Interpreter
from facesolve_maya.scene.choices import LOCKED, PINNED
from facesolve_maya.ui.bulletin import ENVIRONMENT, STATE
from facesolve_maya.ui.help_dialog import HelpDialog
from facesolve_maya.ui.model import ControlChoice
from facesolve_maya.ui.panel import CONTROLS, RESULT_PAGE, SETUP, START, Panel
from facesolve_maya.ui.qt import QtGui, QtWidgets
from facesolve_maya.ui.session import Session
from facesolve_maya.ui.solver_dialog import SolverDialog
from tests.facesolve_maya.ui.fake_scene import FakePlacedStage, FakeScene
from tests.facesolve_maya.ui.maya_look import look_like_maya

FOUND = (
    Finding(NOTE, "torch", "2.13, CUDA 12.6, one device"),
    Finding(NOTE, "nvdiffrast", "not installed.", "The portable rasterizer is used; see README, GPU."),
)
GAP = 12  # pixels between the pages of the documentation's picture
REFUSED = Finding(
    ERROR,
    "cam1",
    "none of its 40 images is here ('/shows/rom/footage/cam1/cam1_0000.jpg', '/shows/rom/footage/cam1/cam1_0001.jpg', "
    "'/shows/rom/footage/cam1/cam1_0002.jpg' and 37 more).",
    "Set the project, name a footage folder, or choose the footage by hand.",
)


class Photographer:
    """A panel on the fake scene, put into one state after the other."""

    def __init__(self, folder: Path, pictures: list[str], width: int = 430, font: int = 11) -> None:
        self.folder, self.pictures = folder, pictures
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
        self.application = QtWidgets.QApplication.instance() or QtWidgets.QApplication(sys.argv[:1])
        look_like_maya(self.application, font)
        os.environ["FACESOLVE_PYTHON"] = str(folder / "nowhere")
        scene = FakeScene(folder, tuple(pictures))
        scene.placed = FakePlacedStage()
        self.session = Session(scene)
        self.panel = Panel(self.session)
        self.panel.resize(width, 880 * font // 11)
        self.panel.show()

    def grab(self, name: str, widget: QtWidgets.QWidget | None = None) -> None:
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            self.application.processEvents()
            time.sleep(0.01)
        (widget or self.panel).grab().save(str(self.folder / f"{name}.png"))

    def start(self) -> None:
        session = self.session
        self.grab("start_without_solver")
        os.environ["FACESOLVE_PYTHON"] = sys.executable
        session.python.report = EnvironmentReport(Interpreter(Path("/opt/python"), ""), True, "Ready.", FOUND)
        session.tell(ENVIRONMENT)
        self.grab("start")
        if self.pictures:
            session.head_search.found = FoundHead({}, np.eye(4), Path(self.pictures[0]), ("Found, 97 % sure.",))
            session.tell(STATE)
            self.grab("start_head_found")
            session.head_search.turn_down("")

    def setup(self) -> None:
        self.panel.pages.setCurrentIndex(SETUP)
        self.grab("setup")

    def refused(self) -> None:
        session = self.session
        session.scene.extra_findings = (REFUSED,)
        session.solve()
        self.panel.pages.setCurrentIndex(START)
        self.grab("start_refused")
        session.scene.extra_findings = ()
        session.load()
        session.tell_user("")

    def dialogs(self) -> None:
        for name, dialog in (("details", SolverDialog(self.session, self.panel)), ("help", HelpDialog(self.panel))):
            dialog.show()
            self.grab(name, dialog)
            dialog.reject()

    def controls(self) -> None:
        for name, choice in (
            ("jawOpen", ControlChoice(keys=LOCKED)),
            ("mouthSmile_L", ControlChoice(keys=PINNED, stiffness=0.5)),
            ("mouthSmile_R", ControlChoice(symmetric="mouthSmile_L")),
            ("cheekPuff_L", ControlChoice(active=False)),
        ):
            self.session.put(self.session.settings.with_choice(name, choice))
        self.panel.pages.setCurrentIndex(CONTROLS)
        self.grab("controls")

    def result(self, solution: Path) -> None:
        """The result of a real solve, all of whose pictures are waited for."""
        session = self.session
        session.open_solution(solution)
        self.panel.pages.setCurrentIndex(RESULT_PAGE)
        times = session.results.shown.scene_times
        session.change(first=round(times[0]), last=round(times[-1]))
        self.panel.show_time(float(times[len(times) // 2]))
        while session.viewer.busy:
            self.application.processEvents()
            time.sleep(0.02)
        self.grab("result")


def take_pictures(folder: Path, pictures: list[str], width: int = 430, font: int = 11) -> None:
    """Writes one PNG of each page and state into ``folder``. pictures: footage for the thumbnails, may be fewer."""
    folder.mkdir(parents=True, exist_ok=True)
    photographer = Photographer(folder, pictures, width, font)
    for state in ("start", "setup", "refused", "controls", "dialogs"):
        getattr(photographer, state)()
    photographer.panel.close()


def documentation(folder: Path, pictures: list[str], solution: Path) -> None:
    """The documentation's pictures of the pages, and one of all four side by side."""
    folder.mkdir(parents=True, exist_ok=True)
    photographer = Photographer(folder, pictures)
    for state in ("start", "setup", "controls"):
        getattr(photographer, state)()
    photographer.result(solution)
    photographer.session.close()
    photographer.panel.close()
    pages = [QtGui.QPixmap(str(folder / f"{name}.png")) for name in ("start", "setup", "controls", "result")]
    row = QtGui.QPixmap(sum(page.width() for page in pages) + GAP * (len(pages) - 1), pages[0].height())
    row.fill(QtGui.QColor("white"))
    painter = QtGui.QPainter(row)
    for index, page in enumerate(pages):
        painter.drawPixmap(sum(each.width() + GAP for each in pages[:index]), 0, page)
    painter.end()
    row.save(str(folder / "panel.png"))
    for name in ("start", "setup", "controls", "result"):
        (folder / f"{name}.png").replace(folder / f"panel_{name}.png")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("pictures", nargs="*")
    parser.add_argument("--solution", type=Path)
    options = parser.parse_args()
    if options.solution is not None:
        documentation(options.folder / "docs", options.pictures, options.solution)
    for name, (width, font) in {
        "normal": (430, 11),
        "narrow": (320, 11),
        "wide": (900, 11),
        "large": (520, 18),
    }.items():
        take_pictures(options.folder / name, options.pictures, width, font)
