"""The pyramid: exact 2x2 means, intrinsics that scale, odd sizes, validity."""

import numpy as np
import pytest

from facesolve.footage import Image, pyramid


def image(height: int, width: int, matte: bool = False) -> Image:
    pixels = np.random.default_rng(1).random((height, width, 3), np.float32)
    return Image(pixels, np.ones((height, width), bool), pixels[..., 0].copy() if matte else None)


def test_levels_are_means_of_two_by_two_pixels() -> None:
    fine = image(24, 40, matte=True)
    levels = pyramid(fine, 3)
    assert levels[0] is fine
    np.testing.assert_allclose(levels[1].pixels, fine.pixels.reshape(12, 2, 20, 2, 3).mean((1, 3)), atol=1e-6)
    np.testing.assert_allclose(levels[2].pixels, fine.pixels.reshape(6, 4, 10, 4, 3).mean((1, 3)), atol=1e-6)
    assert levels[2].matte is not None
    np.testing.assert_allclose(levels[2].matte, levels[2].pixels[..., 0], atol=1e-6)


def test_a_ramp_of_pixel_centers_scales_linearly_at_odd_sizes() -> None:
    x, y = np.meshgrid(np.arange(23) + 0.5, np.arange(13) + 0.5)
    ramp = np.dstack((x, y, x + y)).astype(np.float32)
    coarse = pyramid(Image(ramp, np.ones((13, 23), bool)), 3)[2].pixels
    assert coarse.shape == (3, 5, 3)
    np.testing.assert_allclose(coarse[..., 0], np.tile((np.arange(5) + 0.5) * 4, (3, 1)), atol=1e-5)
    np.testing.assert_allclose(coarse[..., 1], np.tile((np.arange(3) + 0.5) * 4, (5, 1)).T, atol=1e-5)


def test_one_unseen_pixel_makes_its_coarse_pixels_unseen() -> None:
    fine = image(16, 16)
    fine.valid[5, 9] = False
    levels = pyramid(fine, 3)
    assert [np.argwhere(~level.valid).tolist() for level in levels] == [[[5, 9]], [[2, 4]], [[1, 2]]]


def test_more_levels_than_pixels() -> None:
    assert pyramid(image(8, 9), 4)[-1].pixels.shape == (1, 1, 3)
    with pytest.raises(ValueError, match="5 pyramid levels do not fit an image of 9x8"):
        pyramid(image(8, 9), 5)
