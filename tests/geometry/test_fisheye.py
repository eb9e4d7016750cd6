"""Fisheye lenses against cv2.fisheye, through every file that holds a camera, and beside other lenses."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from facesolve.footage.undistort import Undistortion
from facesolve.geometry.camera import (
    intrinsics_to_opencv,
    pixels_from_opencv,
    pixels_to_opencv,
    undistortion_maps,
    without_distortion,
)
from facesolve.geometry.camera_files import as_calibrated, read_cameras, write_cameras
from facesolve.take import Camera, TakeError, read_take, write_take
from tests.geometry.test_camera import DISTORTIONS, camera, model_of
from tests.take import rigs

COEFFICIENTS = {
    "equidistant": (),
    "barrel": (-0.012, 0.004, -0.0013, 0.0002),
    "wide": (0.051, -0.021, 0.013, -0.0042),
}
STRAIGHT = np.array([[330.0, 0, 311.3], [0, 325.0, 251.7], [0, 0, 1]])


def fisheye(coefficients=(), seed=0) -> Camera:
    return camera(coefficients, seed, intrinsics=STRAIGHT, lens="fisheye")


def points_before(one: Camera, widest: float = 70.0, count: int = 80) -> np.ndarray:
    """World points up to ``widest`` degrees off the axis; the first is on it."""
    rng = np.random.default_rng(3)
    angle, turn = np.radians(rng.uniform(0, widest, count)), rng.uniform(0, 2 * np.pi, count)
    angle[0] = 0
    ray = np.stack((np.sin(angle) * np.cos(turn), np.sin(angle) * np.sin(turn), np.cos(angle)), 1)
    return (ray * rng.uniform(30, 80, (count, 1)) - one.translation) @ one.rotation


def opencv(one: Camera) -> tuple[np.ndarray, np.ndarray]:
    return intrinsics_to_opencv(one.intrinsics), np.pad(one.distortion, (0, 4 - len(one.distortion)))


@pytest.mark.parametrize("coefficients", COEFFICIENTS.values(), ids=COEFFICIENTS)
def test_projection_equals_cv2_fisheye(coefficients):
    one = fisheye(coefficients)
    points = points_before(one)
    turn = cv2.Rodrigues(one.rotation)[0]
    expected, _ = cv2.fisheye.projectPoints(points[:, None], turn, one.translation, *opencv(one))
    projection = model_of(one).project(torch.from_numpy(points))
    assert projection.valid.all()
    np.testing.assert_allclose(projection.pixels[0], pixels_from_opencv(expected[:, 0]), atol=1e-6)


@pytest.mark.parametrize("coefficients", COEFFICIENTS.values(), ids=COEFFICIENTS)
def test_jacobian_equals_finite_differences(coefficients):
    one = fisheye(coefficients)
    points, model = torch.from_numpy(points_before(one)), model_of(one)
    projection, jacobian = model.project_with_jacobian(points)
    step = 1e-4
    columns = []
    for axis in range(3):
        offset = step * torch.eye(3, dtype=torch.float64)[axis]
        columns.append((model.project(points + offset).pixels - model.project(points - offset).pixels) / (2 * step))
    torch.testing.assert_close(jacobian, torch.stack(columns, -1), atol=1e-7, rtol=1e-6)
    slopes = torch.from_numpy(np.random.default_rng(1).normal(size=(1, len(points), 2)))
    pulled = model.pull_back(projection, slopes)
    torch.testing.assert_close(pulled, (slopes[..., None, :] @ jacobian)[..., 0, :], atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("coefficients", COEFFICIENTS.values(), ids=COEFFICIENTS)
def test_undistortion_equals_cv2_fisheye(coefficients):
    one = fisheye(coefficients)
    straight, four = opencv(one)
    expected = cv2.fisheye.initUndistortRectifyMap(straight, four, np.eye(3), straight, (640, 480), cv2.CV_32FC1)
    for actual, reference in zip(undistortion_maps(one), expected, strict=True):
        np.testing.assert_allclose(actual, reference, atol=1e-3)
    pixels = np.random.default_rng(5).uniform((40, 30), (600, 450), (60, 2))
    found, valid = model_of(one).undistort_points(torch.from_numpy(pixels))
    assert valid.all()
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 50, 1e-12)
    reference = cv2.fisheye.undistortPoints(
        pixels_to_opencv(pixels)[:, None], straight, four, P=straight, criteria=criteria
    )
    np.testing.assert_allclose(found[0], pixels_from_opencv(reference[:, 0]), atol=1e-5)


def test_an_image_of_a_fisheye_becomes_that_of_the_pinhole():
    """A spot drawn where the fisheye sees a point is found where the pinhole camera sees it."""
    one = replace(fisheye(COEFFICIENTS["barrel"]), rotation=np.eye(3), translation=np.zeros(3))
    point = torch.tensor([[14.0, -11.0, 40.0]], dtype=torch.float64)
    u, v = model_of(one).project(point).pixels[0, 0].numpy()
    x, y = np.meshgrid(np.arange(640) + 0.5, np.arange(480) + 0.5)
    drawn = np.exp(-((x - u) ** 2 + (y - v) ** 2) / 18).astype(np.float32)
    undistorted = Undistortion(one).pixels(drawn)
    found = [(undistorted * c).sum() / undistorted.sum() for c in (x, y)]
    expected = model_of(without_distortion(one)).project(point).pixels[0, 0].numpy()
    assert np.hypot(u - expected[0], v - expected[1]) > 4
    np.testing.assert_allclose(found, expected, atol=0.1)  # magnified unevenly, the spot leans outwards


def test_lenses_mix_and_brown_ones_stay_as_they_are_to_the_bit():
    cameras = [camera(d, seed) for seed, d in enumerate(DISTORTIONS.values())]
    mixed = [*cameras, fisheye(COEFFICIENTS["wide"], 9), fisheye((), 10)]
    points = torch.from_numpy(np.random.default_rng(1).normal(size=(6, 3)) * 20)
    together, jacobian = model_of(*mixed).project_with_jacobian(points)
    alone, brown = model_of(*cameras).project_with_jacobian(points)
    assert torch.equal(together.pixels[:4], alone.pixels)
    assert torch.equal(jacobian[:4], brown)
    for index in (4, 5):
        torch.testing.assert_close(together.pixels[index], model_of(mixed[index]).project(points).pixels[0])


def test_where_the_lens_model_turns_back_points_are_not_seen():
    one = replace(fisheye((-0.3, 0, 0, 0)), rotation=np.eye(3), translation=np.zeros(3))
    turning = np.sqrt(1 / 0.9)  # d(a - 0.3 a^3)/da = 0
    assert turning > 1
    points = torch.tensor([[np.tan(turning * s), 0, 1] for s in (0.99, 1.01)], dtype=torch.float64) * 40
    assert model_of(one).project(points).valid.tolist() == [[True, False]]


def test_a_fisheye_survives_every_file(tmp_path):
    take = rigs.take(tmp_path)
    one = replace(take.cameras[0], distortion=np.array(COEFFICIENTS["wide"]), lens="fisheye")
    write_take(replace(take, cameras=(one, *take.cameras[1:])), tmp_path / "take")
    assert [c.lens for c in read_take(tmp_path / "take").cameras] == ["fisheye", *["brown"] * (len(take.cameras) - 1)]
    calibrated = as_calibrated(fisheye(COEFFICIENTS["barrel"]))
    for layout, name in (("json", "c.json"), ("yml", "c.yml"), ("xml", "c.xml")):
        write_cameras([calibrated], tmp_path / name, layout)
        (found,) = read_cameras(tmp_path / name)
        assert found.lens == "fisheye"
        np.testing.assert_allclose(found.distortion, COEFFICIENTS["barrel"], atol=1e-15)
    with pytest.raises(TakeError, match="thesis' layout has no fisheye lens"):
        write_cameras([calibrated], tmp_path / "t.json", "thesis")


def test_opencvs_calibration_sample_says_that_its_lens_is_a_fisheye(tmp_path):
    """samples/cpp/tutorial_code/calib3d/camera_calibration writes fisheye_model into its file."""
    storage = cv2.FileStorage(str(tmp_path / "out.yml"), cv2.FILE_STORAGE_WRITE)
    storage.write("fisheye_model", 1)
    storage.write("camera_matrix", STRAIGHT)
    storage.write("distortion_coefficients", np.array(COEFFICIENTS["wide"]).reshape(4, 1))
    storage.release()
    (found,) = read_cameras(tmp_path / "out.yml")
    assert found.lens == "fisheye"


@pytest.mark.parametrize(("lens", "count"), [("fisheye", 5), ("fisheye", 8), ("omni", 4)])
def test_impossible_lenses_are_refused(lens, count):
    with pytest.raises(TakeError, match="expected one of"):
        camera(np.zeros(count), lens=lens)
