"""Which samples cameras see, in plain PyTorch and by the fused kernels: the same weights and the same coverage."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from facesolve.geometry.camera import CameraModel, look_along
from facesolve.geometry.surface_samples import SurfaceSamples
from facesolve.render import rasterize_torch
from facesolve.residuals import seen_samples as plain
from facesolve.take import Camera
from tests.kernel_device import DEVICE

from facesolve.residuals import seen_samples_triton as fused  # isort: skip

if DEVICE.type == "cpu":  # fewer programs, each of more: the interpreter takes its time for each
    fused.TRIANGLES, fused.TILE = 64, 16
SIZES = (24, 32), (31, 23), (24, 32)  # height, width


def sphere(rings: int = 5, slices: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    """Vertices (V, 3) and triangles of a ball of 10 cm with a plate in front of a part of it."""
    up, around = torch.meshgrid(torch.linspace(0.1, 3.0, rings), torch.arange(slices) * 6.2832 / slices, indexing="ij")
    ball = 10 * torch.stack([up.sin() * around.cos(), up.cos(), up.sin() * around.sin()], -1).reshape(-1, 3)
    quads = [
        (r * slices + s, r * slices + (s + 1) % slices, (r + 1) * slices + s, (r + 1) * slices + (s + 1) % slices)
        for r in range(rings - 1)
        for s in range(slices)
    ]
    plate = torch.tensor([[-2.0, -3, 14], [6, -3, 14], [2, 8, 13]])
    triangles = [t for a, b, c, d in quads for t in ((a, b, c), (b, d, c))]
    return torch.cat([ball, plate]), torch.tensor([*triangles, (len(ball), len(ball) + 1, len(ball) + 2)])


def cameras(distance: float) -> CameraModel:
    """Three around the ball, of two sizes."""
    found = []
    for number, (height, width) in enumerate(SIZES):
        angle = 0.5 * (number - 1)
        forward = np.array([-np.sin(angle), 0, -np.cos(angle)])
        rotation = look_along(forward, np.array([0.0, 1, 0]))
        focal = 0.033 * distance * min(height, width)
        lens = np.array([[focal, 0.3, width / 2 + 1], [0, focal, height / 2 - 2], [0, 0, 1]])
        found.append(Camera(str(number), width, height, lens, rotation, rotation @ forward * distance))
    return CameraModel.from_cameras(found, [0, 0])


def samples(triangles: torch.Tensor, count: int) -> SurfaceSamples:
    random = torch.Generator().manual_seed(3)
    barycentrics = torch.rand(count, 3, generator=random)
    return SurfaceSamples(
        triangles=torch.randint(len(triangles), (count,), generator=random),
        barycentrics=barycentrics / barycentrics.sum(1, keepdim=True),
        neutral=torch.zeros(count, 3),
        basis=torch.zeros(count, 3, 1),
        weight=torch.rand(count, generator=random) + 0.5,
        spacing=0.1,
    )


def both(world: torch.Tensor, triangles: torch.Tensor, points: SurfaceSamples, seen_by: CameraModel):
    """The result of either, on the CPU."""
    tensors = {n: t.to(DEVICE) for n, t in vars(points).items() if isinstance(t, torch.Tensor)}
    there = replace(points, **tensors)
    moved = replace(seen_by, **{n: t.to(DEVICE) for n, t in vars(seen_by).items() if isinstance(t, torch.Tensor)})
    # as it is for the kernel: one that reads strided numbers as if they were side by side would be found out
    wide = torch.stack([there.weight, torch.full_like(there.weight, 9.0)], 1)[:, 0]
    there = replace(there, weight=wide, barycentrics=there.barycentrics.T.contiguous().T)
    one = plain.seen_samples(world, triangles, points, seen_by, SIZES, rasterize_torch.nearest)
    other = fused.seen_samples(world.to(DEVICE), triangles.to(DEVICE), there, moved, SIZES)
    return one, plain.SeenSamples(other.weights.cpu(), tuple(image.cpu() for image in other.coverage))


def agrees(one: plain.SeenSamples, other: plain.SeenSamples) -> bool:
    same_samples = torch.allclose(one.weights, other.weights, atol=2e-5)
    return same_samples and all(torch.equal(a, b) for a, b in zip(one.coverage, other.coverage, strict=True))


def test_the_kernels_see_what_plain_pytorch_sees_in_images_of_several_sizes():
    ball, triangles = sphere()
    world = torch.stack([ball, ball @ torch.tensor([[0.8, 0.6, 0], [-0.6, 0.8, 0], [0, 0, 1.0]])])
    one, other = both(world, triangles, samples(triangles, 150), cameras(60.0))
    assert agrees(one, other)
    hidden = one.weights == 0
    assert 0.2 < hidden.float().mean() < 0.8
    assert any(0.1 < image.mean() < 0.9 for image in one.coverage)


def test_surface_behind_a_camera_and_through_it_is_cut_alike():
    """The cameras stand within the ball's skin, so that triangles reach behind them with one corner and with two."""
    ball, triangles = sphere()
    one, other = both(ball.expand(2, -1, -1), triangles, samples(triangles, 150), cameras(9.0))
    assert agrees(one, other)
    assert one.weights.any()


@pytest.mark.parametrize(("frames", "count", "faces"), [(0, 5, 8), (1, 0, 8), (2, 5, 0)])
def test_empty_batches_samples_and_rigs_are_no_special_case(frames, count, faces):
    ball, triangles = sphere()
    points, seen_by = samples(triangles, count), cameras(60.0)
    seen_by = seen_by.at(torch.arange(frames))
    world = ball.expand(frames, -1, -1)
    if not faces:
        triangles, points = triangles[:0], samples(triangles, 0)
    one, other = both(world, triangles, points, seen_by)
    assert agrees(one, other)
    assert other.weights.shape == (frames, 3, len(points.weight))
