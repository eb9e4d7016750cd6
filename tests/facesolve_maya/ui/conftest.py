"""Qt without a display, a panel on the fake scene, and a solver that is the fake one of the run tests."""

import os
import sys
import time
from pathlib import Path

import pytest

from facesolve_maya.ui.session import Session
from facesolve_maya.ui.solve_folders import next_folder
from tests.facesolve_maya.ui import fake_maya
from tests.facesolve_maya.ui.fake_scene import FakeScene, write_fake_solution

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture
def scene(tmp_path):
    return FakeScene(tmp_path / "project größe")


@pytest.fixture
def session(scene):
    made = Session(scene)
    made.load()
    yield made
    made.close()


@pytest.fixture
def commands(monkeypatch):
    """A fake ``maya.cmds`` in place; the modules that know maya are imported afresh for each test."""
    yield fake_maya.install(monkeypatch)
    fake_maya.forget()


@pytest.fixture
def solver(tmp_path, monkeypatch):
    """``python -m facesolve`` becomes the fake; returns a function that lets a finished solve find a solution."""
    root = tmp_path / "module"
    package = root / "solver" / "facesolve"
    package.mkdir(parents=True)
    fake = Path(__file__).parents[1] / "run" / "fake_solver.py"
    (package / "__main__.py").write_text(fake.read_text(encoding="utf-8"), encoding="utf-8")
    (package / "__init__.py").write_text("", encoding="utf-8")
    for module in ("task", "doctor", "report", "serve", "align", "inspection", "personalize"):
        monkeypatch.setattr(f"facesolve_maya.run.{module}.module_root", lambda: root)
    monkeypatch.setattr("facesolve_maya.run.environment.module_root", lambda: root)
    monkeypatch.setenv("FACESOLVE_PYTHON", sys.executable)
    return lambda scene: write_fake_solution(next_folder(scene.default_take_folder()) / "solution")


@pytest.fixture(scope="session")
def application():
    """The Qt application, in Maya's colors; skips where there is no Qt."""
    try:
        from facesolve_maya.ui.qt import QtWidgets
    except ImportError:
        pytest.skip("neither PySide6 nor PySide2 is installed: the panel's widgets are not tested")
    from tests.facesolve_maya.ui.maya_look import look_like_maya

    made = QtWidgets.QApplication.instance() or QtWidgets.QApplication([])
    look_like_maya(made)
    return made


@pytest.fixture
def panel(application, scene):
    from facesolve_maya.ui.panel import Panel

    made = Panel(Session(scene))
    made.resize(430, 880)
    made.show()
    application.processEvents()
    yield made
    made.session.close()
    made.close()
    made.deleteLater()
    from facesolve_maya.ui.qt import QtCore

    # Otherwise all panels of all tests would live on, and a new font would lay out each of them.
    QtCore.QCoreApplication.sendPostedEvents(None, QtCore.QEvent.DeferredDelete)


@pytest.fixture
def wait(application):
    """Runs Qt's events until a condition holds."""

    def until(condition, seconds=20.0):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "waited too long"
            application.processEvents()
            time.sleep(0.01)

    return until
