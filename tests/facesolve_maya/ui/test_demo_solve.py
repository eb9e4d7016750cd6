"""A real solve, small enough for a test, by clicks in the panel: undo, redo, edits, a range solved again.

``tests.bench.first_solve`` begins earlier, in an empty Maya, and ends with keys on a larger rig.
"""

import re
import sys
import time
from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
from maya import cmds
from PIL import Image

from facesolve.evaluate import evaluate
from facesolve.evaluate.evaluation import Truth
from facesolve.take import read_solution, read_take
from facesolve.take.frame_pictures import LAYERS
from facesolve_maya.apply.provenance import find_provenance
from facesolve_maya.scene.head import head_at
from facesolve_maya.ui.load_cameras import load_cameras
from facesolve_maya.ui.scene import MayaScene
from facesolve_maya.ui.session import Session
from facesolve_maya.ui.solving import IDLE, SOLVING
from tests.facesolve_maya.demo_head import CALIBRATION, open_demo_head
from tests.facesolve_maya.run.conftest import process_exists
from tests.facesolve_maya.shown import MILLIMETERS, shown_vertices, snapshot, solver_vertices
from tests.facesolve_maya.ui.person import Person
from tests.maya_emulator.session import Session as Maya
from tests.maya_emulator.session import use

FRAMES = 3
LAYER = "facesolve_scene"
LIVE: list = []  # what the panel showed while it solved
PERSON: list = []  # who pressed the buttons


@pytest.fixture(scope="module")
def solved(tmp_path_factory, application):
    """The demo's head, solved and applied by one click in the panel: (Maya, session, folder, film, scene before)."""
    from facesolve_maya.ui.panel import RESULT_PAGE, Panel

    maya, folder = Maya(), tmp_path_factory.mktemp("demo größe")
    use(maya)
    film = open_demo_head(folder, FRAMES, with_cameras=False)
    cmds.playbackOptions(minTime=1, maxTime=FRAMES)
    answers = {1: folder / CALIBRATION, 3: folder / "film"}
    session = Session(MayaScene())
    session.python.preferences = replace(session.python.preferences, python=sys.executable, device="cpu")
    panel, person = Panel(session, lambda: load_cameras(session)), Person(application)
    PERSON.append(person)
    person.sit_down(panel, {})
    person.look("the panel", 1)
    session.change(take_folder=str(folder / "take"), quality="draft")
    with mock.patch.object(cmds, "fileDialog2", lambda **flags: [str(answers[flags["fileMode"]])], create=True):
        person.press("Load cameras", panel.start.load, 4)
    session.keep_settings()
    before = snapshot(maya)
    person.press("Solve", panel.run_bar.solve_button)
    assert session.state == SOLVING, session.notice
    assert panel.pages.currentIndex() == RESULT_PAGE
    view = panel.result.player.view
    while session.state != IDLE:
        application.processEvents()  # the panel's clock watches the solve
        if view.has_picture:
            LIVE.append(view.grab().toImage())
        time.sleep(0.02)
    person.look("solved", 0)
    assert re.search(r"up to 0\.\d+ mm", panel.result.errors.title), "how high the bars are"
    panel.close()  # nobody looks at the player any more, so nothing is drawn
    assert not session.notice_is_error, session.notice
    assert not session.results.asking or session.apply(sure=True), session.notice
    yield maya, session, folder, film, before
    session.close()


@pytest.fixture
def scene(solved):
    """The solved scene; what a test changes is undone after it."""
    maya, queue = solved[0], len(solved[0].undo_queue)
    use(maya)
    yield solved
    while len(maya.undo_queue) > queue:
        maya.undo()


def run(session, span=None):
    assert session.solve(span), [session.notice, *session.findings]
    began = time.monotonic()
    while session.state != IDLE:
        assert time.monotonic() - began < 600
        session.tick()
        time.sleep(0.02)
    assert not session.notice_is_error, session.notice


def state(maya) -> str:
    """Every node, plug, key and connection; a node that redo makes again has another identity."""
    return re.sub(r'rename -uid "[^"]*"', "", snapshot(maya))


def apart(maya, folder) -> float:
    """Largest distance in millimeters between what the scene shows and what the solver says."""
    solution = read_solution(folder / "solution")
    expected = solver_vertices(read_take(folder / "take"), solution)
    return MILLIMETERS * max(
        np.linalg.norm(shown_vertices(maya, "headShape", time) - points, axis=1).max()
        for time, points in zip(solution.scene_times, expected, strict=True)
    )


def test_from_the_rig_to_keys_in_a_few_clicks_on_words_that_can_be_read(scene):
    (person,) = PERSON
    assert person.clicks <= 12
    assert person.trouble == []
    assert cmds.animLayer(LAYER, query=True, attribute=True)


def test_the_panel_shows_the_solve_at_work(scene):
    """It promises to; a solver that draws nothing, or a panel that does not look, fails here."""
    assert LIVE, "no picture was shown while the real solver worked"
    image = LIVE[-1]
    points = [(x, y) for x in range(0, image.width(), 5) for y in range(0, image.height(), 5)]
    assert len({image.pixelColor(*point).name() for point in points}) > 30, "a face, and lines over it"


def test_frames_are_drawn_for_the_player_and_an_edit_is_answered_by_the_process_that_draws(scene):
    _, session, folder, _, _ = scene
    solution, viewer = folder / "take" / "solve_1" / "solution", session.viewer
    session.open_solution(solution)
    viewer.look_at(3.0)
    began = time.monotonic()
    while not all(viewer.picture(camera, 3.0, layer) for camera in range(3) for layer in LAYERS):
        assert time.monotonic() - began < 120, viewer.problem
        viewer.tick()
        time.sleep(0.05)
    sizes = {Image.open(viewer.picture(0, 3.0, layer)).size for layer in LAYERS}
    assert len(sizes) == 1
    assert not session.solve_around_edits()
    assert "No key has been changed" in session.notice
    cmds.setKeyframe("BS.jawOpen", animLayer=LAYER, time=2.0, value=0.8)
    assert session.solve_around_edits(), session.notice
    while viewer.answering:
        assert time.monotonic() - began < 120
        session.tick()
        time.sleep(0.05)
    assert not session.notice_is_error, session.notice
    answer = read_solution(folder / "take" / "edit_1" / "solution")
    jaw = answer.control_names.index("jawOpen")
    assert answer.controls[list(answer.scene_times).index(2.0), jaw] == pytest.approx(0.8)
    assert cmds.getAttr("BS.jawOpen", time=2.0) == pytest.approx(0.8)
    assert find_provenance().ranges[-1].solution_folder.endswith("edit_1/solution")
    viewer.close()


def test_mayas_own_windows_show_the_solve_and_each_step_is_one_undo(scene):
    maya, session, folder, _, _ = scene
    session.open_solution(folder / "take" / "solve_1" / "solution")
    windows, before = session.in_maya, state(maya)
    assert windows.select_solved()
    assert {"BS", "head_GRP"} <= set(cmds.ls(selection=True))
    solved = cmds.getAttr("BS.jawOpen", time=2.0)
    cmds.setKeyframe("BS.jawOpen", animLayer=LAYER, time=2.0, value=0.9)
    session.scene.set_current_time(2.0)
    assert windows.key_as_solved(), session.notice
    assert cmds.getAttr("BS.jawOpen", time=2.0) == pytest.approx(solved)
    maya.undo()
    assert cmds.getAttr("BS.jawOpen", time=2.0) == pytest.approx(0.9)
    maya.undo()
    maya.undo()
    assert windows.toggle_overlay(session.settings), session.notice
    assert "drawn over the footage" in session.notice
    maya.undo()
    assert windows.toggle_certainty(session.controls), session.notice
    assert {"BS", "facesolve_certainty"} <= set(cmds.ls(selection=True)), "beside the solved controls' own curves"
    assert windows.toggle_certainty(session.controls)
    assert "gone" in session.notice
    assert state(maya) == before


def test_the_exported_take_is_what_was_filmed(scene):
    _, _, folder, film, _ = scene
    take = read_take(folder / "take" / "solve_1" / "take")
    assert take.rig.control_names == film.rig.control_names
    np.testing.assert_allclose(take.rig.neutral, film.rig.neutral, atol=1e-6)
    assert [len(target.shapes) for target in take.rig.targets] == [len(target.shapes) for target in film.rig.targets]
    assert take.rig.combinations == film.rig.combinations
    np.testing.assert_allclose(take.start.head, film.start_head, atol=1e-6)
    np.testing.assert_allclose(take.start.controls, film.start_controls, atol=1e-6)
    for camera, original in zip(take.cameras, film.cameras, strict=True):
        np.testing.assert_allclose(camera.intrinsics, original.intrinsics, atol=1e-3)
        np.testing.assert_allclose(camera.translation, original.translation, atol=1e-6)


def test_the_scene_shows_what_the_solver_found_and_that_is_near_the_truth(scene):
    maya, _, folder, film, _ = scene
    assert apart(maya, folder / "take" / "solve_1") < 0.01
    solution, take = (
        read_solution(folder / "take" / "solve_1" / "solution"),
        read_take(folder / "take" / "solve_1" / "take"),
    )
    found = evaluate(solution, take, Truth(film.controls, tuple(film.rig.control_names), film.heads))
    assert found.regions[0].world_mean < 0.6


def test_undo_restores_every_plug_and_curve_and_redo_brings_them_back(scene):
    maya, _, _, _, before = scene
    after = state(maya)
    maya.undo()
    assert snapshot(maya) == before
    maya.redo()
    assert state(maya) == after
    maya.undo()
    assert snapshot(maya) == before
    maya.redo()


def test_an_edited_head_and_brow_hold_when_the_range_is_solved_again(scene):
    _, session, folder, _, _ = scene
    layer = find_provenance().layer
    assert layer == LAYER
    moved = cmds.getAttr("head_GRP.translateX", time=2.0) + 0.3
    cmds.setKeyframe("head_GRP.translateX", animLayer=layer, time=2.0, value=moved)
    cmds.setKeyframe("BS.browInnerUp", animLayer=layer, time=2.0, value=0.9)
    there = head_at("head_GRP", 2.0)
    run(session, (1, FRAMES))
    assert not session.results.asking or session.apply(sure=True)  # the head was moved off on purpose
    settings = read_take(folder / "take" / "range_1-3" / "take").settings
    assert [(pin.frame, pin.control, round(pin.value, 6)) for pin in settings.pins] == [(2, "browInnerUp", 0.9)]
    assert [pin.frame for pin in settings.head_pins] == [2]
    again = read_solution(folder / "take" / "range_1-3" / "solution")
    np.testing.assert_allclose(again.head[1], there, atol=1e-12)
    np.testing.assert_allclose(head_at("head_GRP", 2.0), there, atol=1e-6)
    assert cmds.getAttr("BS.browInnerUp", time=2.0) == pytest.approx(0.9)
    assert cmds.ls(type="animLayer").count(layer) == 1
    assert find_provenance().solution_folder.endswith("take/solve_1/solution")
    assert len(session.results.summary.frames) == FRAMES
    assert session.open_last_solution()
    brow = session.results.shown.control_names.index("browInnerUp")
    assert session.results.shown.controls[1, brow] == pytest.approx(0.9), "the range is shown within the solution"
    assert "keys became" in session.scene.reduce_keys(0.5)


def test_a_solve_cancelled_in_the_midst_leaves_no_process_and_no_change(scene):
    maya, session, folder, _, _ = scene
    before, queue, result = (
        snapshot(maya),
        len(maya.undo_queue),
        folder / "take" / "solve_1" / "solution" / "solution.npz",
    )
    found, shown = result.read_bytes(), shown_vertices(maya, "headShape", 2.0)
    assert session.solve(), session.notice
    process, began = session.solving.task.process, time.monotonic()
    while session.solving.run.stage in ("", "starting") or session.solving.run.done < 1:
        assert session.state == SOLVING, session.notice
        assert time.monotonic() - began < 120
        session.tick()
        time.sleep(0.02)
    assert process_exists(process.pid)
    session.cancel()
    while session.state != IDLE:
        assert time.monotonic() - began < 180
        session.tick()
        time.sleep(0.02)
    assert session.notice == "Cancelled. The scene is as it was."
    assert not process_exists(process.pid)
    assert not (folder / "take" / "solve_2" / "solution" / "cancel").exists()
    assert result.read_bytes() == found, "a solve never writes over another"
    assert session.results.folder is None
    assert (snapshot(maya), len(maya.undo_queue)) == (before, queue)
    np.testing.assert_array_equal(shown_vertices(maya, "headShape", 2.0), shown)
    assert result.read_bytes() == found, "the solution of the solve before is still there"
