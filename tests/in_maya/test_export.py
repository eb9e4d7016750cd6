"""The exported rig against what Maya itself deforms, and the exported head against Maya's own matrices."""

from __future__ import annotations

import numpy as np
import pytest

from tests.in_maya.head import SCALE, maya_points, rig_points, scene_state, take_of_head


@pytest.mark.parametrize(("opened", "blink"), [(0, 0), (10, 0), (3, 0.25), (0, 0.5), (7, 0.8), (10, 1)])
def test_the_exported_rig_deforms_as_maya_does(head, cmds, opened, blink):
    take = take_of_head(head)
    assert take.rig.control_names == ["open", "blink"]
    cmds.setAttr("face_CTL.open", opened)
    cmds.setAttr("BS.blink", blink)
    np.testing.assert_allclose(SCALE * maya_points(world=False), rig_points(take, [opened, blink]), atol=1e-4)


def test_the_start_pose_puts_the_rig_where_maya_shows_it(head, cmds):
    cmds.setAttr("head_GRP.rotate", 11, -22, 33)
    take = take_of_head(head)
    points = rig_points(take, take.start.controls) @ take.start.head[:3, :3].T + take.start.head[:3, 3]
    np.testing.assert_allclose(maya_points(world=True), points, atol=1e-4)


def test_an_export_changes_nothing(head, cmds):
    before = scene_state()
    take_of_head(head)
    assert scene_state() == before


def test_what_cannot_be_solved_is_refused_by_name(head, cmds):
    from facesolve_maya.export import ExportError

    cmds.setAttr("camShape.orthographic", True)
    with pytest.raises(ExportError, match="cam: "):
        take_of_head(head)
