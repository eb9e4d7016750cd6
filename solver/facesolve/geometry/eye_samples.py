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
STILL = 1e-4  # cm over a control's range: an eyeball that moves no farther does not move


@dataclass(frozen=True, eq=False)
class Eyes:
    """The eyeballs of a rig that controls turn. controls: (K,) bool, which do; samples: on their fronts."""

    controls: Tensor
    samples: SurfaceSamples

    @staticmethod
    def of(model: RigModel) -> Eyes | None:
        """The rig's; None where no control turns an eyeball about its center."""
        turning = torch.zeros(model.control_count, dtype=torch.bool, device=model.device)
        turned = []
        for ball in find_eyeballs(model.rig):
            controls = _turning(model, ball)
            if bool(controls.any()):
                turning |= controls
                turned.append(ball)
        return Eyes(turning, _front_samples(model, turned)) if turned else None


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
