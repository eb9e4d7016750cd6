"""Rigs that cannot be read: recorded control by control, and nothing in the scene stays changed."""

import numpy as np
import pytest
from maya import cmds

from facesolve_maya.export import ExportError
from facesolve_maya.export.sampling import sample_rig
from facesolve_maya.scene.findings import Report
from facesolve_maya.scene.undisturbed import undisturbed
from tests.facesolve_maya.ma_scene import CUBE, blend_scene, open_scene

TIMES = (5.0, 6.0)


@pytest.fixture
def remapped(maya, tmp_path):
    """Control one (0..1, rest 0) reaches target a through a remapValue node from 0.5 on; two drives b directly."""
    targets = {"a": (0, [(6000, [0], [[1, 0, 0]])]), "b": (1, [(6000, [1], [[0, 2, 0]])])}
    open_scene(blend_scene(targets=targets), tmp_path)
    cmds.createNode("transform", name="face_CTL")
    for name in ("one", "two"):
        cmds.addAttr("face_CTL", longName=name, attributeType="double", minValue=0, maxValue=1, keyable=True)
    cmds.createNode("remapValue", name="remap")
    cmds.setAttr("remap.inputMin", 0.5)
    cmds.connectAttr("face_CTL.one", "remap.inputValue")
    cmds.connectAttr("remap.outValue", "BS.a")
    cmds.connectAttr("face_CTL.two", "BS.b")
    cmds.setAttr("head_GRP.translate", 1, 2, 3)
    cmds.setAttr("face_CTL.one", 0.0)
    cmds.setAttr("face_CTL.two", 0.3)
    cmds.currentTime(2)


def state(maya):
    from tests.maya_emulator.writer import scene_text

    return scene_text(maya), len(maya.undo_queue), maya.auto_key, maya.modified, maya.undo_enabled


def test_the_recorded_rig_bends_where_the_real_one_does(remapped, maya):
    before = state(maya)
    rig = sample_rig(("head",), "head_GRP", ("face_CTL.one", "face_CTL.two"), TIMES, Report())
    assert state(maya) == before
    np.testing.assert_allclose(rig.neutral, CUBE, atol=1e-6)
    assert rig.control_names == ["one", "two"]
    one, two = rig.targets
    moved = {round(shape.weight, 6): float(np.abs(shape.deltas).sum()) for shape in one.shapes}
    assert moved == pytest.approx({0.25: 0.0, 0.5: 0.0, 0.75: 0.5, 1.0: 1.0})
    np.testing.assert_allclose(two.shapes[-1].deltas, [[0, 2, 0]], atol=1e-6)
    assert [control.plug for control in rig.controls] == ["face_CTL.one", "face_CTL.two"]


def test_a_skinned_head_is_recorded_through_its_skin(maya, facesolve_data):
    cmds.file(str(facesolve_data / "maya" / "mayausd_blendShapesExport.ma"), open=True, force=True)
    mesh = "|basic_skinned_cube_blendshape_baked_target_anim|base"
    plug = "blendShape23.weight[0]"
    cmds.cutKey("blendShape23", attribute="weight[0]")
    rig = sample_rig((mesh,), mesh, (plug,), (1.0,), Report())
    cmds.currentTime(1)
    from facesolve_maya.scene.geometry import shape_points

    cmds.setAttr(plug, 0.0)
    rest = shape_points(mesh + "|baseShape")
    cmds.setAttr(plug, 1.0)
    full = shape_points(mesh + "|baseShape")
    found = np.zeros_like(full)
    found[rig.targets[0].shapes[-1].vertices] = rig.targets[0].shapes[-1].deltas
    np.testing.assert_allclose(found, full - rest, atol=1e-6)
    assert np.abs(found).max() > 0.1


def test_everything_is_put_back_when_recording_fails(remapped, maya):
    before = state(maya)

    def fail_half_way():
        with undisturbed(("face_CTL.one",), 9.0):
            cmds.setAttr("face_CTL.one", 0.8)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way()
    assert state(maya) == before


def test_controls_that_influence_each_other_are_reported_with_the_error(maya, tmp_path):
    targets = {
        "a": (0, [(6000, [0], [[1, 0, 0]])]),
        "b": (1, [(6000, [1], [[1, 0, 0]])]),
        "ab": (2, [(6000, [2], [[4, 0, 0]])]),
    }
    open_scene(blend_scene(targets=targets), tmp_path)
    node = cmds.createNode("combinationShape", name="both")
    cmds.connectAttr("BS.weight[0]", node + ".inputWeight[0]")
    cmds.connectAttr("BS.weight[1]", node + ".inputWeight[1]")
    cmds.connectAttr(node + ".outputWeight", "BS.weight[2]")
    report = Report()
    sample_rig(("head",), "head_GRP", ("BS.weight[0]", "BS.weight[1]"), TIMES, report)
    (finding,) = report.findings
    assert finding.severity == "warning"
    assert "influence each other by up to 22.5 mm" in finding.sentence  # 0.75 * 0.75 * 4 cm


@pytest.mark.parametrize(
    ("plug", "words"),
    [
        ("face_CTL.nothing", "does not exist"),
        ("BS.a", "'remap.outValue' drives it"),
        ("face_CTL.translateX", "no minimum"),
    ],
)
def test_controls_that_cannot_be_sampled_are_refused(remapped, plug, words):
    with pytest.raises(ExportError, match=words):
        sample_rig(("head",), "head_GRP", (plug,), TIMES, Report())


def test_a_transform_that_carries_nothing_is_no_head(remapped, maya):
    cmds.createNode("transform", name="other_CTL")
    for channel in ("translate", "rotate"):
        cmds.setAttr("other_CTL." + channel, 0, 0, 0)
    before = state(maya)
    with pytest.raises(ExportError, match="headShape: this mesh does not move with the head transform 'other_CTL'"):
        sample_rig(("head",), "other_CTL", ("face_CTL.one",), TIMES, Report())
    assert state(maya) == before


def test_a_keyed_control_is_refused_as_keyed(remapped):
    cmds.setKeyframe("face_CTL.two", time=1, value=0.2)
    with pytest.raises(ExportError, match="it has keys, which would hold it"):
        sample_rig(("head",), "head_GRP", ("face_CTL.two",), TIMES, Report())
    cmds.setAttr("face_CTL.one", lock=True)
    with pytest.raises(ExportError, match="it is locked"):
        sample_rig(("head",), "head_GRP", ("face_CTL.one",), TIMES, Report())


@pytest.fixture
def board(maya, tmp_path):
    """A face board: a control that sits at height 5 and moves the face from there, within its channel's limits."""
    open_scene(blend_scene(targets={"a": (0, [(6000, [0], [[1, 0, 0]])])}), tmp_path)
    cmds.createNode("transform", name="jaw_CTL")
    cmds.createNode("multDoubleLinear", name="mdl")
    cmds.createNode("remapValue", name="remap")
    for attribute, value in (("inputMin", 5.0), ("inputMax", 6.0)):
        cmds.setAttr("remap." + attribute, value)
    cmds.connectAttr("jaw_CTL.translateY", "remap.inputValue")
    cmds.connectAttr("remap.outValue", "BS.a")
    for end, value in (("min", 5.0), ("max", 6.0)):
        cmds.setAttr(f"jaw_CTL.{end}TransYLimit", value - 0.5 if end == "min" else value)
        cmds.setAttr(f"jaw_CTL.{end}TransYLimitEnable", True)
    cmds.setAttr("jaw_CTL.translateY", 5)


def test_a_channels_limits_and_place_are_a_sampled_controls_range_and_rest(board):
    (control,) = sample_rig(("head",), "head_GRP", ("jaw_CTL.translateY",), TIMES, Report()).controls
    assert (control.minimum, control.default, control.maximum) == (4.5, 5.0, 6.0)
    assert cmds.getAttr("jaw_CTL.translateY") == 5


def test_limits_that_are_switched_off_are_none(board):
    cmds.setAttr("jaw_CTL.maxTransYLimitEnable", False)
    with pytest.raises(ExportError, match="no minimum and maximum, and no limits on its channel"):
        sample_rig(("head",), "head_GRP", ("jaw_CTL.translateY",), TIMES, Report())
