"""Where eyeballs look, searched over all that their controls can do: for eyes that steps along gradients have lost.

An eyeball is round. What every one of its turns would show is told by one look at the images: other parts of it come to
lie where a color was seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from facesolve.geometry.eye_samples import COARSE, EyePart, Eyes
from facesolve.geometry.pose import Pose
from facesolve.geometry.rigid import registration
from facesolve.residuals.observation import Views, observe
from facesolve.residuals.photometric import Template

from .problem import Problem

NEAR = 2.5  # spacings of the samples within which a color counts as that of a sample
UNKNOWN = 0.6  # of the colors' standard deviation: what disagrees where nothing is known
TOGETHER = 64  # turns that are judged at once
GAIN = 0.9  # of what disagrees as eyes look now, to which another turn must bring it


@dataclass(eq=False)
class _Colors:
    """What is known of n samples' colors, from a template or as frames are added. sums, weights: (n,)."""

    sums: Tensor
    weights: Tensor

    @property
    def values(self) -> Tensor:
        return self.sums / self.weights.clamp_min(1e-6)

    @property
    def spread(self) -> Tensor:
        """() standard deviation of the colors."""
        share = self.weights / self.weights.sum().clamp_min(1e-6)
        mean = (share * self.values).sum()
        return (share * (self.values - mean).square()).sum().sqrt().clamp_min(1e-6)


@dataclass(frozen=True, eq=False)
class _Sight:
    """What C cameras see of an eye in one frame: values and weights (C, m) at m points (m, 3), rig space, cm."""

    values: Tensor
    weights: Tensor
    points: Tensor


def find_gaze(
    own: Problem, eyes: Eyes, views: Views, pose: Pose, frames: Tensor, template: Template | None = None, first: int = 0
) -> Pose:
    """M poses, of which eyes that another turn explains far better are turned there.

    own: of the eyes' samples alone. views: of ``frames`` (M,), take frame indices, at the poses. template: what the
    eyes look like; None to learn it on the way, from row ``first`` on and then from the nearest frames.
    """
    observation = observe(own.samples, own.model, pose.controls, pose.head, views)
    near = NEAR * COARSE**0.5 * own.samples.spacing
    turned = pose.controls.clone()
    for part in eyes.parts:
        values, weights = observation.values[..., part.samples], observation.weights[..., part.samples]
        points, resting = observation.points[:, part.samples], eyes.resting(part, own.model, pose.controls)
        known = _Colors(torch.zeros_like(values[0, 0]), torch.zeros_like(values[0, 0]))
        if template is not None:
            trust = template.weights[part.samples]
            known = _Colors(template.values[part.samples] * trust, trust)
        for row in (frames - frames[first]).abs().argsort().tolist():
            seen = weights[row].sum(0) > 0
            if not bool(seen.any()):
                continue
            sight = _Sight(values[row][:, seen], weights[row][:, seen], points[row, seen])
            may, there = _turns(own, part, int(frames[row]), points[row], resting[row])
            there = torch.cat([points[row][None], there])
            losses = torch.cat([_disagreement(known, sight, some, near) for some in there.split(TOGETHER)])
            best = int(losses.argmin()) if bool(losses.amin() < GAIN * losses[0]) else 0
            if best:
                turned[row, part.controls] = may[best - 1].to(turned)
            if template is None:
                _add(known, sight, there[best], near)
    return Pose(turned, pose.head)


def _turns(own: Problem, part: EyePart, frame: int, points: Tensor, resting: Tensor) -> tuple[Tensor, Tensor]:
    """(G, k) what a part's controls may do in a frame, and (G, n, 3) where its samples are then.

    points, resting: (n, 3) where they are as it is, and where they would be if all else rested.
    """
    lower, upper = (bound[frame, part.controls].to(part.turns) for bound in (own.prior.lower, own.prior.upper))
    within = ((part.turns >= lower) & (part.turns <= upper)).all(1)
    carried = registration(resting, points, torch.ones_like(points[:, 0])).to(points)
    return part.turns[within], part.turned[within] @ carried[:3, :3].T + carried[:3, 3]


def _disagreement(known: _Colors, sight: _Sight, there: Tensor, near: float) -> Tensor:
    """(G,) what differs on average from the colors that each turn would show. there: (G, n, 3) of the samples."""
    distance, nearest = torch.cdist(sight.points, there).min(2)  # (G, m)
    told = (known.weights[nearest] > 0) & (distance < near)
    spread = known.spread
    differs = (sight.values - known.values[nearest][:, None]).abs().clamp_max(spread)  # (G, C, m)
    cost = torch.where(told[:, None], differs, UNKNOWN * spread)
    return (sight.weights * cost).sum((1, 2)) / sight.weights.sum()


def _add(known: _Colors, sight: _Sight, there: Tensor, near: float) -> None:
    """Adds what was seen to the colors. there: (n, 3) of the samples."""
    distance, nearest = torch.cdist(sight.points, there).min(0)
    weights = sight.weights[:, nearest] * (distance < near)
    known.sums += (weights * sight.values[:, nearest]).sum(0)
    known.weights += weights.sum(0)
