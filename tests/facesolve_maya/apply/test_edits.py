"""What a person changed after Apply becomes pins of the range that is solved again, and nothing else does."""

import numpy as np
import pytest
from maya import cmds

from facesolve.take import TakeError, read_take, write_solution, write_take
from facesolve_maya.apply import ApplyRequest, applied_layer, applied_ranges, apply_solution, pin_edits, reduce_keys
from facesolve_maya.apply.provenance import find_provenance
from facesolve_maya.scene.head import head_at
from facesolve_maya.scene.rotate_order import rotation_matrix
from tests.facesolve_maya.shown import snapshot
from tests.facesolve_maya.small_head import small_solution, small_take


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


def test_a_moved_or_turned_head_is_pinned_where_the_scene_shows_it(take):
    edit("head_GRP.translateX", 3.0, cmds.getAttr("head_GRP.translateX", time=3.0) + 0.02)
    edit("head_GRP.rotateZ", 6.0, cmds.getAttr("head_GRP.rotateZ", time=6.0) - 4.0)
    edit("head_GRP.rotateZ", 8.5, 0.0)
    pins = pin_edits(take).settings.head_pins
    assert [pin.frame for pin in pins] == [3, 6]
    for pin in pins:
        np.testing.assert_array_equal(pin.head, head_at("head_GRP", float(pin.frame)))
    assert pins_of(take) == []


def test_edited_frames_are_named_and_the_start_pose_is_that_of_a_frame_as_it_was_solved(take):
    first = int(take.frames[0])
    assert take.start.frame == first
    edit("BS.b", float(first), 0.2)
    edit("head_GRP.translateX", 3.0, 0.5)
    found = pin_edits(take)
    assert found.settings.edited == (first, 3)
    assert found.start.frame == first + 1
    solved = small_solution(take)
    np.testing.assert_allclose(found.start.controls, solved.controls[1], atol=1e-6)
    np.testing.assert_allclose(found.start.head, solved.head[1], atol=1e-6)


def test_an_edit_too_small_for_a_hand_is_none(take):
    edit("head_GRP.translateX", 3.0, cmds.getAttr("head_GRP.translateX", time=3.0) + 1e-6)
    edit("BS.b", 7.0, cmds.getAttr("BS.b", time=7.0) + 1e-5)
    assert (pins_of(take), pin_edits(take).settings.head_pins) == ([], ())


def test_a_head_that_was_not_keyed_gives_no_pins(small, tmp_path):
    made = small_take(tmp_path)
    write_solution(small_solution(made), tmp_path / "solution")
    apply_solution(ApplyRequest(made, small_solution(made), solution_folder=str(tmp_path / "solution")))
    cmds.setKeyframe("head_GRP.translateX", time=3.0, value=5.0)
    assert pin_edits(made).settings.head_pins == ()


def test_the_pins_of_a_take_on_disk_are_those_that_were_found(take, tmp_path):
    edit("head_GRP.translateX", 3.0, 0.5)
    found = pin_edits(take)
    write_take(found, tmp_path / "again")
    (pin,) = read_take(tmp_path / "again").settings.head_pins
    np.testing.assert_array_equal(pin.head, found.settings.head_pins[0].head)


def test_a_value_beyond_the_range_is_pinned_at_its_end(take):
    edit("BS.b", 7.0, 1.5)
    assert pins_of(take) == [(7, "b", 1.0)]


def test_fewer_keys_are_no_edits(take):
    reduce_keys(2.0)
    assert (pins_of(take), pin_edits(take).settings.head_pins) == ([], ())


def test_a_range_solved_again_is_no_edit_and_its_old_values_are(take, tmp_path):
    rows = np.arange(1, 9)
    before = cmds.getAttr("BS.b", time=5.0)
    head_before = [cmds.getAttr(f"head_GRP.rotate{axis}", time=5.0) for axis in "XYZ"]
    again = small_solution(take, seed=2.0, rows=rows)
    again.controls[:, 1] += 0.05
    again.head[:, :3, 3] += 0.5
    again.head[:, :3, :3] = again.head[:, :3, :3] @ rotation_matrix(np.array([0.1, 0.1, 0.1]), "xyz")
    apply_from(take, again, tmp_path / "range_2-9" / "solution", (2.0, 9.0))
    (applied,) = find_provenance().ranges
    assert (applied.solution_folder, applied.first, applied.last) == (str(tmp_path / "range_2-9" / "solution"), 2, 9)
    assert find_provenance().solution_folder == str(tmp_path / "solution")
    assert pins_of(take) == []
    assert pin_edits(take).settings.head_pins == ()
    edit("BS.b", 5.0, before)
    for axis, angle in zip("XYZ", head_before, strict=True):
        edit(f"head_GRP.rotate{axis}", 5.0, angle)
    assert pins_of(take) == [(5, "b", round(before, 6))]
    assert [pin.frame for pin in pin_edits(take).settings.head_pins] == [5]
    for _ in range(5):
        cmds.undo()
    assert find_provenance().ranges == ()
    assert pins_of(take) == []


def test_ranges_of_a_scene_share_a_layer_so_that_none_hides_another(small, tmp_path):
    made = small_take(tmp_path)
    write_take(made, tmp_path / "take")
    parts = {"first": np.arange(4), "second": np.arange(6, 10)}
    before = snapshot(small)
    for name, rows in parts.items():
        solution = small_solution(made, seed=float(rows[0]), rows=rows)
        write_solution(solution, tmp_path / name)
        folders = {"take_folder": str(tmp_path / "take"), "solution_folder": str(tmp_path / name)}
        report = apply_solution(ApplyRequest(made, solution, head="head_GRP", **folders))
        assert report.layer == "facesolve_small"
        assert report.warning == ""
    for rows in parts.values():
        values = small_solution(made, seed=float(rows[0]), rows=rows).controls[:, 0]
        shown = [cmds.getAttr("face_CTL.open", time=float(made.scene_times[row])) for row in rows]
        np.testing.assert_allclose(shown, values)
    assert [part.solution_folder for part in find_provenance().all()] == [
        str(tmp_path / n) for n in ("second", "first")
    ]
    assert (pins_of(made), pin_edits(made).settings.head_pins) == ([], ())
    edit("face_CTL.open", 2.0, 2.5)
    assert pins_of(made) == [(2, "open", 2.5)]
    again = small_solution(made, rows=np.arange(3))
    write_solution(again, tmp_path / "again")
    folders = {"take_folder": str(tmp_path / "take"), "solution_folder": str(tmp_path / "again")}
    report = apply_solution(ApplyRequest(made, again, head="head_GRP", **folders))
    assert report.layer == "facesolve_small_2", "another solve of the same frames is compared with the first"
    for _ in range(4):
        cmds.undo()
    assert snapshot(small) == before


def test_finding_edits_changes_nothing(take, small):
    edit("face_CTL.open", 4.0, 2.5)
    before, queue = snapshot(small), len(small.undo_queue)
    pin_edits(take)
    assert (snapshot(small), len(small.undo_queue)) == (before, queue)


def test_a_scene_of_an_older_version_is_said(take):
    node = cmds.createNode("network", name="faceSolve_provenance1")
    cmds.addAttr(node, longName="facesolveProvenance", attributeType="bool", defaultValue=1)
    cmds.addAttr(node, longName="takeFolder", dataType="string")
    with pytest.raises(TakeError, match=f"'{node}' was written by an older version of Facesolve; delete it"):
        pin_edits(take)
    cmds.delete(node)
    assert pins_of(take) == []


def test_a_solution_that_is_gone_is_said(take, tmp_path):
    (tmp_path / "solution" / "solution.json").unlink()
    with pytest.raises(TakeError, match=r"solution\.json"):
        pin_edits(take)


def test_another_solution_in_the_applied_ones_folder_is_said_and_gives_no_pins(take, tmp_path):
    """Every key that nobody touched would differ from it."""
    write_solution(small_solution(take, seed=1.0), tmp_path / "solution")
    with pytest.raises(TakeError, match="holds another solution than the one that was applied"):
        pin_edits(take)
    apply_from(take, small_solution(take, seed=1.0), tmp_path / "solution", None)
    assert pins_of(take) == []


def test_a_layer_that_was_deleted_gives_way_to_the_one_before(take, tmp_path):
    apply_solution(ApplyRequest(take, small_solution(take, 1.0), layer="later", solution_folder=str(tmp_path / "no")))
    assert applied_layer() == "later"
    cmds.delete("later")
    assert applied_layer() == "facesolve_small"
    assert pins_of(take) == []


def test_ranges_are_those_of_the_solution_that_was_asked_for(take, tmp_path):
    assert applied_ranges(tmp_path / "solution") == ()
    rows = np.arange(1, 9)
    apply_from(take, small_solution(take, seed=2.0, rows=rows), tmp_path / "range_2-9" / "solution", (2.0, 9.0))
    assert applied_ranges(tmp_path / "solution") == (tmp_path / "range_2-9" / "solution",)
    assert applied_ranges(tmp_path / "other") == ()


def test_without_an_applied_solve_there_are_no_edits(take):
    cmds.undo()
    assert applied_layer() == ""
    assert pins_of(take) == []
