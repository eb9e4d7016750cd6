"""Pictures of the panel: ``python -m tests.maya_plugin_ui.screenshots FOLDER [FOOTAGE_IMAGE ...]`` with a display."""

import sys
import time
from pathlib import Path

from maya_plugin.run import EnvironmentReport, Interpreter
from maya_plugin.run.doctor import Check
from maya_plugin.ui.model import LOCKED, PINNED, ControlChoice
from maya_plugin.ui.panel import CONTROLS, RESULT_PAGE, SETUP, Panel
from maya_plugin.ui.qt import QtWidgets
from maya_plugin.ui.runs import RunStatus
from maya_plugin.ui.session import ENVIRONMENT, PICTURE, PROGRESS, STATE, Session
from tests.maya_plugin_ui.fake_scene import FakeScene, write_fake_solution
from tests.maya_plugin_ui.maya_look import look_like_maya

CHECKS = (
    Check("torch", "ok", "2.13, CUDA 12.6, one device"),
    Check("nvdiffrast", "optional", "not installed.", "The portable rasterizer is used; see README, GPU."),
)


class _PretendedTask:
    """Stands for a solve under way while its picture is taken."""

    cancelling = False


def take_pictures(folder: Path, pictures: list[str]) -> None:
    """Writes one PNG of each page and state into ``folder``."""
    application = QtWidgets.QApplication.instance() or QtWidgets.QApplication(sys.argv[:1])
    look_like_maya(application)
    session = Session(FakeScene(folder, tuple(pictures)))
    panel = Panel(session)
    panel.resize(430, 880)
    panel.show()

    def grab(name: str) -> None:
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            application.processEvents()
            time.sleep(0.01)
        panel.grab().save(str(folder / f"{name}.png"))

    grab("setup")
    session.report = EnvironmentReport(Interpreter(Path("/opt/facesolve/python"), ""), True, "Ready.", CHECKS)
    session._tell(ENVIRONMENT)
    session.solve()
    grab("setup_tested")
    for name, choice in (
        ("jawOpen", ControlChoice(keys=LOCKED)),
        ("mouthSmile_L", ControlChoice(keys=PINNED, stiffness=0.5)),
        ("mouthSmile_R", ControlChoice(symmetric="mouthSmile_L")),
        ("cheekPuff_L", ControlChoice(active=False)),
    ):
        session.put(session.settings.with_choice(name, choice))
    panel.pages.setCurrentIndex(CONTROLS)
    grab("controls")
    session.tell_user("")
    session._task, session.run = _PretendedTask(), RunStatus.begin()
    session.run.stage, session.run.done, session.run.total, session.run.seconds_left = "tracking", 23, 40, 74.0
    session.run.picture = pictures[0] if pictures else ""
    for topic in (STATE, PROGRESS, PICTURE):
        session._tell(topic)
    panel._clock.stop()
    panel.pages.setCurrentIndex(RESULT_PAGE)
    grab("solving")
    session._task = None
    write_fake_solution(folder / "solution")
    session.open_solution(folder / "solution", 131.0)
    session.apply()
    panel.show_time(1012.0)
    grab("result")
    panel.pages.setCurrentIndex(SETUP)
    panel.resize(340, 700)
    grab("narrow")


if __name__ == "__main__":
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    take_pictures(out, sys.argv[2:])
