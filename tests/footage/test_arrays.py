"""Footage in memory: read like the same images from files, checked like them, refused where only files will do."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facesolve.footage import check_footage, open_footage
from facesolve.footage.check_pixels import check_images
from facesolve.take import Camera, FacesolveError, Footage, FootageError, Take, write_take
from facesolve.take.frame_range import part_of_take
from tests.take.rigs import rig, take

from .specimens import HEIGHT, WIDTH, camera, picture, write_image

BARREL = (-0.22, 0.08, 0.001, -0.0015, 0.01)
COUNT = 3
COVERAGE = np.zeros((COUNT, HEIGHT, WIDTH), np.uint8)
COVERAGE[:, 8:24, 10:30], COVERAGE[:, 8:24, 30] = 255, 51


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("lens", [camera(), camera(distortion=BARREL)], ids=["straight", "bent"])
def test_arrays_are_read_as_the_same_images_from_files(tmp_path: Path, dtype: type, lens: Camera) -> None:
    images = _images() / np.float32(255) if dtype is np.float32 else _images(dtype)
    for number in range(COUNT):
        write_image(tmp_path / f"image_{number}.tif", images[number])
        write_image(tmp_path / f"matte_{number}.png", COVERAGE[number])
    patterns = [
        (tmp_path / f"{name}_{{frame}}.{kind}").as_posix() for name, kind in (("image", "tif"), ("matte", "png"))
    ]
    files = open_footage(Footage("left", patterns[0], offset=-10, matte=patterns[1]), lens)
    arrays = open_footage(Footage.from_arrays("left", images, COVERAGE, offset=-10), lens)
    for frame in range(10, 10 + COUNT):
        expected, found = files.read(frame), arrays.read(frame)
        for name in ("pixels", "valid", "matte"):
            assert np.array_equal(getattr(found, name), getattr(expected, name)), name


@pytest.mark.parametrize("matte", [COVERAGE == 255, (COVERAGE == 255).astype(float), 255 * (COVERAGE == 255)])
def test_mattes_may_be_bool_or_numbers(matte: np.ndarray) -> None:
    given = matte.astype(np.uint8) if matte.dtype == int else matte
    image = open_footage(Footage.from_arrays("left", _images(), given), camera()).read(1)
    assert image.matte is not None
    assert np.array_equal(image.matte, (COVERAGE[1] == 255).astype(np.float32))


def test_gray_and_double_precision_are_read_and_what_is_not_finite_is_unseen() -> None:
    images = np.full((COUNT, HEIGHT, WIDTH), 0.5)
    images[1, 4, 5] = np.nan
    image = open_footage(Footage.from_arrays("left", images, color_space="linear"), camera()).read(1)
    assert image.pixels.shape == (HEIGHT, WIDTH, 3)
    assert image.pixels.dtype == np.float32
    assert np.argwhere(~image.valid).tolist() == [[4, 5]]


def test_a_frame_without_an_image_is_one_sentence_and_found_before_a_solve() -> None:
    footage = Footage.from_arrays("left", _images())
    with pytest.raises(FootageError, match=r"camera 'left', frame 3: 'images in memory' has 3 images, 0 to 2"):
        open_footage(footage, camera()).read(3)
    filmed = _take(camera(), footage, 5)
    with pytest.raises(FootageError, match="has 3 images, 0 to 2, but 2 frames of the take from 3 on"):
        check_images(filmed)
    assert check_footage(part_of_take(filmed, 0, 2)) == []


def test_images_of_another_size_than_the_cameras_are_found_before_a_solve() -> None:
    lens = replace(camera(), width=WIDTH + 1)
    filmed = _take(lens, Footage.from_arrays("left", _images()), 2)
    with pytest.raises(FootageError, match=f"is {WIDTH}x{HEIGHT} pixels, but the camera is calibrated at"):
        check_images(filmed)


@pytest.mark.parametrize(
    ("images", "mattes", "sentence"),
    [
        (np.zeros((2, 4, 5, 4), np.uint8), None, r"images have shape \(2, 4, 5, 4\)"),
        (np.zeros((4, 5), np.uint8), None, r"images have shape \(4, 5\)"),
        (np.zeros((2, 4, 5), np.int64), None, "images hold int64"),
        (
            np.zeros((2, 4, 5), np.uint8),
            np.zeros((2, 5, 4), bool),
            r"mattes have shape \(2, 5, 4\), expected \(2, 4, 5\)",
        ),
        (np.zeros((2, 4, 5), np.uint8), np.zeros((2, 4, 5), complex), "mattes hold complex128"),
    ],
)
def test_arrays_of_another_kind_are_refused(images: np.ndarray, mattes: np.ndarray | None, sentence: str) -> None:
    with pytest.raises(FacesolveError, match=sentence):
        Footage.from_arrays("left", images, mattes)


def test_a_take_with_footage_in_memory_is_not_written(tmp_path: Path) -> None:
    filmed = take(tmp_path)
    filmed = replace(filmed, footage=(Footage.from_arrays("cam0", _images()), filmed.footage[1]))
    with pytest.raises(FacesolveError, match=r"images of camera 'cam0' are in memory; write them as files"):
        write_take(filmed, tmp_path / "take")
    assert not (tmp_path / "take").exists()


def _take(lens: Camera, footage: Footage, count: int) -> Take:
    """Of frames 0 to ``count`` - 1."""
    return Take("shot", rig(), (lens,), (footage,), np.arange(count), 24.0)


def _images(dtype: type = np.uint8) -> np.ndarray:
    return np.stack([picture(number, dtype=dtype) for number in range(COUNT)])
