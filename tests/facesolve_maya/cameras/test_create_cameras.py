"""Cameras made from a calibration come back out of the export as they went in."""

import json

import cv2
import numpy as np
import pytest
from maya import cmds

from facesolve.take import TakeError
from facesolve_maya.cameras import Stage, create_cameras
from facesolve_maya.export.cameras import camera_name, camera_shape, read_camera
from facesolve_maya.export.footage import footage_of_plane, image_plane
from facesolve_maya.scene.findings import Report


def calibration(folder, **changes):
    turn = np.array([[0.36, 0.48, -0.8], [-0.8, 0.6, 0.0], [0.48, 0.64, 0.6]])
    record = {
        "intrinsic": [[2000.0, 0, 330.0], [0, 2010.0, 410.0], [0, 0, 1]],
        "distortion": [[0.01], [-0.2], [0.001], [0.002], [0.05]],
        "rotation": turn.tolist(),
        "translation": [[1.0], [2.0], [100.0]],
        "width": 640,
        "height": 800,
    }
    record.update(changes)
    path = folder / "calibration.json"
    path.write_text(json.dumps({"left": {k: v for k, v in record.items() if v is not None}}))
    return path, record


def test_round_trip_with_unequal_focal_lengths_and_distortion(maya, tmp_path):
    cmds.currentUnit(linear="m")
    path, record = calibration(tmp_path)
    (made,) = create_cameras(path, stage=Stage(up="file"))
    camera = read_camera(camera_shape(made.transform), (1.0,), 640, 800)
    np.testing.assert_allclose(camera.intrinsics, record["intrinsic"], rtol=1e-12)
    np.testing.assert_allclose(camera.rotation, record["rotation"], atol=1e-12)
    np.testing.assert_allclose(camera.translation, np.ravel(record["translation"]), atol=1e-9)
    np.testing.assert_array_equal(camera.distortion, np.ravel(record["distortion"]))


def test_a_fisheye_stays_one(maya, tmp_path):
    path, record = calibration(tmp_path, lens="fisheye", distortion=[0.01, -0.002, 0.001, 0.0])
    (made,) = create_cameras(path)
    camera = read_camera(camera_shape(made.transform), (1.0,), 640, 800)
    assert camera.lens == "fisheye"
    np.testing.assert_array_equal(camera.distortion, record["distortion"])


def test_a_calibration_whose_y_is_up_gives_upright_cameras(maya, tmp_path):
    path, record = calibration(tmp_path, rotation=np.diag((1.0, -1.0, -1.0)).tolist(), translation=[0, 150, 90])
    record = json.loads(path.read_text())
    path.write_text(json.dumps({"world": {"up": "y", "unit": "cm"}, **record}))
    (made,) = create_cameras(path)
    matrix = np.reshape(cmds.getAttr(made.transform + ".worldMatrix[0]"), (4, 4))
    np.testing.assert_allclose(matrix, [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 150, 90, 1]], atol=1e-9)


def test_cameras_on_their_side_stay_so_where_the_calibration_says_what_is_up(maya, tmp_path):
    on_its_side = np.array([[0.0, -1, 0], [-1, 0, 0], [0, 0, -1]])  # portrait: the image's right is the stage's down
    path, _ = calibration(tmp_path, rotation=on_its_side.tolist(), translation=[0, 0, 90])
    record = json.loads(path.read_text())
    for world, turned in (({"up": "y"}, False), ({}, True)):
        path.write_text(json.dumps({"world": world, **record}))
        (made,) = create_cameras(path)
        matrix = np.reshape(cmds.getAttr(made.transform + ".worldMatrix[0]"), (4, 4))
        down = -matrix[1, :3] if turned else matrix[0, :3]  # in the image
        np.testing.assert_allclose(down, (0, -1, 0), atol=1e-9)


def test_one_undo_takes_everything_away(maya, tmp_path):
    nodes = set(cmds.ls())
    create_cameras(calibration(tmp_path)[0])
    assert set(cmds.ls()) != nodes
    assert cmds.undoInfo(query=True, undoName=True) == "Facesolve: cameras from calibration"
    cmds.undo()
    assert set(cmds.ls()) == nodes


def test_a_missing_size_is_an_error_before_anything_is_made(maya, tmp_path):
    nodes = cmds.ls()
    with pytest.raises(TakeError, match="camera 'left': the calibration has no image size"):
        create_cameras(calibration(tmp_path, width=None, height=None)[0])
    assert cmds.ls() == nodes
    assert create_cameras(calibration(tmp_path, width=None, height=None)[0], sizes={"left": (640, 800)})


def test_image_planes_follow_the_timeline(maya, facesolve_data):
    folder = facesolve_data / "ict_rom"
    images = {name: str(folder / "footage" / name / f"{name}_0000.jpg") for name in ("cam0", "cam1", "cam2")}
    made = create_cameras(folder / "calibration.json", images, first_frame=1001)
    truth = json.loads((folder / "calibration.json").read_text())
    for camera in made:
        found = read_camera(camera_shape(camera.shape), (1001.0,), 600, 800)
        np.testing.assert_allclose(found.intrinsics, truth[found.name]["intrinsic"], rtol=1e-9)
        plane = image_plane(camera_shape(camera.shape), Report())
        footage = footage_of_plane(found.name, plane, (1001.0, 1005.0), (), Report())
        assert list(footage.numbers) == [0, 4]
        assert footage.path(4) == images[found.name].replace("_0000", "_0004")


def test_the_panel_finds_the_plates_by_the_cameras_names(maya, facesolve_data, tmp_path):
    """The thesis' layout has no image size: it comes from the footage."""
    from facesolve_maya.ui.scene import MayaScene

    folder = facesolve_data / "ict_rom"
    record = json.loads((folder / "calibration.json").read_text())
    for camera in record.values():
        del camera["width"], camera["height"]
    (tmp_path / "calibration.json").write_text(json.dumps(record))
    cmds.playbackOptions(minTime=1001)
    assert MayaScene().create_cameras(tmp_path / "calibration.json", folder / "footage") == "Created cam0, cam1, cam2."
    plane = image_plane(camera_shape("cam1"), Report())
    found = footage_of_plane("cam1", plane, (1001.0, 1040.0), (), Report())
    assert found.path(int(found.numbers[1])).endswith("footage/cam1/cam1_0039.jpg")
    assert (found.width, found.height) == (600, 800)


def named(folder, *names):
    """A calibration with cameras called ``names``."""
    _, record = calibration(folder)
    path = folder / "named.json"
    path.write_text(json.dumps({name: record for name in names}))
    return path


def test_a_plane_is_left_to_mayas_own_wiring_and_the_selection_to_the_user(maya, tmp_path):
    """Maya lets an image sequence follow the time by itself; an expression on top is refused."""
    for number in (7, 8):
        cv2.imwrite(str(tmp_path / f"left.{number:04d}.png"), np.zeros((800, 640, 3), np.uint8))
    cmds.createNode("transform", name="chosen")
    nodes = set(cmds.ls())
    image = str(tmp_path / "left.0007.png")
    (made,) = create_cameras(calibration(tmp_path)[0], {"left": image}, first_frame=101)
    assert cmds.ls(type="expression") == []
    assert cmds.ls(selection=True) == ["chosen"]
    found = footage_of_plane("left", made.image_plane, (101.0, 102.0), (), Report())
    assert list(found.numbers) == [7, 8]
    cmds.currentTime(102)
    assert cmds.getAttr(made.image_plane + ".outputFrameExtension") == 8
    cmds.undo()
    cmds.undo()
    assert set(cmds.ls()) == nodes


def test_where_maya_does_not_wire_a_plane_an_expression_does(maya, tmp_path, monkeypatch):
    from tests.maya_emulator.commands import attributes

    monkeypatch.setattr(attributes, "_follow_time", lambda session, plane: None)
    cv2.imwrite(str(tmp_path / "left.0007.png"), np.zeros((800, 640, 3), np.uint8))
    images = {"left": str(tmp_path / "left.0007.png")}
    (made,) = create_cameras(calibration(tmp_path)[0], images, first_frame=101)
    assert list(footage_of_plane("left", made.image_plane, (101.0, 104.0), (), Report()).numbers) == [7, 10]


def test_cameras_called_by_numbers_keep_their_names_in_the_take(maya, tmp_path):
    path = named(tmp_path, "0", "1", "20394 left", "00:1")
    made = create_cameras(path)
    assert [camera.transform for camera in made] == ["cam_0", "cam_1", "cam_20394_left", "cam_00_1"]
    assert [camera_name(camera_shape(camera.shape)) for camera in made] == ["0", "1", "20394 left", "00:1"]
    assert [camera_shape(name) for name in ("0", "cam_1")] == [camera_shape(made[0].shape), camera_shape(made[1].shape)]
    assert read_camera(camera_shape("0"), (1.0,), 640, 800).name == "0"
    first = camera_shape("0")
    create_cameras(path)
    assert camera_name(first).endswith("|cam_0"), "two cameras of one name are told apart by their nodes"


def test_footage_is_found_by_a_name_that_maya_does_not_allow(maya, tmp_path):
    from facesolve_maya.ui.scene import MayaScene

    (tmp_path / "0").mkdir()
    cv2.imwrite(str(tmp_path / "0" / "image.0001.png"), np.zeros((800, 640, 3), np.uint8))
    assert MayaScene().create_cameras(named(tmp_path, "0"), tmp_path) == "Created cam_0."
    assert (
        footage_of_plane("0", image_plane(camera_shape("0"), Report()), (1.0,), (), Report())
        .path(1)
        .endswith("/0/image.0001.png")
    )


def test_a_step_that_maya_refuses_leaves_nothing_behind(maya, tmp_path, monkeypatch):
    from facesolve_maya.cameras import create

    def refused(**flags):
        raise RuntimeError("Unable to load the image.\n")

    cv2.imwrite(str(tmp_path / "b.0001.png"), np.zeros((800, 640, 3), np.uint8))
    nodes = set(cmds.ls())
    monkeypatch.setattr(create.cmds, "imagePlane", refused, raising=False)
    with pytest.raises(TakeError, match=r"the scene is unchanged\. Maya's error: Unable to load the image\."):
        create_cameras(named(tmp_path, "a", "b"), {"b": str(tmp_path / "b.0001.png")})
    assert set(cmds.ls()) == nodes


def test_a_turned_or_cropped_plane_is_said(maya, tmp_path):
    cv2.imwrite(str(tmp_path / "left.0007.png"), np.zeros((800, 640, 3), np.uint8))
    (made,) = create_cameras(calibration(tmp_path)[0], {"left": str(tmp_path / "left.0007.png")})
    cmds.setAttr(made.image_plane + ".rotate", 90)
    cmds.setAttr(made.image_plane + ".coverageOriginX", 100)
    report = Report()
    footage_of_plane("left", made.image_plane, (1.0,), (), report)
    assert "it is turned and cropped" in report.findings[0].sentence


@pytest.mark.parametrize(("axis", "up"), [("y", (0.0, 1.0, 0.0)), ("z", (0.0, 0.0, 1.0))])
@pytest.mark.parametrize("turn", [np.eye(3), np.diag([1.0, -1.0, -1.0]), [[0, 0, 1], [1, 0, 0], [0, 1, 0]]])
def test_cameras_come_in_upright_whatever_the_board_called_up(maya, tmp_path, axis, up, turn):
    """OpenCV's boards have y down: their cameras would hang from the ceiling."""
    cmds.upAxis(axis=axis)
    level = np.diag([1.0, -1.0, -1.0]) @ np.asarray(turn, float)  # of a camera that looks level in some world
    record = dict(calibration(tmp_path)[1], rotation=level.tolist())
    (tmp_path / "level.json").write_text(json.dumps({"level": record}))
    (made,) = create_cameras(tmp_path / "level.json")
    camera = read_camera(camera_shape(made.transform), (1.0,), 640, 800)
    np.testing.assert_allclose(-np.asarray(camera.rotation)[1], up, atol=1e-9)
