"""The panel's widgets driven by clicks and keys, without a display."""

import sys

import pytest

from facesolve.take.finding import ERROR, Finding, findings_record
from facesolve_maya.ui.model import LOCKED, ControlChoice
from facesolve_maya.ui.preferences import Preferences

pytestmark = pytest.mark.usefixtures("application")


def qt():
    from facesolve_maya.ui import qt as module

    return module


def click(widget, point=None, modifier=None):
    Qt = qt().Qt
    test = pytest.importorskip(qt().QtCore.__name__.split(".")[0] + ".QtTest").QTest
    where = widget.rect().center() if point is None else point
    test.mouseClick(widget, Qt.LeftButton, Qt.NoModifier if modifier is None else modifier, where)


def drag(widget, start, end, modifier):
    """A drag with the left button: QTest's moves carry no button, so the events are made here."""
    QtCore, QtGui, QtWidgets, Qt = qt().QtCore, qt().QtGui, qt().QtWidgets, qt().Qt
    kinds = QtCore.QEvent
    for kind, point, button, buttons in (
        (kinds.MouseButtonPress, start, Qt.LeftButton, Qt.LeftButton),
        (kinds.MouseMove, end, Qt.NoButton, Qt.LeftButton),
        (kinds.MouseButtonRelease, end, Qt.LeftButton, Qt.NoButton),
    ):
        there = QtCore.QPointF(widget.mapToGlobal(point))
        event = QtGui.QMouseEvent(kind, QtCore.QPointF(point), there, button, buttons, modifier)
        QtWidgets.QApplication.sendEvent(widget, event)


def test_the_set_up_page_shows_the_scene(panel):
    setup = panel.setup
    assert setup.head.currentData() == "face_GEO"
    assert [setup.head_transform.itemText(i) for i in range(2)] == ["head_GRP", "character_GRP"]
    assert setup.cameras.topLevelItemCount() == 3
    assert "missing" in setup.cameras.item("cam2").text(1)
    assert (setup.first.value(), setup.last.value()) == (1001, 1040)
    assert setup.findings.count() == 2


def test_a_camera_is_left_out_by_its_tick(panel, wait):
    panel.setup.cameras.item("cam2").setCheckState(0, qt().Qt.Unchecked)
    assert panel.session.settings.skipped_cameras == ("cam2",)
    wait(lambda: panel.session.checked)
    assert panel.setup.findings.count() == 1


def test_every_field_reaches_the_settings(panel):
    setup = panel.setup
    setup.first.setValue(1005)
    setup.excluded.setText("1010-1012")
    setup.excluded.editingFinished.emit()
    setup.quality.setCurrentIndex(2)
    setup.quality.activated.emit(2)
    setup.layer.setText("take12")
    setup.layer.editingFinished.emit()
    setup.strengths["contour"].setValue(0.0)
    click(setup.apply_when_done, qt().QtCore.QPoint(8, setup.apply_when_done.height() // 2))
    settings = panel.session.settings
    assert (settings.first, settings.excluded, settings.quality, settings.layer) == (
        1005,
        "1010-1012",
        "final",
        "take12",
    )
    assert settings.contour == 0.0
    assert not settings.apply_when_done


def test_a_check_follows_a_change_by_itself(panel, wait):
    panel.setup.last.setValue(900)
    assert not panel.session.checked
    wait(lambda: panel.session.checked)
    assert "empty" in panel.setup.findings.item(0).text()


def test_a_double_click_on_a_finding_selects_its_node(panel, scene):
    panel.setup.findings.itemDoubleClicked.emit(panel.setup.findings.item(0))
    assert scene.selected == ["cam2"]


def test_ticks_and_regions_decide_what_is_solved(panel):
    tree, Qt = panel.controls.tree, qt().Qt
    tree.item("jawOpen").setCheckState(0, Qt.Unchecked)
    assert panel.session.settings.controls == {"jawOpen": ControlChoice(active=False)}
    tree.item("eyeBlink_L").parent().setCheckState(0, Qt.Unchecked)
    off = {name for name, choice in panel.session.settings.controls.items() if not choice.active}
    assert off == {"jawOpen"} | {name for name in tree._items if name.startswith("eye")}


def test_one_edit_applies_to_the_whole_selection(panel):
    tree, Qt = panel.controls.tree, qt().Qt
    for name in ("mouthSmile_L", "mouthSmile_R"):
        tree.item(name).setSelected(True)
    tree.item("mouthSmile_L").setData(1, Qt.UserRole, LOCKED)
    tree.item("mouthSmile_R").setData(2, Qt.UserRole, 4.0)
    expected = ControlChoice(keys=LOCKED, stiffness=4.0)
    assert panel.session.settings.controls == {"mouthSmile_L": expected, "mouthSmile_R": expected}
    assert tree.item("mouthSmile_R").text(1) == "locked"


def test_a_partner_is_that_of_one_control_only(panel):
    tree, Qt = panel.controls.tree, qt().Qt
    for name in ("mouthSmile_L", "mouthSmile_R"):
        tree.item(name).setSelected(True)
    tree.item("mouthSmile_R").setData(3, Qt.UserRole, "mouthSmile_L")
    assert panel.session.settings.controls == {"mouthSmile_R": ControlChoice(symmetric="mouthSmile_L")}


def test_the_likely_partner_is_offered_first(panel):
    tree = panel.controls.tree
    index = tree.indexFromItem(tree.item("mouthSmile_R"), 3)
    assert tree._partners(index)[1][0] == "mouthSmile_L"


def test_a_control_that_cannot_be_keyed_cannot_be_chosen(panel):
    item = panel.controls.tree.item("corrective_014")
    assert not qt().has(item.flags(), qt().Qt.ItemIsEnabled)
    assert "expression" in item.toolTip(0)
    assert "1 cannot be keyed" in panel.controls.count.text()


def test_the_filter_hides_controls_and_empty_regions(panel):
    panel.controls.filter.setText("smile")
    tree = panel.controls.tree
    assert not tree.item("mouthSmile_L").isHidden()
    assert tree.item("mouthClose").isHidden()
    assert tree.item("jawOpen").parent().isHidden()


def test_thumbnails_appear(application, tmp_path, wait):
    from facesolve_maya.ui.cameras_table import CamerasTable
    from facesolve_maya.ui.model import CameraRow

    image = qt().QtGui.QImage(60, 80, qt().QtGui.QImage.Format_RGB32)
    image.fill(qt().QtGui.QColor("red"))
    image.save(str(tmp_path / "a.png"))
    table = CamerasTable()
    table.show_cameras((CameraRow("a", "a.png", str(tmp_path / "a.png")), CameraRow("b", "b.exr", "b.exr")), ())

    def middle(name):
        picture = table.item(name).icon(0).pixmap(table.iconSize()).toImage()
        return picture.pixelColor(picture.width() // 2, picture.height() // 2)

    wait(lambda: middle("a").red() > 200 and middle("a").green() < 50)
    assert middle("b").red() < 100


def test_filling_the_table_again_is_no_choice_of_the_user(application, tmp_path, wait):
    """The picture of the first row is known by then, and comes in the midst of it."""
    from facesolve_maya.ui.cameras_table import CamerasTable
    from facesolve_maya.ui.model import CameraRow

    image = qt().QtGui.QImage(60, 80, qt().QtGui.QImage.Format_RGB32)
    image.save(str(tmp_path / "a.png"))
    table, heard = CamerasTable(), []
    table.used.connect(lambda *choice: heard.append(choice))
    rows = (CameraRow("a", "a.png", str(tmp_path / "a.png")), CameraRow("without footage"))
    table.show_cameras(rows, ())
    wait(lambda: table._thumbnails._ready)
    table.show_cameras(rows, ())
    assert heard == []


def test_solve_by_click_shows_progress_picture_result(panel, scene, solver, wait, tmp_path):
    solver(scene)
    image = qt().QtGui.QImage(60, 80, qt().QtGui.QImage.Format_RGB32)
    image.fill(qt().QtGui.QColor("blue"))
    image.save(str(scene.default_take_folder() / "solve_1" / "solution" / "overlay.png"))
    click(panel.run_bar.solve_button)
    assert panel.run_bar.cancel_button.isVisible()
    assert not panel.setup.isEnabled()
    wait(lambda: not panel.session.busy)
    assert panel.result.overlay.has_picture
    assert "größer" in panel.result.log.toPlainText()
    assert panel.result.uncertain.topLevelItem(0).text(0) == "mouthPress_L"
    assert panel.result.uncertain.topLevelItem(0).text(3) == "mouthClose (-0.93)"
    assert "worth a look" in panel.result.summary.text()
    assert "Keyed" in panel.run_bar.notice.text()
    assert panel.setup.isEnabled()


def test_cancel_by_click(panel, scene, solver, wait):
    scene.behavior = {"work": True}
    click(panel.run_bar.solve_button)
    wait(lambda: "of 600" in panel.run_bar.stage.text())
    click(panel.run_bar.cancel_button)
    assert not panel.run_bar.cancel_button.isEnabled()
    wait(lambda: not panel.session.busy)
    assert panel.run_bar.solve_button.isVisible()
    assert "Cancelled" in panel.run_bar.notice.text()
    assert scene.applied == []


def test_the_time_left_is_shown(panel):
    from facesolve_maya.ui.runs import RunStatus

    class Task:
        cancelling = False

    panel.session._task, panel.session.run = Task(), RunStatus("tracking", 10, 40, 74.0)
    panel.run_bar.refresh()
    panel.session._task = None
    assert panel.run_bar.stage.text() == "Tracking 10 of 40"
    assert panel.run_bar.time_left.text() == "1 min 14 s left"
    assert panel.run_bar.progress.value() == 250


@pytest.fixture
def strip(panel, scene, solver, application):
    solver(scene)
    panel.session.open_last_solution()
    panel.pages.setCurrentIndex(2)
    application.processEvents()
    return panel.result.strip


def test_a_click_on_the_strip_jumps_the_timeline(strip, scene):
    click(strip, strip.position_of(27))
    assert scene.time == 1028.0


def test_keys_and_buttons_walk_through_the_marked_frames(strip, scene, panel):
    click(strip, strip.position_of(20))
    click(panel.result.next)
    assert scene.time == 1028.0
    click(panel.result.next)
    assert scene.time == 1036.0
    click(panel.result.previous)
    assert scene.time == 1028.0


def test_a_shift_drag_marks_frames_to_solve_again(strip, scene, panel, wait):
    assert not panel.result.resolve_button.isEnabled()
    drag(strip, strip.position_of(15), strip.position_of(10), qt().Qt.ShiftModifier)
    assert strip.span == (1011.0, 1016.0)
    click(panel.result.resolve_button)
    wait(lambda: not panel.session.busy)
    assert scene.exported[0][2] == (1011, 1016)


def test_the_strip_paints_levels(strip):
    from facesolve_maya.ui.style import BAD, GOOD

    image = strip.grab().toImage()
    ratio = image.devicePixelRatio()

    def near_base(index):
        point = strip.position_of(index)
        y = strip.height() - strip.fontMetrics().height() - 6
        return image.pixelColor(int(point.x() * ratio), int(y * ratio)).name()

    assert near_base(3) == GOOD
    assert near_base(27) == BAD


def test_the_environment_line_tells_and_tests(panel, solver, tmp_path, wait):
    missing = Finding(ERROR, "torch", "not installed", "pip install torch")
    code = "import json; print(json.dumps({}))".format(findings_record("facesolve doctor", [missing]))
    (tmp_path / "module" / "solver" / "facesolve" / "__main__.py").write_text(code)
    panel.environment.refresh()
    assert "Not tested yet" in panel.environment.text
    click(panel.environment.test_button)
    wait(lambda: not panel.session.busy)
    assert "lacks torch" in panel.environment.text
    assert panel.environment.details.isVisible()
    assert "pip install torch" in panel.environment.details.item(0).text()


def test_the_preferences_dialog_stores_what_is_entered(panel):
    from facesolve_maya.ui.environment_bar import PreferencesDialog

    dialog = PreferencesDialog(panel.session, panel)
    dialog.python.setText("  " + sys.executable)
    dialog.device.setCurrentText("cpu")
    dialog.in_process.setChecked(True)
    dialog.accept()
    assert panel.session.preferences == Preferences(sys.executable, "cpu", True)


def test_the_panel_fits_a_narrow_dock(panel, application):
    panel.resize(320, 700)
    application.processEvents()
    assert panel.width() == 320
    area = panel.pages.widget(0)
    assert area.widget().width() <= area.viewport().width()
