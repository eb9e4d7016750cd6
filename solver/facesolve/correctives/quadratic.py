"""How well the frames of a take would agree about the surface's colors if it were displaced: a quadratic model.

The colors themselves are eliminated, as in ``facesolve.stages.bundle``. Displacements live at surface samples,
whatever makes them. Knows no shapes.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from facesolve.geometry.pose import Pose
from facesolve.optimize.robust import robust_loss
from facesolve.residuals.color_elimination import SampleEquations
from facesolve.residuals.observation import Views, observe
from facesolve.residuals.photometric import template_covectors
from facesolve.residuals.template import agree
from facesolve.stages.problem import Problem

OPEN = 2.5  # times the robust scale: where the rig is wrong, what looks like outliers is what is sought


@dataclass(frozen=True, eq=False)
class Disagreement(SampleEquations):
    """The cost of M frames at displacements of the samples, float64, information units."""

    def multiplied(self, displacement: Tensor) -> Tensor:
        """(M, N, 3): the matrix times displacements (M, N, 3)."""
        alone = (self.information * displacement[:, :, None]).sum(3)
        return alone - self.shared * (self.shared * displacement).sum((0, 2))[:, None]

    def recentered(self, present: Tensor) -> Disagreement:
        """The same cost as a function of ``present`` (M, N, 3) plus the displacement."""
        return Disagreement(self.information, self.force + self.multiplied(present), self.shared)


def disagreement(problem: Problem, views: Views, pose: Pose, level: int) -> Disagreement:
    """For the batch of ``views`` at M poses, at a pyramid level."""
    everything = observe(problem.samples, problem.model, pose.controls, pose.head, views)
    scale = agree(everything, views.edges)[2]
    template, weights, _ = agree(everything, views.edges, OPEN * scale)
    residual = everything.values - template.values
    covectors = template_covectors(template.slopes, everything.rays, views.edges)
    noise = problem.noise_variance(scale, level)
    found = SampleEquations.of(covectors, weights, residual, template.weights)
    return Disagreement(
        information=found.information.double() / noise,
        force=found.force.double() / noise,
        shared=found.shared.double() / noise.sqrt(),
    )


def robust_costs(problem: Problem, views: Views, pose: Pose, scale: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """(N,) robust cost of each sample over all frames and cameras, in units of the scale squared, and the scale used.

    scale: robust scale, None to take it from the residuals.
    """
    everything = observe(problem.samples, problem.model, pose.controls, pose.head, views)
    template, _, used = agree(everything, views.edges, scale)
    visibility_weights = everything.weights * (template.weights > 0)
    return (visibility_weights * robust_loss(everything.values - template.values, used)).sum(
        (0, 1)
    ).double() / used**2, used
