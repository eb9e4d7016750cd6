"""Camera files of other programs: each is read as its own program means it, within 0.01 pixels of its own formulas."""

import json
import re
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import yaml
from scipy.spatial.transform import Rotation

from facesolve.geometry.camera import CameraModel
from facesolve.geometry.camera_files import CameraFile, read_cameras, write_cameras
from facesolve.take import Camera, TakeError
from facesolve.take.camera import LENSES

SAMPLES = Path(__file__).parent / "camera_samples"
PIXELS = 0.01


def sees(camera, points) -> np.ndarray:
    """(n, 2) pixels where the solver sees world points (n, 3), centimeters."""
    size = camera.size or (4000, 4000)
    one = Camera(
        camera.name, *size, camera.intrinsics, camera.rotation, camera.translation, camera.distortion, camera.lens
    )
    projection = CameraModel.from_cameras([one], dtype=torch.float64).project(torch.tensor(np.asarray(points)))
    assert projection.valid.all()
    return projection.pixels[0].numpy()


def before(camera, seed=0, depth=(40.0, 90.0), spread=0.3) -> np.ndarray:
    """World points in front of a camera."""
    rng = np.random.default_rng(seed)
    z = rng.uniform(*depth, (20, 1))
    inside = np.concatenate((rng.uniform(-spread, spread, (20, 2)) * z, z), 1)
    return (inside - camera.translation) @ camera.rotation


def sample(name: str, how: CameraFile | None = None, tell=lambda sentence: None):
    return read_cameras(SAMPLES / name, how, tell)


METERS = CameraFile(unit="m")


@pytest.mark.parametrize("folder", ["colmap_binary", "colmap_text"])
def test_colmap_models_are_seen_as_colmap_sees_them(folder):
    told = json.loads((SAMPLES / "colmap_pixels.json").read_text())
    cameras = sample(folder, METERS)
    assert [camera.name for camera in cameras] == ["left", "middle", "right", "top"]  # one for each folder of images
    assert [camera.lens for camera in cameras] == ["brown", "fisheye", "brown", "brown"]
    for camera in cameras:
        found = sees(camera, 100 * np.array(told["points"]))
        np.testing.assert_allclose(found, told["pixels"][camera.name], atol=PIXELS)


def test_a_colmap_model_is_found_by_any_of_its_files_and_scaled_by_a_measured_distance():
    by_file = sample("colmap_text/images.txt", CameraFile(distance=("left", "right", 91.0)))
    centers = {c.name: -c.rotation.T @ c.translation for c in by_file}
    assert np.linalg.norm(centers["left"] - centers["right"]) == pytest.approx(91)
    by_scale = sample("colmap_binary", CameraFile(scale=100.0))
    assert np.linalg.norm(by_scale[0].translation) == pytest.approx(282.4889, abs=1e-3)
    with pytest.raises(
        TakeError, match=r"holds a reconstruction without scale; give --unit .* --distance left,middle="
    ):
        sample("colmap_binary")
    with pytest.raises(TakeError, match="has no camera 'cam9'; it has left, middle, right, top"):
        sample("colmap_binary", CameraFile(distance=("left", "cam9", 10)))


def test_images_of_a_moving_camera_are_not_taken_for_one(tmp_path):
    for name in ("cameras.txt", "images.txt"):
        text = (SAMPLES / "colmap_text" / name).read_text().replace("middle/0002", "left/0003")
        (tmp_path / name).write_text(text.replace("/", "_"))
    each = read_cameras(tmp_path, METERS)
    assert [camera.name for camera in each][:3] == ["left_0001", "left_0002", "left_0003"]
    with pytest.raises(TakeError, match=r"'left_0001.jpg' and 'left_0003.jpg' .* were made from different places"):
        read_cameras(tmp_path, CameraFile(unit="m", images="{camera}_####.jpg"))
    notes = []
    some = read_cameras(tmp_path, CameraFile(unit="m", images="{camera}_0001.jpg"), notes.append)
    assert [camera.name for camera in some] == ["left", "middle", "right", "top"]
    assert notes == ["4 of 8 images are not named like '{camera}_0001.jpg' and left out."]
    with pytest.raises(
        TakeError, match=r"no image in .* is named like 'IMG_\{camera\}\.jpg'; the first is 'left_0001.jpg'"
    ):
        read_cameras(tmp_path, CameraFile(unit="m", images="IMG_{camera}.jpg"))


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
        np.testing.assert_allclose(sees(camera, points), expected[:, 0] + 0.5, atol=PIXELS)


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
        np.testing.assert_allclose(sees(camera, points), expected[:, 0] + 0.5, atol=PIXELS)
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
        np.testing.assert_allclose(sees(camera, points), expected[:, 0] + 0.5, atol=PIXELS)


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
    np.testing.assert_allclose(sees(camera, points), expected[:, 0] + 0.5, atol=PIXELS)
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
            np.testing.assert_allclose(sees(one, points), expected[:, 0] + 0.5, atol=PIXELS)


def metashape_pixels(points: np.ndarray, k: dict, size: tuple[int, int]) -> np.ndarray:
    """The manual's frame camera, of points (n, 3) in the camera's axes."""
    x, y = points[:, 0] / points[:, 2], points[:, 1] / points[:, 2]
    r = np.hypot(x, y)
    radial = 1 + k["k1"] * r**2 + k["k2"] * r**4 + k["k3"] * r**6 + k["k4"] * r**8
    xp = x * radial + k["p1"] * (r**2 + 2 * x**2) + 2 * k["p2"] * x * y
    yp = y * radial + k["p2"] * (r**2 + 2 * y**2) + 2 * k["p1"] * x * y
    u = size[0] / 2 + k["cx"] + xp * k["f"] + xp * k["b1"] + yp * k["b2"]
    return np.stack((u, size[1] / 2 + k["cy"] + yp * k["f"]), 1)


@pytest.mark.parametrize(("fourth", "tolerance"), [(None, 0.06), (0.0, PIXELS)])
def test_metashape_cameras_are_seen_as_its_manual_says(tmp_path, fourth, tolerance):
    """As it was written, with a fourth radial coefficient that a rational model fits, and without that one."""
    text = (SAMPLES / "metashape.xml").read_text()
    (tmp_path / "c.xml").write_text(text if fourth is None else re.sub("<k4>.*</k4>", f"<k4>{fourth}</k4>", text))
    text = (tmp_path / "c.xml").read_text()
    (camera,) = read_cameras(tmp_path / "c.xml")
    k = {
        key: float(re.search(f"<{key}>(.*)</{key}>", text)[1])
        for key in ["f", "cx", "cy", "b1", "b2", "k1", "k2", "k3", "k4", "p1", "p2"]
    }
    numbers = [np.array(row.split(), float) for row in re.findall(r'(?:locked="true"|transform)>([-\d. ]+)<', text)]
    rotation, translation, scale, to_chunk = numbers[0].reshape(3, 3), numbers[1], numbers[2], numbers[3].reshape(4, 4)
    center = scale * rotation @ to_chunk[:3, 3] + translation
    axes = rotation @ to_chunk[:3, :3]
    inside = np.random.default_rng(0).uniform((-0.68, -0.5, 1), (0.68, 0.5, 1), (200, 3)) * 50.0
    world = (inside @ axes.T + center) * 100
    np.testing.assert_allclose(sees(camera, world), metashape_pixels(inside, k, (5280, 3956)), atol=tolerance)
    assert camera.name == "000001-01_00001"


def test_a_metashape_chunk_without_scale_needs_one(tmp_path):
    text = (SAMPLES / "metashape.xml").read_text()
    (tmp_path / "c.xml").write_text(re.sub("<components.*</components>", "", text, flags=re.DOTALL))
    with pytest.raises(TakeError, match="holds a reconstruction without scale"):
        read_cameras(tmp_path / "c.xml")
    (camera,) = read_cameras(tmp_path / "c.xml", METERS)
    assert np.linalg.norm(camera.translation) == pytest.approx(
        100 * np.linalg.norm((7.04224697, 7.05403071, 0.43561421))
    )


def test_a_metashape_fisheye(tmp_path):
    text = (SAMPLES / "metashape.xml").read_text().replace('type="frame"', 'type="fisheye"')
    for key in ("p1", "p2", "b1", "b2"):
        text = re.sub(f"<{key}>.*</{key}>", "", text)
    (tmp_path / "c.xml").write_text(text)
    (camera,) = read_cameras(tmp_path / "c.xml", METERS)
    assert camera.lens == "fisheye"
    np.testing.assert_allclose(camera.distortion, (-0.0919367147, -0.0762807468, 0.1162639394, -0.0761413904))


def test_realitycapture_csv_is_seen_as_its_angles_say():
    size = (3840, 2880)
    (camera,) = sample("realitycapture.csv", CameraFile(unit="m", image_size=lambda name: size))
    assert camera.name == "frame_00001"
    heading, pitch, roll = 170.3483067926429, 85.18637269312288, -22.74995074830745
    to_world = Rotation.from_euler("ZXY", (-heading, pitch, roll), degrees=True).as_matrix()
    position = np.array([44.5876747664166, 138.823621534044, 6.821916401534405])
    inside = np.random.default_rng(0).uniform((-0.8, -0.6, -1), (0.8, 0.6, -1), (60, 3)) * 7.0  # looks along -z, y up
    x, y = inside[:, 0] / -inside[:, 2], inside[:, 1] / inside[:, 2]
    r = np.hypot(x, y)
    radial = 1 + 3.114799768048152e-3 * r**2 + 4.026391718074555e-3 * r**4 - 1.795976992379612e-3 * r**6
    focal = 14.2390682243052 / 36 * 3840
    u = 1920 + 3840 * -9.482184385774318e-4 + focal * x * radial
    v = 1440 + 3840 * -2.446553068050568e-4 + focal * y * radial
    found = sees(camera, (inside @ to_world.T + position) * 100)
    np.testing.assert_allclose(found, np.stack((u, v), 1), atol=PIXELS)
    with pytest.raises(TakeError, match=r"image 'frame_00001.jpeg' .* has no image size; give it with --image-size"):
        sample("realitycapture.csv", METERS)


def test_realitycapture_xmp_is_seen_as_epics_formulas_say(tmp_path):
    size = (6000, 4000)
    for name in ("left", "right"):
        (tmp_path / f"{name}.xmp").write_text((SAMPLES / "realitycapture.xmp").read_text())
    text = (tmp_path / "right.xmp").read_text()
    (tmp_path / "right.xmp").write_text(text.replace("66.8850552499877 45.25", "66.9850552499877 46.05"))
    left, right = read_cameras(tmp_path, CameraFile(unit="m", image_size=lambda name: size))
    assert (left.name, right.name) == ("left", "right")
    rotation = np.fromstring(re.search("<xcr:Rotation>(.*)</", text)[1], sep=" ").reshape(3, 3)
    points = before(left, spread=0.4)
    x = (points / 100 - (66.8850552499877, 45.2551194778559, 5.45377092514118)) @ rotation.T
    a = x[:, :2] / x[:, 2:]
    r2 = (a**2).sum(1, keepdims=True)
    a = a * (1 - 0.124217384759894 * r2 + 0.107339706650415 * r2**2 - 0.0104748224573926 * r2**3)
    scaled = a * 24.3765359225552 / 36 + (-0.000464752782510192, -0.000823593392050301)
    np.testing.assert_allclose(sees(left, points), scaled * 6000 + (3000, 2000), atol=PIXELS)
    (tmp_path / "right.xmp").write_text(text.replace("brown3", "division"))
    with pytest.raises(TakeError, match="uses the distortion model 'division', which is not supported; choose Brown3"):
        read_cameras(tmp_path, CameraFile(unit="m", image_size=lambda name: size))


def test_blenders_transforms_look_where_blender_looked():
    (camera,) = sample("blender_transforms.json", CameraFile(scale=10.0, image_size=lambda name: (800, 800)))
    assert camera.name == "r_0"
    np.testing.assert_allclose(
        sees(camera, [[0.0, 0, 0]]), [[400, 400]], atol=PIXELS
    )  # all scenes are around the origin
    focal = 400 / np.tan(0.6911112070083618 / 2)
    distance = 10 * np.hypot(2.737260103225708, 2.959291696548462)
    high = sees(camera, [[0.0, 0, 2.0]])[0]  # z is up in Blender: a point above is higher in the image
    tilt = np.arctan2(2.959291696548462, 2.737260103225708)
    expected = 400 - focal * 2 * np.cos(tilt) / (distance - 2 * np.sin(tilt))
    np.testing.assert_allclose(high, (400, expected), atol=PIXELS)


def opentrackio(**lens) -> dict:
    record = json.loads((SAMPLES / "opentrackio.json").read_text())
    record["lens"].pop("distortion")
    record["lens"].update(lens)
    record["static"]["camera"]["activeSensorResolution"] = {"width": 3840, "height": 2560}
    return record


def test_opentrackio_is_seen_as_openlensio_says(tmp_path):
    """camdkit's own sample, with the distortion of a real lens: its own numbers, 1 2 3, fold the image."""
    radial, tangential = [-2.1e-4, 0.0, 1.1e-7, 0.0], [1.2e-6, -0.7e-6]
    lens = {"model": "Brown-Conrady U-D", "radial": radial, "tangential": tangential}
    (tmp_path / "c.json").write_text(json.dumps(opentrackio(distortion=[lens])))
    (camera,) = read_cameras(tmp_path / "c.json")
    assert (camera.name, camera.size) == ("A", (3840, 2560))
    points = before(camera, spread=0.4)
    turn = Rotation.from_euler("ZXY", (180, 90, 45), degrees=True).as_matrix()
    rest = (points / 100 - (1, 2, 3)) @ turn  # x to the right, y forward, z up
    x = np.stack((rest[:, 0], -rest[:, 2], rest[:, 1] - 0.123), 1)  # screen axes, at the entrance pupil
    e = 24.305 * x[:, :2] / x[:, 2:]
    r2 = (e**2).sum(1, keepdims=True)
    bent = e * (1 + radial[0] * r2 + radial[2] * r2**2)
    both = 2 * e[:, :1] * e[:, 1:]
    bent += np.concatenate(
        (
            tangential[0] * both + tangential[1] * (r2 + 2 * e[:, :1] ** 2),
            tangential[1] * both + tangential[0] * (r2 + 2 * e[:, 1:] ** 2),
        ),
        1,
    )
    expected = (bent + np.array((0.1, 0.2))) * (3840 / 36) + (1920, 1280)
    np.testing.assert_allclose(sees(camera, points), expected, atol=PIXELS)


def test_the_inverse_model_of_opentrackio_is_turned_round(tmp_path):
    radial = [3e-4, 0.0, -1e-7, 0.0]
    (tmp_path / "c.json").write_text(json.dumps(opentrackio(distortion=[{"radial": radial}])))
    (camera,) = read_cameras(tmp_path / "c.json")
    points = before(camera, spread=0.5)
    e = (sees(camera, points) - (1920, 1280)) * (36 / 3840) - (0.1, 0.2)
    r2 = (e**2).sum(1, keepdims=True)
    straight = e * (1 + radial[0] * r2 + radial[2] * r2**2)
    inside = points @ camera.rotation.T + camera.translation
    np.testing.assert_allclose(straight, 24.305 * inside[:, :2] / inside[:, 2:], atol=PIXELS * 36 / 3840)
    (tmp_path / "c.json").write_text((SAMPLES / "opentrackio.json").read_text())
    with pytest.raises(TakeError, match="tangential distortion in the model Brown-Conrady D-U"):
        read_cameras(tmp_path / "c.json", CameraFile(image_size=lambda name: (3840, 2560)))


def test_3dequalizers_script_is_read_without_running_it():
    notes = []
    left, right = sample("3dequalizer.mel", CameraFile(image_size=lambda name: (1920, 1080)), notes.append)
    assert (left.name, right.name) == ("left", "right")
    assert "holds no lens distortion" in notes[0]
    to_world = Rotation.from_euler("YXZ", (-16.309, -4.12, 0.751), degrees=True).as_matrix()  # Maya's zxy
    points = before(left)
    inside = (points - (-32.512, 158.204, 111.043)) @ to_world  # looks along -z, y up
    film = 49.802 * inside[:, :2] / -inside[:, 2:] / 25.4  # inches
    u = 1920 * (0.5 + (film[:, 0] - 0.004724409448819) / 1.102362204724409)
    v = 1080 * (0.5 - (film[:, 1] + 0.002362204724409) / 0.620078740157480)
    np.testing.assert_allclose(sees(left, points), np.stack((u, v), 1), atol=PIXELS)


def test_usd_cameras_are_seen_as_usd_sees_them(tmp_path):
    usd = pytest.importorskip("pxr.Usd", reason='needs usd-core: pip install "facesolve[usd]"')
    from pxr import Gf, UsdGeom

    stage = usd.Stage.CreateNew(str(tmp_path / "c.usda"))
    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    lens = Gf.Camera()
    lens.focalLength, lens.horizontalAperture, lens.verticalAperture = 35.0, 24.0, 13.5
    lens.horizontalApertureOffset, lens.verticalApertureOffset = 0.3, -0.2
    move = Gf.Matrix4d().SetTranslate(Gf.Vec3d(0.2, 1.5, 0.9))
    lens.transform = Gf.Matrix4d().SetRotate(Gf.Rotation(Gf.Vec3d(0.1, 1, 0.2), 14.0)) * move
    camera = UsdGeom.Camera.Define(stage, "/stage/left")
    camera.SetFromCamera(lens, usd.TimeCode.Default())
    stage.Save()
    (found,) = read_cameras(tmp_path / "c.usda", CameraFile(image_size=lambda name: (1920, 1080)))
    points = before(found)
    view = lens.frustum.ComputeViewMatrix() * lens.frustum.ComputeProjectionMatrix()
    ndc = np.array([view.Transform(Gf.Vec3d(*(point / 100))) for point in points])
    expected = np.stack(((ndc[:, 0] + 1) / 2 * 1920, (1 - ndc[:, 1]) / 2 * 1080), 1)
    np.testing.assert_allclose(sees(found, points), expected, atol=PIXELS)


@pytest.mark.parametrize(
    ("layout", "name", "how"),
    [
        ("json", "c.json", None),
        ("yml", "c.yml", None),
        ("xml", "c.xml", None),
        ("opentrackio", "c.json", None),
        ("colmap", "model", CameraFile(unit="cm")),
        ("nerfstudio", "c.json", CameraFile(unit="cm")),
    ],
)
def test_what_is_written_reads_back_as_it_was(tmp_path, layout, name, how):
    cameras = [c for c in sample("colmap_binary", METERS) if layout != "opentrackio" or c.lens == LENSES[0]]
    if layout == "nerfstudio":  # has no rational lens
        cameras = [c if len(c.distortion) < 8 else replace(c, distortion=c.distortion[:5]) for c in cameras]
    write_cameras(cameras, tmp_path / name, layout)
    found = read_cameras(tmp_path / name, how)
    assert [c.name for c in found] == [c.name for c in cameras]
    for camera, expected in zip(found, cameras, strict=True):
        assert (camera.size, camera.lens) == (expected.size, expected.lens)
        points = before(expected)
        np.testing.assert_allclose(sees(camera, points), sees(expected, points), atol=1e-6)


def test_what_facesolve_exports_to_usd_reads_back_with_its_lenses(tmp_path):
    pytest.importorskip("pxr", reason='needs usd-core: pip install "facesolve[usd]"')
    from facesolve.export.usd import write_usd
    from tests.export.performances import performance

    one = performance(tmp_path)
    still = one.take.cameras[:1]
    write_usd(replace(one, take=replace(one.take, cameras=still, footage=one.take.footage[:1])), tmp_path / "h.usda")
    (found,) = read_cameras(tmp_path / "h.usda")
    assert (found.name, found.size) == (still[0].name, (still[0].width, still[0].height))
    np.testing.assert_allclose(found.intrinsics, still[0].intrinsics, rtol=1e-5)
    np.testing.assert_allclose(found.distortion, still[0].distortion)
    np.testing.assert_allclose(found.translation, still[0].translation, atol=1e-4)


def test_a_format_is_told_by_what_is_in_the_file_not_by_its_name(tmp_path):
    for name, how in (("kalibr.yaml", None), ("caliscope.toml", None), ("aniposelib.toml", CameraFile(unit="mm"))):
        (tmp_path / "cameras.txt").write_bytes((SAMPLES / name).read_bytes())
        assert read_cameras(tmp_path / "cameras.txt", how)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"Kaydara FBX Binary  \x00\x1a\x00", "is not as an FBX exporter writes it"),
        (b"hello", "is no camera file that is read; those are Facesolve's and the thesis' JSON"),
        (b"\x00\x01\x02", "is no camera file that is read"),
        (b"[1, 2]", "must hold a JSON object"),
        (b"{", "is not valid JSON"),
        (b"{}", "holds no camera"),
        (b'{"a": {"b": 1}}', "is no camera file that is read"),
        (b"<a", "is not readable XML"),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><document/>", "declares a document type"),
        (b"<html/>", "is no camera file"),
        (b"cam0: {intrinsics: [1, 2", "is not readable YAML"),
        (b"cam0: {intrinsics: [1, 2]}\n", "is not as Kalibr writes it"),
        (
            b"[cam_0]\nsize=[1,2]\nmatrix=[[1]]\ndistortions=[0]\nrotation=[0,0,0]\ntranslation=[0,0,0]",
            "is not as anip",
        ),
        (b'{"frames": [{"transform_matrix": [[1]], "fl_x": 1, "w": 1, "h": 1}]}', "is not as nerfstudio writes it"),
        (b"#usda 1.0\n(", "is not readable USD|needs 'usd-core'"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(tmp_path, content, says):
    (tmp_path / "c").write_bytes(content)
    with pytest.raises(TakeError, match=says) as raised:
        read_cameras(tmp_path / "c")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("keep", [3, 20, 200, 350])
def test_binary_models_cut_short_are_one_sentence(tmp_path, keep):
    (tmp_path / "cameras.bin").write_bytes((SAMPLES / "colmap_binary" / "cameras.bin").read_bytes())
    (tmp_path / "images.bin").write_bytes((SAMPLES / "colmap_binary" / "images.bin").read_bytes()[:keep])
    with pytest.raises(TakeError, match=r"is not as COLMAP writes it .*cut short"):
        read_cameras(tmp_path, METERS)
