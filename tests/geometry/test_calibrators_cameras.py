"""Files of programs that calibrate: each is read as its program means it, within 0.01 pixels of its own formulas."""

import json

import cv2
import numpy as np
import pytest
import yaml
from scipy.spatial.transform import Rotation

from facesolve.geometry.camera_files import CameraFile, read_cameras
from facesolve.take import TakeError

from .seen_by import METERS, SAMPLES, before, sample, seen_alike


@pytest.mark.parametrize(("name", "unit"), [("aniposelib.toml", 0.1), ("caliscope.toml", 100.0)])
def test_toml_rigs_are_seen_as_opencv_sees_them(name, unit):
    import tomllib

    given = tomllib.loads((SAMPLES / name).read_text())
    tables = list(given.get("cameras", {k: v for k, v in given.items() if k != "metadata"}).values())
    how = CameraFile(unit="mm") if name.startswith("anipose") else None  # caliscope's lengths are meters
    cameras = sample(name, how)
    assert [c.name for c in cameras] == [t.get("name", f"cam_{t.get('port')}") for t in tables]
    for camera, table in zip(cameras, tables, strict=True):
        points = before(camera)
        expected, _ = cv2.projectPoints(
            points / unit,
            np.array(table["rotation"]),
            np.array(table["translation"]),
            np.array(table["matrix"]),
            np.array(table["distortions"]),
        )
        seen_alike(camera, points, expected[:, 0] + 0.5)


def test_multical_is_seen_as_opencv_sees_it(tmp_path):
    given = json.loads((SAMPLES / "multical.json").read_text())
    given["camera_poses"]["cam2_to_cam1"]["R"] = Rotation.from_euler("y", 0.6, degrees=True).as_matrix().tolist()
    (tmp_path / "calibration.json").write_text(json.dumps(given))  # the example rounds its rotations to two digits
    cameras = read_cameras(tmp_path / "calibration.json", METERS)
    assert [c.name for c in cameras] == ["cam1", "cam2"]
    for camera, pose in zip(cameras, given["camera_poses"].values(), strict=True):
        lens = given["cameras"][camera.name]
        points = before(camera)
        expected, _ = cv2.projectPoints(
            points / 100, np.array(pose["R"]), np.array(pose["T"]), np.array(lens["K"]), np.array(lens["dist"])
        )
        seen_alike(camera, points, expected[:, 0] + 0.5)
    with pytest.raises(TakeError, match="does not name the unit of its lengths; give --unit mm, cm or m"):
        read_cameras(tmp_path / "calibration.json")


@pytest.mark.parametrize("name", ["kalibr.yaml", "kalibr_equidistant.yaml"])
def test_kalibr_chains_are_seen_as_opencv_sees_them(name):
    given = yaml.safe_load((SAMPLES / name).read_text())
    cameras = sample(name)
    chain = np.eye(4)
    for camera in cameras:
        table = given[camera.name]
        chain = np.array(table.get("T_cn_cnm1", np.eye(4))) @ chain
        fu, fv, pu, pv = table["intrinsics"]
        matrix, coefficients = np.array([[fu, 0, pu], [0, fv, pv], [0, 0, 1]]), np.array(table["distortion_coeffs"])
        points = before(camera, spread=0.25)
        place = cv2.Rodrigues(chain[:3, :3])[0], chain[:3, 3]
        if table["distortion_model"] == "equidistant":
            assert camera.lens == "fisheye"
            expected, _ = cv2.fisheye.projectPoints(points[:, None] / 100, *place, matrix, coefficients)
        else:
            expected, _ = cv2.projectPoints(points / 100, *place, matrix, coefficients)
        seen_alike(camera, points, expected[:, 0] + 0.5)


def test_ros_camera_info_is_one_lens(tmp_path):
    path = tmp_path / "head_camera.yaml"
    path.write_text(
        "image_width: 800\nimage_height: 600\ncamera_name: 00b09d0100990bb2\ncamera_matrix:\n  rows: 3\n  cols: 3\n"
        "  data: [1454.03, 0, 469.791, 0, 1458.92, 280.359, 0, 0, 1]\ndistortion_model: plumb_bob\n"
        "distortion_coefficients:\n  rows: 1\n  cols: 5\n  data: [-0.0118792, -1.61905, -0.0128177, -0.00135465, 0]\n"
    )
    (camera,) = read_cameras(path)
    assert (camera.name, camera.size) == ("00b09d0100990bb2", (800, 600))
    points = before(camera, spread=0.1)
    k, d = np.array([[1454.03, 0, 469.791], [0, 1458.92, 280.359], [0, 0, 1]]), camera.distortion
    expected, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), k, d)
    seen_alike(camera, points, expected[:, 0] + 0.5)
    path.write_text(path.read_text().replace("plumb_bob", "double_sphere"))
    with pytest.raises(TakeError, match="has the distortion model 'double_sphere'"):
        read_cameras(path)


def test_mc_calib_and_nersemble_hold_the_cameras_of_one_stage(tmp_path):
    """Their layouts, as their READMEs show them; numbers of one stage."""
    matrix = np.array([[1000.0, 0, 640.5], [0, 1001, 360.25], [0, 0, 1]])
    turns = {
        "a": Rotation.from_euler("yx", (14, 180), degrees=True),
        "b": Rotation.from_euler("yx", (-14, 180), degrees=True),
    }
    poses = {}
    for name, turn in turns.items():
        pose = np.eye(4)
        pose[:3, :3] = turn.as_matrix()
        pose[:3, 3] = -pose[:3, :3] @ (0, 0, 0.82)
        poses[name] = pose
    storage = cv2.FileStorage(str(tmp_path / "mc.yml"), cv2.FILE_STORAGE_WRITE)
    storage.write("nb_camera", 2)
    for index, pose in enumerate(poses.values()):
        storage.startWriteStruct(f"camera_{index}", cv2.FILE_NODE_MAP)
        storage.write("camera_matrix", matrix)
        storage.write("distortion_vector", np.array([[-0.1, 0.02, 0.001, -0.0005, 0.003]]))
        storage.write("distortion_type", 0)
        storage.write("img_width", 1280)
        storage.write("img_height", 720)
        storage.write("camera_pose_matrix", pose)
        storage.endWriteStruct()
    storage.release()
    record = {"world_2_cam": {k: np.linalg.inv(p).tolist() for k, p in poses.items()}, "intrinsics": matrix.tolist()}
    (tmp_path / "nersemble.json").write_text(json.dumps(record))
    mc = read_cameras(tmp_path / "mc.yml", METERS)
    nersemble = read_cameras(tmp_path / "nersemble.json", CameraFile(image_size=lambda name: (1280, 720)))
    assert ([c.name for c in mc], [c.name for c in nersemble]) == (["camera_0", "camera_1"], ["a", "b"])
    for camera, other, pose in zip(mc, nersemble, poses.values(), strict=True):
        points = before(camera)
        inside = np.linalg.inv(pose)
        place = cv2.Rodrigues(inside[:3, :3])[0], inside[:3, 3]
        for one, coefficients in ((camera, np.array([-0.1, 0.02, 0.001, -0.0005, 0.003])), (other, np.zeros(5))):
            expected, _ = cv2.projectPoints(points / 100, *place, matrix, coefficients)
            seen_alike(one, points, expected[:, 0] + 0.5)
