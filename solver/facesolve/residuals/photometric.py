"""Photometric residuals at surface samples: what the cameras see there, against what the surface looks like.

The surface's look is a ``Template``: one normalized color a sample and its slope along the surface. It is either given
(tracking) or eliminated from the equations (``facesolve.stages.bundle``). Knows no files, no priors and no solver.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from facesolve.geometry.pose import Pose
from facesolve.optimize.robust import residual_scale, robust_sum

from .normal_equations import normal_equations, to_controls
from .observation import Observation, Views, observe
from .quadratic import Quadratic
from .residual import REFINE, TRACK, Known

SLIVER = 1e-4  # sine between two edges of a triangle below which rounding decides its normal


@dataclass(frozen=True, eq=False)
class Template:
    """The surface's look: values (N,), slopes (N, 2) along the two edges of each sample's triangle, weights (N,).

    A weight is how much was seen of the sample, in observations; 0 means unknown.
    """

    values: Tensor
    slopes: Tensor
    weights: Tensor


def surface_slopes(observation: Observation, edges: Tensor) -> Tensor:
    """Slopes of the observed color along the triangle edges: (B, C, N, 2). edges: (B, N, 2, 3)."""
    along = [_dot(observation.covectors, edges[:, None, :, edge]) for edge in range(2)]
    return torch.stack(along, -1)


def _dot(left: Tensor, right: Tensor) -> Tensor:
    """(...) products of (..., 3) with (..., 3), term by term: a CPU takes twice as long to sum over three numbers."""
    first = left[..., 0] * right[..., 0]
    return first.addcmul_(left[..., 1], right[..., 1]).addcmul_(left[..., 2], right[..., 2])


def template_covectors(slopes: Tensor, rays: Tensor, edges: Tensor) -> Tensor:
    """Derivative of the color seen by a camera with respect to the surface's position, from the template's slopes.

    The covector g that gives the slopes along both edges and 0 along the viewing ray (moving a point along its ray does
    not change its pixel); 0 for triangles without area. Unlike the footage's own gradient it holds no noise of the
    image it is compared with, which would make motion that all cameras share look stiff.

    slopes: (N, 2); rays: (B, C, N, 3) unit; edges: (B, N, 2, 3). Returns (B, C, N, 3).
    """
    return SurfaceGradient.of(slopes, edges).covectors(rays)


@dataclass(frozen=True, eq=False)
class SurfaceGradient:
    """What ``template_covectors`` needs of template and triangles, whatever the rays.

    normal: (B, N, 3), as long as twice the area of each sample's triangle; least: (B, N), what its product with a ray
    is taken to be at least, else the covector would be endless; across: (B, N, 3), the slopes' share.
    """

    normal: Tensor
    least: Tensor
    across: Tensor

    @staticmethod
    def of(slopes: Tensor, edges: Tensor) -> SurfaceGradient:
        """slopes: (N, 2) along edges (B, N, 2, 3)."""
        first, second = edges[:, :, 0], edges[:, :, 1]
        normal = torch.linalg.cross(first, second)
        area = torch.linalg.vector_norm(normal, dim=-1)
        has_area = area > SLIVER * torch.linalg.vector_norm(edges, dim=-1).prod(-1)
        across = torch.where(has_area[..., None], slopes[:, :1] * second - slopes[:, 1:] * first, 0.0)
        return SurfaceGradient(normal, torch.where(has_area, 1e-3 * area, 1.0), across)

    def covectors(self, rays: Tensor) -> Tensor:
        """(B, C, N, 3) for unit rays (B, C, N, 3)."""
        volume = _dot(self.normal[:, None], rays)
        volume = torch.copysign(torch.maximum(volume.abs(), self.least[:, None]), volume)
        return torch.linalg.cross(self.across[:, None].expand_as(rays), rays) / volume[..., None]


def sample_normals(covectors: Tensor, weights: Tensor, residual: Tensor) -> tuple[Tensor, Tensor]:
    """Sums over cameras what each sample contributes: information (B, N, 3, 3) and force (B, N, 3) on its position.

    covectors: (B, C, N, 3); weights, residual: (B, C, N). Information is ``sum w g g^T``, force ``-sum w r g``.
    """
    weighted = covectors * weights[..., None]
    # products summed up, row by row: as matrix products of one sample each they would take six times as long
    rows = [(weighted[..., axis, None] * covectors).sum(1) for axis in range(3)]
    return torch.stack(rows, 2), -(weighted * residual[..., None]).sum(1)


@dataclass(frozen=True, eq=False)
class Photometric:
    """The residual of B frames against a known template at a pyramid level.

    gradient: of template and views. template_share: how much of the gradient comes from the template, the rest from the
    footage. Half and half is efficient second-order minimization (Benhimane & Malis 2004), which sees farther; 1 holds
    no image noise. scale: robust scale of each frame (B,), None to take it from the residuals.
    """

    template: Template
    gradient: SurfaceGradient
    views: Views
    level: int
    template_share: float = 1.0
    scale: Tensor | None = None
    stages: ClassVar = (TRACK, REFINE)

    @staticmethod
    def of(template: Template, views: Views, level: int, template_share: float = 1.0) -> Photometric:
        """Against a template, of what is seen in ``views``."""
        return Photometric(template, SurfaceGradient.of(template.slopes, views.edges), views, level, template_share)

    def quadratic(self, known: Known, frames: Tensor, pose: Pose) -> Quadratic:
        """See ``Residual``; frames are those of the views."""
        return self.judged(known, pose, self.scale)[0]

    def judged(self, known: Known, pose: Pose, scale: Tensor | None) -> tuple[Quadratic, Tensor, Observation]:
        """The cost of B frames around ``pose``, the robust scales (B,) used, and what was seen there.

        The cost is that of the robust loss; its matrix that of the parabolas that touch the loss from above, whose
        weights ``robust_weight`` gives. Both are divided by the noise's variance, so that they count independent
        observations and add up with priors. Derivatives are a mix of the image's slope and the template's, of share
        ``template_share``. The matrix may be rounded (``exact=False``): it decides how fast a fit arrives, not where.

        scale: as the field.
        """
        observation = observe(known.samples, known.model, pose.controls, pose.head, self.views)
        visibility_weights = observation.weights * (self.template.weights > 0)
        residual = observation.values - self.template.values
        if scale is None:
            scale = residual_scale(residual, visibility_weights)
        noise = known.noise_variance(scale, self.level)
        covectors = self.gradient.covectors(observation.rays)
        if self.template_share < 1:
            covectors = torch.lerp(observation.covectors, covectors, self.template_share)
        robust = robust_sum(residual, visibility_weights, scale)
        information, force = sample_normals(covectors, robust.weights, residual)
        A, b = normal_equations(observation.placed, information, force, exact=False)
        A, b = to_controls(A, b, observation.placed.deformation.J_unknown_control)
        quadratic = Quadratic(
            A / noise[:, None, None], b / noise[:, None], robust.cost.double() / noise, robust.curvature.double()
        )
        return quadratic, scale, observation
