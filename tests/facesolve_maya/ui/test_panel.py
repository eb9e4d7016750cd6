"""The panel's widgets driven by clicks and keys, without a display."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from facesolve.take import write_solution
from facesolve.take.finding import (
    CHOOSE_FOOTAGE,
    ERROR,
    FIND_HEAD,
    LEAVE_CAMERA,
    LEAVE_OUT,
    SOLVE_WITHOUT,
    USE_FRAMES,
    Finding,
    Offer,
    findings_record,
)
from facesolve.take.review import ReviewMark, read_review, write_review
from facesolve.take.verdict import DOES_NOT_FIT, DOUBTFUL, Verdict
from facesolve_maya.scene.choices import LOCKED
from facesolve_maya.ui.document import settings_from_text
from facesolve_maya.ui.model import ControlChoice
from facesolve_maya.ui.offers import carry_out
from facesolve_maya.ui.preferences import Preferences
from facesolve_maya.ui.style import GOOD
from tests.facesolve_maya.ui.fake_scene import FakeScene, solution, write_fake_solution

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


def findings(panel):
    """The rows of the checks."""
    return panel.start.checks.findings.rows


def test_the_checks_show_what_was_found(panel):
    assert len(findings(panel)) == 2
    assert "cam2" in findings(panel)[0].sentence.text()
    assert "Restore it" in findings(panel)[0].remedy.text()


def test_a_camera_is_left_out_by_its_tick(panel, wait):
    panel.setup.cameras.item("cam2").setCheckState(0, qt().Qt.Unchecked)
    assert panel.session.settings.skipped_cameras == ("cam2",)
    wait(lambda: panel.session.checked)
    assert len(findings(panel)) == 1


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
    setup.handles.setValue(3)
    setup.namespace.setText("hero1")
    setup.namespace.editingFinished.emit()
    click(setup.apply_when_done, qt().QtCore.QPoint(8, setup.apply_when_done.height() // 2))
    settings = panel.session.settings
    assert (settings.first, settings.excluded, settings.quality, settings.layer) == (
        1005,
        "1010-1012",
        "final",
        "take12",
    )
    assert settings.contour == 0.0
    assert settings.namespace == "hero1"
    assert settings.frames()[0] == 1002
    assert settings.frames()[-1] == settings.last + 3
    assert not settings.apply_when_done


def test_a_range_is_that_of_the_timeline_of_the_selection_or_of_a_shot(panel, scene):
    menu = panel.setup.ranges.menu()
    menu.aboutToShow.emit()
    assert [action.text() for action in menu.actions()] == ["Playback range   1001-1040", "sh020   1101-1124"]
    menu.actions()[1].trigger()
    assert (panel.session.settings.first, panel.session.settings.last) == (1101, 1124)
    scene.selection_in_slider = (1010, 1019)
    menu.aboutToShow.emit()
    menu.actions()[1].trigger()
    assert (panel.session.settings.first, panel.session.settings.last) == (1010, 1019)


def test_controls_rest_where_they_are_and_again_at_their_defaults(panel):
    session = panel.session
    click(panel.controls.rest)
    assert session.settings.choice("jawOpen").rest == 2.5, "it does not rest at 0"
    assert session.settings.choice("browDown_L").rest is None, "it is at its default"
    assert "1 controls rest away" in session.notice
    assert "1 rest off" in panel.controls.count.text()
    (jaw,) = [control for control in session.settings.solver_settings(("jawOpen",)).controls]
    assert jaw.rest == 2.5
    click(panel.controls.rest)
    assert session.settings.choice("jawOpen").rest is None


def test_a_check_follows_a_change_by_itself(panel, wait):
    panel.setup.last.setValue(900)
    assert not panel.session.checked
    wait(lambda: panel.session.checked)
    assert "empty" in findings(panel)[0].sentence.text()


def test_a_double_click_on_a_finding_selects_its_node(panel, scene):
    test = pytest.importorskip(qt().QtCore.__name__.split(".")[0] + ".QtTest").QTest
    test.mouseDClick(findings(panel)[0], qt().Qt.LeftButton)
    assert scene.selected == ["cam2"]


def test_a_button_carries_out_the_remedy_and_checks_again(panel):
    click(findings(panel)[0].buttons[LEAVE_OUT])
    assert panel.session.settings.excluded == "1019"
    assert panel.session.checked
    assert len(findings(panel)) == 1


def test_each_offer_does_what_its_button_says(session):
    for offer, expected in (
        (Offer(USE_FRAMES, "", (1005, 1010)), {"first": 1005, "last": 1010}),
        (Offer(SOLVE_WITHOUT, ""), {"on_bad_frame": "unseen"}),
        (Offer(LEAVE_CAMERA, "", ("cam1",)), {"skipped_cameras": ("cam1",)}),
        (Offer(LEAVE_OUT, "", (1006, 1007)), {"excluded": "1006, 1007"}),
    ):
        assert carry_out(offer, session)
        assert {name: getattr(session.settings, name) for name in expected} == expected
    assert not carry_out(Offer(CHOOSE_FOOTAGE, "", ("cam1",)), session)


def test_ticks_and_regions_decide_what_is_solved(panel):
    tree, Qt = panel.controls.tree, qt().Qt
    tree.item("jawOpen").setCheckState(0, Qt.Unchecked)
    assert panel.session.settings.controls == {"jawOpen": ControlChoice(active=False)}
    tree.item("eyeBlink_L").parent().setCheckState(0, Qt.Unchecked)
    off = {name for name, choice in panel.session.settings.controls.items() if not choice.active}
    assert off == {"jawOpen"} | {name for name in tree.items_by_name if name.startswith("eye")}


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
    assert tree.partners(index)[1][0] == "mouthSmile_L"


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
    wait(lambda: table.thumbnails.ready)
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
    assert panel.result.player.view.has_picture
    assert "größer" in panel.result.log.toPlainText()
    assert panel.result.uncertain.topLevelItem(0).text(0) == "mouthPress_L"
    assert panel.result.uncertain.topLevelItem(0).text(3) == "mouthClose (-0.93)"
    assert "worth a look" in panel.result.summary.text()
    assert panel.result.player.cameras.count() == 4, "all cameras, or one"
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


def test_the_whole_solve_is_counted_in_words_of_an_animator(panel):
    from facesolve_maya.ui.runs import RunStatus

    class Task:
        cancelling = False

    panel.session.solving.task = Task()
    panel.session.solving.run = RunStatus("track", 20, 40, clock=lambda: 20.0)
    panel.run_bar.refresh()
    panel.session.solving.task = None
    assert panel.run_bar.stage.text() == "Following the face: 20 of 40"
    assert panel.run_bar.progress.value() == 200, "the whole, not the stage"
    assert panel.run_bar.time_left.text() == "1 min 20 s left"


@pytest.fixture
def strip(panel, scene, solver, application):
    solver(scene)
    panel.session.open_last_solution()
    panel.pages.setCurrentIndex(3)
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


def test_frames_are_approved_rejected_and_noted_in_the_file_of_the_report(strip, scene, panel):
    session, page, folder = panel.session, panel.result, panel.session.results.folder
    actions = {action.text(): action for action in page.decide.menu().actions()}
    scene.time = 1012.0
    actions["Approve"].trigger()
    drag(strip, strip.position_of(24), strip.position_of(29), qt().Qt.ShiftModifier)
    actions["Reject"].trigger()
    assert page.strip.span == (1025, 1030), "the frames stay marked"
    session.reviewing.decide(1025.0, 1026.0, "noted", "lip slides")
    assert read_review(folder) == (
        ReviewMark(11, 11, "approved"),
        ReviewMark(24, 29, "rejected"),
        ReviewMark(24, 25, "noted", "lip slides"),
    )
    write_review(folder, [*read_review(folder), ReviewMark(0, 39, "approved", "as seen in the report")])
    page.refresh()
    image = strip.grab().toImage()
    ratio = image.devicePixelRatio()
    assert image.pixelColor(int(strip.position_of(2).x() * ratio), int(1 * ratio)).name() == GOOD
    drag(strip, strip.position_of(25), strip.position_of(25), qt().Qt.ShiftModifier)
    assert "Noted: lip slides" in strip.toolTip()
    assert "as seen in the report" in strip.toolTip()
    drag(strip, strip.position_of(20), strip.position_of(39), qt().Qt.ShiftModifier)
    actions["Take back"].trigger()
    assert read_review(folder) == (ReviewMark(11, 11, "approved"),)
    (folder / "review.json").write_text("damaged", encoding="utf-8")
    page.refresh()
    assert "review" in page.summary.text()
    actions["Approve"].trigger()
    assert session.notice_is_error
    assert (folder / "review.json").read_text() == "damaged", "what cannot be read is not replaced"


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


def test_the_strip_shows_what_a_reviewer_decided(strip, panel):
    from facesolve_maya.ui.style import BAD, GOOD

    results = panel.session.results
    frames = results.shown.frames.tolist()
    marks = [ReviewMark(frames[0], frames[9], "approved"), ReviewMark(frames[4], frames[5], "rejected", "late")]
    write_review(results.folder, marks)
    panel.result.refresh()
    image = strip.grab().toImage()
    shown = [image.pixelColor(strip.position_of(index).x(), 1).name() for index in (2, 4, 5, 12)]
    assert shown[:3] == [GOOD, BAD, BAD]
    assert shown[3] not in (GOOD, BAD)


def test_the_first_step_installs_tests_and_tells(panel, solver, tmp_path, wait, monkeypatch):
    start = panel.start
    start.refresh()
    assert "Test it" in start.solver.words.text()
    missing = Finding(ERROR, "torch", "not installed", "pip install torch")
    code = "import json; print(json.dumps({}))".format(findings_record("facesolve doctor", [missing]))
    (tmp_path / "module" / "solver" / "facesolve" / "__main__.py").write_text(code)
    click(start.test)
    wait(lambda: not panel.session.busy)
    assert "does not run here" in start.solver.words.text()
    assert start.install.isVisible()
    started = []
    monkeypatch.setattr("facesolve_maya.ui.installing.start_installation", lambda: started.append(1) or Steps())
    click(start.install)
    wait(lambda: not panel.session.busy)
    assert started == [1]
    assert panel.session.notice == "The solver is installed."


class Steps:
    """An installation that is done at its first look."""

    words, done, error, log = "Downloading…", False, "", ["Collecting torch"]

    def poll(self):
        self.done = True


def test_no_page_shows_a_path_of_the_solver(panel, monkeypatch, tmp_path):
    monkeypatch.setenv("FACESOLVE_PYTHON", str(tmp_path / "nowhere"))
    panel.session.python.set_preferences(Preferences(device="cpu"))
    words = [label.text() for label in panel.start.findChildren(qt().QtWidgets.QLabel)]
    assert "not installed yet" in " ".join(words)
    assert not any("nowhere" in text or str(tmp_path) in text for text in words)


def test_the_details_store_what_is_entered_and_show_everything(panel):
    from facesolve_maya.ui.solver_dialog import SolverDialog

    dialog = SolverDialog(panel.session, panel)
    dialog.python.setText("  " + sys.executable)
    dialog.device.setCurrentText("cpu")
    dialog.in_process.setChecked(True)
    dialog.accept()
    assert panel.session.python.preferences == Preferences(sys.executable, "cpu", True)
    assert "Module: " in dialog.details.item(dialog.details.count() - 1).text()


def test_the_head_is_shown_before_it_is_taken(panel, scene, solver, wait):
    click(panel.start.find_button)
    wait(lambda: not panel.session.busy)
    assert panel.start.picture.has_picture
    assert "97%" in panel.start.head.words.text()
    assert scene.posed == []
    click(panel.start.use)
    assert scene.posed[0].controls == {"jawOpen": 0.5}
    assert not panel.start.picture.isVisible()


def test_a_found_head_can_be_turned_down(panel, scene, solver, wait):
    click(panel.start.find_button)
    wait(lambda: not panel.session.busy)
    click(panel.start.leave)
    assert scene.posed == []
    assert panel.start.find_button.isVisible()


def test_a_doubtful_solve_is_keyed_only_after_a_question(panel, scene, solver, wait):
    solver(scene)
    doubtful = replace(
        solution(), verdict=Verdict(DOUBTFUL, "camera 'cam1' is off by 2.1 mm.", next_step="Calibrate it.")
    )
    write_solution(doubtful, scene.default_take_folder() / "solve_1" / "solution")
    panel.pages.setCurrentIndex(3)
    assert panel.session.open_last_solution()
    bar = panel.result.verdict
    assert (bar.title.text(), bar.reason.text()) == (
        "The solve is doubtful",
        "Camera 'cam1' is off by 2.1 mm. Calibrate it.",
    )
    assert not bar.apply_anyway.isVisible()
    assert not bar.find_head.isVisible()
    click(panel.result.apply_button)
    assert scene.applied == []
    assert "is doubtful" in panel.session.notice
    click(bar.apply_anyway)
    assert len(scene.applied) == 1
    assert not bar.apply_anyway.isVisible()


def test_where_the_start_pose_was_far_off_the_verdict_offers_to_find_the_head(panel, scene, solver, wait):
    solver(scene)
    verdict = Verdict(DOES_NOT_FIT, "the head is 6.1 cm away.", next_step="Run a command.", offer=FIND_HEAD)
    elsewhere = replace(solution(), verdict=verdict)
    write_solution(elsewhere, scene.default_take_folder() / "solve_1" / "solution")
    panel.pages.setCurrentIndex(3)
    assert panel.session.open_last_solution()
    assert "Press 'Find the head'" in panel.result.verdict.reason.text()
    click(panel.result.verdict.find_head)
    wait(lambda: not panel.session.busy)
    assert panel.session.head_search.found is not None


def test_checks_look_for_mistakes_and_say_what_to_do_in_the_scene(panel, scene, solver, wait):
    checks = panel.start.checks
    before = panel.session.findings
    click(checks.look)
    assert not checks.look.isEnabled()
    wait(lambda: not panel.session.busy)
    assert checks.look.isEnabled()
    swapped, elsewhere, *rest = panel.session.findings
    assert swapped.text == (
        "cameras 'a' and 'b': their images are swapped. Swap the footage of the two cameras. (swap=a,b)"
    )
    assert [offer.kind for offer in elsewhere.offers] == [FIND_HEAD]
    assert tuple(rest) == before
    assert checks.findings.rows[0].remedy.text() == swapped.remedy
    panel.session.check()
    assert panel.session.findings == before


@pytest.fixture
def player(panel, scene, solver, wait, application):
    """The player with a result whose pictures are drawn."""
    solver(scene)
    panel.pages.setCurrentIndex(3)
    panel.session.open_last_solution()
    wait(lambda: panel.session.viewer.share == 1.0)
    application.processEvents()
    return panel.result.player


def shown(player):
    """Names of the cameras, and the file names of their footage."""
    return [(name, Path(shot["footage"]).name) for _, name, shot in player.view.shots]


def test_the_player_follows_the_timeline(player, panel):
    panel.show_time(1011.0)
    assert shown(player)[2] == ("cam2", "camera2.10.footage.jpg")
    panel.show_time(5000.0)
    assert shown(player)[0] == ("cam0", "camera0.39.footage.jpg")


def test_a_double_click_shows_one_camera_and_another_all_again(player):
    player.view.picked.emit(1)
    assert [name for name, _ in shown(player)] == ["cam1"]
    player.view.picked.emit(-1)
    assert len(shown(player)) == 3


def test_a_drag_moves_the_line_of_the_wipe(player, application):
    click(player.modes["wipe"])
    player.view.picked.emit(0)
    point = qt().QtCore.QPoint(player.view.width() // 4, player.view.height() // 2)
    drag(player.view, point, point, qt().Qt.NoModifier)
    assert player.slider.value() == pytest.approx(25, abs=2)


def test_it_plays_through_the_frames_and_leaves_the_time_there(player, scene, wait):
    player.show_time(1001.0)
    click(player.play)
    wait(lambda: player.shown_time > 1003.0)
    click(player.play)
    assert scene.time == player.shown_time


def test_two_solves_are_compared_in_the_same_view(player, panel, scene, wait):
    root = scene.default_take_folder()
    write_fake_solution(root / "solve_2" / "solution")
    panel.session.results.look_for_rows(root)
    row = panel.result.results
    assert [row.shown.itemText(index)[:2] for index in (1, 2)] == ["#2", "#1"]
    panel.session.compare_with(root / "solve_2" / "solution")
    wait(lambda: panel.session.other_viewer.share == 1.0)
    click(player.other)
    assert "solve_2" in player.view.shots[0][2]["footage"]
    click(player.other)
    assert "solve_1" in player.view.shots[0][2]["footage"]


def test_a_stopped_solve_can_be_resumed(panel, scene, solver, wait):
    stopped = scene.default_take_folder() / "solve_1" / "solution"
    scene.export(panel.session.settings, stopped.parent / "take", None)
    solver_folder = stopped
    solver_folder.mkdir(parents=True)
    (stopped / "checkpoint.npz").write_bytes(b"")
    panel.session.results.look_for_rows(scene.default_take_folder())
    assert panel.run_bar.resume_button.isVisible()
    click(panel.run_bar.resume_button)
    wait(lambda: panel.session.state == "idle")
    seen = json.loads((stopped / "seen.json").read_text())
    assert "--resume" in seen["arguments"]
    assert len(scene.exported) == 1, "the take of then is solved, not another"


def test_text_stands_out_from_its_ground():
    from facesolve_maya.ui import style

    window = "#444444"
    for text in (style.QUIET, style.BAD_TEXT, style.NOTE_TEXT, style.CAUTION):
        for ground in (window, style.WELL):
            assert style.contrast(text, ground) >= 4.5, (text, ground)
    assert style.contrast("#ffffff", style.ACCENT) >= 4.5
    assert style.contrast(style.ON_RAISED, style.RAISED) >= 4.5
    assert style.contrast("#bdbdbd", "#4b4b4b") >= 4.5
    assert style.contrast("#ffffff", "#000000") == pytest.approx(21.0)


def test_hints_in_empty_fields_stand_out_too(panel):
    from facesolve_maya.ui import style

    QtGui = qt().QtGui
    for field in (panel.setup.excluded, panel.setup.layer, panel.setup.namespace, panel.controls.filter):
        palette = field.palette()
        colors = (palette.color(role).name() for role in (QtGui.QPalette.PlaceholderText, QtGui.QPalette.Base))
        assert style.contrast(*colors) >= 4.5, field.placeholderText()


# 11, 16 and 22 pixels are interface scalings of 100, 150 and 200 percent.
@pytest.mark.parametrize(("width", "font"), [(320, 11), (900, 11), (470, 16), (520, 18), (640, 22)])
def test_nothing_is_cut_off_at_any_width_and_font(panel, scene, solver, application, width, font):
    from tests.facesolve_maya.ui.maya_look import look_like_maya

    look_like_maya(application, font)
    try:
        solver(scene)
        panel.session.open_last_solution()
        panel.resize(width, 900)
        for index in range(4):
            panel.pages.setCurrentIndex(index)
            application.processEvents()
            area = panel.pages.widget(index)
            if index != 2:
                assert area.widget().width() <= area.viewport().width(), index
            for button in area.findChildren(qt().QtWidgets.QPushButton):
                if button.isVisible():
                    words = button.fontMetrics().horizontalAdvance(button.text())
                    assert button.width() >= words, (index, button.text(), button.width(), words)
        assert panel.width() == width, "a dock of this width holds it"
    finally:
        look_like_maya(application)


def test_a_characters_set_up_is_saved_once_and_loaded_in_another_shot(panel, tmp_path):
    session, page = panel.session, panel.controls
    made = {
        "jawOpen": ControlChoice(active=False),
        "mouthSmile_R": ControlChoice(symmetric="mouthSmile_L", keys=LOCKED),
    }
    session.change(controls=made, smoothness=2.5, first=1010, actor=str(tmp_path / "actor.npz"), neutral="1012")
    session.change(sampled=("face_CTL.smile",))
    page.save_setup(str(tmp_path / "hero"))
    assert "hero.json" in session.notice
    assert json.loads((tmp_path / "hero.json").read_text())["actor"] == "actor.npz"
    session.change(actor="", neutral="", sampled=())
    session.change(controls={"tongueOut": ControlChoice(keys=LOCKED)}, smoothness=1.0, first=1005)
    page.load_setup(str(tmp_path / "hero.json"))
    assert session.settings.controls == {
        "jawOpen": ControlChoice(active=False),
        "mouthSmile_R": ControlChoice(symmetric="mouthSmile_L"),
        "tongueOut": ControlChoice(keys=LOCKED),
    }, "keys belong to the shot"
    assert (session.settings.smoothness, session.settings.first) == (2.5, 1005)
    assert (session.settings.actor, session.settings.neutral) == (str(tmp_path / "actor.npz"), "")
    assert session.settings.sampled == ("face_CTL.smile",)
    session.change(mesh="extra:stunt_GEO")
    assert session.settings.sampled == ()
    page.load_setup(str(tmp_path / "none.json"))
    assert session.notice_is_error


class EmptyScene(FakeScene):
    """A Maya that has just been started."""

    def heads(self):
        return ()

    def cameras(self, settings):
        return ()

    def preflight(self, settings):
        return (Finding(ERROR, "scene", "no camera with footage is in it.", "Load cameras."),)


def test_every_page_of_an_empty_scene_says_what_to_do(application, tmp_path, monkeypatch):
    from facesolve_maya.ui.panel import Panel
    from facesolve_maya.ui.session import Session

    monkeypatch.setenv("FACESOLVE_PYTHON", str(tmp_path / "none"))
    panel = Panel(Session(EmptyScene(tmp_path)))
    panel.show()
    application.processEvents()
    words = [label.text() for label in panel.start.findChildren(qt().QtWidgets.QLabel) if label.isVisible()]
    for text in ("is not installed yet", "Load them from the stage's calibration file", "import the character's rig"):
        assert any(text in word for word in words), words
    assert panel.start.install.isVisible()
    assert panel.start.load.isVisible()
    assert not panel.start.find_button.isEnabled()
    assert not panel.setup.head.isEnabled()
    assert "no mesh with a blendShape" in panel.setup.head.currentText()
    assert panel.controls.count.text().startswith("0 controls")
    assert not panel.result.apply_button.isEnabled()
    assert not panel.result.decide.isEnabled()
    click(panel.run_bar.solve_button)
    assert "1 problem stops the solve; see Checks." in panel.session.notice
    panel.session.close()
    panel.close()


def test_about_says_which_version_this_is(panel, monkeypatch):
    from facesolve.take.version import VERSION

    said = []
    monkeypatch.setattr(qt().QtWidgets.QMessageBox, "about", lambda parent, title, text: said.append(text))
    panel.show_about()
    assert said[0].startswith(f"Facesolve {VERSION}")


def test_help_opens_a_page_that_comes_with_the_panel(panel):
    from facesolve_maya.ui.help_dialog import HelpDialog

    assert "Find the head" in HelpDialog(panel).page.toPlainText()


def test_controls_are_sampled_from_the_set_up_page_with_a_bar_at_the_foot(panel, scene):
    setup, bar = panel.setup, panel.run_bar
    shown = []
    panel.session.listen("progress", lambda: shown.append((bar.stage.text(), bar.progress.value())))
    assert setup.rig_source.text() == "read from the rig"
    setup.fill_sampling_menu()
    texts = [action.text() for action in setup.sampling_menu.actions() if action.text()]
    assert texts == ["Selected controls", "Controls in controls_SET", "All keyable controls", "Read the rig instead"]
    setup.sampling_menu.actions()[0].trigger()
    assert panel.session.settings.sampled == ("face_CTL.smile", "face_CTL.jaw")
    assert shown[:2] == [("Recording control 1 of 2", 0), ("Recording control 2 of 2", 1)]
    assert not bar.progress.isVisible()
    assert setup.rig_source.text() == "2 sampled"
    assert panel.session.notice == "Sampling 2 controls."
    setup.sampling_menu.actions()[2].trigger()
    assert panel.session.notice.startswith("sampling: no channel")
    assert panel.session.notice_is_error
    setup.fill_sampling_menu()
    setup.sampling_menu.actions()[-1].trigger()
    assert panel.session.settings.sampled == ()
    panel.session.sampling.sample("controls_SET")
    panel.session.keep_settings()
    assert settings_from_text(scene.stored).sampled == ("face_CTL.smile",)
    panel.session.change(mesh="extra:stunt_GEO")
    assert panel.session.settings.sampled == ()
