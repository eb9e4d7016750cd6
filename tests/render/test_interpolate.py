"""Interpolation and its derivatives."""

import pytest
import torch

from facesolve.render import barycentric_derivatives, interpolate, interpolate_derivatives
from facesolve.render.rasterize_torch import rasterize
from tests.render.scenes import flat_clip, perspective, random_triangles

RESOLUTION = (12, 16)


def test_gradients_of_attributes_and_barycentrics():
    clip, triangles = random_triangles(6, RESOLUTION, seed=3)
    clip = clip.expand(2, -1, -1).clone()
    clip[1, :, 0] += 0.3
    triangle_id, barycentrics, _ = rasterize(clip.float(), triangles, RESOLUTION)
    generator = torch.Generator().manual_seed(0)
    attributes = torch.rand((2, clip.shape[1], 2), generator=generator, dtype=torch.float64, requires_grad=True)
    weights = barycentrics.double().requires_grad_(True)
    assert torch.autograd.gradcheck(lambda a, b: interpolate(a, triangle_id, b, triangles), (attributes, weights))


def test_shared_attributes_equal_repeated_ones_and_empty_pixels_are_zero():
    clip, triangles = random_triangles(6, RESOLUTION, seed=4)
    clip = torch.cat((clip, clip.flip(1)))
    triangle_id, barycentrics, _ = rasterize(clip.float(), triangles, RESOLUTION)
    attributes = torch.rand(1, clip.shape[1], 3) + 1
    shared = interpolate(attributes, triangle_id, barycentrics, triangles)
    assert torch.equal(shared, interpolate(attributes.expand(2, -1, -1), triangle_id, barycentrics, triangles))
    assert (shared[triangle_id < 0] == 0).all()
    assert (shared[triangle_id >= 0] > 0.99).all()
    with pytest.raises(ValueError, match="given for 3 images"):
        interpolate(attributes.expand(3, -1, -1), triangle_id, barycentrics, triangles)


def test_attributes_may_have_their_own_indices():
    clip = flat_clip([(0, 0), (16, 0), (0, 12)], RESOLUTION)[None].float()
    triangle_id, barycentrics, _ = rasterize(clip, torch.tensor([[0, 1, 2]]), RESOLUTION)
    uv = torch.tensor([[[9.0], [0.0], [16.0], [0.0]]])
    image = interpolate(uv, triangle_id, barycentrics, torch.tensor([[1, 2, 3]]))
    torch.testing.assert_close(image[0, 0, :5, 0], torch.arange(5) + 0.5)


def test_derivatives_predict_the_next_pixel():
    points = torch.tensor([[-3.0, -2, 3], [4, -2, 6], [0, 5, 9]], dtype=torch.float64)
    clip, triangles = perspective(points, RESOLUTION, 10.0)[None], torch.tensor([[0, 1, 2]])
    triangle_id, _, _ = rasterize(clip.float(), triangles, RESOLUTION)
    slopes = barycentric_derivatives(clip, triangles, triangle_id)
    # Inverse depth of a plane is affine in the image: d(w)/dx = -w**2 d(1/w)/dx with a constant d(1/w)/dx.
    derivative = interpolate_derivatives(clip[..., 3:], triangle_id, slopes, triangles)[..., 0, :]
    weights = torch.linalg.solve(clip[0, :, [0, 1, 3]], clip.new_tensor([1.0, 1.0, 1.0]))
    covered = triangle_id >= 0
    assert covered.sum() > 30
    _, barycentrics, _ = rasterize(clip.float(), triangles, RESOLUTION)
    w = interpolate(clip[..., 3:], triangle_id, barycentrics.double(), triangles)[..., 0]
    expected = -(w[covered] ** 2)[:, None] * weights[:2] * clip.new_tensor([2 / 16, 2 / 12])
    torch.testing.assert_close(derivative[covered], expected, atol=1e-4, rtol=1e-4)
