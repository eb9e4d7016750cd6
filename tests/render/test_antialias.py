"""Silhouette edges and antialiasing: coverage against exact areas, gradients against finite differences."""

import math

import pytest
import torch

from facesolve.render import antialias, opposite_vertices, silhouette_edges
from facesolve.render.rasterize_torch import rasterize
from tests.render.scenes import flat_clip, perspective, random_triangles, sphere

RESOLUTION = (48, 64)


def coverage(clip, triangles, resolution=RESOLUTION):
    """Antialiased picture (H, W) of a white mesh on black: clip (V, 4) float64."""
    triangle_id, _, depth = rasterize(clip[None], triangles, resolution)
    white = (triangle_id >= 0).to(clip.dtype)[..., None]
    return antialias(white, triangle_id, depth, clip[None], triangles, opposite_vertices(triangles))[0, ..., 0]


def area(pixels):
    (x0, y0), (x1, y1), (x2, y2) = pixels
    return 0.5 * ((x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)).abs()


@pytest.mark.parametrize("shift", [0.0, 0.2, 0.45, 0.7, 0.95])
def test_coverage_of_a_rectangle_is_its_area(shift):
    left, right, top, bottom = 10.3 + shift, 40.8 + shift, 8.1 + shift, 30.6 + shift
    clip = flat_clip([(left, top), (right, top), (right, bottom), (left, bottom)], RESOLUTION)
    image = coverage(clip, torch.tensor([[0, 1, 2], [0, 2, 3]]))
    # A row inside has exactly the rectangle's width, a column its height; the diagonal is no silhouette.
    torch.testing.assert_close(image[20].sum(), torch.tensor(right - left, dtype=torch.float64))
    torch.testing.assert_close(image[:, 25].sum(), torch.tensor(bottom - top, dtype=torch.float64))
    assert (image[12:28, 14:38] == 1).all()


def test_coverage_and_its_gradient_are_those_of_a_triangle_s_area():
    pixels = torch.tensor([[8.3, 5.2], [55.6, 14.9], [21.7, 42.4]], dtype=torch.float64, requires_grad=True)
    triangles = torch.tensor([[0, 1, 2]])
    scale = pixels.new_tensor([2 / 64, 2 / 48])
    clip = torch.cat((pixels * scale - 1, pixels.new_tensor([[0.0, 1.0]]).expand(3, 2)), 1)
    covered = coverage(clip, triangles).sum()
    (gradient,) = torch.autograd.grad(covered, pixels, retain_graph=True)
    (exact,) = torch.autograd.grad(area(pixels), pixels)
    assert abs(covered - area(pixels)) < 0.003 * area(pixels)
    # The outline is sampled once per row or column, so its corners are off by up to a pixel of about 45
    assert (gradient - exact).norm() < 0.05 * exact.norm()
    assert torch.nn.functional.cosine_similarity(gradient.flatten(), exact.flatten(), dim=0) > 0.998
    # Moving the whole triangle changes nothing.
    assert gradient.sum(0).abs().max() < 0.03 * exact.abs().max()


def test_gradients_match_finite_differences():
    clip, triangles = random_triangles(5, (16, 20), seed=2)
    triangle_id, _, depth = rasterize(clip.float(), triangles, (16, 20))
    generator = torch.Generator().manual_seed(0)
    colors = torch.rand(1, 16, 20, 2, generator=generator, dtype=torch.float64, requires_grad=True)
    clip.requires_grad_(True)
    opposite = opposite_vertices(triangles)
    blended = antialias(colors, triangle_id, depth, clip, triangles, opposite)
    assert (blended != colors).any(-1).sum() > 15
    assert torch.autograd.gradcheck(
        lambda c, p: antialias(c, triangle_id, depth, p, triangles, opposite), (colors, clip), atol=1e-6, fast_mode=True
    )


def test_the_outline_of_a_sphere_is_whole():
    """Triangles at the outline are thinner than a pixel there; the outline is found all the same."""
    vertices, triangles = sphere(60, 80)
    distance, focal = 4.0, 70.0
    image = coverage(perspective(vertices + torch.tensor([0.0, 0.0, distance]), RESOLUTION, focal), triangles)
    radius = focal / math.sqrt(distance**2 - 1)
    assert abs(image.sum() - math.pi * radius**2) < 0.005 * math.pi * radius**2
    partly = ((image > 0.02) & (image < 0.98)).sum()
    assert partly > 0.85 * 4 * math.sqrt(2) * radius  # one per row of steep outline and per column of flat outline


def test_occluded_edges_do_not_blend():
    near = flat_clip([(5, 5), (45, 5), (5, 45)], RESOLUTION, 0.0)
    hidden = flat_clip([(8.2, 8.3), (18.1, 8.4), (8.3, 18.6)], RESOLUTION, 0.5)
    clip, triangles = torch.cat((near, hidden)), torch.tensor([[0, 1, 2], [3, 4, 5]])
    torch.testing.assert_close(coverage(clip, triangles), coverage(near, triangles[:1]))
    # In front, the small triangle's outline blends with the large one's color.
    clip[3:, 2] = -0.5
    triangle_id, _, depth = rasterize(clip[None], triangles, RESOLUTION)
    colors = torch.tensor([0.0, 0.4, 1.0], dtype=torch.float64)[triangle_id.long() + 1][..., None]
    image = antialias(colors, triangle_id, depth, clip[None], triangles, opposite_vertices(triangles))[0, ..., 0]
    blended = image[8:17, 8:17]
    assert ((blended > 0.41) & (blended < 0.99)).sum() >= 5


def test_edges_hidden_behind_a_tessellated_surface_do_not_blend():
    """The surface in front is slanted: across its inner borders triangles differ and one pixel is the nearer."""
    pixels = [(x, y) for y in (3.2, 16.7, 31.1, 44.6) for x in (4.3, 19.4, 36.8, 58.9)]
    front = flat_clip(pixels, RESOLUTION, [-0.5 + x / 640 for x, _ in pixels])
    corner = torch.tensor([4 * i + j for i in range(3) for j in range(3)])
    grid = torch.cat(
        (torch.stack((corner, corner + 1, corner + 4), 1), torch.stack((corner + 1, corner + 4, corner + 5), 1))
    )
    behind = flat_clip([(19.2, 6.4), (19.1, 40.3), (37.3, 31.4)], RESOLUTION, 0.5)
    clip, triangles = torch.cat((front, behind))[None], torch.cat((grid, torch.tensor([[16, 17, 18]])))
    triangle_id, _, depth = rasterize(clip, triangles, RESOLUTION)
    assert (triangle_id != 18).all()
    colors = torch.rand(20, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)[triangle_id.long() + 1]
    image = antialias(colors, triangle_id, depth, clip, triangles, opposite_vertices(triangles))
    assert torch.equal(image[:, 6:42, 8:56], colors[:, 6:42, 8:56])


def test_edges_at_exactly_45_degrees_blend_once():
    clip = flat_clip([(32, 8), (56, 32), (32, 56), (8, 32)], (64, 64)) + torch.tensor([0.25 / 32, 0, 0, 0])
    image = coverage(clip, torch.tensor([[0, 1, 2], [0, 2, 3]]), (64, 64))
    # Row center 20.5 begins 12.5 before the middle 32.25; to column 32 that leaves 12.25.
    torch.testing.assert_close(image[20, :32].sum(), torch.tensor(12.25, dtype=torch.float64))


def test_batch_images_are_independent():
    clips = torch.cat([random_triangles(6, RESOLUTION, seed)[0] for seed in (0, 1)])
    triangles = torch.arange(18).view(6, 3)
    triangle_id, _, depth = rasterize(clips, triangles, RESOLUTION)
    white = (triangle_id >= 0).double()[..., None]
    opposite = opposite_vertices(triangles)
    together = antialias(white, triangle_id, depth, clips, triangles, opposite)
    for i in range(2):
        one = slice(i, i + 1)
        single = antialias(white[one], triangle_id[one], depth[one], clips[one], triangles, opposite)
        torch.testing.assert_close(together[one], single)


def test_an_empty_image_stays_as_it_is():
    clip, triangles = flat_clip([(-9, -9), (-5, -9), (-9, -5)], RESOLUTION), torch.tensor([[0, 1, 2]])
    assert (coverage(clip, triangles) == 0).all()


def test_opposite_vertices():
    #  0 - 1 - 4     edges: 1-2 and 1-3 inner, the rest border
    #  | / | /
    #  2 - 3
    triangles = torch.tensor([[0, 2, 1], [2, 3, 1], [4, 1, 3]], dtype=torch.int32)
    assert opposite_vertices(triangles).tolist() == [[3, -1, -1], [4, 0, -1], [2, -1, -1]]
    # A third triangle at an edge makes all three count as borders there.
    fan = torch.tensor([[0, 1, 2], [1, 0, 3], [0, 1, 4]])
    assert (opposite_vertices(fan) == -1).all()
    assert opposite_vertices(torch.zeros(0, 3, dtype=torch.int32)).shape == (0, 3)


@pytest.mark.parametrize("seed", [None, 0])
def test_silhouettes_of_a_sphere_part_front_from_back(seed):
    vertices, triangles = sphere(13, 17)
    clip = perspective(vertices + torch.tensor([0.2, 0.1, 3.0]), RESOLUTION, 40.0)[None]
    if seed is not None:  # winding must not matter
        flipped = torch.rand(len(triangles), generator=torch.Generator().manual_seed(seed)) < 0.5
        triangles = torch.where(flipped[:, None], triangles.flip(1), triangles)
    edges = silhouette_edges(clip, triangles, opposite_vertices(triangles))[0]
    corners = (vertices + torch.tensor([0.2, 0.1, 3.0]))[triangles.long()]
    normal = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    outward = (normal * (corners.mean(1) - torch.tensor([0.2, 0.1, 3.0]))).sum(-1).sign()
    facing = (normal * corners.mean(1)).sum(-1) * outward < 0
    front_edges = {}
    for triangle, (corner, front) in enumerate(zip(triangles.tolist(), facing.tolist(), strict=True)):
        for k in range(3):
            key = frozenset((corner[(k + 1) % 3], corner[(k + 2) % 3]))
            front_edges.setdefault(key, []).append((triangle, k, front))
    expected = torch.zeros_like(edges)
    for (t0, k0, front0), (t1, k1, front1) in front_edges.values():
        expected[t0, k0] = expected[t1, k1] = front0 != front1
    assert torch.equal(edges, expected)
    assert expected.any()
