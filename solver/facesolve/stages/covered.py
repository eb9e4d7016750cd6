"""What a frame shows of the face where something covers it: a hand, a microphone, a black image, noise.

Each camera's view is held against the template patch by patch. A patch of the surface that does not look as it should,
in one camera, has no say there; the others keep theirs. Knows no time: who covers the face, and until when, is not
asked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from facesolve.residuals.observation import Observation, Views
from facesolve.residuals.photometric import Template

from .problem import Problem

# correlation of a patch with the template: it shows nothing of the face below the first, all it can from the second
COVERED, CLEAR = 0.25, 0.55
ENOUGH = 4.0  # weight of a patch's samples, in samples seen straight on, from which it can be judged
SPOILED = 0.12  # of what a frame shows: where more than that is covered, the rest is held against the template alone
LEAST = 0.15  # of what a frame shows: where less than that is clear, chance alone may have it so


@dataclass(frozen=True, eq=False)
class Cover:
    """What B frames show. say: (B, C, N) in 0..1 of each sample in each camera. clear: (B,) part of the visible face
    that looks as it should. correlation: (B,) of that part with the template; 0 where there is none. hidden: (B,) part
    of the visible face that shows nothing of it: light that changes as a head turns makes all of a camera's patches
    differ a little, what is in front of a face makes some differ altogether."""

    say: Tensor
    clear: Tensor
    correlation: Tensor
    hidden: Tensor

    def uncovered(self, views: Views) -> Views:
        """The views of these frames without what is covered in them."""
        return replace(views, visibility=views.visibility * self.say)


def cover(problem: Problem, observation: Observation, template: Template) -> Cover:
    """What frames show of the face, given what they show at their poses and the template of the problem's samples."""
    weights = observation.weights * (template.weights > 0)
    values, known = observation.values, template.values
    sums = torch.stack([weights, weights * values * known, weights * values**2, weights * known**2])
    weight, shared, own, usual = problem.patches.summed_around(sums)
    correlation = shared / (own * usual).sqrt().clamp_min(1e-9)
    say = ((correlation - COVERED) / (CLEAR - COVERED)).clamp(0, 1)
    say = torch.where(weight > ENOUGH, say, 1.0)
    of_samples = say[..., problem.patches.of_points]
    # a patch without contrast says little, covered or not
    power = weights * known**2
    shown = power.sum((1, 2)).clamp_min(1e-9)
    clear = (power * of_samples).sum((1, 2)) / shown
    hidden = (power * (of_samples == 0)).sum((1, 2)) / shown
    trusted = weights * of_samples
    both = (trusted * values**2).sum((1, 2)) * (trusted * known**2).sum((1, 2))
    with_template = (trusted * values * known).sum((1, 2)) / both.sqrt().clamp_min(1e-9)
    return Cover(of_samples, clear, with_template, hidden)
