"""Files of programs that reconstruct: each is read as its own program means it, within 0.01 pixels of its formulas."""

import json
import re

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from facesolve.geometry.camera_files import CameraFile, read_cameras
from facesolve.take import TakeError

from .seen_by import METERS, PIXELS, SAMPLES, before, sample, seen_alike, sees


@pytest.mark.parametrize("folder", ["colmap_binary", "colmap_text"])
def test_colmap_models_are_seen_as_colmap_sees_them(folder):
    told = json.loads((SAMPLES / "colmap_pixels.json").read_text())
    cameras = sample(folder, METERS)
    assert [camera.name for camera in cameras] == ["left", "middle", "right", "top"]  # one for each folder of images
    assert [camera.lens for camera in cameras] == ["brown", "fisheye", "brown", "brown"]
    for camera in cameras:
        seen_alike(camera, 100 * np.array(told["points"]), told["pixels"][camera.name])


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


@pytest.mark.parametrize("keep", [3, 20, 200, 350])
def test_binary_models_cut_short_are_one_sentence(tmp_path, keep):
    (tmp_path / "cameras.bin").write_bytes((SAMPLES / "colmap_binary" / "cameras.bin").read_bytes())
    (tmp_path / "images.bin").write_bytes((SAMPLES / "colmap_binary" / "images.bin").read_bytes()[:keep])
    with pytest.raises(TakeError, match=r"is not as COLMAP writes it .*cut short"):
        read_cameras(tmp_path, METERS)


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
    seen_alike(camera, world, metashape_pixels(inside, k, (5280, 3956)), most=tolerance)
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
    seen_alike(camera, (inside @ to_world.T + position) * 100, np.stack((u, v), 1))
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
    seen_alike(left, points, scaled * 6000 + (3000, 2000))
    (tmp_path / "right.xmp").write_text(text.replace("brown3", "division"))
    with pytest.raises(TakeError, match="uses the distortion model 'division', which is not supported; choose Brown3"):
        read_cameras(tmp_path, CameraFile(unit="m", image_size=lambda name: size))


def test_blenders_transforms_look_where_blender_looked():
    (camera,) = sample("blender_transforms.json", CameraFile(scale=10.0, image_size=lambda name: (800, 800)))
    assert camera.name == "r_0"
    seen_alike(camera, [[0.0, 0, 0]], [[400, 400]])  # all scenes are around the origin
    focal = 400 / np.tan(0.6911112070083618 / 2)
    distance = 10 * np.hypot(2.737260103225708, 2.959291696548462)
    high = sees(camera, [[0.0, 0, 2.0]])[0]  # z is up in Blender: a point above is higher in the image
    tilt = np.arctan2(2.959291696548462, 2.737260103225708)
    expected = 400 - focal * 2 * np.cos(tilt) / (distance - 2 * np.sin(tilt))
    np.testing.assert_allclose(high, (400, expected), atol=PIXELS)
