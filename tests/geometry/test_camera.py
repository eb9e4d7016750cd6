"""Projection, distortion and clip space against OpenCV and finite differences."""

import cv2
import numpy as np
import pytest
import torch

from facesolve.geometry.camera import (
    CameraModel,
    clip_matrix,
    intrinsics_from_opencv,
    intrinsics_to_opencv,
    map_to_opencv,
    resized,
    scaled,
    undistortion_maps,
    warped,
    without_distortion,
)
from facesolve.take import Camera

DISTORTIONS = {
    "none": (),
    "four": (-0.21, 0.06, 0.0011, -0.0017),
    "five": (-0.25, 0.11, -0.0012, 0.0009, -0.03),
    "rational": (0.31, -0.17, 0.0008, -0.0011, 0.02, 0.42, -0.12, 0.01),
}


def camera(distortion=(), seed=0, **changes) -> Camera:
    rng = np.random.default_rng(seed)
    fields = {
        "name": f"cam{seed}",
        "width": 640,
        "height": 480,
        "intrinsics": np.array([[700.0, 0.8, 311.3], [0, 690.0, 251.7], [0, 0, 1]]),
        "rotation": cv2.Rodrigues(rng.normal(size=3))[0],
        "translation": rng.normal(size=3),
        "distortion": np.array(distortion),
    }
    return Camera(**{**fields, **changes})


def world_points(of: Camera, count: int = 50) -> np.ndarray:
    """Points 30 to 80 cm before the camera that land in its image or a little outside."""
    rng = np.random.default_rng(7)
    depth = rng.uniform(30, 80, (count, 1))
    in_camera = np.concatenate((rng.uniform(-0.45, 0.45, (count, 2)) * depth, depth), 1)
    return (in_camera - of.translation) @ of.rotation


def model_of(*cameras: Camera, frame_index=0, dtype=torch.float64) -> CameraModel:
    return CameraModel.from_cameras(cameras, frame_index, dtype=dtype)


@pytest.mark.parametrize("distortion", DISTORTIONS.values(), ids=DISTORTIONS)
def test_projection_equals_opencv(distortion):
    one = camera(distortion, intrinsics=np.array([[700.0, 0, 311.3], [0, 690.0, 251.7], [0, 0, 1]]))
    points = world_points(one)
    expected, _ = cv2.projectPoints(
        points, one.rotation, one.translation, intrinsics_to_opencv(one.intrinsics), one.distortion
    )
    projection = model_of(one).project(torch.from_numpy(points))
    np.testing.assert_allclose(projection.pixels[0], expected[:, 0] + 0.5, atol=1e-9)
    np.testing.assert_allclose(projection.depth[0], (points @ one.rotation.T + one.translation)[:, 2])
    assert projection.valid.all()


@pytest.mark.parametrize("distortion", DISTORTIONS.values(), ids=DISTORTIONS)
def test_projection_jacobian_equals_finite_differences(distortion):
    one = camera(distortion)
    points = torch.from_numpy(world_points(one))
    model = model_of(one)
    projection, jacobian = model.project_with_jacobian(points)
    torch.testing.assert_close(projection.pixels, model.project(points).pixels)
    step = 1e-4
    columns = []
    for axis in range(3):
        offset = step * torch.eye(3, dtype=torch.float64)[axis]
        columns.append((model.project(points + offset).pixels - model.project(points - offset).pixels) / (2 * step))
    torch.testing.assert_close(jacobian, torch.stack(columns, -1), atol=1e-7, rtol=1e-7)


def test_mixed_lenses_and_frames_broadcast():
    cameras = [camera(d, seed) for seed, d in enumerate(DISTORTIONS.values())]
    moving = np.stack([cameras[1].translation, cameras[1].translation + np.array([0, 0, 5])])
    cameras[1] = camera(DISTORTIONS["four"], 1, translation=moving)
    points = torch.from_numpy(np.random.default_rng(1).normal(size=(2, 1, 6, 3)) * 20)
    together = model_of(*cameras, frame_index=[0, 1]).project(points)
    assert together.pixels.shape == (2, 4, 6, 2)
    for frame in range(2):
        for i, one in enumerate(cameras):
            alone = model_of(one, frame_index=frame).project(points[frame, 0])
            torch.testing.assert_close(together.pixels[frame, i], alone.pixels[0])
            torch.testing.assert_close(together.valid[frame, i], alone.valid[0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("distortion", DISTORTIONS.values(), ids=DISTORTIONS)
def test_points_behind_or_in_the_camera_are_invalid_and_finite(distortion, dtype):
    one = camera(distortion, rotation=np.eye(3), translation=np.zeros(3))
    points = torch.tensor(
        [[0, 0, -10], [1, 1, 0], [0, 0, 0], [9, 9, 1e-6], [0, 0, 10]], dtype=dtype, requires_grad=True
    )
    projection, jacobian = model_of(one, dtype=dtype).project_with_jacobian(points)
    assert projection.valid.tolist() == [[False] * 4 + [True]]
    assert torch.isfinite(projection.pixels).all()
    assert torch.isfinite(jacobian).all()
    assert (projection.pixels[0, :4] < -1000).all()
    projection.pixels.sum().backward()
    assert torch.isfinite(points.grad).all()


def test_points_beyond_the_lens_model_do_not_fold_into_the_image():
    barrel = camera((-0.4, 0.0, 0, 0), rotation=np.eye(3), translation=np.zeros(3))
    turning = 1 / np.sqrt(3 * 0.4)  # d(r - 0.4 r^3)/dr = 0
    points = torch.tensor([[turning * 0.99, 0, 1], [turning * 1.01, 0, 1], [0, 1.6, 1]], dtype=torch.float64) * 50
    assert model_of(barrel).project(points).valid.tolist() == [[True, False, False]]


@pytest.mark.parametrize("distortion", DISTORTIONS.values(), ids=DISTORTIONS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-8), (torch.float32, 2e-3)])
def test_undistort_points_undoes_distortion(distortion, dtype, tolerance):
    one = camera(distortion)
    points = torch.from_numpy(world_points(one)).to(dtype)
    distorted = model_of(one, dtype=dtype).project(points).pixels
    undistorted, valid = model_of(one, dtype=dtype).undistort_points(distorted)
    expected = model_of(without_distortion(one), dtype=dtype).project(points).pixels
    assert valid.all()
    torch.testing.assert_close(undistorted, expected, atol=tolerance, rtol=0)


def test_undistort_points_says_where_the_lens_model_ends():
    barrel = camera((-0.4, 0.0, 0, 0))
    far = torch.tensor([[311.3, 251.7], [311.3 + 700 * 0.7, 251.7]], dtype=torch.float64)  # r - 0.4 r^3 peaks at 0.609
    pixels, valid = model_of(barrel).undistort_points(far)
    assert valid.tolist() == [[True, False]]
    assert torch.isfinite(pixels).all()


@pytest.mark.parametrize("distortion", DISTORTIONS.values(), ids=DISTORTIONS)
def test_undistortion_maps_equal_opencv(distortion):
    one = camera(distortion, intrinsics=np.array([[700.0, 0, 311.3], [0, 690.0, 251.7], [0, 0, 1]]))
    opencv = intrinsics_to_opencv(one.intrinsics)
    expected = cv2.initUndistortRectifyMap(opencv, one.distortion, None, opencv, (640, 480), cv2.CV_32FC1)
    for actual, reference in zip(undistortion_maps(one), expected, strict=True):
        assert actual.dtype == np.float32
        np.testing.assert_allclose(actual, reference, atol=1e-3)


def test_undistorted_image_fits_the_pinhole_camera():
    """A spot drawn where the distorted camera sees a point is found where the pinhole camera sees it."""
    one = camera(DISTORTIONS["four"], rotation=np.eye(3), translation=np.zeros(3))
    point = torch.tensor([[11.0, -9.0, 40.0]], dtype=torch.float64)
    u, v = model_of(one).project(point).pixels[0, 0].numpy()
    x, y = np.meshgrid(np.arange(640) + 0.5, np.arange(480) + 0.5)
    image = np.exp(-((x - u) ** 2 + (y - v) ** 2) / 18).astype(np.float32)
    undistorted = cv2.remap(image, *undistortion_maps(one), cv2.INTER_LINEAR)
    found = [(undistorted * c).sum() / undistorted.sum() for c in (x, y)]
    expected = model_of(without_distortion(one)).project(point).pixels[0, 0]
    np.testing.assert_allclose(found, expected, atol=0.02)


def test_scaled_camera_sees_the_block_means():
    one = camera(width=641, height=480)
    half = scaled(one, 0.5)
    assert (half.width, half.height) == (320, 240)
    points = torch.from_numpy(world_points(one))
    torch.testing.assert_close(model_of(half).project(points).pixels, model_of(one).project(points).pixels / 2)


def test_intrinsics_from_opencv_move_the_first_pixel_center():
    """A point on the ray of OpenCV's pixel (0, 0) lands at (0.5, 0.5)."""
    opencv = np.array([[500.0, 0, 320], [0, 500, 240], [0, 0, 1]])
    one = camera(intrinsics=intrinsics_from_opencv(opencv), rotation=np.eye(3), translation=np.zeros(3))
    ray = torch.from_numpy(np.linalg.inv(opencv) @ (0, 0, 1.0))[None] * 10
    np.testing.assert_allclose(model_of(one).project(ray).pixels[0, 0], (0.5, 0.5))


def test_clip_space_has_row_zero_at_minus_one():
    cameras = [camera(seed=0), camera(seed=1, width=800, height=600)]
    model = model_of(*cameras)
    points = torch.from_numpy(world_points(cameras[0]))
    projection = model.project(points)
    homogeneous = torch.cat((points, torch.ones(len(points), 1, dtype=torch.float64)), 1)
    clip = homogeneous @ model.clip_matrices(1.0, 500.0).mT
    torch.testing.assert_close(clip[..., 3], projection.depth)
    sizes = torch.stack((model.widths, model.heights), -1)[:, None]
    pixels = (clip[..., :2] / clip[..., 3:] + 1) / 2 * sizes
    torch.testing.assert_close(pixels[projection.valid], projection.pixels[projection.valid], rtol=1e-12, atol=1e-9)


def test_clip_depth_runs_from_near_to_far():
    matrix = clip_matrix(torch.eye(3), torch.eye(3), torch.zeros(3), 10, 10, near=2.0, far=50.0)
    for depth, expected in ((2.0, -1.0), (50.0, 1.0)):
        x = matrix @ torch.tensor([0, 0, depth, 1])
        assert (x[2] / x[3]).item() == pytest.approx(expected, abs=1e-5)


def test_a_pixel_map_is_that_of_centers_at_one_half():
    image = np.zeros((40, 40), np.float32)
    image[10:12, 20:22] = 1  # its middle is (21, 11)
    pixel_map = np.array([[0.0, -3.0, 60.0], [3.0, 0.0, -50.0]])  # the middle goes to (27, 13)
    moved = cv2.warpAffine(image, map_to_opencv(pixel_map), (40, 40))
    rows, columns = np.mgrid[:40, :40] + 0.5
    assert (moved * columns).sum() / moved.sum() == pytest.approx(27, abs=0.02)
    assert (moved * rows).sum() / moved.sum() == pytest.approx(13, abs=0.02)


def test_warped_and_resized_cameras_see_points_where_their_images_show_them():
    one = camera(translation=np.array([0.0, 0, 50]))
    points = torch.tensor(np.random.default_rng(1).normal(size=(20, 3)) * 4)
    pixels = CameraModel.from_cameras([one], dtype=torch.float64).project(points).pixels[0].numpy()
    pixel_map = np.array([[0.9, -0.2, 12.0], [0.2, 0.9, -7.0]])
    moved, large = warped(one, pixel_map), resized(one, 1000, 360)
    found = CameraModel.from_cameras([moved], dtype=torch.float64).project(points).pixels[0].numpy()
    np.testing.assert_allclose(found, pixels @ pixel_map[:, :2].T + pixel_map[:, 2], atol=1e-6)
    found = CameraModel.from_cameras([large], dtype=torch.float64).project(points).pixels[0].numpy()
    np.testing.assert_allclose(found, pixels * (1000 / 640, 360 / 480), atol=1e-6)
    assert (large.width, large.height) == (1000, 360)
