"""The head's edges over the footage: a copy that follows the rig, drawn as wires, gone without a trace."""

from __future__ import annotations

import numpy as np
import pytest
from maya import cmds

from facesolve.take import FacesolveError
from facesolve_maya.apply import toggle_overlay
from facesolve_maya.ui.scene_rows import read_heads
from tests.facesolve_maya.shown import shown_vertices, snapshot
from tests.facesolve_maya.small_head import small_take


def test_the_edges_follow_the_rig_and_are_all_that_is_drawn(small):
    text = toggle_overlay("head")
    assert "'head'" in text
    (copy,) = cmds.ls("facesolve_overlayShape", long=True)
    assert copy.startswith(cmds.ls("head", long=True)[0] + "|")
    cmds.setAttr("BS.b", 0.5)
    for time in (1.0, 7.0):
        np.testing.assert_allclose(shown_vertices(small, copy, time), shown_vertices(small, "headShape", time))
    assert cmds.getAttr(copy + ".overrideEnabled")
    assert not cmds.getAttr(copy + ".overrideShading")
    assert cmds.getAttr(copy + ".overrideDisplayType") == 2, "clicks go through it"
    assert not cmds.getAttr("headShape.lodVisibility")
    assert cmds.getAttr("headShape.visibility"), "a keyed visibility is not touched"


def test_off_again_the_scene_is_as_it_was_and_each_step_is_one_undo(small):
    cmds.setAttr("headShape.lodVisibility", True)  # files hold what was ever set
    before = snapshot(small)
    toggle_overlay("head")
    shown = snapshot(small)
    toggle_overlay("head")
    assert snapshot(small) == before
    small.undo()
    assert snapshot(small) == shown
    small.undo()
    assert snapshot(small) == before


def test_a_mesh_that_somebody_else_hides_stays_hidden(small):
    cmds.setAttr("headShape.lodVisibility", False)
    before = snapshot(small)
    toggle_overlay("head")
    toggle_overlay("head")
    assert snapshot(small) == before


def test_the_edges_are_no_head_and_the_take_is_the_same(small, tmp_path):
    heads, take = read_heads(), small_take(tmp_path)
    toggle_overlay("head")
    assert read_heads() == heads
    cmds.delete("cam")
    np.testing.assert_array_equal(small_take(tmp_path).rig.neutral, take.rig.neutral)


def test_a_plane_between_camera_and_head_is_named(small, tmp_path):
    small_take(tmp_path)
    plane = cmds.imagePlane(camera="camShape", fileName=str(tmp_path / "plate.0001.png"))[1]
    cmds.setAttr("cam.translate", 0, 0, 90)  # meters
    cmds.setAttr(plane + ".depth", 1)
    assert "Nearer than the head" in toggle_overlay("head")


def test_a_mesh_that_is_gone_is_refused_and_nothing_changes(small):
    before = snapshot(small)
    with pytest.raises(FacesolveError, match="does not exist"):
        toggle_overlay("nobody")
    assert snapshot(small) == before
