"""Strictness, and the ways of Maya that surprise: renames, None, locks, units, undo, layers."""

import subprocess
import sys
from pathlib import Path

import maya.api.OpenMaya as om
import maya.api.OpenMayaAnim as oma
import pytest
from maya import cmds

from tests.maya_emulator import EmulatorError


def test_unknown_commands_flags_plugs_and_types_raise(maya):
    cmds.createNode("transform", name="a")
    with pytest.raises(AttributeError):
        cmds.polyTransmogrify()
    with pytest.raises(TypeError, match="Invalid flag 'tim'"):
        cmds.getAttr("a.tx", tim=1)
    with pytest.raises(ValueError, match="No object matches name"):
        cmds.getAttr("a.nope")
    with pytest.raises(EmulatorError, match="unknown node type"):
        cmds.createNode("flyingCarpet")
    with pytest.raises(RuntimeError):
        om.MSelectionList().add("nobody")


def test_names_that_clash_are_changed(maya):
    assert cmds.createNode("transform", name="a") == "a"
    assert cmds.createNode("transform", name="a") == "a1"
    cmds.createNode("transform", name="group")
    assert cmds.createNode("transform", name="a", parent="group") == "group|a"
    assert cmds.rename("a1", "group") == "group1"
    with pytest.raises(RuntimeError, match="More than one object"):
        cmds.rename("a", "b")


def test_nothing_is_none(maya):
    cmds.createNode("transform", name="a")
    assert cmds.listConnections("a") is None
    assert cmds.listRelatives("a") is None
    assert cmds.keyframe("a.translateX", query=True, timeChange=True) is None
    assert cmds.getAttr("a.worldMatrix", multiIndices=True) is None
    assert cmds.ls("nobody") == []


def test_locks_and_limits(maya):
    cmds.createNode("transform", name="a")
    cmds.setAttr("a.translate", lock=True)
    with pytest.raises(RuntimeError, match="locked or connected"):
        cmds.setAttr("a.translateX", 1)
    assert cmds.setKeyframe("a.translateX", time=1, value=1) == 0
    cmds.addAttr("a", longName="amount", attributeType="double", minValue=0, maxValue=1)
    with pytest.raises(RuntimeError, match="past its minimum or maximum"):
        cmds.setAttr("a.amount", 2)
    cmds.lockNode("a")
    with pytest.raises(RuntimeError, match="locked object"):
        cmds.delete("a")


def test_commands_use_the_scenes_units_and_the_api_centimeters_and_radians(maya):
    cmds.createNode("transform", name="a")
    cmds.currentUnit(linear="m")
    cmds.setAttr("a.translateX", 2)
    cmds.setAttr("a.rotateX", 180)
    plug = om.MSelectionList().add("a.translateX").getPlug(0)
    assert plug.asDouble() == 200
    assert om.MSelectionList().add("a.rotateX").getPlug(0).asDouble() == pytest.approx(3.14159265)
    assert cmds.getAttr("a.worldMatrix[0]")[12] == 200
    cmds.currentUnit(time="ntsc")
    assert om.MTime(1.0, om.MTime.kSeconds).asUnits(om.MTime.uiUnit()) == 30
    cmds.currentUnit(time="23.976fps")
    assert om.MTime(1.0, om.MTime.kSeconds).asUnits(om.MTime.uiUnit()) == pytest.approx(24000 / 1001)


def test_undo_takes_back_a_chunk_and_redo_repeats_it(maya):
    cmds.createNode("transform", name="a")
    cmds.undoInfo(openChunk=True, chunkName="two things")
    cmds.setAttr("a.translateX", 5)
    cmds.setKeyframe("a.translateY", time=1, value=3)
    cmds.undoInfo(closeChunk=True)
    assert cmds.undoInfo(query=True, undoName=True) == "two things"
    cmds.undo()
    assert (cmds.getAttr("a.translateX"), cmds.getAttr("a.translateY")) == (0, 0)
    assert cmds.objExists("a")
    cmds.redo()
    assert (cmds.getAttr("a.translateX"), cmds.getAttr("a.translateY")) == (5, 3)
    cmds.undo()
    cmds.undo()
    assert not cmds.objExists("a")
    with pytest.raises(RuntimeError, match="no more commands"):
        cmds.undo()


def test_api_keys_are_not_on_the_undo_queue_but_their_change_record_undoes_them(maya):
    cmds.createNode("transform", name="a")
    cmds.setKeyframe("a.translateX", time=1, value=7)
    queue = len(maya.undo_queue)
    curve = oma.MFnAnimCurve(om.MSelectionList().add("a.translateX").getPlug(0))
    change = oma.MAnimCurveChange()
    times = [om.MTime(t, om.MTime.uiUnit()) for t in (1.0, 2.0, 3.0)]
    curve.addKeys(times, [10.0, 20.0, 30.0], change=change)
    assert len(maya.undo_queue) == queue
    assert cmds.keyframe("a.translateX", query=True, valueChange=True) == [10, 20, 30]
    curve.addKeys(times[1:2], [99.0], change=change)
    assert (curve.numKeys, cmds.getAttr("a.translateX", time=2)) == (3, 99)
    change.undoIt()
    assert cmds.keyframe("a.translateX", query=True, valueChange=True) == [7]


def test_add_keys_cuts_keys_within_its_range_unless_told_to_keep_them(maya):
    cmds.createNode("transform", name="a")
    for time in range(5):
        cmds.setKeyframe("a.translateX", time=time, value=time)
    curve = oma.MFnAnimCurve(om.MSelectionList().add("a.translateX").getPlug(0))
    ends = [om.MTime(t, om.MTime.uiUnit()) for t in (1.0, 3.0)]
    curve.addKeys(ends, [0.0, 0.0], keepExistingKeys=True)
    assert curve.numKeys == 5
    curve.addKeys(ends, [0.0, 0.0])
    assert curve.numKeys == 4


def test_layers_swallow_keys_on_plugs_that_are_not_in_them(maya):
    cmds.createNode("transform", name="a")
    cmds.animLayer("layer", override=True)
    assert cmds.setKeyframe("a.translateX", animLayer="layer", time=1, value=5) == 0
    assert cmds.getAttr("a.translateX") == 0
    cmds.animLayer("layer", edit=True, attribute="a.translateX")
    assert cmds.animLayer("layer", query=True, findCurveForPlug="a.translateX") is None
    assert cmds.setKeyframe("a.translateX", animLayer="layer", time=1, value=5) == 1
    assert cmds.getAttr("a.translateX") == 5
    assert cmds.animLayer("layer", query=True, findCurveForPlug="a.translateX")


def test_deferred_functions_wait_for_idle_and_do_not_run_in_batch(maya):
    from maya import utils

    with pytest.raises(RuntimeError, match="do not run in batch"):
        utils.executeDeferred(print)
    maya.batch, ran = False, []
    utils.executeDeferred(ran.append, 1)
    assert ran == []
    maya.idle()
    maya.idle()
    assert ran == [1]


def test_a_module_runs_in_mayapys_place(tmp_path):
    script = tmp_path / "look.py"
    script.write_text(
        "import maya.standalone\nmaya.standalone.initialize(name='python')\nfrom maya import cmds\n"
        "print(cmds.about(version=True), cmds.ls(type='camera'))\n"
    )
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "tests.maya_emulator", str(script)]
    run = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120, check=True)
    assert run.stdout.split()[0] == "2024"
    assert "perspShape" in run.stdout


@pytest.mark.parametrize(
    ("wanted", "given"), [("1bad", "bad"), ("has space", "has_space"), ("has-dash", "has_dash"), ("größe", "gr__e")]
)
def test_illegal_names_are_made_legal_in_silence(maya, wanted, given):
    """As measured in Maya by others (see the compatibility page)."""
    assert cmds.createNode("transform", name=wanted) == given
    assert cmds.rename(cmds.createNode("transform"), "00" + wanted).rstrip("0123456789") == given


@pytest.mark.parametrize("name", ["0", "123", "", "頭"])
def test_a_name_without_legal_characters_is_refused(maya, name):
    with pytest.raises(RuntimeError, match="no legal characters"):
        cmds.createNode("transform", name=name)


def test_an_image_sequence_follows_the_time_by_itself(maya):
    cmds.createNode("camera", name="camShape")
    plane = cmds.imagePlane(camera="camShape")[1]
    assert plane == "camShape->imagePlaneShape1"
    assert cmds.ls(selection=True) == ["imagePlane1"]
    cmds.setAttr(plane + ".useFrameExtension", True)
    cmds.setAttr(plane + ".frameOffset", 7)
    (wire,) = cmds.listConnections(plane + ".frameExtension", source=True, destination=False)
    assert cmds.nodeType(wire) == "timeToUnitConversion"
    assert cmds.getAttr(wire + ".conversionFactor") == 0.004
    assert [cmds.getAttr(plane + ".outputFrameExtension", time=t) for t in (1, 30)] == [8, 37]
    with pytest.raises(RuntimeError, match="already controlled by an expression"):
        cmds.expression(string="imagePlaneShape1.frameExtension=frame")
    assert cmds.getAttr(plane + ".coverage") == [(-1, -1)]


def test_a_compound_tells_of_its_own_connections_only(maya):
    for name in ("a", "b"):
        cmds.createNode("transform", name=name)
    cmds.setKeyframe("a.translateY", time=1, value=2)
    assert cmds.listConnections("a.translate", source=True, destination=False) is None
    assert cmds.connectionInfo("a.translate", sourceFromDestination=True) == ""
    assert cmds.connectionInfo("a.translateY", sourceFromDestination=True) == "a_translateY.output"
    cmds.connectAttr("a.translate", "b.translate")
    assert cmds.listConnections("b.translate", plugs=True, source=True) == ["a.translate"]
    assert cmds.connectionInfo("b.translateY", sourceFromDestination=True) == ""


def test_undo_of_the_first_layer_leaves_the_root_of_layers_behind(maya):
    cmds.animLayer("polish", override=True)
    cmds.undo()
    assert cmds.ls(type="animLayer") == ["BaseAnimation"]
