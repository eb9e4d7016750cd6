"""Panel pictures: ``python -m tests.facesolve_maya.ui.screenshots FOLDER [FOOTAGE_IMAGE ...]`` with a display."""

import os
import sys
import time
from pathlib import Path

from facesolve.take.finding import ERROR, NOTE, Finding
from facesolve_maya.run import EnvironmentReport, Interpreter
from facesolve_maya.ui.environment_bar import PreferencesDialog
from facesolve_maya.ui.model import LOCKED, PINNED, ControlChoice
from facesolve_maya.ui.panel import CONTROLS, RESULT_PAGE, SETUP, Panel
from facesolve_maya.ui.qt import QtWidgets
from facesolve_maya.ui.runs import RunStatus
from facesolve_maya.ui.session import ENVIRONMENT, PICTURE, PROGRESS, STATE, Session
from tests.facesolve_maya.ui.fake_scene import FakeScene, write_fake_solution
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


class _PretendedTask:
    """Stands for a solve under way while its picture is taken."""

    cancelling = False


class _Photographer:
    """A panel on the fake scene, put into one state after the other."""

    def __init__(self, folder: Path, pictures: list[str]) -> None:
        self.folder, self.pictures = folder, pictures
        self.application = QtWidgets.QApplication.instance() or QtWidgets.QApplication(sys.argv[:1])
        look_like_maya(self.application)
        os.environ["FACESOLVE_PYTHON"] = str(folder / "nowhere")
        self.session = Session(FakeScene(folder, tuple(pictures)))
        self.panel = Panel(self.session)
        self.panel.resize(430, 880)
        self.panel.show()

    def grab(self, name: str, widget: QtWidgets.QWidget | None = None) -> None:
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            self.application.processEvents()
            time.sleep(0.01)
        (widget or self.panel).grab().save(str(self.folder / f"{name}.png"))

    def setup(self) -> None:
        session, panel = self.session, self.panel
        self.grab("setup_without_python")
        os.environ["FACESOLVE_PYTHON"] = sys.executable
        session.report = EnvironmentReport(Interpreter(Path("/opt/facesolve/python"), ""), True, "Ready.", FOUND)
        session._tell(ENVIRONMENT)
        self.grab("setup")
        panel.environment._toggle.setChecked(True)
        self.grab("setup_environment")
        panel.environment._toggle.setChecked(False)
        session.scene.extra_findings = (REFUSED,)
        panel.setup.advanced.expand(True)
        session.solve()
        self.grab("setup_refused")
        panel.setup.advanced.expand(False)
        session.scene.extra_findings = ()
        session.load()
        session.tell_user("")
        dialog = PreferencesDialog(session, panel)
        dialog.show()
        self.grab("preferences", dialog)
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

    def solve(self) -> None:
        session, panel = self.session, self.panel
        session._task, session.run = _PretendedTask(), RunStatus.begin()
        session.run.stage, session.run.done, session.run.total, session.run.seconds_left = "tracking", 23, 40, 74.0
        session.run.picture = self.pictures[0] if self.pictures else ""
        for topic in (STATE, PROGRESS, PICTURE):
            session._tell(topic)
        panel._clock.stop()
        panel.pages.setCurrentIndex(RESULT_PAGE)
        self.grab("solving")
        session._task = None
        write_fake_solution(self.folder / "solution")
        session.open_solution(self.folder / "solution", 131.0)
        session.apply()
        panel.show_time(1012.0)
        self.grab("result")

    def narrow(self) -> None:
        self.panel.resize(340, 700)
        self.grab("narrow_result")
        self.panel.pages.setCurrentIndex(SETUP)
        self.grab("narrow")


def take_pictures(folder: Path, pictures: list[str]) -> None:
    """Writes one PNG of each page and state into ``folder``. pictures: footage for the thumbnails, may be fewer."""
    photographer = _Photographer(folder, pictures)
    photographer.setup()
    photographer.controls()
    photographer.solve()
    photographer.narrow()


if __name__ == "__main__":
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    take_pictures(out, sys.argv[2:])
