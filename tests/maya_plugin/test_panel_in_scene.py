"""The panel's session on the scene itself, without windows: solve, apply, edit, solve a range again, reduce keys."""

import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from maya import cmds

from maya_plugin.apply.provenance import find_provenance
from maya_plugin.run import DONE, Outcome
from maya_plugin.ui.model import PINNED, ControlChoice
from maya_plugin.ui.scene import MayaScene
from maya_plugin.ui.session import IDLE, PROGRESS, SOLVING, Session
from solver.take import read_take, write_solution
from tests.maya_plugin.shown import shown_vertices, snapshot
from tests.maya_plugin_run.conftest import process_exists


@pytest.fixture
def session(ict_rom, ict_rom_session, tmp_path):
    """A session on ict_rom for eight frames; takes go to a temporary folder."""
    made = Session(MayaScene())
    made.load()
    made.change(first=1001, last=1008, take_folder=str(tmp_path), quality="draft")
    yield made
    made.close()
    ict_rom_session.file_info.clear()


@pytest.fixture
def solver(monkeypatch, ict_solution):
    """A solver that knows the truth and needs no time."""

    class Instant:
        cancelling = False

        def __init__(self, request, interpreter):
            take = read_take(request.take)
            rows = np.searchsorted(ict_solution.scene_times, take.scene_times)
            arrays = ("frames", "scene_times", "controls", "head", "control_std", "head_std", "residual")
            part = {name: getattr(ict_solution, name)[rows] for name in arrays}
            write_solution(replace(ict_solution, **part, provenance={"take": "../take"}), request.out)
            self.outcome = Outcome(DONE, request.out)

        def poll(self):
            return []

    monkeypatch.setattr("maya_plugin.ui.session.start_solve", Instant)
    monkeypatch.setenv("FACESOLVE_PYTHON", sys.executable)


def solve(session, span=None):
    assert session.solve(span), session.notice
    while session.state != IDLE:
        session.tick()
    assert not session.notice_is_error, session.notice


def test_the_session_finds_head_controls_and_cameras_and_stores_its_settings(session):
    assert (session.settings.mesh, session.settings.head_transform) == ("face_GEO", "head_GRP")
    assert len(session.controls) == 55
    assert {"jawOpen", "smileL"} <= {control.name for control in session.controls}
    assert [camera.name for camera in session.used_cameras()] == ["cam0", "cam1", "cam2"]
    session.check()
    assert session.findings == ()
    session.put(session.settings.with_choice("jawOpen", ControlChoice(keys=PINNED)))
    again = Session(MayaScene())
    again.load()
    assert again.settings == session.settings


def test_solve_applies_and_one_undo_takes_it_back(session, solver, ict_rom_session):
    before = snapshot(ict_rom_session)
    solve(session)
    assert "Keyed 61 channels on layer 'faceSolve_take'" in session.notice
    assert session.result is not None
    cmds.undo()
    assert snapshot(ict_rom_session) == before
    cmds.redo()
    assert cmds.objExists("faceSolve_take")


def test_edit_solve_the_range_again_and_reduce(session, solver, tmp_path):
    solve(session)
    layer = find_provenance().layer
    cmds.setKeyframe("face_CTL.smileL", animLayer=layer, time=1004, value=7.5)
    solve(session, (1002, 1007))
    (pin,) = read_take(tmp_path / "range_1002-1007" / "take").settings.pins
    assert (pin.frame, pin.control, pin.value) == (1004, "smileL", 7.5)
    assert cmds.ls(type="animLayer").count(layer) == 1
    assert find_provenance().take_folder.endswith("/take")
    assert session.open_last_solution()
    assert len(session.result.frames) == 8
    assert "keys became" in session.scene.reduce_keys(0.5)


def test_a_cancelled_solve_leaves_no_process_and_no_change(session, monkeypatch, ict_rom_session, tmp_path):
    monkeypatch.setenv("FACESOLVE_PYTHON", sys.executable)
    before, queue = snapshot(ict_rom_session), len(ict_rom_session.undo_queue)
    shown = shown_vertices(ict_rom_session, "face_GEOShape", 1004)
    stages = []
    session.listen(PROGRESS, lambda: stages.append(session.run.stage))
    assert session.solve(), session.notice
    process, began = session._task._process, time.monotonic()
    while not (stages and stages[-1] not in ("", "starting")):
        assert session.state == SOLVING, session.notice
        assert time.monotonic() - began < 120
        session.tick()
        time.sleep(0.05)
    time.sleep(2.0)
    session.cancel()
    while session.state != IDLE:
        assert time.monotonic() - began < 180
        session.tick()
        time.sleep(0.05)
    assert session.notice == "Cancelled. The scene is as it was."
    assert not process_exists(process.pid)
    assert not (tmp_path / "solution" / "cancel").exists()
    assert session.solution is None
    assert (snapshot(ict_rom_session), len(ict_rom_session.undo_queue)) == (before, queue)
    np.testing.assert_array_equal(shown_vertices(ict_rom_session, "face_GEOShape", 1004), shown)
