"""Rigs that cannot be read: recorded control by control, and nothing in the scene stays changed."""

import numpy as np
import pytest
from maya import cmds

from facesolve.take.errors import TakeError
from facesolve.take.rig_evaluation import RigEvaluator
from facesolve_maya.export import ExportError, Recordings, control_sets, samplable
from facesolve_maya.export.rig import read_rig
from facesolve_maya.export.sampling import sample_rig
from facesolve_maya.scene.choices import EVERYWHERE, SELECTED
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


def test_keys_are_taken_off_a_control_while_it_is_moved_and_put_back(remapped, maya):
    plain = sample_rig(("head",), "head_GRP", ("face_CTL.one",), TIMES, Report())
    cmds.setKeyframe("face_CTL.one", time=1, value=0.2)
    cmds.setKeyframe("face_CTL.one", time=9, value=0.9)
    before = state(maya)
    keyed = sample_rig(("head",), "head_GRP", ("face_CTL.one",), TIMES, Report())
    assert state(maya) == before
    assert cmds.getAttr("face_CTL.one", time=9) == pytest.approx(0.9)
    poses = np.linspace(0, 1, 5)[:, None]
    np.testing.assert_allclose(RigEvaluator(keyed).vertices(poses), RigEvaluator(plain).vertices(poses), atol=1e-9)
    with pytest.raises(RuntimeError), undisturbed(("face_CTL.one",), 5.0):
        raise RuntimeError
    assert state(maya) == before


def test_a_locked_control_is_refused(remapped):
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


@pytest.fixture
def board_scene(maya, tmp_path):
    """Two controls in a set, one of them keyed, one without limits; a transform that carries the head."""
    targets = {name: (place, [(6000, [place], [[1, 0, 0]])]) for place, name in enumerate("abc")}
    members = ("one_CTL", "two_CTL")
    text = [f'createNode transform -n "{name}_CTL";' for name in ("one", "two", "free")]
    text += ['createNode objectSet -n "controls_SET";', 'createNode objectSet -n "BSSet";']
    text += [f'connectAttr "{name}.iog" "controls_SET.dsm" -na;' for name in members]
    open_scene(blend_scene(targets=targets) + "\n".join(text) + "\n", tmp_path)
    for name, weight in (("one", "a"), ("two", "b"), ("free", "c")):
        limits = {} if name == "free" else {"minValue": 0, "maxValue": 1}
        cmds.addAttr(name + "_CTL", longName="on", attributeType="double", keyable=True, **limits)
        cmds.addAttr(name + "_CTL", longName="more", attributeType="double", keyable=True)
        cmds.createNode("remapValue", name=name + "_RMV")
        cmds.connectAttr(name + "_CTL.on", name + "_RMV.inputValue")
        cmds.connectAttr(name + "_RMV.outValue", "BS." + weight)
    cmds.addAttr("head_GRP", longName="scared", attributeType="double", minValue=0, maxValue=1, keyable=True)


def test_what_can_be_sampled_is_found_by_selection_set_and_everywhere(board_scene, maya):
    before = state(maya)
    assert "controls_SET" in control_sets()
    assert samplable("controls_SET", "head_GRP", 1.0)[0] == ("one_CTL.on", "two_CTL.on")
    plugs, text = samplable(EVERYWHERE, "head_GRP", 1.0)
    assert plugs == ("one_CTL.on", "two_CTL.on")  # not what the head itself has: it is solved as motion
    assert text.startswith("Sampling 2 controls; left out: ")
    assert state(maya) == before
    cmds.select("two_CTL", "free_CTL")
    assert samplable(SELECTED, "head_GRP", 1.0)[0] == ("two_CTL.on",)
    cmds.setKeyframe("two_CTL.on", time=1, value=0.5)
    assert samplable(SELECTED, "head_GRP", 1.0)[0] == ("two_CTL.on",)
    cmds.createNode("multDoubleLinear", name="both_MDL")
    cmds.connectAttr("both_MDL.output", "two_CTL.on", force=True)
    cmds.select("two_CTL")
    with pytest.raises(TakeError, match=r"no channel selected can be moved .* 1 driven"):
        samplable(SELECTED, "head_GRP", 1.0)
    cmds.select("controls_SET")
    assert samplable(SELECTED, "head_GRP", 1.0)[0] == ("one_CTL.on",)


def test_a_proxy_stands_for_the_attribute_that_it_shows(board_scene):
    """In the reading of a rig, and where controls to sample are chosen."""
    cmds.createNode("transform", name="panel_CTL")
    cmds.addAttr("panel_CTL", longName="on", attributeType="double", minValue=0, maxValue=1, keyable=True)
    cmds.connectAttr("one_CTL.on", "panel_CTL.on")
    cmds.select("panel_CTL", "one_CTL")
    assert samplable(SELECTED, "head_GRP", 1.0)[0] == ("one_CTL.on",)
    cmds.connectAttr("panel_CTL.on", "BS.a", force=True)
    rig, _ = read_rig(("head",), "head_GRP", TIMES, Report())
    assert "one_CTL.on" in {control.plug for control in rig.controls}


def test_a_recording_is_kept_until_it_is_forgotten(board_scene):
    told = []
    recordings = Recordings(lambda done, total: told.append((done, total)))
    plugs = ("one_CTL.on", "two_CTL.on")
    rig = recordings.rig(("head",), "head_GRP", plugs, TIMES, Report())
    assert told == [(0, 2), (1, 2), (2, 2)]
    assert recordings.rig(("head",), "head_GRP", plugs, TIMES, Report()) is rig
    recordings.forget()
    assert recordings.rig(("head",), "head_GRP", plugs, TIMES, Report()) is not rig
    assert recordings.rig(("head",), "head_GRP", plugs[:1], TIMES, Report()).control_names == ["on"]


def test_many_controls_that_move_nothing_are_one_sentence(maya, tmp_path):
    open_scene(blend_scene(targets={"a": (0, [(6000, [0], [[1, 0, 0]])])}), tmp_path)
    cmds.createNode("transform", name="idle_CTL")
    for number in range(9):
        cmds.addAttr("idle_CTL", longName=f"i{number}", attributeType="double", minValue=0, maxValue=1, keyable=True)
    report = Report()
    plugs = ("BS.a", *(f"idle_CTL.i{number}" for number in range(9)))
    assert sample_rig(("head",), "head_GRP", plugs, TIMES, report).control_names == ["a"]
    (finding,) = report.findings
    assert finding.sentence.startswith("moving 9 of the sampled controls changes nothing: idle_CTL.i0")
