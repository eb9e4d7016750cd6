"""What a solve has keyed, and its values again after edits."""

from __future__ import annotations

from dataclasses import replace

import pytest
from maya import cmds

from facesolve.take import TakeError, write_solution, write_take
from facesolve_maya.apply import applied_controls, apply_solution, key_as_solved, read_request
from tests.facesolve_maya.shown import snapshot
from tests.facesolve_maya.small_head import small_solution, small_take


@pytest.fixture
def applied(small, tmp_path):
    """The small head with a solve applied from files; the scene as it was then."""
    take = small_take(tmp_path)
    write_take(take, tmp_path / "take")
    found = replace(small_solution(take), provenance={"take": "../take"})
    write_solution(found, tmp_path / "solution")
    apply_solution(read_request(tmp_path / "solution", take=tmp_path / "take", head="head_GRP", layer="face"))
    return small, take, found


def edit(plug: str, time: float, value: float) -> None:
    """A key of an animator's."""
    cmds.setKeyframe(plug, animLayer="face", time=time, value=value)


def test_without_a_solve_there_is_nothing_to_select_or_key(small):
    with pytest.raises(TakeError, match="No solve is applied"):
        applied_controls()
    with pytest.raises(TakeError, match="No solve is applied"):
        key_as_solved(1.0)


def test_the_solved_channels_are_those_of_the_layer(applied):
    assert {plug.partition(".")[0] for plug in applied_controls()} == {"face_CTL", "BS", "head_GRP"}


def test_an_edited_frame_is_keyed_as_solved_again_and_one_undo_brings_the_edit_back(applied):
    maya, take, _ = applied
    plugs = [take.rig.controls[0].plug, "head_GRP.rotateY", "head_GRP.translateX"]
    solved = [cmds.getAttr(plug, time=4) for plug in plugs]
    other = cmds.getAttr(plugs[0], time=5)
    for plug in plugs:
        edit(plug, 4, 1.25)
    edited = snapshot(maya)
    keyed = key_as_solved(4.0)
    assert len(keyed) == len(applied_controls())
    assert [cmds.getAttr(plug, time=4) for plug in plugs] == pytest.approx(solved)
    assert cmds.getAttr(plugs[0], time=5) == other
    maya.undo()
    assert snapshot(maya) == edited


def test_only_selected_controls_are_keyed_as_solved(applied):
    _, take, _ = applied
    plug = take.rig.controls[0].plug
    for each in (plug, "head_GRP.translateX"):
        edit(each, 4, 1.25)
    keyed = key_as_solved(4.0, [plug.partition(".")[0], "persp"])
    assert keyed == (plug,)
    assert cmds.getAttr("head_GRP.translateX", time=4) == pytest.approx(1.25)


def test_a_frame_that_was_not_solved_is_refused(applied):
    maya, _, _ = applied
    before = snapshot(maya)
    with pytest.raises(TakeError, match=r"Frame 4\.5 was not solved"):
        key_as_solved(4.5)
    assert snapshot(maya) == before
