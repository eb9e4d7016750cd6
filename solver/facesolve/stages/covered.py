"""What a frame shows of the face where something covers it: a hand, a microphone, a black image, noise.

Each camera's view is held against the template patch by patch. A patch of the surface that does not look as it should,
in one camera, has no say there; the others keep theirs. How much two looks at a face have in common depends on its
skin, the light and the noise, so it is measured first. Knows no time: who covers the face, and until when, is not
asked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from facesolve.residuals.observation import Observation, Views
from facesolve.residuals.photometric import Template
from facesolve.residuals.template import ENOUGH as KNOWN

from .problem import Problem

# of the usual correlation with the template: a patch shows nothing of the face below the first, all it can from the
# second
COVERED, CLEAR = 0.25, 0.55
LEAST_USUAL = 0.5  # correlation: where looks at a face have less in common, chance may have as much
USUAL = 0.75  # quantile of the correlations of all looks: something may cover the face in some
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


def usual_correlation(observation: Observation) -> float:
    """How much a look at the face has in common with others, from what M frames show at poses that are believed: each
    camera's view of each frame with the mean of all others. ``LEAST_USUAL`` to 1, which it also is where no two see the
    same."""
    own = observation.weights * observation.values
    rest = observation.weights.sum((0, 1)) - observation.weights
    others = (own.sum((0, 1)) - own) / rest.clamp_min(KNOWN)
    seen = observation.weights * (rest > KNOWN)
    shared = (seen * observation.values * others).sum(2)
    power = (seen * observation.values**2).sum(2) * (seen * others**2).sum(2)
    shown = power > 0
    if not bool(shown.any()):
        return 1.0
    return max(float((shared[shown] / power[shown].sqrt()).quantile(USUAL)), LEAST_USUAL)


def cover(problem: Problem, observation: Observation, template: Template, usual: float) -> Cover:
    """What frames show of the face, given what they show at their poses and the template of the problem's samples.

    usual: ``usual_correlation`` with it.
    """
    weights = observation.weights * (template.weights > 0)
    values, known = observation.values, template.values
    sums = torch.stack([weights, weights * values * known, weights * values**2, weights * known**2])
    weight, shared, own, agreed = problem.patches.summed_around(sums)
    correlation = shared / (own * agreed).sqrt().clamp_min(1e-9)
    say = ((correlation / usual - COVERED) / (CLEAR - COVERED)).clamp(0, 1)
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
