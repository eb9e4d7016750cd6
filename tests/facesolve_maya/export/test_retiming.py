"""Footage that the scene holds, slows down or turns back: solved once for each image, keyed wherever it is shown."""

from __future__ import annotations

import numpy as np
import pytest
from maya import cmds

from facesolve.take import Camera, write_solution, write_take
from facesolve.take.summary import summarize
from facesolve_maya.apply import apply_solution, pin_edits, read_request
from facesolve_maya.export import ExportRequest, export_take, preflight
from facesolve_maya.export.footage import CameraFootage
from facesolve_maya.export.retiming import camera_of, retiming
from facesolve_maya.scene.findings import ExportError, Report
from tests.facesolve_maya.small_head import make_solution, small_take

SHOWN = {1: 3, 2: 4, 3: 4, 4: 4, 5: 5, 6: 6, 7: 5, 8: 4, 9: 5, 10: 7}  # scene frame -> image: a hold, then to and fro


def footage(name, numbers):
    return CameraFootage(name, "x_{frame}.png", np.array(numbers), 20, 10)


def test_frames_are_scene_frames_where_they_can_be():
    found = retiming([footage("a", [0, 1]), footage("b", [5, 6])], (1001.0, 1002.0))
    assert (list(found.frames), found.offsets, found.retimed) == ([1001, 1002], [-1001, -996], False)


def test_footage_at_twice_the_scene_rate_is_counted_by_its_images():
    found = retiming([footage("a", [10, 11, 12]), footage("b", [20, 21, 22])], (1.0, 1.5, 2.0))
    assert (list(found.frames), found.offsets, found.retimed) == ([10, 11, 12], [0, 10], False)


def test_footage_that_runs_backward_is_solved_as_it_was_filmed():
    found = retiming([footage("a", [12, 11, 10])], (1.0, 2.0, 3.0))
    assert (list(found.frames), list(found.rows), found.retimed) == ([10, 11, 12], [2, 1, 0], True)


def test_cameras_out_of_step_are_refused():
    with pytest.raises(
        ExportError, match="b: its image numbers are out of step: at scene frame 2 it shows image 7, expected 6"
    ):
        retiming([footage("a", [0, 1]), footage("b", [5, 7])], (1.0, 2.0))


def test_a_camera_that_moves_before_footage_that_is_not_held_moves_in_the_take():
    places = np.arange(6.0).reshape(2, 3)
    camera = Camera("a", 20, 10, np.diag((30.0, 30, 1)), np.eye(3), places, np.zeros(5))
    times, report = (1001.0, 1002.0), Report()
    moved = camera_of(camera, retiming([footage("a", [0, 1])], times), times, report)
    np.testing.assert_array_equal(moved.translation, places)
    assert not report.findings


@pytest.fixture
def request_of(small, tmp_path):
    """The small head in front of a plane whose image a keyed control chooses."""
    small_take(tmp_path)  # camera and images
    plane = cmds.imagePlane(camera="camShape", fileName=str(tmp_path / "plate.0001.png"))[1]
    cmds.createNode("transform", name="retime_CTL")
    cmds.addAttr("retime_CTL", longName="image", attributeType="double", keyable=True)
    for time, number in SHOWN.items():
        cmds.setKeyframe("retime_CTL.image", time=time, value=number, inTangentType="linear", outTangentType="linear")
    cmds.setAttr(plane + ".useFrameExtension", True)
    cmds.connectAttr("retime_CTL.image", plane + ".frameExtension", force=True)
    return ExportRequest(("head",), "head_GRP", ("cam",), tuple(map(float, SHOWN)), name="retimed")


def test_each_image_is_solved_once_at_the_speed_at_which_it_was_filmed(request_of):
    take = export_take(request_of)
    assert take.frames.tolist() == [3, 4, 5, 6, 7]
    assert take.scene_times.tolist() == [1, 2, 5, 6, 10]
    assert dict(zip(take.repeat_times.tolist(), take.repeat_frames.tolist(), strict=True)) == {
        3: 4,
        4: 4,
        7: 5,
        8: 4,
        9: 5,
    }
    assert take.fps == 24.0
    assert take.start.frame == 3
    (note,) = [finding for finding in preflight(request_of) if "retimed" in finding.sentence]
    assert "5 of 10 scene frames repeat an image; part of it runs backward" in note.sentence


def test_a_camera_that_moves_while_its_footage_is_held_is_named(request_of):
    cmds.setKeyframe("cam.translateX", time=1, value=0.0)
    cmds.setKeyframe("cam.translateX", time=10, value=1.0)
    (warning,) = [finding for finding in preflight(request_of) if "moves while" in finding.sentence]
    assert "at scene frame 3" in warning.sentence
    take = export_take(request_of)
    assert take.cameras[0].translation.shape == (5, 3)


def test_keys_lie_wherever_an_image_is_shown_and_an_edit_of_a_hold_pins_its_frame(request_of, tmp_path):
    take = export_take(request_of)
    write_take(take, tmp_path / "take")
    controls = np.stack([np.arange(5.0), np.linspace(0, 1, 5)], axis=1)
    solution = make_solution(take, controls, np.tile(np.eye(4), (5, 1, 1)))
    write_solution(solution, tmp_path / "solution")
    apply_solution(read_request(tmp_path / "solution", take=tmp_path / "take", head="head_GRP", layer="face"))
    plug = take.rig.controls[0].plug
    for time, image in SHOWN.items():
        assert cmds.getAttr(plug, time=time) == pytest.approx(image - 3), time
    assert pin_edits(take).settings.pins == ()
    cmds.setKeyframe(plug, animLayer="face", time=4, value=2.5)
    cmds.setKeyframe(plug, animLayer="face", time=8, value=2.25)
    (pin,) = pin_edits(take).settings.pins
    assert (pin.frame, pin.value) == (4, 2.5), "the first time at which the frame was changed counts"
    shown = [(frame.time, frame.error) for frame in summarize(solution).frames]
    assert [time for time, _ in shown] == list(SHOWN)
