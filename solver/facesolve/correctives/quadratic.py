"""How well the frames of a take would agree about the surface's colours if it were displaced: a quadratic model.

The colours themselves are eliminated, as in ``facesolve.stages.bundle``. Displacements live at surface samples,
whatever makes them. Knows no shapes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from facesolve.geometry.pose import Pose
from facesolve.optimize.robust import robust_loss
from facesolve.residuals.observation import Views, observe
from facesolve.residuals.photometric import sample_normals, template_covectors
from facesolve.residuals.template import agree
from facesolve.stages.problem import Problem

OPEN = 2.5  # times the robust scale: where the rig is wrong, what looks like outliers is what is sought


@dataclass(frozen=True, eq=False)
class Disagreement:
    """The cost of M frames at displacements d (M, N, 3) of the N samples in rig space, cm, up to a constant:
    ``1/2 sum_f d_f^T information_f d_f - 1/2 |sum_f shared_f . d_f|^2 - sum_f d_f . force_f``.

    information: (M, N, 3, 3), force: (M, N, 3), shared: (M, N, 3), float64, information units: what the frames agree on
    moves along with what they have in common, and says nothing.
    """

    information: Tensor
    force: Tensor
    shared: Tensor

    def multiplied(self, displacement: Tensor) -> Tensor:
        """(M, N, 3): the matrix times displacements (M, N, 3)."""
        alone = (self.information * displacement[:, :, None]).sum(3)
        return alone - self.shared * (self.shared * displacement).sum((0, 2))[:, None]

    def recentred(self, present: Tensor) -> Disagreement:
        """The same cost as a function of ``present`` (M, N, 3) plus the displacement."""
        return Disagreement(self.information, self.force + self.multiplied(present), self.shared)


def disagreement(problem: Problem, views: Views, pose: Pose, level: int) -> Disagreement:
    """Of the batch of ``views`` at M poses, at a pyramid level."""
    everything = observe(problem.samples, problem.model, pose.controls, pose.head, views)
    scale = agree(everything, views.edges)[2]
    template, weights, _ = agree(everything, views.edges, OPEN * scale)
    residual = everything.values - template.values
    covectors = template_covectors(template.slopes, everything.rays, views.edges)
    noise = problem.noise_variance(scale, level)
    information, force = sample_normals(covectors, weights, residual)
    mean_covectors = torch.einsum("bcn,bcni->bni", weights, covectors)
    root = torch.where(template.weights > 0, template.weights, torch.inf).rsqrt()
    return Disagreement(
        information=information.double() / noise,
        force=force.double() / noise,
        shared=(mean_covectors * root[:, None]).double() / noise.sqrt(),
    )


def robust_costs(problem: Problem, views: Views, pose: Pose, scale: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """(N,) robust cost of each sample over all frames and cameras, in units of the scale squared, and the scale used.

    scale: robust scale, None to take it from the residuals.
    """
    everything = observe(problem.samples, problem.model, pose.controls, pose.head, views)
    template, _, used = agree(everything, views.edges, scale)
    seen = everything.weights * (template.weights > 0)
    return (seen * robust_loss(everything.values - template.values, used)).sum((0, 1)).double() / used**2, used
