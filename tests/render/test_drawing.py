"""Drawing with gradients, portable: the operations belong together, and their gradients are those of the picture."""

from __future__ import annotations

import pytest
import torch

from facesolve.render import Texture, TorchMesh
from tests.render.scenes import flat_clip, perspective, random_triangles, sphere

RESOLUTION = (16, 20)


def test_gradients_of_a_picture_match_finite_differences():
    """Positions, UVs and texels through rasterization, mip-mapped texture and antialiasing."""
    clip, triangles = random_triangles(5, RESOLUTION, seed=2)
    random = torch.Generator().manual_seed(0)
    uvs = torch.rand(1, clip.shape[1], 2, generator=random, dtype=torch.float64)
    texels = torch.rand(6, 5, 2, generator=random, dtype=torch.float64)
    mesh = TorchMesh(triangles)
    with torch.no_grad():  # as the level of detail is constant to autograd, it must not move
        slopes = mesh.draw(clip, RESOLUTION).interpolate_with_slopes(uvs)[1]

    def picture(clip, uvs, texels):
        drawing = mesh.draw(clip, RESOLUTION)
        seen = drawing.texture(Texture.from_tiles({(0, 0): texels}), drawing.interpolate(uvs), slopes)
        return drawing.antialias(torch.where((drawing.triangle_id >= 0)[..., None], seen, 0.3))

    leaves = [leaf.requires_grad_() for leaf in (clip, uvs, texels)]
    assert torch.autograd.gradcheck(picture, leaves, atol=1e-5, fast_mode=True)


def test_a_sheet_shows_where_its_uvs_say_and_how_fast_they_change():
    height, width = RESOLUTION
    clip = flat_clip([(0, 0), (width, 0), (width, height), (0, height)], RESOLUTION)[None]
    mesh = TorchMesh(torch.tensor([[0, 1, 2], [0, 2, 3]]))
    uvs = torch.tensor([[[9.0, 9], [0, 1], [1, 1], [1, 0], [0, 0]]], dtype=torch.float64)
    drawing = mesh.draw(clip, RESOLUTION)
    uv, slopes = drawing.interpolate_with_slopes(uvs, mesh.triangles + 1)
    expected = torch.tensor([[1 / width, 0], [0, -1 / height]], dtype=torch.float64)
    torch.testing.assert_close(slopes, expected.expand(1, *RESOLUTION, 2, 2))
    torch.testing.assert_close(uv[0, :, 0, 0], torch.full((height,), 0.5 / width, dtype=torch.float64))
    torch.testing.assert_close(uv[0, 0, :, 1], torch.full((width,), 1 - 0.5 / height, dtype=torch.float64))
    image = torch.rand(height, width, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    texture = Texture.from_tiles({(0, 0): image})
    torch.testing.assert_close(drawing.texture(texture, uv)[0], image)
    torch.testing.assert_close(drawing.texture(texture, uv, slopes)[0], image)
    halved = image.view(height // 2, 2, width // 2, 2, 3).mean((1, 3))
    coarse = drawing.texture(texture, uv, 2 * slopes)[0]
    inner = coarse[1:-1, 1:-1].unfold(0, 2, 2).unfold(1, 2, 2).mean((-1, -2))  # around corners of four coarse texels
    around = halved[:-1, :-1] + halved[1:, :-1] + halved[:-1, 1:] + halved[1:, 1:]
    torch.testing.assert_close(inner, around / 4)


def test_empty_pixels_are_zero_and_keep_their_color():
    vertices, triangles = sphere(7, 9)
    clip = perspective(vertices + torch.tensor([0.0, 0, 4]), RESOLUTION, 20.0)[None]
    drawing = TorchMesh(triangles).draw(clip, RESOLUTION)
    empty = drawing.triangle_id < 0
    assert 0.3 < empty.float().mean() < 0.9
    values, slopes = drawing.interpolate_with_slopes(torch.rand(1, len(vertices), 2, dtype=torch.float64) / 2 + 0.25)
    seen = drawing.texture(Texture.from_tiles({(0, 0): torch.ones(3, 3, 1, dtype=torch.float64)}), values)
    torch.testing.assert_close(seen[~empty], torch.ones_like(seen[~empty]))
    for result in (values, slopes, seen, drawing.barycentrics):
        assert not result[empty].any()
    smooth = drawing.antialias(torch.where(empty[..., None], 0.5, 0.5 * seen))
    torch.testing.assert_close(smooth, torch.full_like(smooth, 0.5))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_drawing_without_gradients_is_the_same(dtype):
    clip, triangles = random_triangles(6, RESOLUTION, seed=4)
    clip = clip.to(dtype)
    mesh = TorchMesh(triangles)
    still, moving = mesh.draw(clip, RESOLUTION), mesh.draw(clip.clone().requires_grad_(), RESOLUTION)
    assert torch.equal(still.barycentrics, moving.barycentrics.detach())
    assert moving.barycentrics.requires_grad
    assert still.barycentrics.dtype == dtype
    assert torch.equal(still.triangle_id, moving.triangle_id)
