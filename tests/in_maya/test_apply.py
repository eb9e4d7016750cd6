"""Keys of a solution: what Maya shows then, undo, redo, layers, spans, fewer keys."""

from __future__ import annotations

import numpy as np
import pytest

from facesolve.take import write_solution, write_take
from facesolve_maya.scene.rotate_order import ROTATE_ORDERS
from tests.in_maya.head import FRAMES, maya_points, scene_state, solution_of, solved_points, take_of_head


@pytest.fixture
def solved(head):
    """The scene's take and a solution of it, on disk."""
    take = take_of_head(head)
    solution = solution_of(take)
    write_take(take, head / "take")
    write_solution(solution, head / "solution")
    return take, solution


def apply(solved, folder, **options):
    from facesolve_maya.apply import ApplyRequest, apply_solution

    folders = {"take_folder": str(folder / "take"), "solution_folder": str(folder / "solution")}
    return apply_solution(ApplyRequest(solved[0], solved[1], head="head_GRP", **folders, **options))


def farthest(cmds, solved):
    """Largest distance in millimeters between what Maya shows and what was solved. Leaves time changes to undo."""
    worst = 0.0
    for row in range(FRAMES):
        cmds.currentTime(float(solved[1].scene_times[row]))
        apart = maya_points(world=True) - solved_points(solved[0], solved[1], row)
        worst = max(worst, 10.0 * float(np.linalg.norm(apart, axis=1).max()))
    return worst


@pytest.mark.parametrize("order", range(6))
def test_maya_shows_what_was_solved_in_every_rotate_order(head, cmds, order):
    cmds.setAttr("head_GRP.rotateOrder", order)
    take = take_of_head(head)
    solved = (take, solution_of(take))
    report = apply(solved, head)
    assert report.layer == "facesolve_small"
    assert report.skipped == ()
    assert len(report.plugs) == 2 + 6
    assert farthest(cmds, solved) < 0.01, ROTATE_ORDERS[order]


def test_a_turn_has_no_jumps(head, cmds, solved):
    apply(solved, head)
    angles = np.array([cmds.getAttr("head_GRP.rotate", time=float(t))[0] for t in solved[1].scene_times])
    assert np.abs(np.diff(angles, axis=0)).max() < 120


def test_undo_restores_the_scene_and_redo_brings_the_keys_back(head, cmds, solved):
    before = scene_state()
    apply(solved, head)
    after = scene_state()
    assert after != before
    cmds.undo()
    assert scene_state() == before
    cmds.redo()
    assert scene_state() == after
    cmds.undo()
    assert scene_state() == before


def test_a_locked_plug_is_named_and_left_alone(head, cmds, solved):
    cmds.setAttr("BS.blink", lock=True)
    report = apply(solved, head)
    assert [(skipped.plug, skipped.reason) for skipped in report.skipped] == [("BS.blink", "locked")]
    assert cmds.getAttr("BS.blink", time=5) == 0


def test_deleting_the_layer_takes_the_solve_back(head, cmds, solved):
    before = scene_state()["values"]
    cmds.delete(apply(solved, head).layer)
    assert scene_state()["values"] == before


def test_an_edit_is_a_pin_and_a_range_goes_over_into_the_rest(head, cmds, solved):
    from facesolve_maya.apply import pin_edits

    layer = apply(solved, head).layer
    assert pin_edits(solved[0]).settings.pins == ()
    cmds.setKeyframe("face_CTL.open", animLayer=layer, time=5, value=9.5)
    (pin,) = pin_edits(solved[0]).settings.pins
    assert (pin.frame, pin.control, pin.value) == (5, "open", 9.5)
    moved = cmds.getAttr("head_GRP.translateX", time=6) + 0.02
    cmds.setKeyframe("head_GRP.translateX", animLayer=layer, time=6, value=moved)
    (head_pin,) = pin_edits(solved[0]).settings.head_pins
    assert head_pin.frame == 6
    outside = [cmds.getAttr("face_CTL.open", time=time) for time in (1, 2, 9, 10)]
    apply(solved, head, layer=layer, span=(3.0, 8.0))
    assert [cmds.getAttr("face_CTL.open", time=time) for time in (1, 2, 9, 10)] == pytest.approx(outside, abs=1e-9)


def test_fewer_keys_stay_within_the_tolerance(head, cmds, solved):
    from facesolve_maya.apply import reduce_keys

    apply(solved, head)
    dense = scene_state()
    before, after = reduce_keys(2.0)
    assert after < before
    cmds.undo()
    assert scene_state() == dense
    cmds.redo()
    assert farthest(cmds, solved) <= 2.0


def test_keys_fall_between_frames(head, cmds, solved):
    from dataclasses import replace

    times = 1.0 + 0.5 * np.arange(FRAMES)
    half = (replace(solved[0], scene_times=times), replace(solved[1], scene_times=times))
    layer = apply(half, head).layer
    curve = cmds.animLayer(layer, query=True, findCurveForPlug="face_CTL.open")
    curve = curve[0] if isinstance(curve, list) else curve
    assert cmds.keyframe(curve, query=True, timeChange=True)[:3] == [1.0, 1.5, 2.0]
    assert farthest(cmds, half) < 0.01


def test_the_keyed_scene_survives_saving(head, cmds, solved):
    from facesolve_maya.apply.provenance import find_provenance

    apply(solved, head)
    target = (head / "keyed.ma").as_posix()
    cmds.file(rename=target)
    cmds.file(save=True, type="mayaAscii")
    cmds.file(target, open=True, force=True)
    assert farthest(cmds, solved) < 0.01
    assert find_provenance().layer == "facesolve_small"
