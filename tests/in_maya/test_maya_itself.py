"""What the plug-in takes for granted of Maya, asked of Maya itself: each test decides one inference. Python 3.7."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from tests.in_maya.conftest import STAND_IN
from tests.in_maya.head import black_exr, black_png

TIMES = (1.0, 5.0, 10.0)
only_maya = pytest.mark.skipif(os.environ.get(STAND_IN) == "1", reason="the stand-in has not learned this of Maya")


def keyed(cmds, name):
    """A transform that moves and turns from frame 1 to 10."""
    node = cmds.createNode("transform", name=name)
    for time, value in ((1, 0), (10, 30)):
        cmds.setKeyframe(node + ".translateX", time=time, value=value)
        cmds.setKeyframe(node + ".rotateZ", time=time, value=value)
    return node


def world(cmds, node, time=None):
    """(4, 4) world matrix, at the present time or as asked about another."""
    flags = {} if time is None else {"time": time}
    return np.reshape(cmds.getAttr(node + ".worldMatrix[0]", **flags), (4, 4))


def visited(cmds, node):
    """World matrices (F, 4, 4) with the time really changed."""
    found = []
    for time in TIMES:
        cmds.currentTime(time)
        found.append(world(cmds, node))
    return np.array(found)


def test_an_image_sequence_follows_the_time_and_says_which_image_it_shows(cmds, tmp_path):
    for number in range(1, 4):
        (tmp_path / "plate.{:04d}.png".format(number)).write_bytes(black_png(8, 8))
    camera = cmds.createNode("camera", name="camShape")
    plane = cmds.imagePlane(camera=camera, fileName=(tmp_path / "plate.0001.png").as_posix())[1]
    cmds.setAttr(plane + ".useFrameExtension", True)
    cmds.setAttr(plane + ".frameOffset", 40)
    assert cmds.listConnections(plane + ".frameExtension", source=True, destination=False), "Maya wires it by itself"
    for time in TIMES:
        cmds.currentTime(time)
        assert cmds.getAttr(plane + ".outputFrameExtension") == time + 40
        assert cmds.getAttr(plane + ".frameExtension", time=time) == time


def test_world_matrices_below_a_constraint_chain_are_those_of_their_time(cmds):
    from facesolve_maya.scene.motion import world_matrices

    for name in ("a", "b"):
        cmds.createNode("transform", name=name)
    keyed(cmds, "locator1")
    cmds.parentConstraint("locator1", "a")
    cmds.parentConstraint("a", "b")
    cmds.currentTime(3)
    found = world_matrices(("b",), TIMES)["b"]
    assert cmds.currentTime(query=True) == 3
    np.testing.assert_allclose(found, visited(cmds, "b"), atol=1e-6)


@only_maya
def test_a_joint_that_inverse_kinematics_poses_is_that_of_its_time(cmds):
    """No plug of such a joint has a connection that says it moves."""
    from facesolve_maya.scene.motion import world_matrices

    cmds.select(clear=True)
    hip, knee, ankle = [cmds.joint(position=place) for place in ((0, 8, 0), (0, 4, 1), (0, 0, 0))]
    cmds.joint(hip, edit=True, orientJoint="xyz", children=True, zeroScaleOrient=True)
    handle = cmds.ikHandle(startJoint=hip, endEffector=ankle, solver="ikRPsolver")[0]
    for time, value in ((1, 0), (10, 3)):
        cmds.setKeyframe(handle + ".translateY", time=time, value=value)
    cmds.currentTime(3)
    found = world_matrices((knee,), TIMES)[knee]
    assert np.abs(found[2] - found[0]).max() > 0.1, "the knee bends"
    np.testing.assert_allclose(found, visited(cmds, knee), atol=1e-6)


def test_a_compound_tells_of_its_own_connections_only(cmds):
    cmds.createNode("transform", name="board")
    cmds.setKeyframe("board.translateY", time=1, value=1)
    assert not cmds.connectionInfo("board.translate", sourceFromDestination=True)
    assert cmds.connectionInfo("board.translateY", sourceFromDestination=True)
    assert not cmds.connectionInfo("board.translateX", sourceFromDestination=True)


def test_an_edit_with_a_layer_that_is_taken_back_leaves_no_layer(cmds):
    from functools import partial

    from facesolve_maya.scene.undo import SceneEdit

    edit = SceneEdit(lambda: [partial(cmds.animLayer, "polish", override=True)], lambda change: None)
    edit.do()
    assert "polish" in cmds.ls(type="animLayer")
    edit.undo()
    assert not cmds.ls(type="animLayer")


def test_a_rotation_joins_a_layer_whole_and_a_member_without_a_curve_stands_still(cmds):
    cmds.createNode("transform", name="jaw")
    for time, value in ((1, 0), (10, 20)):
        cmds.setKeyframe("jaw.rotateY", time=time, value=value)
    cmds.currentTime(1)
    cmds.animLayer("solved", override=True)
    cmds.animLayer("solved", edit=True, attribute=["jaw.rotateX"])
    cmds.setKeyframe("jaw.rotateX", animLayer="solved", time=1, value=5)
    members = cmds.animLayer("solved", query=True, attribute=True)
    assert any(member.endswith("rotateY") for member in members)
    cmds.currentTime(10)
    assert cmds.getAttr("jaw.rotateY") == pytest.approx(0, abs=1e-6)


def test_names_that_maya_does_not_allow(cmds):
    with pytest.raises(RuntimeError):
        cmds.createNode("transform", name="0")
    assert cmds.createNode("transform", name="has blank") == "has_blank"


def test_a_layer_takes_a_driven_plug(cmds):
    """A constrained head is keyed over its constraint."""
    for name in ("ctl", "driven"):
        cmds.createNode("transform", name=name)
        cmds.addAttr(name, longName="amount", attributeType="double", keyable=True)
    cmds.createNode("remapValue", name="remap")
    cmds.connectAttr("ctl.amount", "remap.inputValue")
    cmds.connectAttr("remap.outValue", "driven.amount")
    cmds.animLayer("over", override=True)
    cmds.animLayer("over", edit=True, attribute=["driven.amount"])
    cmds.setKeyframe("driven.amount", animLayer="over", time=1, value=3)
    assert cmds.getAttr("driven.amount", time=1) == pytest.approx(3)


def test_bookmarks_of_the_time_slider_are_nodes(cmds):
    cmds.loadPlugin("timeSliderBookmark", quiet=True)
    node = cmds.createNode("timeSliderBookmark", name="mark", skipSelect=True)
    cmds.setAttr(node + ".name", "worth a look", type="string")
    cmds.setAttr(node + ".color", 0.9, 0.6, 0.2, type="float3")
    cmds.setAttr(node + ".timeRangeStart", 3)
    cmds.setAttr(node + ".timeRangeStop", 5)
    assert [cmds.getAttr(node + ".timeRange" + end) for end in ("Start", "Stop")] == [3, 5]
    cmds.delete(node)


def test_a_wireframe_copy_follows_a_mesh_and_is_undone(cmds):
    from facesolve_maya.apply import toggle_overlay

    cube = cmds.createNode("transform", name="face")
    cmds.createNode("mesh", name="faceShape", parent=cube)
    cmds.connectAttr(cmds.createNode("polyCube") + ".output", "faceShape.inMesh")
    before = set(cmds.ls())
    toggle_overlay(cube)
    (copy,) = cmds.ls("facesolve_overlayShape", long=True)
    assert cmds.listConnections(copy + ".inMesh", source=True, destination=False, shapes=True) == ["faceShape"]
    assert not cmds.getAttr("faceShape.lodVisibility")
    cmds.undo()
    assert set(cmds.ls()) == before
    assert cmds.getAttr("faceShape.lodVisibility")


def test_the_size_of_an_image_is_known(cmds, tmp_path):
    from facesolve_maya.export.footage import image_size

    (tmp_path / "a.png").write_bytes(black_png(6, 4))
    assert image_size((tmp_path / "a.png").as_posix()) == (6, 4)
    assert image_size((tmp_path / "none.exr").as_posix()) == (0, 0)


@only_maya
def test_the_size_of_a_float_image_is_told_when_float_pixels_are_wanted(cmds, tmp_path):
    """Asked where the header says nothing: which kind of pixels an image class must be asked for."""
    from maya.api import OpenMaya as om

    path = tmp_path / "plate.exr"
    path.write_bytes(black_exr(6, 4))
    image = om.MImage()
    image.readFromFile(path.as_posix(), om.MImage.kFloat)
    assert tuple(image.getSize()) == (6, 4)


def test_the_modules_plug_in_can_be_required_by_its_file_name(cmds):
    """A workspace that is restored at start-up loads the plug-in by this name."""
    from facesolve_maya.scene.undo import PLUGIN

    assert cmds.pluginInfo(PLUGIN + ".py", query=True, loaded=True)


def test_a_batch_ends_with_its_own_exit_code(cmds, tmp_path):
    """Maya was seen to crash on its way out; a farm would take that for a failure, or for success."""
    stand_in = ["-m", "tests.maya_emulator"] if os.environ.get(STAND_IN) == "1" else []
    command = [sys.executable, *stand_in, "-m", "facesolve_maya.batch", str(tmp_path / "nowhere.ma")]
    command += ["--mesh", "head", "--head", "head_GRP", "--cameras", "cam", "--frames", "1-2"]
    # a batch looks for the solver before anything else
    solver = {"FACESOLVE_PYTHON": sys.executable} if stand_in else {}
    run = subprocess.run(
        command,
        env={**os.environ, **solver},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        timeout=300,
        check=False,
    )
    assert run.returncode == 1, run.stderr
    assert b"does not exist" in run.stdout


def test_settings_in_the_file_leave_the_undo_queue_alone(cmds):
    cmds.createNode("transform", name="a")
    name = cmds.undoInfo(query=True, undoName=True)
    cmds.undoInfo(stateWithoutFlush=False)
    cmds.fileInfo("facesolve_test", "text")
    cmds.undoInfo(stateWithoutFlush=True)
    assert cmds.undoInfo(query=True, undoName=True) == name
    assert cmds.fileInfo("facesolve_test", query=True) == ["text"]
