"""Texture look-up against OpenCV's filters and finite differences."""

import cv2
import numpy as np
import pytest
import torch

from facesolve.render import Texture, mip_level, sample_bilinear, sample_trilinear


def noise(height, width, channels=3, seed=0):
    return torch.rand(height, width, channels, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def pixel_uv(height, width):
    """UVs (height, width, 2) of an upright picture of the unit tile."""
    v, u = torch.meshgrid(
        1 - (torch.arange(height, dtype=torch.float64) + 0.5) / height,
        (torch.arange(width, dtype=torch.float64) + 0.5) / width,
        indexing="ij",
    )
    return torch.stack((u, v), -1)


def test_an_upright_picture_gives_the_texture_back():
    image = noise(6, 9)
    torch.testing.assert_close(sample_bilinear(Texture.from_tiles({(0, 0): image}), pixel_uv(6, 9)), image)


def test_bilinear_agrees_with_opencv():
    image, uv = noise(7, 10), torch.rand(40, 30, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    x, y = uv[..., 0] * 10 - 0.5, (1 - uv[..., 1]) * 7 - 0.5
    expected = cv2.remap(
        image.float().numpy(),
        x.float().numpy(),
        y.float().numpy(),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    # OpenCV rounds positions to 1/32 texel, so neighbors differing by up to 1 in x and y allow 1/32
    sampled = sample_bilinear(Texture.from_tiles({(0, 0): image}), uv).numpy()
    assert np.abs(sampled - expected).max() < 1 / 32
    assert np.abs(sampled - expected).mean() < 0.004


@pytest.mark.parametrize("factor", [1, 2, 4, 8])
def test_a_minified_picture_is_the_area_average(factor):
    image = noise(32, 64)
    height, width = 32 // factor, 64 // factor
    slopes = torch.tensor([[1 / width, 0], [0, -1 / height]], dtype=torch.float64).expand(height, width, 2, 2)
    sampled = sample_trilinear(Texture.from_tiles({(0, 0): image}), pixel_uv(height, width), slopes)
    expected = cv2.resize(image.numpy(), (width, height), interpolation=cv2.INTER_AREA)
    np.testing.assert_allclose(sampled.numpy(), expected, atol=1e-12)


def test_between_two_levels_the_color_is_between_theirs():
    texture = Texture.from_tiles({(0, 0): noise(32, 32)})
    uv = torch.rand(50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(2))

    def at(level):
        return sample_trilinear(texture, uv, torch.eye(2, dtype=torch.float64).expand(50, 2, 2) * 2**level / 32)

    torch.testing.assert_close(at(1.25), 0.75 * at(1.0) + 0.25 * at(2.0))
    torch.testing.assert_close(at(-3.0), sample_bilinear(texture, uv))
    torch.testing.assert_close(at(20.0), texture.pyramids[0, 0][-1][0, :, 0, 0].expand(50, 3))


def test_mip_level_is_the_longer_axis_of_the_footprint():
    generator = torch.Generator().manual_seed(3)
    slopes = torch.randn(20, 2, 2, generator=generator, dtype=torch.float64) * 0.1
    in_texels = slopes * torch.tensor([[64.0], [16.0]])
    expected = torch.linalg.matrix_norm(in_texels, 2).log2()
    torch.testing.assert_close(mip_level(slopes, (16, 64)), expected)
    assert mip_level(torch.zeros(2, 2), (16, 64)) == -torch.inf


def test_udim_tiles_of_different_sizes():
    tiles = {(0, 0): noise(4, 4, seed=1), (1, 0): noise(8, 6, seed=2), (0, 1): noise(5, 5, seed=3)}
    texture = Texture.from_tiles(tiles)
    for (u, v), image in tiles.items():
        height, width, _ = image.shape
        offset = torch.tensor([u, v], dtype=torch.float64)
        torch.testing.assert_close(sample_bilinear(texture, pixel_uv(height, width) + offset), image)
    missing = torch.tensor([[1.5, 1.5], [-0.5, 0.5], [3.2, 0.5], [torch.nan, 0.5]], dtype=torch.float64)
    assert (sample_bilinear(texture, missing) == 0).all()
    # Tiles do not blend: at the seam each side shows its own border texels.
    seam = torch.tensor([[1 - 1e-9, 0.875], [1 + 1e-9, 0.9375]], dtype=torch.float64)
    torch.testing.assert_close(sample_bilinear(texture, seam), torch.stack((tiles[0, 0][0, -1], tiles[1, 0][0, 0])))
    # The outer border belongs to the last tile.
    border = torch.tensor([[2.0, 0.9375], [0.1, 2.0]], dtype=torch.float64)
    torch.testing.assert_close(sample_bilinear(texture, border), torch.stack((tiles[1, 0][0, -1], tiles[0, 1][0, 0])))


def test_a_point_beside_two_tiles_is_colored_once():
    texture = Texture.from_tiles({(0, 0): torch.ones(4, 4, 1), (1, 1): torch.ones(4, 4, 1)})
    uv, slopes = torch.tensor([[1.01, 0.99]]), torch.eye(2)[None] * 0.3
    torch.testing.assert_close(sample_trilinear(texture, uv, slopes), torch.ones(1, 1))


def test_gradients_of_texels_and_uv():
    tiles = [noise(4, 5, 2, seed=1).requires_grad_(True), noise(3, 3, 2, seed=2).requires_grad_(True)]
    # Off the texel centers, where bilinear interpolation has a kink, at both levels.
    uv = torch.tensor(
        [[0.234, 0.321], [0.78, 0.91], [0.52, 0.03], [1.37, 0.71], [1.9, 0.22]], dtype=torch.float64, requires_grad=True
    )
    slopes = torch.eye(2, dtype=torch.float64).expand(5, 2, 2) * 0.33

    def bilinear(a, b, points):
        return sample_bilinear(Texture.from_tiles({(0, 0): a, (1, 0): b}), points)

    def trilinear(a, b, points):
        return sample_trilinear(Texture.from_tiles({(0, 0): a, (1, 0): b}), points, slopes)

    assert torch.autograd.gradcheck(bilinear, (*tiles, uv))
    assert torch.autograd.gradcheck(trilinear, (*tiles, uv))


def test_bad_tiles_are_refused():
    with pytest.raises(ValueError, match="at least one tile"):
        Texture.from_tiles({})
    with pytest.raises(ValueError, match=r"tile \(1, 0\) must be \(height, width, C\), got \(4, 4\)"):
        Texture.from_tiles({(1, 0): torch.zeros(4, 4)})
    with pytest.raises(ValueError, match="same number of channels"):
        Texture.from_tiles({(0, 0): torch.zeros(4, 4, 3), (1, 0): torch.zeros(4, 4, 1)})
