"""The docked panel: made once, restored, let go; the shelf's actions on it."""

import json
import sys
from pathlib import Path

import pytest


@pytest.fixture
def commands(application, commands):
    from facesolve_maya.ui.qt import QtWidgets, shiboken

    host = QtWidgets.QWidget()
    host.setLayout(QtWidgets.QVBoxLayout())
    pointers = shiboken.getCppPointer(host)
    util = type("MQtUtil", (), {"getCurrentParent": lambda: pointers[0], "findControl": lambda name: pointers[0]})
    sys.modules["maya.OpenMayaUI"].MQtUtil = util
    commands.host = host
    yield commands
    from facesolve_maya.ui import dock

    dock.close()
    application.processEvents()


def test_showing_twice_makes_one_panel(commands):
    from facesolve_maya.ui import dock

    panel = dock.show()
    assert dock.show() is panel
    assert commands.host.layout().count() == 1
    flags = commands.controls["facesolveWorkspaceControl"]
    assert flags["requiredPlugin"] == "facesolve_plugin.py"
    assert flags["restored"]


def test_the_control_rebuilds_itself_from_its_script(commands):
    from facesolve_maya.ui import dock

    exec(dock.UI_SCRIPT, {})  # noqa: S102 - what Maya does with it
    assert dock.current() is not None
    assert dock.current().setup.head.currentData() == "face_GEO"


def test_a_control_without_a_panel_is_made_again(commands):
    from facesolve_maya.ui import dock

    commands.controls["facesolveWorkspaceControl"] = {}
    assert dock.show() is dock.current()
    assert "uiScript" in commands.controls["facesolveWorkspaceControl"]


def test_a_panel_that_maya_deleted_is_not_used(commands, application):
    from facesolve_maya.ui import dock
    from facesolve_maya.ui.qt import shiboken

    first = dock.show()
    shiboken.delete(first)
    assert dock.current() is None
    assert dock.show() is not first


def test_the_panel_follows_time_and_scene(commands):
    from facesolve_maya.ui import dock

    panel = dock.show()
    commands.time = 1017.0
    commands.fire("timeChanged")
    assert panel.result.strip.shown_time == 1017.0
    commands.info["facesolve_settings"] = "%7B%22schema%22: 1, %22last%22: 77%7D"
    commands.fire("SceneOpened")
    assert panel.session.settings.last == 1040, "a panel that nobody sees reads no scene"
    commands.host.show()
    assert panel.session.settings.last == 77
    commands.info["facesolve_settings"] = "%7B%22schema%22: 1, %22last%22: 55%7D"
    commands.fire("SceneOpened")
    assert panel.session.settings.last == 55


def test_settings_are_stored_when_the_scene_is_about_to_be_saved(commands):
    from facesolve_maya.ui import dock

    dock.show().session.change(quality="final")
    assert commands.info == {}
    commands.fire("before save")
    assert "final" in commands.info["facesolve_settings"]


def test_leaving_maya_ends_what_runs(commands):
    from facesolve_maya.ui import dock

    dock.show()
    commands.fire("quitApplication")
    assert dock.current() is None
    assert commands.jobs == {}


def test_actions_without_a_solution_say_so(commands):
    from facesolve_maya.ui import actions, dock

    actions.solve()
    assert dock.current().pages.currentIndex() == 0
    actions.review()
    assert dock.current().session.notice_is_error
    actions.apply()
    assert "no solution" in dock.current().session.notice


def test_on_linux_the_browser_starts_without_mayas_libraries(commands, monkeypatch, tmp_path):
    from facesolve_maya.ui import actions, browser

    started = []
    opener = tmp_path / "bin" / "xdg-open"
    opener.parent.mkdir()
    opener.write_text("")
    opener.chmod(0o755)
    monkeypatch.setattr(browser.sys, "platform", "linux")
    monkeypatch.setattr(browser.subprocess, "Popen", lambda command, **options: started.append((command, options)))
    monkeypatch.setenv("PATH", str(opener.parent))
    for name in ("LD_LIBRARY_PATH", "QT_PLUGIN_PATH", "PYTHONHOME"):
        monkeypatch.setenv(name, "/usr/autodesk/maya/lib")
    actions.open_page(tmp_path / "report.html")
    ((command, options),) = started
    assert command == [str(opener), str(tmp_path / "report.html")]
    assert not {"LD_LIBRARY_PATH", "QT_PLUGIN_PATH", "PYTHONHOME", "PYTHONPATH"} & set(options["env"])


def test_review_opens_the_page_as_a_local_file(commands, monkeypatch, tmp_path):
    from facesolve_maya.ui import actions
    from facesolve_maya.ui.qt import QtGui

    opened = []
    monkeypatch.setenv("PATH", str(tmp_path))  # no xdg-open, or another system
    monkeypatch.setattr(QtGui.QDesktopServices, "openUrl", opened.append)
    actions.open_page(tmp_path / "größe #1" / "report.html")
    (url,) = opened
    assert url.isLocalFile()
    assert Path(url.toLocalFile()) == tmp_path / "größe #1" / "report.html"


def test_reduce_keys_asks_for_a_number(commands):
    from facesolve_maya.ui import actions, dock

    answers = {"text": "0.2"}
    commands.promptDialog = lambda **flags: answers["text"] if flags.get("query") else "Reduce"
    actions.reduce_keys()
    assert dock.current().session.notice == "1520 keys became 210."
    answers["text"] = "fine"
    actions.reduce_keys()
    assert "'fine' is not a number" in dock.current().session.notice


@pytest.mark.parametrize(
    ("folder", "bare"), [(["/stage/footage"], "Without footage: cam1"), (None, "Without footage: cam0, cam1")]
)
def test_cameras_from_a_calibration_are_reported(commands, tmp_path, folder, bare):
    from facesolve_maya.ui import actions, dock

    camera = {"intrinsic": [[9, 0, 4], [0, 9, 4], [0, 0, 1]], "rotation": [[1, 0, 0], [0, 1, 0], [0, 0, 1]]}
    record = dict(camera, distortion=[0], translation=[0, 0, 9], width=8, height=8)
    path = tmp_path / "calibration.json"
    path.write_text(json.dumps({"cam0": record, "cam1": record}))
    commands.fileDialog2 = lambda **flags: [str(path)] if flags["fileMode"] == 1 else folder
    actions.cameras_from_calibration()
    notice = dock.current().session.notice
    assert notice == f"Created cam0, cam1. {bare}; double-click a camera in the table to choose it."


def test_a_damaged_calibration_is_said(commands, tmp_path):
    from facesolve_maya.ui import actions, dock

    (tmp_path / "calibration.json").write_text("{")
    commands.fileDialog2 = lambda **flags: [str(tmp_path / "calibration.json")] if flags["fileMode"] == 1 else None
    actions.cameras_from_calibration()
    assert dock.current().session.notice_is_error
    assert "calibration.json" in dock.current().session.notice
