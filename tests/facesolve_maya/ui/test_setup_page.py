"""The Set-up page: every field reaches the settings, and the table of cameras."""

import pytest

from facesolve_maya.ui.document import settings_from_text
from tests.facesolve_maya.ui.gestures import click, qt

pytestmark = pytest.mark.usefixtures("application")


def test_the_set_up_page_shows_the_scene(panel):
    setup = panel.setup
    assert setup.head.currentData() == "face_GEO"
    assert [setup.head_transform.itemText(i) for i in range(2)] == ["head_GRP", "character_GRP"]
    assert setup.cameras.topLevelItemCount() == 3
    assert "missing" in setup.cameras.item("cam2").text(1)
    assert (setup.first.value(), setup.last.value()) == (1001, 1040)


def test_the_fields_of_all_sections_begin_at_the_same_place(panel, application):
    setup = panel.setup
    panel.pages.setCurrentIndex(1)
    setup.advanced.expand(True)
    application.processEvents()
    fields = (setup.head, setup.head_mode, setup.first, setup.actor, setup.layer, setup.bad_frames, setup.take_folder)
    assert len({field.mapTo(setup, qt().QtCore.QPoint(0, 0)).x() for field in fields}) == 1


def test_a_camera_is_left_out_by_its_tick(panel, wait):
    panel.setup.cameras.item("cam2").setCheckState(0, qt().Qt.Unchecked)
    assert panel.session.settings.skipped_cameras == ("cam2",)
    wait(lambda: panel.session.checked)
    assert len(panel.start.checks.findings.rows) == 1


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
