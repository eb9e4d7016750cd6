"""Visibility against the depth image, on stacked quads, at grazing angles and on a sphere."""

import torch

from facesolve.render import camera_depth_image, visible
from facesolve.render.rasterize_torch import rasterize
from tests.render.scenes import perspective, sphere

RESOLUTION = (40, 60)
FOCAL = 60.0


def depth_of(points, triangles):
    """Camera depth image (1, H, W) of camera-space points (V, 3) in cm."""
    clip = perspective(points, RESOLUTION, FOCAL)[None]
    triangle_id, barycentrics, _ = rasterize(clip, triangles, RESOLUTION)
    return camera_depth_image(clip, triangle_id, barycentrics, triangles)


def project(points):
    """Pixels (1, n, 2) and depth (1, n) of camera-space points (n, 3)."""
    pixels = points[:, :2] / points[:, 2:] * FOCAL + torch.tensor([RESOLUTION[1] / 2, RESOLUTION[0] / 2])
    return pixels[None], points[None, :, 2]


def quad(left, right, top, bottom, z):
    return torch.tensor([[left, top, z], [right, top, z], [right, bottom, z], [left, bottom, z]], dtype=torch.float64)


QUAD = torch.tensor([[0, 1, 2], [0, 2, 3]])


def test_two_stacked_quads():
    """A quad at 20 cm covers the left half of one at 21 cm."""
    vertices = torch.cat((quad(-8, 0, -5, 5, 20.0), quad(-8, 8, -5, 5, 21.0)))
    depth_image = depth_of(vertices, torch.cat((QUAD, QUAD + 4)))
    points = torch.tensor([[-4.0, 1, 20], [-4, 1, 21], [4, 1, 21], [4, 1, 22], [4, 1, 20]], dtype=torch.float64)
    assert visible(*project(points), depth_image).tolist() == [[True, False, True, False, True]]
    # Tolerance is in cm behind the surface.
    assert visible(*project(points), depth_image, tolerance=1.1).tolist() == [[True] * 5]
    assert visible(*project(torch.tensor([[-4.0, 1, 20.19], [-4, 1, 20.21]])), depth_image).tolist() == [[True, False]]


def test_near_an_occluder_the_surface_behind_counts_as_hidden_and_the_occluder_as_seen():
    vertices = torch.cat((quad(-8, 0, -5, 5, 20.0), quad(-8, 8, -5, 5, 30.0)))
    depth_image = depth_of(vertices, torch.cat((QUAD, QUAD + 4)))
    # the occluder ends at pixel column 30; these pixels are its last sub-pixels and the first ones beside it
    x = torch.tensor([29.2, 29.9, 30.1, 30.4, 30.6, 31.0])
    pixels = torch.stack((x, torch.full_like(x, 20.3)), -1)[None]
    assert visible(pixels, torch.full((1, 6), 20.0), depth_image).all()
    assert visible(pixels, torch.full((1, 6), 30.0), depth_image).tolist() == [[False] * 4 + [True] * 2]


def test_a_surface_does_not_hide_itself_at_grazing_angles():
    """A plane 78 degrees from facing the camera: depth changes by over 1 cm a pixel, tolerance stays 0.2 cm."""
    vertices = torch.tensor([[-3.0, -6, 20], [3, -6, 48], [3, 6, 48], [-3, 6, 20]], dtype=torch.float64)
    depth_image = depth_of(vertices, QUAD)
    s, t = torch.rand(2, 400, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 0.8 + 0.1
    points = torch.cat((-3 + 6 * s, -3 + 6 * t, 20 + 28 * s), 1)
    covered = depth_image[0][torch.isfinite(depth_image[0])]
    assert covered.max() - covered.min() > 20
    pixels, depth = project(points)
    inner = (pixels[..., 0] > 22.5) & (pixels[..., 0] < 32.0)  # all four neighbors lie on the quad
    assert visible(pixels, depth, depth_image)[inner].all()
    assert inner.sum() > 50
    assert not visible(pixels, depth + 0.4, depth_image)[inner].any()


def test_half_a_sphere_is_visible():
    vertices, triangles = sphere(40, 60, radius=8.0)
    center = torch.tensor([0.0, 0, 40])
    depth_image = depth_of(vertices + center, triangles)
    points = vertices + center
    cosine = -(vertices / 8 * points / points.norm(dim=1, keepdim=True)).sum(1)
    seen = visible(*project(points), depth_image)[0]
    # 12 pixels of radius: nearer the outline the curvature within one pixel exceeds the tolerance
    assert seen[cosine > 0.45].all()
    assert not seen[cosine < -0.1].any()


def test_outside_the_image_and_behind_the_camera():
    depth_image = torch.full((1, *RESOLUTION), 50.0)
    pixels = torch.tensor([[[-0.1, 5.0], [60.1, 5], [5, -0.1], [5, 40.1], [0.1, 0.1], [59.9, 39.9], [torch.nan, 5]]])
    depth = torch.full((1, 7), 50.0)
    assert visible(pixels, depth, depth_image).tolist() == [[False] * 4 + [True] * 2 + [False]]
    assert not visible(pixels, -depth, depth_image).any()
    assert not visible(torch.zeros(1, 0, 2), torch.zeros(1, 0), depth_image).numel()
