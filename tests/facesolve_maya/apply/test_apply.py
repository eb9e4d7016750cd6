"""Solutions to keys: the scene shows what was solved, undo restores it exactly, redo brings it back."""

import numpy as np
import pytest
from maya import cmds

from facesolve.take import Take, TakeError, write_solution, write_take
from facesolve.take.rig_evaluation import RigEvaluator
from facesolve_maya.apply import ApplyRequest, apply_solution, reduce_keys
from facesolve_maya.apply.channels import head_channels
from facesolve_maya.apply.pose import pose_rig
from facesolve_maya.scene.findings import Refusal
from facesolve_maya.scene.geometry import world_matrix
from facesolve_maya.scene.head import head_at
from facesolve_maya.scene.rotate_order import rotation_matrix
from tests.facesolve_maya.shown import shown_vertices, snapshot
from tests.facesolve_maya.small_head import small_solution, small_take


def solved_vertices(take, solution, row) -> np.ndarray:
    """World-space points (V, 3) of the solution."""
    rig = RigEvaluator(take.rig).vertices(solution.controls[row : row + 1])[0]
    return rig @ solution.head[row, :3, :3].T + solution.head[row, :3, 3]


@pytest.fixture
def ict(ict_rom, ict_rom_session):
    return ict_rom_session


def test_the_scene_shows_what_was_solved(ict, ict_take, ict_solution):
    report = apply_solution(ApplyRequest(ict_take, ict_solution, head="head_GRP"))
    assert report.layer == "facesolve_rom"
    assert report.skipped == ()
    assert len(report.plugs) == 55 + 6
    assert {"face_CTL.jawOpen", "face_CTL.smileL", "head_GRP.rotateY", "face_BS.eyeBlink_L"} <= set(report.plugs)
    assert "face_BS.jawOpen" not in report.plugs
    worst = max(
        np.linalg.norm(
            shown_vertices(ict, "face_GEOShape", 1001 + row) - solved_vertices(ict_take, ict_solution, row), axis=1
        ).max()
        for row in (0, 7, 23, 39)
    )
    assert worst * 10 < 0.01  # mm


def test_undo_restores_the_scene_exactly_and_redo_brings_the_keys_back(ict, ict_take, ict_solution):
    before, queue = snapshot(ict), len(ict.undo_queue)
    apply_solution(ApplyRequest(ict_take, ict_solution, head="head_GRP"))
    assert len(ict.undo_queue) == queue + 1
    assert cmds.undoInfo(query=True, undoName=True) == "Facesolve: apply rom"
    shown = shown_vertices(ict, "face_GEOShape", 1020)
    keys = {n.name: [(k.time, k.value) for k in n.keys] for n in ict.graph.order if n.keys}
    cmds.undo()
    assert snapshot(ict) == before
    cmds.redo()
    assert {n.name: [(k.time, k.value) for k in n.keys] for n in ict.graph.order if n.keys} == keys
    np.testing.assert_array_equal(shown_vertices(ict, "face_GEOShape", 1020), shown)
    cmds.undo()
    assert snapshot(ict) == before


def test_a_saved_scene_holds_the_curves(ict, ict_take, ict_solution, tmp_path):
    from tests.maya_emulator.session import Session, use

    apply_solution(ApplyRequest(ict_take, ict_solution, head="head_GRP"))
    path = tmp_path / "keyed.ma"
    path.write_text(snapshot(ict))
    again = Session()
    use(again)
    cmds.file(str(path), open=True, force=True)
    found = shown_vertices(again, "face_GEOShape", 1030)
    assert np.abs(found - solved_vertices(ict_take, ict_solution, 29)).max() * 10 < 0.01
    assert cmds.nodeType("facesolve_rom") == "animLayer"
    assert cmds.getAttr("facesolve_provenance.takeName") == "rom"
    assert cmds.getAttr("facesolve_provenance.residual") == "0.02"


def test_deleting_the_layer_is_a_full_rollback(ict, ict_take, ict_solution):
    before = [cmds.getAttr("head_GRP.rotate"), cmds.getAttr("face_BS.weight"), cmds.getAttr("face_CTL.jawOpen")]
    apply_solution(ApplyRequest(ict_take, ict_solution, head="head_GRP"))
    assert [cmds.getAttr("head_GRP.rotate"), cmds.getAttr("face_BS.weight"), cmds.getAttr("face_CTL.jawOpen")] != before
    cmds.delete("facesolve_rom")
    assert [cmds.getAttr("head_GRP.rotate"), cmds.getAttr("face_BS.weight"), cmds.getAttr("face_CTL.jawOpen")] == before


def test_fewer_keys_stay_within_the_tolerance_on_the_surface(ict, ict_take, ict_solution):
    dense = apply_solution(ApplyRequest(ict_take, ict_solution, head="head_GRP", layer="dense"))
    report = apply_solution(ApplyRequest(ict_take, ict_solution, head="head_GRP", layer="sparse", tolerance=0.5))
    assert report.keys < 0.7 * dense.keys
    worst = max(
        np.linalg.norm(
            shown_vertices(ict, "face_GEOShape", 1001 + row) - solved_vertices(ict_take, ict_solution, row), axis=1
        ).max()
        for row in range(0, 40, 3)
    )
    assert 0.01 < worst * 10 <= 0.5


# ---------------------------------------------------------------- a small scene


def test_head_channels_reach_the_wanted_place_in_any_parent_space(small, tmp_path):
    take = small_take(tmp_path)
    solution = small_solution(take)
    apply_solution(ApplyRequest(take, solution, head="head_GRP"))
    for row, time in enumerate(take.scene_times):
        np.testing.assert_allclose(head_at("head_GRP", time), solution.head[row], atol=1e-6)
        shown = shown_vertices(small, "headShape", time)
        np.testing.assert_allclose(shown, solved_vertices(take, solution, row), atol=1e-5)
    angles = np.array([cmds.getAttr("head_GRP.rotate", time=time)[0] for time in take.scene_times])
    assert np.abs(np.diff(angles, axis=0)).max() < 120  # turning 450 degrees without a jump


def test_a_head_below_a_constrained_neck_is_keyed_for_its_parents_of_each_frame(small, tmp_path):
    cmds.createNode("transform", name="spine_CTL")
    for time, value in ((1, 0), (10, 60)):
        cmds.setKeyframe("spine_CTL.rotateY", time=time, value=value)
        cmds.setKeyframe("spine_CTL.translateZ", time=time, value=0.01 * value)
    cmds.cutKey("body.translateY")
    cmds.parentConstraint("spine_CTL", "body", maintainOffset=True)
    cmds.currentTime(4)
    take = small_take(tmp_path)
    solution = small_solution(take)
    apply_solution(ApplyRequest(take, solution, head="head_GRP"))
    for row, time in enumerate(take.scene_times):
        np.testing.assert_allclose(
            shown_vertices(small, "headShape", time), solved_vertices(take, solution, row), atol=1e-3
        )


@pytest.mark.parametrize("order", range(6))
def test_head_channels_in_every_rotate_order(small, order):
    cmds.setAttr("head_GRP.rotateOrder", order)
    cmds.setAttr("head_GRP.scale", 1.5, 1.5, 1.5)
    cmds.setAttr("head_GRP.rotateAxis", 5, 6, 7)
    target = np.eye(4)
    from scipy.spatial.transform import Rotation

    target[:3, :3] = Rotation.from_euler("xyz", [0.3, -0.5, 0.9]).as_matrix()
    target[:3, 3] = 4, 5, 6
    (channels,) = head_channels("|body|head_GRP", target[None], (1.0,))
    size = np.linalg.norm(world_matrix("head_GRP", 1.0)[:3, :3], axis=1)
    cmds.setAttr("head_GRP.translate", *(channels[:3] / 100))
    cmds.setAttr("head_GRP.rotate", *np.degrees(channels[3:]))
    cmds.currentTime(1)
    np.testing.assert_allclose(head_at("head_GRP", 1.0), target, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(world_matrix("head_GRP", 1.0)[:3, :3], axis=1), size)


PIVOTS = {
    "rotatePivot": (0.5, 1.0, -1.0),
    "rotatePivotTranslate": (0.2, -0.1, 0.3),
    "scalePivot": (-0.4, 0.6, 0.9),
    "scalePivotTranslate": (0.7, 0.3, -0.2),
    "scale": (1.5, 0.8, 1.2),
    "rotateAxis": (5.0, 6.0, 7.0),
}
ORIENTED = {"jointOrient": (20.0, -35.0, 50.0), "scale": (1.5, 1.5, 1.5)}


def put(node, settings):
    for name, values in settings.items():
        cmds.setAttr(f"{node}.{name}", *values)


def reached(node, head):
    """What the scene shows of ``node`` once the channels for ``head`` (4, 4) are set."""
    (channels,) = head_channels(node, head[None], (1.0,))
    cmds.setAttr(node + ".translate", *channels[:3])
    cmds.setAttr(node + ".rotate", *np.degrees(channels[3:]))
    return head_at(node, 1.0)


@pytest.mark.parametrize("kind", ["transform", "joint"])
def test_pivots_scales_and_orientation_of_the_node_are_taken_into_account(maya, kind):
    parent = cmds.createNode(kind, name="parent")
    node = cmds.createNode(kind, name="node", parent=parent)
    put(parent, {"translate": (1, 2, 3), "rotate": (40, 50, 60), "scale": (2, 2, 2)})
    put(node, {"translate": (4, 5, 6), "rotate": (10, 20, 30), **PIVOTS})
    if kind == "joint":
        put(node, ORIENTED)
        cmds.connectAttr("parent.scale", "node.inverseScale")
    target = np.eye(4)
    target[:3, :3] = rotation_matrix(np.array([0.3, -0.5, 0.9]), "xyz").T
    target[:3, 3] = 4, 5, 6
    np.testing.assert_allclose(reached("node", target), target, atol=1e-9)


@pytest.mark.parametrize("above", [{"scale": (1, 2, 1)}, {"shear": (0.5, 0, 0)}])
def test_scale_that_would_shear_a_turned_head_is_refused(maya, above):
    cmds.createNode("transform", name="parent")
    cmds.createNode("transform", name="node", parent="parent")
    put("parent", above)
    target = np.eye(4)
    target[:3, :3] = rotation_matrix(np.array([0.3, -0.5, 0.9]), "xyz").T
    with pytest.raises(Refusal, match="would shear the head"):
        head_channels("node", target[None], (1.0,))
    put("parent", {"scale": (1, 1, 1), "shear": (0, 0, 0)})
    put("node", {"shear": (0.0, 0.5, 0.0)})
    with pytest.raises(Refusal, match="would shear the head"):
        head_channels("node", target[None], (1.0,))


def test_locked_and_connected_plugs_are_named_and_left_alone(small, tmp_path):
    take = small_take(tmp_path)
    cmds.setAttr("BS.b", lock=True)
    cmds.connectAttr("face_CTL.translate", "head_GRP.translate")
    before = snapshot(small)
    report = apply_solution(ApplyRequest(take, small_solution(take), head="head_GRP"))
    reasons = {s.plug: s.reason for s in report.skipped}
    assert reasons["BS.b"] == "locked"
    assert reasons["head_GRP.translateX"] == "driven by 'face_CTL.translate'"
    assert "all six channels" in reasons["head_GRP"]
    assert report.plugs == ("face_CTL.open",)
    assert "BS.b (locked)" in str(report)
    cmds.undo()
    assert snapshot(small) == before


def test_a_layer_goes_over_the_constraint_of_a_head_and_says_so(small, tmp_path):
    """As measured in Maya: plugs under constraints, expressions and set-driven keys take keys on an override layer."""
    cmds.createNode("transform", name="neck")
    for time in (1, 10):
        cmds.setKeyframe("neck.rotateY", time=time, value=5.0 * time)
        cmds.setKeyframe("neck.translateX", time=time, value=0.1 * time)
    cmds.parentConstraint("neck", "head_GRP", maintainOffset=True)
    take = small_take(tmp_path)
    before = snapshot(small)
    solution = small_solution(take)
    report = apply_solution(ApplyRequest(take, solution, head="head_GRP"))
    assert report.skipped == ()
    assert len(report.over) == 6
    assert "The layer goes over" in str(report)
    assert report.warning == ""
    for row, time in enumerate(take.scene_times):
        cmds.currentTime(float(time))
        np.testing.assert_allclose(head_at("head_GRP", float(time)), solution.head[row], atol=1e-6)
    for _ in take.scene_times:
        cmds.undo()
    cmds.undo()
    assert snapshot(small) == before
    with pytest.raises(TakeError, match="cannot be moved: it is driven by"):
        pose_rig("head_GRP", np.eye(4), {}, 1.0)


def test_a_failing_apply_changes_nothing(small, tmp_path):
    take = small_take(tmp_path)
    cmds.animLayer("busy", override=True)
    cmds.animLayer("busy", edit=True, lock=True)
    before, queue = snapshot(small), len(small.undo_queue)
    with pytest.raises(TakeError, match="'busy' is locked"):
        apply_solution(ApplyRequest(take, small_solution(take), head="head_GRP", layer="busy"))
    with pytest.raises(TakeError, match="'head_GRP' is a transform"):
        apply_solution(ApplyRequest(take, small_solution(take), layer="head_GRP"))
    assert (snapshot(small), len(small.undo_queue)) == (before, queue)


def test_a_head_whose_whole_rotation_is_connected_is_left_alone(small, tmp_path):
    take = small_take(tmp_path)
    cmds.connectAttr("face_CTL.rotate", "head_GRP.rotate")
    reasons = {s.plug: s.reason for s in apply_solution(ApplyRequest(take, small_solution(take), "head_GRP")).skipped}
    assert reasons["head_GRP.rotateY"] == "driven by 'face_CTL.rotate'"
    assert cmds.listConnections("head_GRP.rotate", source=True, destination=False) == ["face_CTL"]


def test_an_edit_that_fails_half_way_is_taken_back_and_says_why(small, tmp_path, monkeypatch):
    """Maya tells only that a command failed; the reason comes from the edit itself."""
    take = small_take(tmp_path)
    before, queue = snapshot(small), len(small.undo_queue)

    def fails(*_):
        raise TakeError("the curve broke.")

    monkeypatch.setattr("facesolve_maya.apply.planned_keys.key_all", fails)
    with pytest.raises(TakeError, match=r"the curve broke\."):
        apply_solution(ApplyRequest(take, small_solution(take), head="head_GRP"))
    assert (snapshot(small), len(small.undo_queue)) == (before, queue)


def test_a_second_take_gets_its_own_layer(small, tmp_path):
    take = small_take(tmp_path)
    assert apply_solution(ApplyRequest(take, small_solution(take))).layer == "facesolve_small"
    assert apply_solution(ApplyRequest(take, small_solution(take, 1))).layer == "facesolve_small_2"


def test_a_span_replaces_its_frames_and_goes_over_into_the_rest(small, tmp_path):
    take = small_take(tmp_path)
    apply_solution(ApplyRequest(take, small_solution(take), layer="L"))
    cmds.setKeyframe("face_CTL.open", animLayer="L", time=5.5, value=9.9)
    first = [cmds.getAttr("face_CTL.open", time=t) for t in range(1, 11)]
    rows = np.arange(2, 8)
    again = small_solution(take, seed=2.0, rows=rows)
    apply_solution(ApplyRequest(take, again, layer="L", span=(3.0, 8.0), blend=2))
    found = [cmds.getAttr("face_CTL.open", time=t) for t in range(1, 11)]
    np.testing.assert_allclose(
        [found[i] for i in (0, 1, 2, 7, 8, 9)], [first[i] for i in (0, 1, 2, 7, 8, 9)], atol=1e-9
    )
    np.testing.assert_allclose(found[4:6], again.controls[2:4, 0], atol=1e-9)
    assert min(first[3], again.controls[1, 0]) < found[3] < max(first[3], again.controls[1, 0])
    times = cmds.keyframe(
        cmds.animLayer("L", query=True, findCurveForPlug="face_CTL.open")[0], query=True, timeChange=True
    )
    assert times == [float(t) for t in range(1, 11)]


def test_keys_fall_on_subframes(small, tmp_path):
    take = small_take(tmp_path)
    half = Take(
        name="half",
        rig=take.rig,
        cameras=take.cameras,
        footage=take.footage,
        frames=take.frames,
        fps=48.0,
        scene_times=1 + (take.scene_times - 1) / 2,
        start=None,
    )
    report = apply_solution(ApplyRequest(half, small_solution(half), layer="half"))
    curve = cmds.animLayer("half", query=True, findCurveForPlug="face_CTL.open")[0]
    assert cmds.keyframe(curve, query=True, timeChange=True)[:3] == [1.0, 1.5, 2.0]
    assert report.keys == 20


def test_reduce_keys_keeps_the_edited_curve_and_undoes(small, tmp_path):
    take = small_take(tmp_path)
    write_take(take, tmp_path / "take")
    apply_solution(ApplyRequest(take, small_solution(take), head="head_GRP", take_folder=str(tmp_path / "take")))
    edited = [cmds.getAttr("face_CTL.open", time=t) for t in range(1, 11)]
    before = snapshot(small)
    counts = reduce_keys(2.0)
    assert counts[1] < counts[0]
    found = [cmds.getAttr("face_CTL.open", time=t) for t in range(1, 11)]
    assert 0 < np.abs(np.array(found) - edited).max() < 2.0
    cmds.undo()
    assert snapshot(small) == before
    with pytest.raises(TakeError, match="must be more than 0"):
        reduce_keys(0)


def test_reduce_without_an_applied_solve_says_so(maya):
    with pytest.raises(TakeError, match="holds no applied solve"):
        reduce_keys(0.1)


# ---------------------------------------------------------------- the plug-in's commands


@pytest.fixture
def plugin(small):
    from facesolve_maya.scene.undo import load_plugin

    load_plugin()


def test_the_apply_command_is_one_undoable_step(small, plugin, tmp_path):
    take = small_take(tmp_path)
    write_take(take, tmp_path / "take")
    write_solution(small_solution(take), tmp_path / "take" / "solution")
    before, queue = snapshot(small), len(small.undo_queue)
    text = cmds.facesolveApply(
        solution=str(tmp_path / "take" / "solution"), take=str(tmp_path / "take"), head="head_GRP"
    )
    assert "Keyed 8 channels on layer 'facesolve_small'" in text
    assert len(small.undo_queue) == queue + 1
    after = shown_vertices(small, "headShape", 7)
    cmds.undo()
    assert snapshot(small) == before
    cmds.redo()
    np.testing.assert_array_equal(shown_vertices(small, "headShape", 7), after)
    cmds.undo()
    short = cmds.facesolveApply(
        s=str(tmp_path / "take" / "solution"), t=str(tmp_path / "take"), l="mine", fi=2, la=5, tol=1.0
    )
    assert "layer 'mine'" in short


def test_the_export_command_checks_and_writes(small, plugin, tmp_path):
    from facesolve.take import read_take

    small_take(tmp_path)
    cmds.setAttr("BS.nodeState", 1)
    found = cmds.facesolveExport(mesh=["head"], head="head_GRP", camera=["cam"], first=1, last=3, check=True)
    assert any("not Normal" in line for line in found)
    with pytest.raises(RuntimeError, match="not Normal"):
        cmds.facesolveExport(
            mesh=["head"], head="head_GRP", camera=["cam"], first=1, last=3, folder=str(tmp_path / "t")
        )
    cmds.setAttr("BS.nodeState", 0)
    plane = cmds.imagePlane(camera="camShape", fileName=str(tmp_path / "plate.0001.png"))[1]
    cmds.setAttr(plane + ".useFrameExtension", True)
    folder = cmds.facesolveExport(m=["head"], hd="head_GRP", cam=["cam"], fi=1, la=3, fd=str(tmp_path / "t"))
    assert list(read_take(folder).frames) == [1, 2, 3]


def test_wrong_flags_of_commands_are_refused(small, plugin):
    with pytest.raises(TypeError, match="Invalid flag"):
        cmds.facesolveApply(solutoin="x")
    with pytest.raises(RuntimeError, match="give -solution"):
        cmds.facesolveApply()
    with pytest.raises(RuntimeError, match="both -first and -last"):
        cmds.facesolveApply(solution="x", first=1)


def test_the_plugin_unloads(small, plugin):
    cmds.unloadPlugin("facesolve_plugin")
    with pytest.raises(AttributeError):
        cmds.facesolveApply()


def test_controls_that_the_take_locks_keep_the_scenes_keys(small, tmp_path):
    cmds.setKeyframe("BS.b", time=1, value=0.25)
    take = small_take(tmp_path, keys={"b": "locked"})
    before = cmds.keyframe("BS.b", query=True, timeChange=True, valueChange=True)
    report = apply_solution(ApplyRequest(take, small_solution(take), head="head_GRP"))
    assert {s.plug: s.reason for s in report.skipped} == {"BS.b": "locked to the scene's curve"}
    assert "BS.b" not in report.plugs
    assert "face_CTL.open" in report.plugs
    assert cmds.keyframe("BS.b", query=True, timeChange=True, valueChange=True) == before
