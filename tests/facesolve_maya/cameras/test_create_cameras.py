"""Cameras made from a calibration come back out of the export as they went in."""

import json

import numpy as np
import pytest
from maya import cmds

from facesolve.take import TakeError
from facesolve_maya.cameras import create_cameras
from facesolve_maya.export.cameras import camera_shape, read_camera
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
    (made,) = create_cameras(path)
    camera = read_camera(camera_shape(made.transform), (1.0,), 640, 800)
    np.testing.assert_allclose(camera.intrinsics, record["intrinsic"], rtol=1e-12)
    np.testing.assert_allclose(camera.rotation, record["rotation"], atol=1e-12)
    np.testing.assert_allclose(camera.translation, np.ravel(record["translation"]), atol=1e-9)
    np.testing.assert_array_equal(camera.distortion, np.ravel(record["distortion"]))


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
