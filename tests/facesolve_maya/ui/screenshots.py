"""Panel pictures: ``python -m tests.facesolve_maya.ui.screenshots FOLDER [FOOTAGE_IMAGE ...]``."""

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
from facesolve_maya.ui.qt import QtWidgets
from facesolve_maya.ui.session import Session
from facesolve_maya.ui.solver_dialog import SolverDialog
from tests.facesolve_maya.ui.fake_scene import FakeScene
from tests.facesolve_maya.ui.maya_look import look_like_maya

FOUND = (
    Finding(NOTE, "torch", "2.13, CUDA 12.6, one device"),
    Finding(NOTE, "nvdiffrast", "not installed.", "The portable rasterizer is used; see README, GPU."),
)
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
        self.session = Session(FakeScene(folder, tuple(pictures)))
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


if __name__ == "__main__":
    for name, (width, font) in {
        "normal": (430, 11),
        "narrow": (320, 11),
        "wide": (900, 11),
        "large": (520, 18),
    }.items():
        take_pictures(Path(sys.argv[1]) / name, sys.argv[2:], width, font)
