"""What drives a weight: every kind is classified, keyed where an animator would, or refused by name."""

import numpy as np
import pytest
from maya import cmds

from facesolve.take import Control
from facesolve_maya.export import ExportError
from facesolve_maya.export.controls import key_choices
from facesolve_maya.export.drivers import classify
from facesolve_maya.export.rig import read_rig
from facesolve_maya.scene.findings import Report
from tests.facesolve_maya.ma_scene import blend_scene, open_scene
from tests.maya_emulator.curve import Key

TIMES = (1.0, 2.0)


@pytest.fixture
def face(maya, tmp_path):
    """BS with targets a, b, c at indices 0, 2, 5; a control node with attributes one, two (0..10), free (no limits)."""
    targets = {
        alias: (index, [(6000, [number], [[1, 0, 0]])])
        for number, (alias, index) in enumerate((("a", 0), ("b", 2), ("c", 5)))
    }
    open_scene(blend_scene(targets=targets), tmp_path)
    cmds.createNode("transform", name="face_CTL")
    cmds.addAttr("face_CTL", longName="one", attributeType="double", minValue=0, maxValue=1, keyable=True)
    cmds.addAttr("face_CTL", longName="two", attributeType="double", minValue=0, maxValue=10, keyable=True)
    cmds.addAttr("face_CTL", longName="free", attributeType="double", keyable=True)


def controls():
    rig, found = read_rig(("head",), "head_GRP", TIMES, Report())
    return rig, {c.name: (c, kind) for c, kind in zip(rig.controls, found.kinds, strict=True)}


def drivers_of(rig, target):
    index = rig.target_names.index(target)
    return [(rig.controls[d.control].name, list(d.inputs), list(d.outputs)) for d in rig.drivers if d.target == index]


def driven_key(keys, tangent=2, source="face_CTL.two", weight="BS.a"):
    curve = cmds.createNode("animCurveUU", name="sdk")
    from tests.maya_emulator.session import current

    session = current()
    session.graph.set_keys(session.node(curve), [Key(float(x), float(y), tangent, tangent) for x, y in keys])
    cmds.connectAttr(source, curve + ".input")
    cmds.connectAttr(curve + ".output", weight)


def test_free_and_keyed_weights_are_their_own_controls(face):
    cmds.setKeyframe("BS.b", time=1, value=0.5)
    rig, found = controls()
    assert found["a"][0] == Control("a", 0.0, 1.0, 0.0, "BS.a")
    assert found["a"][1] == "free"
    assert (found["b"][0].plug, found["b"][1]) == ("BS.b", "keyed")
    assert drivers_of(rig, "b") == [("b", [0.0, 1.0], [0.0, 1.0])]


def test_a_weight_on_an_animation_layer_is_its_own_control(face):
    cmds.animLayer("layer", override=True)
    cmds.animLayer("layer", edit=True, attribute="BS.a")
    assert controls()[1]["a"][1] == "animation layer"


def test_a_direct_control_is_solved_in_its_own_range(face):
    cmds.connectAttr("face_CTL.one", "BS.a")
    rig, found = controls()
    assert "a" not in found
    assert found["one"] == (Control("one", 0.0, 1.0, 0.0, "face_CTL.one"), "control")
    assert drivers_of(rig, "a") == [("one", [0.0, 1.0], [0.0, 1.0])]


def test_a_set_driven_key_is_exact_where_its_tangents_are_linear(face):
    driven_key([(0, 0), (4, 0.5), (8, 1)])
    rig, found = controls()
    assert found["two"][1] == "set-driven key"
    assert drivers_of(rig, "a") == [("two", [0.0, 4.0, 8.0, 10.0], [0.0, 0.5, 1.0, 1.0])]


def test_a_curved_set_driven_key_is_sampled(face):
    driven_key([(0, 0), (5, 1), (10, 0)], tangent=9)
    rig, _ = controls()
    ((_, inputs, outputs),) = drivers_of(rig, "a")
    assert len(inputs) > 20
    for value in (0.7, 3.3, 6.1):
        cmds.setAttr("face_CTL.two", value)
        assert np.interp(value, inputs, outputs) == pytest.approx(cmds.getAttr("BS.a"), abs=2e-3)


def test_a_blend_of_driven_keys_has_both_controls(face):
    blend = cmds.createNode("blendWeighted", name="sum")
    cmds.connectAttr("face_CTL.one", blend + ".input[0]")
    cmds.connectAttr("face_CTL.two", blend + ".input[1]")
    cmds.setAttr(blend + ".weight[1]", 0.1)
    cmds.connectAttr(blend + ".output", "BS.a")
    rig, _ = controls()
    assert drivers_of(rig, "a") == [("one", [0.0, 1.0], [0.0, 1.0]), ("two", [0.0, 10.0], [0.0, 1.0])]


def test_a_rotation_drives_through_a_unit_conversion_in_degrees(face):
    cmds.createNode("unitConversion", name="convert")
    cmds.setAttr("convert.conversionFactor", 1.0 / np.radians(30))
    cmds.connectAttr("face_CTL.rotateX", "convert.input")
    cmds.connectAttr("convert.output", "BS.a")
    rig, found = controls()
    control = found["rotateX"][0]
    assert (control.minimum, control.maximum) == pytest.approx((0.0, 30.0))
    ((_, inputs, outputs),) = drivers_of(rig, "a")
    np.testing.assert_allclose([inputs, outputs], [[0, 30], [0, 1]], atol=1e-12)


def test_a_weight_driven_by_another_weight_follows_that_one(face):
    cmds.connectAttr("BS.weight[0]", "BS.weight[2]")
    rig, found = controls()
    assert set(found) == {"a", "c"}
    assert drivers_of(rig, "b") == [("a", [0.0, 1.0], [0.0, 1.0])]


@pytest.mark.parametrize(("number", "method"), [(0, "multiply"), (1, "lowest")])
def test_combinations_are_functions_of_their_drivers(face, number, method):
    node = cmds.createNode("combinationShape", name="both")
    cmds.setAttr(node + ".combinationMethod", number)
    cmds.connectAttr("BS.weight[0]", node + ".inputWeight[0]")
    cmds.connectAttr("BS.weight[2]", node + ".inputWeight[1]")
    cmds.connectAttr(node + ".outputWeight", "BS.weight[5]")
    rig, found = controls()
    assert set(found) == {"a", "b"}
    (combination,) = rig.combinations
    assert (combination.target, combination.drivers, combination.method) == (2, (0, 1), method)


def test_a_weight_that_nobody_can_read_is_locked_to_the_scene_and_the_others_are_solved(face):
    cmds.createNode("expression", name="wiggle")
    cmds.setAttr("wiggle.internalExpression", ".O[0] = 0.25 + 0.5 * frame / 24;", type="string")
    cmds.connectAttr("wiggle.output[0]", "BS.b")
    report = Report()
    rig, found = read_rig(("head",), "head_GRP", TIMES, report)
    (warning,) = report.findings
    assert warning.severity == "warning"
    assert "this weight cannot be read: this expression is not simple: it reads 'frame'" in str(warning)
    assert "('wiggle')" in str(warning)
    assert found.locked == ("b",)
    locked = next(control for control in found.controls if control.name == "b")
    assert (locked.plug, locked.minimum, locked.maximum) == ("BS.b", 0.0, 1.0)
    assert rig.control_names == ["a", "c", "b"]


def test_smooth_combinations_cannot_be_read(face):
    node = cmds.createNode("combinationShape", name="both")
    cmds.setAttr(node + ".combinationMethod", 2)
    cmds.connectAttr("BS.weight[0]", node + ".inputWeight[0]")
    cmds.connectAttr(node + ".outputWeight", "BS.weight[5]")
    with pytest.raises(ExportError, match="both: its combination method"):
        classify("BS.weight[5]")


def test_nothing_is_connected_or_disconnected_by_reading(face, maya):
    driven_key([(0, 0), (10, 1)])
    wires, version = dict(maya.graph.inputs), maya.graph.version
    assert classify("BS.weight[0]").kind == "set-driven key"
    controls()
    assert (maya.graph.inputs, maya.graph.version) == (wires, version)


def test_keys_become_pins_or_locks_and_locked_plugs_follow_the_scene(face):
    for time, value in ((1, 0.1), (3, 0.3)):
        cmds.setKeyframe("BS.a", time=time, value=value)
        cmds.setKeyframe("BS.b", time=time, value=value)
    cmds.setAttr("BS.c", 0.7)
    cmds.setAttr("BS.c", lock=True)
    rig, _ = controls()
    report = Report()
    frames, times = (11, 12, 13), (1.0, 2.0, 3.0)
    settings, pins = key_choices(rig.controls, {"a": "pinned", "b": "locked"}, frames, times, (), report)
    assert [(p.frame, p.control, round(p.value, 6)) for p in pins] == [(11, "a", 0.1), (13, "a", 0.3)]
    locks = {s.name: s.lock for s in settings}
    np.testing.assert_allclose(locks["b"], [0.1, cmds.getAttr("BS.b", time=2), 0.3])
    np.testing.assert_allclose(locks["c"], [0.7])
    assert [(f.severity, f.subject) for f in report.findings] == [("warning", "BS.c")]


def test_a_channel_is_a_control_though_the_one_beside_it_is_keyed(maya, tmp_path):
    open_scene(blend_scene(targets={"a": (0, [(6000, [0], [[1, 0, 0]])])}), tmp_path)
    cmds.createNode("transform", name="board_CTL")
    cmds.setKeyframe("board_CTL.translateY", time=1, value=1)
    cmds.connectAttr("board_CTL.translateX", "BS.a")
    (control,) = read_rig(("head",), "head_GRP", (1.0, 2.0), Report())[0].controls
    assert control.plug == "board_CTL.translateX"


@pytest.fixture
def jaw(maya, tmp_path):
    """A control of a face board: at height 5 the mouth is closed, at 6 open."""
    open_scene(blend_scene(targets={"open": (0, [(6000, [0], [[1, 0, 0]])])}), tmp_path)
    cmds.createNode("transform", name="jaw_CTL")
    curve = cmds.createNode("animCurveUU", name="sdk")
    maya.graph.set_keys(maya.node(curve), [Key(5.0, 0.0, 2, 2), Key(6.0, 1.0, 2, 2)])
    cmds.connectAttr("jaw_CTL.translateY", "sdk.input")
    cmds.connectAttr("sdk.output", "BS.open")
    for end, value in (("min", -10), ("max", 10)):
        cmds.setAttr(f"jaw_CTL.{end}TransYLimit", value)
        cmds.setAttr(f"jaw_CTL.{end}TransYLimitEnable", True)


def jaw_control():
    return read_rig(("head",), "head_GRP", TIMES, Report())[0].controls[0]


def test_a_control_of_a_face_board_rests_where_it_sits_and_moves_nothing(jaw):
    cmds.setAttr("jaw_CTL.translateY", 5)
    control = jaw_control()
    assert (control.minimum, control.default, control.maximum) == (-10, 5, 10)


def test_a_control_that_is_posed_at_the_first_frame_does_not_rest_there(jaw):
    cmds.setAttr("jaw_CTL.translateY", 5.7)
    assert jaw_control().default == 0
