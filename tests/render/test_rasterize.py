"""The rasterizer against DEODR, against brute force, and at its edge cases."""

import numpy as np
import pytest
import torch

from facesolve.render import (
    barycentric_derivatives,
    barycentrics_at_pixels,
    choose_backend,
    interpolate,
    rasterize_torch,
)
from facesolve.render.rasterize_torch import nearest, rasterize
from tests.render.scenes import brute_force, flat_clip, perspective, random_triangles, sphere

RESOLUTION = (60, 80)


def deodr_image(clip, triangles, colors):
    """Colors (H, W, C), -1 where empty, and camera depth (H, W) by DEODR: clip (V, 4), colors (V, C)."""
    pytest.importorskip("deodr")
    from deodr.differentiable_renderer import Scene2D

    height, width = RESOLUTION
    clip, triangles = clip.numpy(), triangles.numpy().astype(np.uint32)
    pixels = (clip[:, :2] / clip[:, 3:] * 0.5 + 0.5) * [width, height]
    channels = colors.shape[1]
    scene = Scene2D(
        faces=triangles,
        faces_uv=triangles,
        ij=pixels,
        depths=clip[:, 3].copy(),
        textured=np.zeros(len(triangles), bool),
        uv=np.zeros((len(clip), 2)),
        shade=np.zeros(len(clip)),
        colors=np.asarray(colors, np.float64),
        shaded=np.zeros(len(triangles), bool),
        edgeflags=np.zeros((len(triangles), 3), bool),
        height=height,
        width=width,
        nb_colors=channels,
        texture=np.zeros((2, 2, channels)),
        background_color=np.full(channels, -1.0),
        perspective_correct=True,
        integer_pixel_centers=False,
    )
    return scene.render(sigma=1e-9)


def scene(name):
    if name == "sphere":
        vertices, triangles = sphere(20, 24)
        return perspective(vertices + torch.tensor([0.1, 0.05, 4.0]), RESOLUTION, 100.0)[None], triangles
    return random_triangles(40, RESOLUTION, seed=int(name))


@pytest.mark.parametrize("name", ["sphere", "0", "1", "2"])
def test_agrees_with_deodr(name):
    clip, triangles = scene(name)
    triangle_id, barycentrics, _ = rasterize(clip.float(), triangles, RESOLUTION)
    ours = triangle_id[0].numpy()
    soup, soup_triangles = clip[0][triangles.long()].reshape(-1, 4), torch.arange(triangles.numel()).view(-1, 3)
    faces, depth = deodr_image(soup, soup_triangles, np.repeat(np.arange(len(triangles)), 3)[:, None])
    same = np.round(faces[..., 0]) == ours
    assert (ours >= 0).mean() > 0.3
    # float32 against float64: a pixel center on an edge may fall either way
    assert (~same).mean() <= 5e-4

    colors = np.random.default_rng(0).uniform(0, 1, (clip.shape[1], 3))
    reference, _ = deodr_image(clip[0], triangles, colors)
    image = interpolate(torch.from_numpy(colors)[None], triangle_id, barycentrics, triangles)[0].numpy()
    camera_depth = interpolate(clip[..., 3:], triangle_id, barycentrics, triangles)[0, ..., 0].numpy()
    seen = same & (ours >= 0)
    np.testing.assert_allclose(image[seen], reference[seen], atol=5e-5)
    np.testing.assert_allclose(camera_depth[seen], depth[seen], rtol=2e-5)


@pytest.mark.parametrize("seed", range(4))
def test_near_plane_crossings_agree_with_brute_force(seed):
    clip, triangles = random_triangles(25, RESOLUTION, seed, depth=(-4.0, 6.0))
    clip = clip.float()
    corner_in_front = (clip[0, :, 2] >= -clip[0, :, 3])[triangles.long()].sum(1)
    assert ((corner_in_front == 1) | (corner_in_front == 2)).sum() >= 8
    triangle_id, barycentrics, depth = (output[0].numpy() for output in rasterize(clip, triangles, RESOLUTION))
    expected_id, expected_weights, expected_depth = brute_force(clip[0], triangles, RESOLUTION)
    same = triangle_id == expected_id
    assert (~same).mean() <= 5e-4
    seen = same & (triangle_id >= 0)
    assert seen.mean() > 0.1
    np.testing.assert_allclose(barycentrics[seen], expected_weights[seen], atol=2e-5)
    np.testing.assert_allclose(depth[seen], expected_depth[seen], atol=2e-6)
    assert np.isposinf(depth[triangle_id < 0]).all()


def test_image_rows_follow_y_ndc():
    clip = flat_clip([(0, 0), (6, 0), (0, 4)], (8, 10))
    triangle_id, _, _ = rasterize(clip[None].float(), torch.tensor([[0, 1, 2]]), (8, 10))
    rows, columns = (triangle_id[0] >= 0).nonzero().unbind(1)
    assert rows.max() < 4
    assert columns.max() < 6
    assert triangle_id[0, 0, 0] == 0


def coverage_counts(clip, triangles, resolution):
    """How many of the triangles, each drawn alone, take each pixel."""
    alone = [rasterize(clip[None].float(), triangle[None], resolution)[0][0] >= 0 for triangle in triangles]
    return torch.stack(alone).sum(0)


@pytest.mark.parametrize("offset", [0.0, 0.5, 0.3137])
@pytest.mark.parametrize("flip", [False, True])
def test_shared_edges_take_every_pixel_once(offset, flip):
    """A fan about a vertex, also with the vertex and edges exactly on pixel centers, with mixed windings."""
    rim = [(2, 2), (10, 2), (18, 2), (18, 10), (18, 18), (10, 18), (2, 18), (2, 10)]
    pixels = torch.tensor([(10.0, 10.0), *rim]) + offset
    triangles = torch.tensor([(0, 1 + i, 1 + (i + 1) % 8) for i in range(8)])
    if flip:
        triangles[::2] = triangles[::2].flip(1)
    counts = coverage_counts(flat_clip(pixels, (32, 32)), triangles, (32, 32))
    assert counts.max() == 1
    assert counts.sum() == 16 * 16


def test_jittered_grid_takes_every_pixel_once():
    size, step = 9, 2.7
    generator = torch.Generator().manual_seed(0)
    grid = torch.stack(torch.meshgrid(torch.arange(size), torch.arange(size), indexing="xy"), -1).reshape(-1, 2) * step
    interior = ((grid > 0) & (grid < (size - 1) * step)).all(1, keepdim=True)
    pixels = grid + interior * (torch.rand(grid.shape, generator=generator) - 0.5) * 1.5 + 1.2
    corner = torch.tensor([i * size + j for i in range(size - 1) for j in range(size - 1)])
    triangles = torch.cat(
        (torch.stack((corner, corner + 1, corner + size), 1), torch.stack((corner + 1, corner + size, corner + 10), 1))
    )
    counts = coverage_counts(flat_clip(pixels, (25, 25)), triangles, (25, 25))
    # centers within the outline 1.2 .. 22.8: columns and rows 1 to 22
    assert (counts[1:23, 1:23] == 1).all()
    assert counts.sum() == 22 * 22


def test_both_sides_are_drawn_alike():
    clip, triangles = scene("sphere")
    front = rasterize(clip.float(), triangles, RESOLUTION)
    back = rasterize(clip.float(), triangles.flip(1), RESOLUTION)
    assert torch.equal(front[0], back[0])
    torch.testing.assert_close(front[1], back[1].flip(-1), atol=1e-6, rtol=0)
    torch.testing.assert_close(front[2], back[2], atol=1e-7, rtol=0)


def test_the_nearer_triangle_wins_and_the_lower_index_at_a_tie():
    corners = [(1, 1), (9, 1), (1, 9)]
    clip = torch.cat([flat_clip(corners, (10, 10), depth) for depth in (0.5, -0.2, -0.2)])[None].float()
    triangle_id, _, depth = rasterize(clip, torch.arange(9).view(3, 3), (10, 10))
    assert set(triangle_id.unique().tolist()) == {-1, 1}
    torch.testing.assert_close(depth[0, 2, 2], torch.tensor(-0.2))


@pytest.mark.parametrize(
    "clip",
    [
        flat_clip([(-30, 2), (-2, 3), (-8, 9)], (10, 10)),  # beside the image
        flat_clip([(2, 2), (5, 5), (8, 8)], (10, 10)),  # a line
        flat_clip([(3, 3), (3, 3), (3, 3)], (10, 10)),  # a point
        flat_clip([(3.6, 3.6), (4.4, 3.6), (4, 4.4)], (10, 10)),  # between pixel centers
        flat_clip([(1, 1), (9, 1), (1, 9)], (10, 10), depth=-1.5),  # before the near plane
        flat_clip([(1, 1), (9, 1), (1, 9)], (10, 10), depth=1.5),  # beyond the far plane
        flat_clip([(1, 1), (9, 1), (1, 9)], (10, 10)) * torch.tensor([1, 1, 1, -1]),  # behind the camera
        torch.full((3, 4), torch.nan),
    ],
)
def test_nothing_is_drawn(clip):
    triangle_id, barycentrics, depth = rasterize(clip[None].float(), torch.tensor([[0, 1, 2]]), (10, 10))
    assert (triangle_id == -1).all()
    assert (barycentrics == 0).all()
    assert torch.isposinf(depth).all()


def test_a_bad_triangle_leaves_the_others_alone():
    good = flat_clip([(1, 1), (9, 1), (1, 9)], (10, 10))
    bad = torch.stack((good[0], torch.full((4,), torch.nan), good[2]))
    triangle_id, _, _ = rasterize(torch.cat((bad, good))[None].float(), torch.arange(6).view(2, 3), (10, 10))
    alone, _, _ = rasterize(good[None].float(), torch.arange(3).view(1, 3), (10, 10))
    assert torch.equal(triangle_id == 1, alone == 0)


@pytest.mark.parametrize(("images", "count"), [(0, 1), (2, 0)])
def test_empty_input(images, count):
    triangle_id, barycentrics, depth = rasterize(
        torch.ones(images, 3, 4), torch.zeros(count, 3, dtype=torch.int32), (4, 5)
    )
    assert triangle_id.shape == depth.shape == (images, 4, 5)
    assert triangle_id.dtype == torch.int32
    assert barycentrics.shape == (images, 4, 5, 3)
    assert (triangle_id == -1).all()


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match=r"clip must be \(B, V, 4\)"):
        rasterize(torch.ones(3, 4), torch.zeros(1, 3, dtype=torch.int32), (4, 5))
    with pytest.raises(ValueError, match=r"triangles must be \(F, 3\)"):
        rasterize(torch.ones(1, 3, 4), torch.zeros(1, 4, dtype=torch.int32), (4, 5))


def test_a_batch_equals_its_images_and_chunks_change_nothing(monkeypatch):
    clips = torch.cat([random_triangles(30, RESOLUTION, seed, depth=(-1.0, 6.0))[0] for seed in range(3)]).float()
    triangles = torch.arange(90).view(30, 3)
    together = rasterize(clips, triangles, RESOLUTION)
    singles = [rasterize(clip[None], triangles, RESOLUTION) for clip in clips]
    triangle_id, depth = rasterize_torch.nearest_triangles(clips, triangles, RESOLUTION)  # all images in one go
    monkeypatch.setattr(rasterize_torch, "MAX_CANDIDATES_CPU", 500)
    chunked = rasterize(clips, triangles, RESOLUTION)
    for k in range(3):
        assert torch.equal(together[k], torch.cat([single[k] for single in singles]))
        assert torch.equal(together[k], chunked[k])
    assert torch.equal(together[0], triangle_id)
    assert torch.equal(together[2], depth)


def test_barycentrics_place_the_pixel_center():
    """sum_k b_k clip_k projects to the pixel center, whatever the perspective."""
    clip, triangles = random_triangles(40, RESOLUTION, seed=5)
    triangle_id, barycentrics, depth = rasterize(clip.float(), triangles, RESOLUTION)
    point = interpolate(clip, triangle_id, barycentrics, triangles)[triangle_id >= 0]
    _, row, column = (triangle_id >= 0).nonzero().double().unbind(1)
    height, width = RESOLUTION
    torch.testing.assert_close((point[:, 0] / point[:, 3] * 0.5 + 0.5) * width, column + 0.5, atol=2e-3, rtol=0)
    torch.testing.assert_close((point[:, 1] / point[:, 3] * 0.5 + 0.5) * height, row + 0.5, atol=2e-3, rtol=0)
    torch.testing.assert_close((point[:, 2] / point[:, 3]).float(), depth[triangle_id >= 0], atol=1e-5, rtol=0)


def test_barycentric_gradients_and_slopes():
    resolution = (6, 8)
    clip, triangles = random_triangles(40, resolution, seed=1)
    triangle_id, _, _ = rasterize(clip.float(), triangles, resolution)
    assert (triangle_id >= 0).sum() > 10
    clip.requires_grad_(True)
    assert torch.autograd.gradcheck(lambda c: barycentrics_at_pixels(c, triangles, triangle_id), (clip,), atol=1e-5)

    # Moving the image by a pixel moves every clip position by 2 w / size.
    slopes = barycentric_derivatives(clip, triangles, triangle_id)
    step = 1e-4
    for axis, size in ((0, resolution[1]), (1, resolution[0])):
        shift = torch.zeros_like(clip)
        shift[..., axis] = 2 * step / size * clip[..., 3]
        ahead = barycentrics_at_pixels(clip - shift, triangles, triangle_id)
        behind = barycentrics_at_pixels(clip + shift, triangles, triangle_id)
        torch.testing.assert_close(slopes[..., axis], (ahead - behind) / (2 * step), atol=1e-6, rtol=1e-5)


def test_the_backend_says_why():
    backend = choose_backend("cpu")
    assert backend.name == "torch"
    assert backend.nearest is nearest
    assert "cpu" in backend.reason
