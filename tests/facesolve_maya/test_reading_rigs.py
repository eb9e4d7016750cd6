"""What reading a scene costs: commands are counted, for in Maya each takes its time while the window stands still."""

import cv2
import numpy as np
import pytest
from maya import cmds

from facesolve_maya.export import blendshape, rig, sampling
from facesolve_maya.ui.model import PanelSettings
from facesolve_maya.ui.scene import MayaScene
from facesolve_maya.ui.session import Session
from tests.facesolve_maya.ma_scene import blend_scene, open_scene
from tests.facesolve_maya.small_head import open_small_head
from tests.maya_emulator.commands.registry import Command

HEADS, MESHES = 41, 441


@pytest.fixture
def counted(monkeypatch):
    """Names of the commands that are called."""
    called = []
    run = Command.__call__
    monkeypatch.setattr(
        Command, "__call__", lambda self, *args, **flags: called.append(self.name) or run(self, *args, **flags)
    )
    return called


def crowd():
    """A scene with 41 heads among 441 meshes."""
    text = ['requires maya "2024";', "currentUnit -l centimeter -a degree -t film;"]
    wires = []
    for number in range(MESHES):
        text += [f'createNode transform -n "t{number}";', f'createNode mesh -n "m{number}" -p "t{number}";']
        if number < HEADS:
            text += [f'createNode mesh -n "o{number}" -p "t{number}";', '\tsetAttr ".io" yes;']
            text += [f'createNode blendShape -n "b{number}";']
            wires += [
                f'connectAttr "o{number}.w" "b{number}.ip[0].ig";',
                f'connectAttr "b{number}.og[0]" "m{number}.i";',
            ]
    return "\n".join(text + wires) + "\n"


def test_the_heads_of_a_large_scene_are_found_in_one_walk(maya, tmp_path, counted):
    open_scene(crowd(), tmp_path)
    counted.clear()
    heads = MayaScene().heads()
    assert [(head.mesh, head.blend_shapes) for head in heads[:2]] == [("t0", ("b0",)), ("t1", ("b1",))]
    assert len(heads) == HEADS
    assert len(counted) < 2000


def test_opening_a_large_scene_in_the_panel_costs_few_commands(maya, tmp_path, counted):
    """Check, controls and cameras included, with 41 heads among 441 meshes."""
    open_scene(crowd(), tmp_path)
    session = Session(MayaScene())
    counted.clear()
    session.load()
    assert len(session.heads) == HEADS
    assert len(counted) < 2000


def test_a_painted_map_is_one_question(maya, tmp_path, counted):
    targets = {"a": (0, [(6000, [0], [[1, 0, 0]])])}
    open_scene(blend_scene(targets=targets), tmp_path)
    plug = "BS.inputTarget[0].inputTargetGroup[0].targetWeights"
    for vertex, weight in ((0, 0.5), (1, 0.25), (2, 0.125), (6, 0.75)):
        cmds.setAttr(f"{plug}[{vertex}]", weight)
    counted.clear()
    weights = blendshape.vertex_weights(plug, 8)
    np.testing.assert_array_equal(weights, [0.5, 0.25, 0.125, 1, 1, 1, 0.75, 1])
    assert len(counted) <= 3


@pytest.fixture
def session(maya, tmp_path, monkeypatch):
    """The panel's session on the small head with footage; what a solve would start is not started."""
    open_small_head(maya, tmp_path)
    cmds.createNode("camera", name="camShape", parent=cmds.createNode("transform", name="cam"))
    for number in range(1, 11):
        cv2.imwrite(str(tmp_path / f"plate.{number:04d}.png"), np.zeros((8, 8, 3), np.uint8))
    made = Session(MayaScene())
    footage = {"cam": str(tmp_path / "plate.{frame:04d}.png")}
    made.put(PanelSettings(first=1, last=10, footage=footage, take_folder=str(tmp_path / "take")))
    monkeypatch.setattr("facesolve_maya.ui.solver_python.find_interpreter", lambda setting: "python")
    monkeypatch.setattr("facesolve_maya.ui.starting.start_solve", lambda request, interpreter: None)
    return made


@pytest.fixture
def readings(monkeypatch):
    """How often a rig is read from the scene."""
    found = []
    read = rig.read_parts
    monkeypatch.setattr(rig, "read_parts", lambda *given: found.append(given) or read(*given))
    return found


def test_opening_and_solving_read_the_rig_once_each(session, readings):
    session.load()
    assert len(session.controls) == 2
    assert [finding.severity for finding in session.findings if finding.severity == "error"] == []
    assert len(readings) == 1
    assert session.solve(), session.notice
    assert len(readings) == 2


def test_a_rig_is_read_afresh_each_time(session, readings):
    session.load()
    cmds.setAttr("BS.nodeState", 1)
    session.check()
    assert len(readings) == 2
    assert any("not Normal" in finding.sentence for finding in session.findings)


def test_a_rig_that_cannot_be_read_is_asked_once_and_says_why_each_time(session, readings):
    cmds.setAttr("BS.nodeState", 1)
    session.load()
    assert len(readings) == 1
    assert session.controls == ()
    assert any("not Normal" in finding.sentence for finding in session.findings)


def test_a_rig_is_sampled_once_for_the_panel_and_once_for_a_solve(session, monkeypatch):
    recorded = []
    sample = sampling.sample_rig
    monkeypatch.setattr(sampling, "sample_rig", lambda *given: recorded.append(given) or sample(*given))
    session.load()
    cmds.select("BS")
    assert session.sampling.sample("")
    assert session.notice == "Sampling 1 control; left out: 1 driven."
    assert len(recorded) == 1
    assert [row.driver for row in session.controls] == ["sampled"]
    session.check()
    assert len(recorded) == 1
    assert session.solve(), session.notice
    assert len(recorded) == 2
    assert session.sampling.total == 0
