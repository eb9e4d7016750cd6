"""How far each surface sample can be trusted: do the cameras and frames agree about it as they do about lively skin?

Hair, brows, stubble, ears and collars move on their own, or look different from each side, and so never agree; lips and
lids are wet, and their highlights travel with the camera. A residual counts by the inverse of its variance (maximum
likelihood), which is measured here around every sample; what disagrees far more than skin that expressions move is
something else, and is left out.

What a camera sees otherwise than the others in all frames alike does not average out with more frames, as noise does.
How much of the disagreement that is decides how sure the footage is of what all frames have in common.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from facesolve.geometry.pose import Pose
from facesolve.residuals.observation import Views, observe
from facesolve.residuals.template import agree

from .problem import Problem

FULL = 0.7  # photometric weight from which a sample tells what agreement is usual
OUTLIER = 4.0  # squared residual, in robust scales, that counts most
LEAST, MOST = 0.5, 4.0  # times the usual disagreement, between which it is believed
FOREIGN = 2.0  # times the usual disagreement at which a sample is as likely something else
SHARPNESS = 4.0  # power with which trust falls beyond that
SMOOTHINGS = 3  # means over neighboring triangles: single samples are noisy


@dataclass(frozen=True, eq=False)
class Reliability:
    """trust: (N,) of the problem's samples, 1 on usual skin, at most 2. lasting: (N,) the part of the squared residuals
    around a sample that each camera has in all frames alike, 0..1; overall, usual: that of all lively skin together,
    and at most of its samples."""

    trust: Tensor
    lasting: Tensor
    overall: float
    usual: float

    def common(self, frames: int) -> float:
        """How many times larger the variance of what ``frames`` frames have in common is than if all residuals were
        independent: 1 to ``frames``."""
        return 1 + (frames - 1) * self.overall

    def steady(self, frames: int) -> Tensor:
        """(N,) what a sample's say about the common part of ``frames`` frames is worth against that of usual skin, at
        most 1: little where highlights stay with a camera."""
        return ((1 + (frames - 1) * self.usual) / (1 + (frames - 1) * self.lasting)).clamp_max(1)


def reliability(problem: Problem, views: Views, pose: Pose) -> Reliability:
    """Of M frames at ``pose``, as seen in their views."""
    observation = observe(problem.samples, problem.model, pose.controls, pose.head, views)
    template, _, scale = agree(observation, views.edges)
    residual = ((observation.values - template.values) / scale).clamp(-(OUTLIER**0.5), OUTLIER**0.5)
    seen = observation.weights * (template.weights > 0)
    square, weight = (seen * residual.square()).sum((0, 1)), seen.sum((0, 1))
    disagreement, known = _smoothed(problem, square, weight)
    lively = (problem.model.face_weight[problem.model.triangles[problem.samples.triangles]].amin(1) > FULL) & known
    if not bool(lively.any()):
        return Reliability(torch.ones_like(disagreement), torch.zeros_like(disagreement), 0.0, 0.0)
    usual = disagreement[lively].median().clamp_min(1e-9)
    ratio = disagreement / usual
    trust = 1 / (ratio.clamp(LEAST, MOST) * (1 + (ratio / FOREIGN) ** SHARPNESS))
    of_means = ((seen * residual).sum(0).square() / seen.sum(0).clamp_min(1e-6)).sum(0)
    around, _ = _smoothed(problem, of_means, square)
    lasting = _lasting(around, len(seen))
    together = of_means[lively].sum() / square[lively].sum().clamp_min(1e-9)
    return Reliability(
        torch.where(known, trust, 0.5),
        lasting,
        float(_lasting(together, len(seen))),
        float(lasting[lively].median()),
    )


def _lasting(of_means: Tensor, frames: int) -> Tensor:
    """The part of squared residuals that is the same in ``frames`` frames, of which means over them have a part
    ``of_means``: means hold a share of the rest, too."""
    if frames < 2:
        return torch.zeros_like(of_means)
    return (1 - (1 - of_means) * frames / (frames - 1)).clamp(0, 1)


def say_of_vertices(problem: Problem, trust: Tensor) -> Tensor:
    """(V,) in 0..1 how far each vertex drives the solve: the face's weight, times the trust (N,) in samples around."""
    sums = _at_vertices(problem, trust.clamp_max(1), torch.ones_like(trust))
    sums = torch.where(sums[:, 1:] > 0, sums, _spread(problem, sums))  # small triangles may have no sample
    return problem.model.face_weight * sums[:, 0] / sums[:, 1].clamp_min(1e-9)


def _smoothed(problem: Problem, total: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Means (N,) of what samples say, ``total`` over ``weight`` (N,), with their neighbors; and where there is any."""
    sums = _at_vertices(problem, total, weight)
    for _ in range(SMOOTHINGS):
        sums = _spread(problem, sums)
        sums = sums / sums[:, 1].amax().clamp_min(1e-9)  # only the ratio counts
    corners, shares = problem.model.triangles[problem.samples.triangles], problem.samples.barycentrics
    found = (sums[corners] * shares[..., None]).sum(1)
    known = found[:, 1] > 1e-6
    return found[:, 0] / found[:, 1].clamp_min(1e-9), known


def _at_vertices(problem: Problem, total: Tensor, weight: Tensor) -> Tensor:
    """(V, 2) sums at the vertices of what samples say, ``total`` and ``weight`` (N,)."""
    corners, shares = problem.model.triangles[problem.samples.triangles], problem.samples.barycentrics
    sums = total.new_zeros(len(problem.model.neutral), 2)
    for corner in range(3):
        sums.index_add_(0, corners[:, corner], torch.stack([total, weight], 1) * shares[:, corner, None])
    return sums


def _spread(problem: Problem, sums: Tensor) -> Tensor:
    """Sums (V, 2) of the triangles around each vertex."""
    triangles = problem.model.triangles
    of_triangles = sums[triangles].sum(1)
    return torch.zeros_like(sums).index_add_(0, triangles.flatten(), of_triangles.repeat_interleave(3, 0))
