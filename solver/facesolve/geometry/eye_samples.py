"""The eyeballs that controls turn, and samples on their fronts. Knows no image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .eyes import Eyeball, find_eyeballs
from .rig import RigModel
from .surface_samples import SurfaceSamples, samples_at, spread

SAMPLES = 3000  # on each eyeball
FRONT = 0.2  # cosine to the direction away from the face, from which an eyeball is ever seen
TURNS = 0.7  # share of an eyeball's motion that is a turn about its own center: a neck's is a tenth
COARSE = 10  # every tenth sample stands for the eyeball where all of its turns are tried
TOGETHER = 16  # poses that are placed at once
STEPS = {1: 25, 2: 11, 3: 6, 4: 4}  # turns along each of so many controls of an eyeball
STILL = 1e-4  # cm over a control's range: an eyeball that moves no farther does not move


@dataclass(frozen=True, eq=False)
class EyePart:
    """An eyeball, or several that share a control.

    controls: (k,) int64, which turn it; samples: (n,) int64, every ``COARSE``-th of its own; turns: (G, k) all that the
    controls can do, in steps; turned: (G, n, 3) where the samples are then, rig space, cm, while all else rests.
    """

    controls: Tensor
    samples: Tensor
    turns: Tensor
    turned: Tensor


@dataclass(frozen=True, eq=False)
class Eyes:
    """The E eyeballs of a rig that controls turn. controls: (K,) bool, which do; samples: on their fronts, ``SAMPLES``
    of one eyeball after those of the other; parts: what can be turned by itself."""

    controls: Tensor
    samples: SurfaceSamples
    parts: tuple[EyePart, ...]

    @staticmethod
    def of(model: RigModel) -> Eyes | None:
        """The rig's; None where no control turns an eyeball about its center."""
        turned, turning = [], []
        for ball in find_eyeballs(model.rig):
            controls = _turning(model, ball)
            if bool(controls.any()):
                turning.append(controls)
                turned.append(ball)
        if not turned:
            return None
        samples = _front_samples(model, turned)
        return Eyes(torch.stack(turning).any(0), samples, _parts(model, samples, torch.stack(turning)))

    def resting(self, part: EyePart, model: RigModel, controls: Tensor) -> Tensor:
        """(B, n, 3) the samples of a part where B poses (B, K) turn it, while all else rests."""
        return _placed(model, self.samples, part.samples, part.controls, controls[:, part.controls])


def _parts(model: RigModel, samples: SurfaceSamples, turning: Tensor) -> tuple[EyePart, ...]:
    """turning: (E, K) bool, which controls turn each eyeball. None where more of them turn one than can be tried."""
    own = torch.arange(len(turning) * SAMPLES, device=turning.device)[::COARSE].view(len(turning), -1)
    if bool((turning.sum(0) > 1).any()):
        turning, own = turning.any(0, keepdim=True), own.view(1, -1)
    parts = []
    for controls, some in zip((torch.nonzero(row)[:, 0] for row in turning), own, strict=True):
        if len(controls) not in STEPS:
            continue
        low, high = model.bounds[controls].unbind(1)
        steps = torch.linspace(0, 1, STEPS[len(controls)]).to(low)
        turns = low + torch.cartesian_prod(*[steps] * len(controls)).view(-1, len(controls)) * (high - low)
        parts.append(EyePart(controls, some, turns, _placed(model, samples, some, controls, turns)))
    return tuple(parts)


def _placed(model: RigModel, samples: SurfaceSamples, some: Tensor, controls: Tensor, values: Tensor) -> Tensor:
    """(G, n, 3) some samples (n,) where all controls rest but some (k,), which have values (G, k)."""
    corners = model.triangles[samples.triangles[some]]
    vertices, place = corners.unique(return_inverse=True)
    poses = model.default.repeat(len(values), 1)
    poses[:, controls] = values.to(poses)
    found = torch.cat([model.places(few, vertices) for few in poses.split(TOGETHER)])
    return (samples.barycentrics[some, :, None] * found[:, place].to(samples.barycentrics)).sum(2)


def _turning(model: RigModel, ball: Eyeball) -> Tensor:
    """(K,) bool: controls that turn an eyeball about its own center, judged by what they do to the neutral."""
    vertices = torch.as_tensor(ball.vertices, device=model.device)
    _, J = model.at_vertices(model.default[None], vertices)
    motion = (J[0] * (model.bounds[:, 1] - model.bounds[:, 0])).double().permute(2, 0, 1)  # (K, n, 3)
    apart = torch.as_tensor(model.rig.neutral[ball.vertices] - ball.center, device=model.device).double()
    # motion = turn x apart + shift: the turn of least squares, whose inertia is that of the vertices
    middle = apart - apart.mean(0)
    inertia = middle.square().sum() * torch.eye(3).to(middle) - middle.T @ middle
    moment = torch.linalg.cross(middle.expand_as(motion), motion - motion.mean(1, keepdim=True)).sum(1)
    turn = torch.linalg.solve(inertia, moment.T).T  # (K, 3)
    turned = torch.linalg.cross(turn[:, None].expand_as(motion), apart.expand_as(motion))
    largest = motion.norm(dim=2).amax(1)
    rest = (motion - turned).square().sum((1, 2))
    return (largest > STILL) & (rest < (1 - TURNS) * motion.square().sum((1, 2)))


def _front_samples(model: RigModel, balls: Sequence[Eyeball]) -> SurfaceSamples:
    corners = model.neutral[model.triangles]
    across = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = across.norm(dim=1) / 2
    triangles, places = [], []
    for ball in balls:
        own = torch.zeros(len(model.neutral), dtype=torch.bool, device=model.device)
        own[torch.as_tensor(ball.vertices, device=model.device)] = True
        center, outward = (
            torch.as_tensor(part, device=model.device).to(corners) for part in (ball.center, ball.outward)
        )
        toward = corners.mean(1) - center
        front = toward @ outward > FRONT * toward.norm(dim=1)
        chosen, barycentrics = spread(area * (own[model.triangles].all(1) & front), SAMPLES)
        triangles.append(chosen)
        places.append(barycentrics)
    count = SAMPLES * len(balls)
    spacing = float((2 * np.pi * np.mean([ball.radius**2 for ball in balls]) / SAMPLES) ** 0.5)
    every = torch.ones(count, dtype=model.dtype, device=model.device)
    return samples_at(model, torch.cat(triangles), torch.cat(places), every, spacing)
