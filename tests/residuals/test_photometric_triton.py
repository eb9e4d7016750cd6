"""What samples say, in plain PyTorch and by the fused kernels: values, derivatives, matrices and costs are the same."""

from dataclasses import fields, is_dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

from facesolve.geometry.camera import CameraModel
from facesolve.geometry.rigid import retract
from facesolve.geometry.surface_samples import PlacedSamples
from facesolve.residuals import photometric as plain
from facesolve.residuals.observation import Views, image_stacks
from facesolve.take import Camera
from tests.kernel_device import DEVICE

from facesolve.residuals import photometric_triton as fused  # isort: skip

FRAMES, SAMPLES = 2, 90
SIZES = (22, 30), (30, 22), (22, 30)  # height, width: the first and the last are one stack
if DEVICE.type == "cpu":  # fewer programs, each of more: the interpreter takes its time for each
    fused.SAMPLES = 128


def on(device: torch.device, value: Any) -> Any:
    """A dataclass, or a tuple of such, with its tensors on a device."""
    if isinstance(value, torch.Tensor):
        return value.to(device)
    if isinstance(value, tuple):
        return tuple(on(device, part) for part in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: on(device, getattr(value, f.name)) for f in fields(value)})
    return value


def random(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def cameras() -> CameraModel:
    """Three in front of points around the origin; some of the points are behind the last one."""
    found = []
    for number, (height, width) in enumerate(SIZES):
        lens = np.array([[40.0, 0.4, width / 2], [0.2, 42, height / 2 - 1], [0, 0, 1]])
        away = np.array([0.5 * number, -0.3, 0.5 if number == 2 else 16 + number])
        found.append(Camera(str(number), width, height, lens, np.eye(3), away))
    return CameraModel.from_cameras(found, [0] * FRAMES)


@cache
def scene(share: float, moving: bool) -> tuple[torch.Tensor, torch.Tensor, plain.Against]:
    """Points (B, N, 3), heads, and what they are held against."""
    images = image_stacks([random(FRAMES, *size, seed=10 + number) for number, size in enumerate(SIZES)])
    edges = random(FRAMES, SAMPLES, 2, 3, seed=1)
    edges[:, 7, 1] = edges[:, 7, 0]  # a triangle without area
    visibility = random(FRAMES, len(SIZES), 2 * SAMPLES, seed=2).clamp_min(0)[..., ::2]
    velocity = random(FRAMES, SAMPLES, 3, seed=3) if moving else None
    delay = torch.tensor([0.3, -0.2, 0.1]) if moving else None
    views = Views(images, cameras(), visibility, edges, velocity, delay)
    means = random(SAMPLES, 3, seed=4)
    template = plain.Template(means[:, 0], means[:, 1:], (torch.arange(SAMPLES) % 5 != 0).float())
    head = retract(torch.eye(4).repeat(FRAMES, 1, 1), 0.1 * random(FRAMES, 6, seed=5))
    return 2.5 * random(FRAMES, SAMPLES, 3, seed=6), head, plain.Against.of(template, views, share)


def both(share: float, moving: bool, known_scale: bool) -> tuple[plain.SaidBySamples, plain.SaidBySamples]:
    points, head, against = scene(share, moving)
    scale = torch.tensor([0.7, 1.3]) if known_scale else None
    placed, there = (PlacedSamples(None, points.to(where), None) for where in (torch.device("cpu"), DEVICE))
    one = plain.said_by_samples(placed, head, against, scale)
    on_device = None if scale is None else scale.to(DEVICE)
    other = fused.said_by_samples(there, head.to(DEVICE), on(DEVICE, against), on_device)
    return one, on(torch.device("cpu"), other)


@pytest.mark.parametrize(("share", "moving", "known_scale"), [(0.5, True, False), (1.0, False, True)])
def test_the_kernels_say_what_plain_pytorch_says(share, moving, known_scale):
    one, other = both(share, moving, known_scale)
    for field in fields(one):
        mine, theirs = getattr(other, field.name), getattr(one, field.name)
        size = float(theirs.abs().max())
        torch.testing.assert_close(mine, theirs, atol=3e-5 * size, rtol=3e-4, msg=lambda text, n=field.name: n + text)
    assert (one.information.diagonal(dim1=2, dim2=3).sum(2) > 0).float().mean() > 0.4
    behind = scene(share, moving)[0][..., 2] < -1
    assert behind.any(), "no point is behind the last camera"


def test_the_kernels_say_the_same_in_each_run():
    first, again = both(1.0, False, True)[1], both(1.0, False, True)[1]
    assert all(torch.equal(getattr(first, field.name), getattr(again, field.name)) for field in fields(first))


@pytest.mark.parametrize(("frames", "samples"), [(0, SAMPLES), (FRAMES, 0)])
def test_no_frames_or_samples_say_nothing(frames, samples):
    points, head, against = scene(1.0, False)
    views = replace(
        against.views.at(torch.arange(frames)),
        visibility=against.views.visibility[:frames, :, :samples],
        edges=against.views.edges[:frames, :samples],
    )
    template = replace(
        against.template, **{f.name: getattr(against.template, f.name)[:samples] for f in fields(plain.Template)}
    )
    empty = on(DEVICE, plain.Against.of(template, views))
    placed = PlacedSamples(None, points[:frames, :samples].to(DEVICE), None)
    said = fused.said_by_samples(placed, head[:frames].to(DEVICE), empty, torch.ones(frames, device=DEVICE))
    assert said.information.shape == (frames, samples, 3, 3)
    assert not said.cost.any()
