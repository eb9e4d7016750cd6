"""Reading by take frame: linear light, offsets, mattes, undistortion, and errors that name camera, frame and file."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from facesolve.footage import open_footage, srgb_to_linear
from facesolve.geometry.camera import intrinsics_to_opencv
from facesolve.take import Camera, Footage, FootageError

from .specimens import HEIGHT, WIDTH, camera, picture, write_image, write_sequence

BARREL = (-0.22, 0.08, 0.001, -0.0015, 0.01)
PINCUSHION = (0.25, 0.05, -0.001, 0.002)


def test_pixels_are_linear_and_numbered_by_offset(tmp_path: Path) -> None:
    footage = write_sequence(tmp_path)
    image = open_footage(footage, camera()).read(1004)
    assert image.pixels.dtype == np.float32
    np.testing.assert_allclose(image.pixels, srgb_to_linear(picture(3) / 255), atol=1e-6)
    assert image.valid.all()
    assert image.matte is None
    linear = open_footage(replace(footage, color_space="linear"), camera()).read(1004)
    np.testing.assert_allclose(linear.pixels, picture(3) / 255, atol=1e-6)


def test_gray_images_become_three_equal_channels(tmp_path: Path) -> None:
    write_image(tmp_path / "g1.tif", picture(0, dtype=np.uint16)[..., 1])
    image = open_footage(Footage("left", (tmp_path / "g{frame}.tif").as_posix()), camera()).read(1)
    assert image.pixels.shape == (HEIGHT, WIDTH, 3)
    expected = srgb_to_linear(picture(0, dtype=np.uint16)[..., 1] / 65535)
    np.testing.assert_allclose(image.pixels, np.dstack([expected] * 3), atol=1e-6)


def test_values_that_are_not_finite_are_unseen(tmp_path: Path) -> None:
    pixels = np.full((HEIGHT, WIDTH, 3), 0.5, np.float32)
    pixels[4, 5, 1], pixels[6, 7, 0] = np.nan, np.inf
    write_image(tmp_path / "f1.tif", pixels)
    footage = Footage("left", (tmp_path / "f{frame}.tif").as_posix(), color_space="linear")
    image = open_footage(footage, camera()).read(1)
    assert np.isfinite(image.pixels).all()
    assert np.argwhere(~image.valid).tolist() == [[4, 5], [6, 7]]
    bent = open_footage(footage, camera(distortion=BARREL)).read(1)
    assert not bent.valid[4:8, 4:9].all()
    assert bent.valid.mean() > 0.98


def test_mattes(tmp_path: Path) -> None:
    footage = replace(write_sequence(tmp_path), matte=(tmp_path / "matte_{frame:04d}.png").as_posix())
    coverage = np.zeros((HEIGHT, WIDTH), np.uint8)
    coverage[8:24, 10:30], coverage[8:24, 30] = 255, 51
    write_image(tmp_path / "matte_0002.png", coverage)
    write_image(tmp_path / "matte_0003.png", np.dstack([coverage.astype(np.uint16) * 257] * 3))
    reader = open_footage(footage, camera())
    for frame in (1003, 1004):
        matte = reader.read(frame).matte
        assert matte is not None
        assert matte.dtype == np.float32
        np.testing.assert_allclose(matte, coverage / 255, atol=1e-6)
    with pytest.raises(FootageError, match=r"camera 'left', frame 1005: '.*matte_0004.png' does not exist"):
        reader.read(1005)


def test_errors_name_camera_frame_and_file(tmp_path: Path) -> None:
    footage = write_sequence(tmp_path, suffix=".jpg")
    reader = open_footage(footage, camera())
    with pytest.raises(
        FootageError, match=r"^camera 'left', frame 1007: '.*left_0006.jpg' does not exist; check .*\.$"
    ):
        reader.read(1007)
    path = tmp_path / "left_0002.jpg"
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(FootageError, match=r"^camera 'left', frame 1003: '.*left_0002.jpg' is truncated .*again\.$"):
        reader.read(1003)
    with pytest.raises(FootageError, match=r"frame 1002: .* is 48x32 pixels, but the camera is calibrated at 64x32"):
        open_footage(footage, camera(width=64)).read(1002)


def _wave(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A pattern of 25 to 31 pixels period at image positions whose first pixel center is (0.5, 0.5)."""
    return 0.5 + 0.2 * np.sin(x / 5) + 0.2 * np.cos(y / 4 + 0.3)


def _lens(distortion: tuple[float, ...]) -> Camera:
    intrinsics = np.array([[300.0, 0, 121.3], [0, 305, 83.4], [0, 0, 1]])
    return Camera("lens", 240, 160, intrinsics, np.eye(3), np.zeros(3), np.array(distortion))


def _write_distorted(path: Path, lens: Camera) -> None:
    """What ``lens`` sees of the wave: every stored pixel takes the value at its place in the ideal image."""
    rows, columns = np.mgrid[: lens.height, : lens.width]
    seen = np.stack((columns.ravel(), rows.ravel()), axis=-1) + 0.0
    intrinsics = intrinsics_to_opencv(lens.intrinsics)
    focal, center = intrinsics[[0, 1], [0, 1]], intrinsics[:2, 2]
    ideal = seen.copy()
    for _ in range(60):
        rays = np.column_stack(((ideal - center) / focal, np.ones(len(ideal))))
        ideal += seen - cv2.projectPoints(rays, np.zeros(3), np.zeros(3), intrinsics, lens.distortion)[0][:, 0]
    ideal = ideal.reshape(lens.height, lens.width, 2) + 0.5
    write_image(path, _wave(ideal[..., 0], ideal[..., 1]).astype(np.float32))


@pytest.mark.parametrize("distortion", [BARREL, PINCUSHION])
def test_undistortion_is_exact_below_a_tenth_of_a_pixel(tmp_path: Path, distortion: tuple[float, ...]) -> None:
    lens = _lens(distortion)
    _write_distorted(tmp_path / "wave1.tif", lens)
    footage = Footage("lens", (tmp_path / "wave{frame}.tif").as_posix(), color_space="linear")
    image = open_footage(footage, lens).read(1)
    rows, columns = np.mgrid[: lens.height, : lens.width] + 0.5
    error = (image.pixels[..., 0] - _wave(columns, rows))[image.valid]
    slope = 0.2 / 5  # of the wave, a pixel
    assert np.sqrt((error**2).mean()) < 0.04 * slope
    assert np.abs(error).max() < 0.1 * slope
    stored = open_footage(replace(footage, undistorted=True), lens).read(1)
    assert np.abs(stored.pixels[..., 0] - _wave(columns, rows)).max() > 10 * slope * 0.1
    assert image.valid.all() == (distortion is BARREL)
    assert stored.valid.all()


def test_outside_the_stored_image_nothing_is_seen_and_the_matte_is_empty(tmp_path: Path) -> None:
    lens = _lens(PINCUSHION)
    write_image(tmp_path / "i1.png", picture(0, 240, 160))
    write_image(tmp_path / "m1.png", np.full((160, 240), 255, np.uint8))
    footage = Footage("lens", (tmp_path / "i{frame}.png").as_posix(), matte=(tmp_path / "m{frame}.png").as_posix())
    image = open_footage(footage, lens).read(1)
    assert image.matte is not None
    assert not image.valid[0, 0]
    assert image.matte[0, 0] == 0
    np.testing.assert_allclose(image.matte[image.valid], 1, atol=1e-3)


def test_a_zooming_lens_is_undistorted_frame_by_frame(tmp_path: Path) -> None:
    still = _lens(BARREL)
    zoom = np.stack([still.intrinsics, still.intrinsics * np.array([[1.5], [1.5], [1]])])
    zoom[1, :2, 2] = still.intrinsics[:2, 2]
    lens = replace(still, intrinsics=zoom)
    for index in (0, 1):
        _write_distorted(tmp_path / f"wave{index}.tif", replace(still, intrinsics=zoom[index]))
    footage = Footage("lens", (tmp_path / "wave{frame}.tif").as_posix(), offset=-7, color_space="linear")
    reader = open_footage(footage, lens, frames=[7, 8])
    rows, columns = np.mgrid[:160, :240] + 0.5
    for frame in (7, 8):
        assert np.abs(reader.read(frame).pixels[..., 0] - _wave(columns, rows)).max() < 0.1 * 0.04
    with pytest.raises(ValueError, match="camera 'lens' zooms"):
        open_footage(footage, lens)


def test_development_footage(facesolve_data: Path) -> None:
    root = facesolve_data / "ict_rom"
    for name, record in json.loads((root / "calibration.json").read_text()).items():
        lens = Camera(
            name,
            record["width"],
            record["height"],
            np.array(record["intrinsic"]),
            np.array(record["rotation"]),
            np.ravel(record["translation"]),
            np.ravel(record["distortion"]),
        )
        pattern = (root / "footage" / name / f"{name}_{{frame:04d}}.jpg").as_posix()
        reader = open_footage(Footage(name, pattern, offset=-1001), lens)
        image = reader.read(1040)
        assert image.pixels.shape == (800, 600, 3)
        assert 0.05 < image.pixels.mean() < 0.6
        with pytest.raises(FootageError, match="frame 1041"):
            reader.read(1041)
