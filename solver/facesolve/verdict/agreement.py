"""How well the cameras agree about the surface at given poses, in absolute terms. Knows no limits and no sentences.

A residual cannot tell a wrong solve from a right one: images are normalized, and a template fits what it was made from.
What can tell is each camera alone against what all the others show of the same surface, patch by patch: how much they
have in common, and how far the camera's image would have to be moved to have most in common.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from facesolve.footage.stream import FramePixels
from facesolve.geometry.pose import Pose
from facesolve.geometry.surface_patches import SurfacePatches
from facesolve.residuals.camera_errors import CameraErrors
from facesolve.residuals.observation import Observation, Views, look_up, observe, on_image, pixel_size
from facesolve.stages.problem import Problem

SAMPLES = 4_000  # at most
REACH = 4  # pixels of the level to which a patch is moved, each way
ENOUGH = 8.0  # weight of a patch's samples, in samples seen straight on, from which it is judged
TURN, SHIFT = 0.0873, 0.5  # radians and cm by which the head is moved for contrast: 5 degrees, 5 mm
LEAST_MOVE = 3.0  # pixels of the level: a head that is small in the images is moved by more, for these to differ


@dataclass(frozen=True, eq=False)
class Agreement:
    """M frames, C cameras, P patches of the surface; NaN where nothing can be compared.

    correlation: (M, C) of a camera's view with all other cameras'. of_patches: (M, C, P) the same, each patch alone.
    best: (M, C, P) the highest correlation to which a patch can be moved, and offset: (M, C, P, 2) pixels of the level
    that it is moved by. contrast: (6,) mean correlation less that with the head moved, the better of both ways, along
    each of its axes: three turns, three shifts. weights: (M, C, P). pixels_per_cm: of the level. moved: by how many
    times 5 mm and 5 degrees the head was moved, at least 1.
    """

    correlation: Tensor
    of_patches: Tensor
    best: Tensor
    offset: Tensor
    contrast: Tensor
    weights: Tensor
    pixels_per_cm: float
    moved: float = 1.0


def agreement(
    problem: Problem,
    pixels: Sequence[FramePixels],
    pose: Pose,
    frames: Tensor,
    level: int,
    errors: CameraErrors | None = None,
    velocity: Tensor | None = None,
) -> Agreement:
    """The agreement of M frames. frames: (M,) take frame indices.

    errors: of the cameras, with the velocity of the samples (``Problem.velocity``) at these frames, of ``problem``.
    """
    stride = max(1, len(problem.samples.weight) // SAMPLES)
    some = problem.with_samples(problem.samples.thinned(stride))
    views = some.views.views(some.samples, level, frames.tolist(), pixels, pose.controls, pose.head)
    if errors is not None and velocity is not None:
        views = errors.seen(views, velocity[:, ::stride])
    observation = observe(some.samples, some.model, pose.controls, pose.head, views)
    patches = some.patches
    others, seen = _others(observation.values, observation.weights)
    weights = observation.weights * seen
    pixels_per_cm = problem.pixels_per_cm / 2**level
    moved = max(1.0, LEAST_MOVE / (SHIFT * pixels_per_cm))
    of_patches, best, offset = _moved(observation, others, weights, patches)
    return Agreement(
        correlation=_correlation(observation.values, others, weights),
        of_patches=of_patches,
        best=best,
        offset=offset,
        contrast=_contrast(some, views, pose, observation, moved),
        weights=patches.summed(weights),
        pixels_per_cm=pixels_per_cm,
        moved=moved,
    )


def camera_correlation(
    problem: Problem, pixels: Sequence[FramePixels], pose: Pose, frames: Tensor, level: int
) -> tuple[Tensor, Tensor]:
    """Of M frames ``Agreement.correlation`` alone (M, C), and how large each camera shows the head (M, C).

    The size is the larger standard deviation, along one of the image's axes, of what the camera sees of it, pixels.
    """
    views = problem.views.views(problem.samples, level, frames.tolist(), pixels, pose.controls, pose.head)
    seen = observe(problem.samples, problem.model, pose.controls, pose.head, views)
    others, known = _others(seen.values, seen.weights)
    weights = (seen.weights / seen.weights.sum(-1, keepdim=True).clamp_min(1e-6))[..., None]
    places = seen.projection.pixels
    middle = (weights * places).sum(-2, keepdim=True)
    size = (weights * (places - middle).square()).sum(-2).amax(-1).sqrt()
    return _correlation(seen.values, others, seen.weights * known), size


def _others(values: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """What all other cameras show on average in the same frame, (M, C, N), and (M, C, N) bool: whether any does."""
    total, count = (values * weights).sum(1, keepdim=True), weights.sum(1, keepdim=True)
    rest = count - weights
    return (total - values * weights) / rest.clamp_min(1e-6), rest > 0.05


def _correlation(values: Tensor, others: Tensor, weights: Tensor) -> Tensor:
    """(M, C) over the samples; images are normalized, so their mean is 0 by themselves."""
    shared = (weights * values * others).sum(-1)
    power = (weights * values.square()).sum(-1) * (weights * others.square()).sum(-1)
    return torch.where(weights.sum(-1) > ENOUGH, shared / power.sqrt().clamp_min(1e-9), torch.nan)


def _moved(
    observation: Observation, others: Tensor, weights: Tensor, patches: SurfacePatches
) -> tuple[Tensor, Tensor, Tensor]:
    """Of each patch (M, C, P): the correlation where it is, the best, and the offset (M, C, P, 2) there, pixels."""
    line = torch.arange(-REACH, REACH + 1, device=others.device, dtype=others.dtype)
    moves = torch.cartesian_prod(line, line)  # (n, 2)
    pixel = pixel_size(observation.cameras)
    places = on_image(observation.projection, pixel)
    rows = []
    for move in moves:
        values = look_up(observation.images, (places + move * pixel)[:, :, None])[:, :, 0]
        shared, own = (patches.summed(weights * values * each) for each in (others, values))
        rows.append(shared / (own * patches.summed(weights * others.square())).sqrt().clamp_min(1e-9))
    width = len(line)
    table = torch.stack(rows, -1)  # (M, C, P, n)
    known = patches.summed(weights) > ENOUGH
    best, place = table.max(-1)
    peak = _peak(table.unflatten(-1, (width, width)), place // width, place % width) - REACH
    nothing = torch.full_like(best, torch.nan)
    return (
        torch.where(known, table[..., len(moves) // 2], nothing),
        torch.where(known, best, nothing),
        torch.where(known[..., None], peak, nothing[..., None]),
    )


def _peak(table: Tensor, column: Tensor, row: Tensor) -> Tensor:
    """(..., 2) where the maxima at whole places of tables (..., w, w) really are: a parabola along each axis."""
    width = table.shape[-1]
    across = table.gather(-1, row[..., None, None].expand(*table.shape[:-1], 1))[..., 0]
    along = table.gather(-2, column[..., None, None].expand(*table.shape[:-2], 1, width))[..., 0, :]
    found = []
    for lines, place in ((across, column), (along, row)):
        inside = place.clamp(1, width - 2)
        before, at, after = (lines.gather(-1, (inside + step)[..., None])[..., 0] for step in (-1, 0, 1))
        bend = (before - 2 * at + after).clamp_max(-1e-9)
        found.append(inside + ((before - after) / (2 * bend)).clamp(-1, 1))
    return torch.stack(found, -1)


def _contrast(problem: Problem, views: Views, pose: Pose, observation: Observation, moved: float) -> Tensor:
    """(6,) as ``Agreement.contrast``; what is seen is taken to stay the same."""
    here = _mean_correlation(observation)
    found = []
    for axis in range(6):
        step = torch.zeros(pose.controls.shape[1] + 6, dtype=pose.head.dtype, device=pose.head.device)
        step[pose.controls.shape[1] + axis] = moved * (TURN if axis < 3 else SHIFT)
        there = []
        for way in (step, -step):
            away = pose.stepped(way.expand(len(pose.head), -1))
            there.append(_mean_correlation(observe(problem.samples, problem.model, away.controls, away.head, views)))
        found.append(here - torch.maximum(*there))
    return torch.stack(found)


def _mean_correlation(observation: Observation) -> Tensor:
    others, seen = _others(observation.values, observation.weights)
    return _correlation(observation.values, others, observation.weights * seen).nanmean()
