"""How sure a solve is, in Maya's windows: curves, ticks and selection, each taken back by one undo."""

from dataclasses import replace

import numpy as np
import pytest
from maya import cmds

from facesolve.take import TakeError
from facesolve_maya.apply import ApplyRequest, applied_controls, apply_solution, mark_frames, show_certainty
from facesolve_maya.apply.pose import pose_rig
from facesolve_maya.scene.head import head_at
from tests.facesolve_maya.shown import snapshot
from tests.facesolve_maya.small_head import small_solution, small_take


@pytest.fixture
def applied(small, tmp_path):
    """The small head with an applied solve whose deviations differ from frame to frame."""
    take = small_take(tmp_path)
    found = small_solution(take)
    found = replace(found, control_std=np.linspace(0.01, 0.2, found.controls.size).reshape(found.controls.shape))
    apply_solution(ApplyRequest(take, found, head="head_GRP"))
    return small, found


def test_deviations_are_locked_curves_and_one_undo_takes_them_back(applied):
    maya, found = applied
    before = snapshot(maya)
    spans = [2.0] * len(found.control_names)
    node = show_certainty(found, spans)
    plug = f"{node}.{found.control_names[0]}"
    assert cmds.getAttr(plug, lock=True)
    for row in (0, len(found.scene_times) - 1):
        shown = cmds.getAttr(plug, time=float(found.scene_times[row]))
        assert shown == pytest.approx(100 * found.control_std[row, 0] / 2.0)
    assert show_certainty(found, spans) == node, "a second one replaces it"
    maya.undo()
    maya.undo()
    assert snapshot(maya) == before


def test_frames_that_stand_out_are_colored_in_the_time_slider(applied):
    maya, found = applied
    time = float(found.scene_times[1])
    assert mark_frames([time]) == 1
    special = {key.time for node in maya.graph.order for key in node.keys if key.special}
    assert len(special) == 1
    maya.undo()
    assert not any(key.special for node in maya.graph.order for key in node.keys)


def test_without_a_solve_there_is_nothing_to_select(small):
    with pytest.raises(TakeError, match="No solve is applied"):
        applied_controls()


def test_the_solved_channels_are_those_of_the_layer(applied):
    names = {plug.partition(".")[0] for plug in applied_controls()}
    assert "head_GRP" in names


def test_a_found_head_is_posed_in_one_undo_keys_where_there_are_some(small, tmp_path):
    control = small_take(tmp_path).rig.controls[0].plug
    before = snapshot(small)
    wanted = np.eye(4)
    wanted[:3, 3] = 1.0, 2.0, 3.0
    cmds.setKeyframe("head_GRP.translateX", time=1, value=9.0)
    keyed = snapshot(small)
    text = pose_rig("head_GRP", wanted, {control: 0.5}, 1.0)
    assert "head_GRP" in text
    np.testing.assert_allclose(head_at("head_GRP", 1.0), wanted, atol=1e-9)
    assert cmds.getAttr(control) == 0.5
    small.undo()
    assert snapshot(small) == keyed
    small.undo()
    assert snapshot(small) == before


def test_a_head_that_cannot_move_is_refused_and_nothing_changes(small):
    cmds.setAttr("head_GRP.rotateY", lock=True)
    before = snapshot(small)
    with pytest.raises(TakeError, match="cannot be moved"):
        pose_rig("head_GRP", np.eye(4), {}, 1.0)
    assert snapshot(small) == before
