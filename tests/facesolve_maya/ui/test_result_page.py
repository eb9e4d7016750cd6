"""The Result page: a solve at work, the strip of errors, the verdict, the player."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from facesolve.take import write_solution
from facesolve.take.finding import (
    FIND_HEAD,
)
from facesolve.take.review import ReviewMark, read_review, write_review
from facesolve.take.verdict import DOES_NOT_FIT, DOUBTFUL, Verdict
from facesolve_maya.ui.style import GOOD
from tests.facesolve_maya.ui.fake_scene import solution, write_fake_solution
from tests.facesolve_maya.ui.gestures import click, drag, qt

pytestmark = pytest.mark.usefixtures("application")


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


def test_a_stopped_solve_can_be_resumed(panel, scene, solver, wait):
    stopped = scene.default_take_folder() / "solve_1" / "solution"
    scene.export(panel.session.settings, stopped.parent / "take", None)
    solver_folder = stopped
    solver_folder.mkdir(parents=True)
    (stopped / "checkpoint.npz").write_bytes(b"")
    panel.session.results.look_for_rows(scene.default_take_folder())
    assert panel.run_bar.resume_button.isVisible()
    assert "Resume continues it" in panel.result.player.view.text
    click(panel.run_bar.resume_button)
    wait(lambda: panel.session.state == "idle")
    seen = json.loads((stopped / "seen.json").read_text())
    assert "--resume" in seen["arguments"]
    assert len(scene.exported) == 1, "the take of then is solved, not another"


def test_the_foot_says_what_maya_is_read_for_while_it_stands_still(panel, scene, solver, wait, monkeypatch):
    said = {}

    def listening(name):
        work = getattr(scene, name)

        def asked(*arguments):
            said[name] = (panel.run_bar.stage.text(), panel.run_bar.progress.isVisible())
            return work(*arguments)

        return asked

    for name in ("heads", "preflight", "export"):
        monkeypatch.setattr(scene, name, listening(name))
    panel.session.check()
    assert said == {"preflight": ("Checking the scene…", True)}
    panel.session.load()
    assert said["heads"] == said["preflight"] == ("Reading the rig…", True)
    assert panel.session.solve()
    assert said["export"] == ("Reading the rig and writing the take…", True)
    wait(lambda: panel.session.state == "idle")
    assert panel.run_bar.stage.text() == "3 cameras, frames 1001-1040, standard"
    assert not panel.run_bar.progress.isVisible()


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
    assert panel.run_bar.notice.property("state") == "caution"
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


def test_cameras_are_laid_out_so_that_most_of_them_is_seen(application, tmp_path):
    from facesolve_maya.ui.picture_view import PictureView

    pixmap = qt().QtGui.QPixmap(30, 40)
    pixmap.fill()
    pixmap.save(str(tmp_path / "camera.png"))
    view = PictureView()
    view.show_shots([(i, f"cam{i}", {"footage": str(tmp_path / "camera.png")}) for i in range(3)], "")
    view.resize(430, 490)
    first, *others = view.cells()
    assert first.width() > 1.8 * others[0].width(), "one is large in a narrow dock"
    assert others[0].size() == others[1].size()
    for one, other in ((first, others[0]), (first, others[1]), tuple(others)):
        assert not one.intersects(other)
        assert view.rect().adjusted(-1, -1, 1, 1).contains(one.united(other).toAlignedRect())
    view.resize(900, 400)
    assert {cell.width() for cell in view.cells()} == {298.0}, "side by side in a wide one"


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
    assert "#2" in player.view.caption
    click(player.other)
    assert "#1" in player.view.caption
    assert "solve_1" in player.view.shots[0][2]["footage"]


def test_a_large_picture_is_averaged_not_thinned_out(panel, tmp_path):
    """Fine black and white lines become gray; painting every sixth pixel would make them black or white."""
    from facesolve_maya.ui.picture_view import PictureView

    lines = qt().QtGui.QImage(1200, 1200, qt().QtGui.QImage.Format_RGB32)
    lines.fill(qt().QtGui.QColor("white"))
    painter = qt().QtGui.QPainter(lines)
    for x in range(0, 1200, 6):
        painter.fillRect(x, 0, 3, 1200, qt().QtGui.QColor("black"))
    painter.end()
    lines.save(str(tmp_path / "lines.png"))
    view = PictureView()
    view.resize(200, 200)
    view.show_shots([(0, "", {"footage": str(tmp_path / "lines.png")})], "")
    painted = view.grab().toImage()
    grays = [painted.pixelColor(x, 100).red() for x in range(20, 180)]
    assert min(grays) > 100
    assert max(grays) < 155
