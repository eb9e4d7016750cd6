"""What the stand-in computes, against scipy and by hand."""

import numpy as np
import pytest
from maya import cmds
from scipy.spatial.transform import Rotation

from tests.maya_emulator import EmulatorError
from tests.maya_emulator.evaluate.transforms import ROTATE_ORDERS, euler, rotation


def world(name, time=None):
    arguments = {} if time is None else {"time": time}
    return np.reshape(cmds.getAttr(name + ".worldMatrix[0]", **arguments), (4, 4))


@pytest.mark.parametrize("number", range(6))
def test_rotate_orders_equal_scipys(maya, number):
    angles = [20.0, -35.0, 50.0]
    cmds.createNode("transform", name="a")
    cmds.setAttr("a.rotateOrder", number)
    cmds.setAttr("a.rotate", *angles)
    order = ROTATE_ORDERS[number]
    expected = Rotation.from_euler(order, [angles["xyz".index(c)] for c in order], degrees=True).as_matrix()
    np.testing.assert_allclose(world("a")[:3, :3].T, expected, atol=1e-12)
    np.testing.assert_allclose(np.degrees(euler(world("a"), number)), angles, atol=1e-9)
    np.testing.assert_allclose(rotation(tuple(np.radians(angles)), number), world("a"), atol=1e-12)


def test_pivots_keep_their_point_and_parents_multiply_on_the_right(maya):
    cmds.createNode("transform", name="parent")
    cmds.createNode("transform", name="child", parent="parent")
    cmds.setAttr("child.rotatePivot", 1, 2, 3)
    cmds.setAttr("child.scalePivot", 1, 2, 3)
    cmds.setAttr("child.rotate", 10, 20, 30)
    cmds.setAttr("child.scale", 2, 3, 4)
    np.testing.assert_allclose([1, 2, 3, 1] @ world("child"), [1, 2, 3, 1], atol=1e-12)
    cmds.setAttr("parent.translate", 5, 0, 0)
    cmds.setAttr("parent.rotate", 0, 0, 90)
    np.testing.assert_allclose([1, 2, 3, 1] @ world("child"), [5 - 2, 1, 3, 1], atol=1e-12)
    cmds.setAttr("child.inheritsTransform", False)
    np.testing.assert_allclose([1, 2, 3, 1] @ world("child"), [1, 2, 3, 1], atol=1e-12)


def test_offset_parent_matrix_stands_between_local_and_parent(maya):
    cmds.createNode("transform", name="parent")
    cmds.createNode("transform", name="child", parent="parent")
    offset = rotation((0.1, 0.2, 0.3), 0)
    offset[3, :3] = 1, 2, 3
    cmds.setAttr("child.offsetParentMatrix", *offset.ravel(), type="matrix")
    cmds.setAttr("child.translateX", 7)
    cmds.setAttr("parent.rotateX", 90)
    local = np.eye(4)
    local[3, 0] = 7
    np.testing.assert_allclose(world("child"), local @ offset @ world("parent"), atol=1e-12)


def test_expressions_conversions_and_weighted_blends(maya):
    cmds.createNode("transform", name="a")
    cmds.addAttr("a", longName="count", attributeType="double")
    cmds.expression(string="a.count=frame*2-1")
    assert cmds.getAttr("a.count", time=10) == pytest.approx(19)
    blend = cmds.createNode("blendWeighted")
    cmds.connectAttr("a.count", blend + ".input[3]")
    cmds.setAttr(blend + ".weight[3]", 0.5)
    cmds.connectAttr(blend + ".output", "a.rotateX")
    assert cmds.getAttr("a.rotateX", time=10) == pytest.approx(9.5)
    assert [t for t in map(cmds.nodeType, cmds.ls()) if t == "unitConversion"]


def test_expressions_that_are_more_than_arithmetic_raise(maya):
    cmds.createNode("transform", name="a")
    cmds.expression(string="a.translateX=sin(frame)")
    with pytest.raises(EmulatorError, match="more than arithmetic"):
        cmds.getAttr("a.translateX")


@pytest.mark.parametrize(
    ("tangent", "at", "expected"),
    [
        ("linear", 5, 5.0),
        ("step", 5, 0.0),
        ("flat", 5, 5.0),
        ("flat", 2.5, 10 * (3 * 0.0625 - 2 * 0.015625)),
        ("auto", 2.5, 10 * (3 * 0.0625 - 2 * 0.015625)),
        ("linear", -5, 0.0),
        ("linear", 25, 10.0),
    ],
)
def test_curves_between_and_beyond_two_keys(maya, tangent, at, expected):
    cmds.createNode("transform", name="a")
    for time, value in ((0, 0), (10, 10)):
        cmds.setKeyframe(
            "a.translateX",
            time=time,
            value=value,
            outTangentType=tangent,
            inTangentType="flat" if tangent == "step" else tangent,
        )
    assert cmds.getAttr("a.translateX", time=at) == pytest.approx(expected, abs=1e-9)


def test_a_sampled_line_stays_a_line_under_every_smooth_tangent(maya):
    for tangent in ("spline", "clamped", "linear"):
        name = cmds.createNode("transform")
        for time in range(6):
            cmds.setKeyframe(
                name + ".translateX", time=time, value=3 * time, inTangentType=tangent, outTangentType=tangent
            )
        assert cmds.getAttr(name + ".translateX", time=2.3) == pytest.approx(6.9)


def test_additive_and_override_layers(maya):
    cmds.createNode("transform", name="a")
    cmds.setKeyframe("a.translateX", time=1, value=10)
    cmds.animLayer("plus")
    cmds.animLayer("plus", edit=True, attribute="a.translateX")
    cmds.setKeyframe("a.translateX", animLayer="plus", time=1, value=5)
    assert cmds.getAttr("a.translateX") == 15
    cmds.animLayer("over", override=True)
    cmds.animLayer("over", edit=True, attribute="a.translateX")
    cmds.setKeyframe("a.translateX", animLayer="over", time=1, value=2)
    assert cmds.getAttr("a.translateX") == 2
    cmds.animLayer("over", edit=True, weight=0.5)
    assert cmds.getAttr("a.translateX") == pytest.approx(0.5 * 15 + 0.5 * 2)
    cmds.delete("over")
    assert cmds.getAttr("a.translateX") == 15
