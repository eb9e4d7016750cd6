"""How sure a solve is, in Maya's windows: curves and colored frames, each taken back by one undo; the found pose."""

from dataclasses import replace

import numpy as np
import pytest
from maya import cmds

from facesolve.take import TakeError
from facesolve.take.summary import FrameError
from facesolve_maya.apply import (
    ApplyRequest,
    apply_solution,
    mark_frames,
    remove_certainty,
    remove_marks,
    show_certainty,
)
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


def test_the_curves_of_certainty_go_away_again_and_one_undo_brings_them_back(applied):
    maya, found = applied
    before = snapshot(maya)
    show_certainty(found, [2.0] * len(found.control_names))
    assert remove_certainty()
    assert snapshot(maya) == before
    maya.undo()
    assert cmds.getAttr(f"facesolve_certainty.{found.control_names[0]}", time=1) == pytest.approx(0.5)
    maya.redo()
    assert snapshot(maya) == before
    assert not remove_certainty()


def test_frames_that_stand_out_are_colored_bands_in_the_time_slider(applied):
    maya, _ = applied
    before = snapshot(maya)
    frames = [FrameError(float(time), 0.1, level) for time, level in enumerate((0, 1, 1, 2, 0, 1), start=1)]
    assert mark_frames(frames) == 4
    bands = [
        [cmds.getAttr(f"{node}.{name}") for name in ("timeRangeStart", "timeRangeStop")]
        for node in cmds.ls(type="timeSliderBookmark")
    ]
    assert bands == [[2, 3], [4, 4], [6, 6]]
    colors = [cmds.getAttr(node + ".color")[0] for node in cmds.ls(type="timeSliderBookmark")]
    assert colors[0] == colors[2] != colors[1], "amber is worth a look, red is likely wrong"
    mark_frames(frames[:2])
    assert len(cmds.ls(type="timeSliderBookmark")) == 1, "new marks replace the old"
    maya.undo()
    assert len(cmds.ls(type="timeSliderBookmark")) == 3
    assert remove_marks()
    assert snapshot(maya) == before
    assert not remove_marks()


def test_a_maya_without_bookmarks_says_so_and_nothing_changes(applied, monkeypatch):
    maya, _ = applied
    before = snapshot(maya)

    def no_plugin(*names, **flags):
        raise RuntimeError("Plug-in was not found on MAYA_PLUG_IN_PATH.")

    monkeypatch.setattr(cmds, "loadPlugin", no_plugin)
    with pytest.raises(TakeError, match="has no bookmarks"):
        mark_frames([FrameError(1.0, 0.1, 2)])
    assert snapshot(maya) == before


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
