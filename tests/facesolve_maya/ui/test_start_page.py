"""The Start page: three steps, and checks whose buttons carry out the remedy."""

import sys
from dataclasses import replace

import pytest

from facesolve.take.finding import (
    CHOOSE_FOOTAGE,
    ERROR,
    FIND_HEAD,
    LEAVE_CAMERA,
    LEAVE_OUT,
    SET_RESOLUTION,
    SOLVE_WITHOUT,
    USE_FRAMES,
    Finding,
    Offer,
    findings_record,
)
from facesolve_maya.ui.offers import carry_out
from facesolve_maya.ui.preferences import Preferences
from tests.facesolve_maya.ui.fake_scene import FakePlacedStage, FakeScene
from tests.facesolve_maya.ui.gestures import click, qt

pytestmark = pytest.mark.usefixtures("application")


def findings(panel):
    """The rows of the checks."""
    return panel.start.checks.findings.rows


def test_the_checks_show_what_was_found(panel):
    assert len(findings(panel)) == 2
    assert "cam2" in findings(panel)[0].sentence.text()
    assert "Restore it" in findings(panel)[0].remedy.text()


def test_findings_that_are_the_same_again_keep_their_rows(panel):
    """A panel that is open for a day checks a scene a thousand times."""
    rows = list(findings(panel))
    panel.session.check()
    assert [id(row) for row in findings(panel)] == [id(row) for row in rows]


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
    assert carry_out(Offer(SET_RESOLUTION, "", (600, 800)), session)
    assert session.scene.resolution == (600, 800)
    assert not carry_out(Offer(CHOOSE_FOOTAGE, "", ("cam1",)), session)


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


def test_the_stage_of_loaded_cameras_is_placed_from_a_menu(panel, scene):
    button, words = panel.start.stage, panel.start.cameras.words
    assert not button.isVisible()
    scene.placed = FakePlacedStage()
    panel.session.load()
    assert button.isVisible()
    assert words.text() == "3 of 3 cameras are used, 62 cm from what they look at."
    button.fill()
    actions = {action.text(): action for action in button.choices.actions()}
    assert [text for text, action in actions.items() if action.isChecked()] == [
        "Upright in this scene",
        "As in the file",
        "Centimeters",
    ]
    actions["Where the cameras look"].trigger()
    actions["Millimeters"].trigger()
    assert (scene.placed.stage.origin, scene.placed.stage.unit) == ("head", "mm")
    assert panel.session.notice == "The stage is placed."
    scene.placed = replace(scene.placed, distance=6.2)
    panel.session.load()
    assert words.text().endswith("Is the calibration in another unit? 'Stage' has it.")


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
