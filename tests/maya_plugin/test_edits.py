"""What a person changed after Apply becomes pins of the range that is solved again, and nothing else does."""

import numpy as np
import pytest
from maya import cmds

from maya_plugin.apply import ApplyRequest, applied_layer, apply_solution, pin_edits, reduce_keys
from maya_plugin.apply.provenance import find_provenance
from solver.take import TakeError, write_solution, write_take
from tests.maya_plugin.shown import snapshot
from tests.maya_plugin.small_head import small_solution, small_take


@pytest.fixture
def take(small, tmp_path):
    """The small scene's take; its solve is applied."""
    made = small_take(tmp_path)
    write_take(made, tmp_path / "take")
    apply_from(made, small_solution(made), tmp_path / "solution", None)
    return made


def apply_from(take, solution, folder, span):
    write_solution(solution, folder)
    layer = applied_layer()
    folders = {"take_folder": str(folder.parent / "take"), "solution_folder": str(folder)}
    apply_solution(ApplyRequest(take, solution, head="head_GRP", layer=layer, span=span, **folders))


def pins_of(take):
    return [(pin.frame, pin.control, round(pin.value, 6)) for pin in pin_edits(take).settings.pins]


def edit(plug, time, value):
    cmds.setKeyframe(plug, animLayer=applied_layer(), time=time, value=value)


def test_what_was_applied_is_no_edit(take):
    assert pins_of(take) == []


def test_a_moved_key_is_a_pin_in_the_controls_unit(take):
    edit("face_CTL.open", 4.0, 2.5)
    edit("BS.b", 7.0, 0.25)
    edit("BS.b", 7.5, 0.25)
    assert pins_of(take) == [(4, "open", 2.5), (7, "b", 0.25)]


def test_a_value_beyond_the_range_is_pinned_at_its_end(take):
    edit("BS.b", 7.0, 1.5)
    assert pins_of(take) == [(7, "b", 1.0)]


def test_fewer_keys_are_no_edits(take):
    reduce_keys(2.0)
    assert pins_of(take) == []


def test_a_range_solved_again_is_no_edit_and_its_old_values_are(take, tmp_path):
    rows = np.arange(1, 9)
    before = cmds.getAttr("BS.b", time=5.0)
    again = small_solution(take, seed=2.0, rows=rows)
    again.controls[:, 1] += 0.05
    apply_from(take, again, tmp_path / "range_2-9" / "solution", (2.0, 9.0))
    assert find_provenance().ranges == ((str(tmp_path / "range_2-9" / "solution"), 2.0, 9.0),)
    assert find_provenance().solution_folder == str(tmp_path / "solution")
    assert pins_of(take) == []
    edit("BS.b", 5.0, before)
    assert pins_of(take) == [(5, "b", round(before, 6))]
    cmds.undo()
    cmds.undo()
    assert find_provenance().ranges == ()
    assert pins_of(take) == []


def test_finding_edits_changes_nothing(take, small):
    edit("face_CTL.open", 4.0, 2.5)
    before, queue = snapshot(small), len(small.undo_queue)
    pin_edits(take)
    assert (snapshot(small), len(small.undo_queue)) == (before, queue)


def test_a_solution_that_is_gone_is_said(take, tmp_path):
    (tmp_path / "solution" / "solution.json").unlink()
    with pytest.raises(TakeError, match=r"solution\.json"):
        pin_edits(take)


def test_without_an_applied_solve_there_are_no_edits(take):
    cmds.undo()
    assert applied_layer() == ""
    assert pins_of(take) == []
