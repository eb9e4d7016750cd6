"""Heads on joints: the exported rig is where the scene is, whatever the controls, and unreadable drives are held."""

from __future__ import annotations

import numpy as np
import pytest
from maya import cmds

from facesolve.take import Rig
from facesolve.take.rig_evaluation import RigEvaluator
from facesolve_maya.export import ExportError
from facesolve_maya.export.rig import read_rig
from facesolve_maya.scene.findings import Report
from facesolve_maya.scene.geometry import shape_points
from facesolve_maya.scene.head import head_now
from facesolve_maya.ui.scene_rows import read_heads
from tests.facesolve_maya.jointed_scene import build_controls, skinned_scene, take_blend_shape_away
from tests.facesolve_maya.ma_scene import open_scene
from tests.maya_emulator.session import current
from tests.maya_emulator.writer import scene_text

TIMES = (1.0, 2.0)


def farthest(rig: Rig, head: str, poses: int, locked: tuple = ()) -> float:
    """cm between the exported rig and the scene, at random poses of rig and head."""
    random = np.random.default_rng(0)
    worst = 0.0
    for _ in range(poses):
        low, high = rig.bounds.T
        values = random.uniform(low, high)
        for index, control in enumerate(rig.controls):
            if control.name in locked:
                values[index] = cmds.getAttr(control.plug)
            else:
                cmds.setAttr(control.plug, float(values[index]))
        cmds.setAttr(head + ".rotate", *random.uniform(-20, 20, 3))
        cmds.setAttr(head + ".translate", *random.uniform(-3, 3, 3))
        placed = head_now(head)
        points = RigEvaluator(rig).vertices(values[None])[0] @ placed[:3, :3].T + placed[:3, 3]
        worst = max(worst, float(np.linalg.norm(points - shape_points("|head_GRP|head|headShape"), axis=1).max()))
    return worst


@pytest.fixture
def jointed(maya, tmp_path):
    open_scene(skinned_scene(), tmp_path)
    build_controls()


def test_a_jointed_rig_is_where_the_scene_is(jointed):
    report = Report()
    rig, _ = read_rig(("head",), "root_JNT", TIMES, report)
    assert [str(finding) for finding in report.findings] == []
    names = {"jaw", "side", "smile", "pucker", "lid", "cheek", "sneer"}
    names |= {"eye_JNT.rotateX", "eye_JNT.rotateY", "neck_JNT.rotateX", "neck_JNT.rotateY", "rotateZ"}
    assert set(rig.control_names) == names
    assert farthest(rig, "root_JNT", 50) < 1e-4


def lock_limits(joint: str, axes: str) -> None:
    for axis in axes:
        for end in ("min", "max"):
            cmds.setAttr(f"{joint}.{end}Rot{axis}LimitEnable", False)


def test_a_head_that_is_rigid_to_its_joints_becomes_a_linear_rig(maya, tmp_path):
    open_scene(skinned_scene(), tmp_path)
    for name in ("smile", "blink"):
        cmds.setAttr("BS." + name, 0.3)
    rig, _ = read_rig(("head",), "root_JNT", TIMES, Report())
    assert rig.linear
    assert not rig.joints
    assert farthest(rig, "root_JNT", 20) < 1e-4


def test_joints_above_the_head_are_taken_to_follow_it(jointed):
    """The neck as head: what hangs on the root stays behind in the scene, and is told so."""
    lock_limits("neck_JNT", "XYZ")
    report = Report()
    rig, _ = read_rig(("head",), "neck_JNT", TIMES, report)
    assert [finding.severity for finding in report.findings] == ["note"]
    assert "6 vertices hang on nothing below 'neck_JNT'" in str(report.findings[0])
    values = np.array([[control.default for control in rig.controls]])
    placed = head_now("neck_JNT")
    points = RigEvaluator(rig).vertices(values)[0] @ placed[:3, :3].T + placed[:3, 3]
    np.testing.assert_allclose(points, shape_points("headShape"), atol=1e-5)


def test_what_a_skin_leaves_alone_does_not_follow_the_head_and_is_told(maya, tmp_path):
    """A skinCluster of some of the vertices: the others stay where they are when the head moves."""
    open_scene(skinned_scene(), tmp_path)
    build_controls()
    take_blend_shape_away()
    before = cmds.connectionInfo("SKIN.input[0].inputGeometry", sourceFromDestination=True)
    cmds.createNode("groupParts", name="some")
    cmds.setAttr("some.inputComponents", 1, "vtx[0:4]", type="componentList")
    cmds.disconnectAttr(before, "SKIN.input[0].inputGeometry")
    cmds.connectAttr(before, "some.inputGeometry")
    cmds.connectAttr("some.outputGeometry", "SKIN.input[0].inputGeometry")
    report = Report()
    rig, _ = read_rig(("head",), "root_JNT", TIMES, report)
    assert "3 vertices hang on nothing below 'root_JNT', in part at least" in str(report.findings[0])
    values = rig.default_controls
    for control, value in zip(rig.controls, values + 0.3 * (rig.bounds[:, 1] - values), strict=True):
        cmds.setAttr(control.plug, float(value))
    placed = head_now("root_JNT")
    points = RigEvaluator(rig).vertices((values + 0.3 * (rig.bounds[:, 1] - values))[None])[0]
    np.testing.assert_allclose(points @ placed[:3, :3].T + placed[:3, 3], shape_points("headShape"), atol=1e-5)


def test_a_head_that_carries_no_influence_is_refused(jointed):
    cmds.createNode("transform", name="prop")
    with pytest.raises(ExportError, match="'prop'"):
        read_rig(("head",), "prop", TIMES, Report())


def test_the_joint_that_carries_nearly_all_of_a_skinned_head_is_offered_as_head(maya, tmp_path):
    rigid = np.zeros((8, 4))
    rigid[:, 1] = 1.0
    open_scene(skinned_scene(weights=rigid), tmp_path)
    build_controls()
    (head,) = read_heads()
    assert head.transforms == ("neck_JNT", "root_JNT", "head_GRP", "head")
    rig, _ = read_rig((head.mesh,), head.transforms[0], TIMES, Report())
    assert farthest(rig, "neck_JNT", 3) < 1e-4


def test_a_face_on_joints_alone_is_listed_and_exported(jointed):
    take_blend_shape_away()
    (head,) = read_heads()
    assert (head.mesh, head.blend_shapes, head.transforms[0]) == ("head", ("SKIN",), "root_JNT")
    report = Report()
    rig, _ = read_rig((head.mesh,), head.transforms[0], TIMES, report)
    assert [str(finding) for finding in report.findings] == []
    assert set(rig.control_names) == {
        *("jaw", "side", "eye_JNT.rotateX", "eye_JNT.rotateY", "neck_JNT.rotateX", "neck_JNT.rotateY", "rotateZ")
    }
    assert not rig.targets
    assert farthest(rig, "root_JNT", 10) < 1e-4
    for control in rig.controls:
        cmds.setAttr(control.plug, 0.0)
    for joint, axes in (("eye_JNT", "XY"), ("neck_JNT", "XYZ")):
        lock_limits(joint, axes)
    for plug in ("jaw_JNT.rotateX", "jaw_JNT.rotateY"):
        cmds.disconnectAttr(cmds.connectionInfo(plug, sourceFromDestination=True), plug)
    with pytest.raises(ExportError, match="no channel of its joints has limits: there is nothing to solve"):
        read_rig((head.mesh,), head.transforms[0], TIMES, Report())


def test_a_skinned_mesh_that_nothing_arrives_at_is_listed_below_its_transforms(jointed, monkeypatch):
    """Maya has no points of it; the list of heads goes on."""

    def nothing(shape):
        raise RuntimeError("(kInvalidParameter): Object is incompatible with this method")

    monkeypatch.setattr("facesolve_maya.ui.scene_rows.shape_points", nothing)
    (row,) = read_heads()
    assert row.transforms == ("head_GRP", "head")


def test_weights_that_a_file_lists_for_one_vertex_are_read(maya, tmp_path):
    text = skinned_scene().replace('setAttr ".wl[7].w[3]" 1.0;', 'setAttr -s 2 ".wl[7].w[2:3]"  0.25 \n\t\t0.75;')
    open_scene(text, tmp_path)
    assert [cmds.getAttr(f"SKIN.wl[7].w[{index}]") for index in (2, 3)] == [0.25, 0.75]


def test_dual_quaternions_are_refused_where_joints_share_vertices(jointed):
    cmds.setAttr("SKIN.skinningMethod", 1)
    with pytest.raises(ExportError, match="SKIN: it skins by dual quaternions, and 7 of its vertices are shared"):
        read_rig(("head",), "root_JNT", TIMES, Report())


def test_a_skin_of_an_old_file_without_a_method_is_linear(jointed):
    cmds.setAttr("SKIN.skinningMethod", -1)
    rig, _ = read_rig(("head",), "root_JNT", TIMES, Report())
    assert farthest(rig, "root_JNT", 3) < 1e-4


@pytest.mark.parametrize("method", [1, 2])
def test_dual_quaternions_change_nothing_where_each_vertex_follows_one_joint(maya, tmp_path, method):
    whole = np.eye(4)[[0, 1, 2, 2, 1, 2, 3, 3]]
    open_scene(skinned_scene(weights=whole), tmp_path)
    build_controls()
    cmds.setAttr("SKIN.skinningMethod", method)
    rig, _ = read_rig(("head",), "root_JNT", TIMES, Report())
    assert len(rig.joints) >= 3
    assert farthest(rig, "root_JNT", 10) < 1e-4


def test_a_mesh_that_its_transform_moves_once_more_is_refused(jointed):
    cmds.setAttr("head_GRP.translateX", 1.0)
    with pytest.raises(ExportError, match="SKIN: the transform of 'headShape' has moved"):
        read_rig(("head",), "root_JNT", TIMES, Report())


def test_a_joint_without_limits_stays_where_it_is(jointed):
    lock_limits("eye_JNT", "XY")
    cmds.setAttr("eye_JNT.rotateX", 12.0)
    rig, _ = read_rig(("head",), "root_JNT", TIMES, Report())
    assert not any(name.startswith("eye") for name in rig.control_names)
    assert farthest(rig, "root_JNT", 10) < 1e-4


def test_a_constrained_joint_is_held_to_the_scene(jointed):
    """Nobody reads a constraint: what it does over the take goes along, locked, with a warning."""
    cmds.createNode("transform", name="look_CTL", parent="neck_JNT")
    for time, value in ((1, 0), (2, 20)):
        cmds.setKeyframe("look_CTL.rotateX", time=time, value=value)
    cmds.parentConstraint("look_CTL", "eye_JNT", maintainOffset=True)
    report = Report()
    rig, controls = read_rig(("head",), "root_JNT", TIMES, report)
    assert controls.locked
    plugs = [control.plug for control in rig.controls if control.name in controls.locked]
    assert all(plug.startswith("eye_JNT.") for plug in plugs)
    assert "eye_JNT.translateX: this channel cannot be read: this parentConstraint" in str(report.findings[0])
    cmds.currentTime(2)
    assert farthest(rig, "root_JNT", 10, controls.locked) < 1e-4


def test_a_constrained_joint_with_limits_may_be_solved_though_nobody_moves_it(jointed):
    """It is a control that the scene holds, in its limits, until a person has it keyed over the constraint."""
    cmds.createNode("transform", name="look_CTL", parent="neck_JNT")
    cmds.parentConstraint("look_CTL", "eye_JNT", maintainOffset=True)
    rig, controls = read_rig(("head",), "root_JNT", TIMES, Report())
    held = {control.plug: control for control in rig.controls if control.name in controls.locked}
    assert set(held) == {"eye_JNT.rotateX", "eye_JNT.rotateY"}
    assert (held["eye_JNT.rotateX"].minimum, held["eye_JNT.rotateX"].maximum) == pytest.approx((-30.0, 30.0))
    assert farthest(rig, "root_JNT", 5, controls.locked) < 1e-4


def test_pivots_scales_and_offsets_of_transforms_are_read(jointed):
    """A group above the eye with everything a transform can have, an eye mesh below it that nothing skins."""
    cmds.createNode("transform", name="eye_GRP", parent="neck_JNT")
    for attribute, values in (
        ("translate", (0.3, 0.2, 0.1)),
        ("rotate", (10, 20, 30)),
        ("scale", (1.2, 1.2, 1.2)),
        ("rotatePivot", (0.1, 0.5, -0.2)),
        ("rotatePivotTranslate", (0.02, 0.0, 0.1)),
        ("scalePivot", (0.2, -0.1, 0.3)),
        ("rotateAxis", (0, 5, 0)),
    ):
        cmds.setAttr("eye_GRP." + attribute, *values)
    cmds.setAttr("eye_GRP.rotateOrder", 2)
    cmds.parent("eye_JNT", "eye_GRP", relative=True)
    rig, _ = read_rig(("head",), "root_JNT", TIMES, Report())
    assert farthest(rig, "root_JNT", 10) < 1e-4


def test_a_constrained_joint_is_recorded_where_its_controls_have_limits(jointed):
    """An eye that aims by a constraint: numbers are recorded, and the scene is as it was."""
    cmds.createNode("transform", name="look_CTL", parent="neck_JNT")
    for axis in "XY":
        for end, value in (("min", -15.0), ("max", 15.0)):
            cmds.setAttr(f"look_CTL.{end}Rot{axis}Limit", value)
            cmds.setAttr(f"look_CTL.{end}Rot{axis}LimitEnable", True)
    cmds.parentConstraint("look_CTL", "eye_JNT", maintainOffset=True)
    cmds.setAttr("look_CTL.rotate", 4.0, 0.0, 0.0)
    cmds.currentTime(1)
    before = scene_text(current())
    report = Report()
    rig, controls = read_rig(("head",), "root_JNT", TIMES, report)
    assert scene_text(current()) == before
    assert controls.locked == ()
    assert {"look_CTL.rotateX", "look_CTL.rotateY"} <= {control.plug for control in rig.controls}
    assert "recorded while the controls were moved" in str(report.findings[0])
    assert farthest(rig, "root_JNT", 20) < 0.01


_PRODUCT = "0.4 * .I[0] * .I[1] + 0.2 * .I[1] + 0.03 * .I[2]"


def _wiggle(formula: str) -> None:
    """An expression of three channels that drives a weight."""
    cmds.createNode("expression", name="wiggle")
    cmds.setAttr("wiggle.internalExpression", f".O[0] = {formula};", type="string")
    for place, name in enumerate(("smile", "pucker", "cheek")):
        cmds.connectAttr("face_CTL." + name, f"wiggle.input[{place}]")
    cmds.connectAttr("wiggle.output[0]", "BS.sneer")


def test_a_simple_expression_is_read_and_nothing_is_moved_for_it(jointed):
    _wiggle(_PRODUCT)
    report = Report()
    rig, controls = read_rig(("head",), "root_JNT", TIMES, report)
    assert (controls.locked, report.findings) == ((), ())
    assert farthest(rig, "root_JNT", 20) < 1e-6


def test_weights_of_an_expression_are_recorded_with_what_two_controls_do_together(jointed):
    """A product with a corner, from an expression of the time: a sum of single controls would be far off."""
    _wiggle(_PRODUCT + " + 0 * frame")
    report = Report()
    rig, controls = read_rig(("head",), "root_JNT", TIMES, report)
    assert controls.locked == ()
    assert [str(finding)[:5] for finding in report.findings] == ["note:"], report.findings
    assert "at random poses at most 0.00 mm is left" in str(report.findings[0])
    assert farthest(rig, "root_JNT", 20) < 1e-4


@pytest.mark.parametrize("more", ["0.3 * .I[0] + 0.2 * .I[0] * .I[1] + 0.02 * .I[1] * .I[2] + ", ""])
def test_what_three_controls_do_together_is_recorded(jointed, more):
    """Beside what one and two of them do, and where fewer than three do nothing."""
    _wiggle(more + "0.05 * .I[0] * .I[1] * .I[2] + 0 * frame")
    report = Report()
    rig, controls = read_rig(("head",), "root_JNT", TIMES, report)
    assert controls.locked == ()
    assert [str(finding)[:5] for finding in report.findings] == ["note:"], report.findings
    assert farthest(rig, "root_JNT", 10) < 1e-4
