"""Photometric residuals at surface samples: what the cameras see there, against what the surface looks like.

The surface's look is a ``Template``: one normalized color a sample and its slope along the surface. It is either given
(tracking) or eliminated from the equations (``facesolve.stages.bundle``). Knows no files, no priors and no solver.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from facesolve.geometry.surface_samples import PlacedSamples
from facesolve.optimize.robust import residual_scale, robust_sum

from .observation import Observation, Views, observe_placed

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
class SaidBySamples:
    """What the samples of B frames say about their positions, summed over cameras.

    information: (B, N, 3, 3) and force: (B, N, 3), of ``sample_normals``. cost: (B,) of the robust loss. curvature:
    (B,) of ``RobustSum``. scale: (B,) robust scale that was used.
    """

    information: Tensor
    force: Tensor
    cost: Tensor
    curvature: Tensor
    scale: Tensor


@dataclass(frozen=True, eq=False)
class Against:
    """What B frames are held against: a template, as views see it.

    gradient: of template and views. template_share: how much of the gradient comes from the template, the rest from the
    footage. Half and half is efficient second-order minimization (Benhimane & Malis 2004), which sees farther; 1 holds
    no image noise.
    """

    template: Template
    gradient: SurfaceGradient
    views: Views
    template_share: float = 1.0

    @staticmethod
    def of(template: Template, views: Views, template_share: float = 1.0) -> Against:
        """With the gradient at the poses that the views were made for."""
        return Against(template, SurfaceGradient.of(template.slopes, views.edges), views, template_share)


def said_by_samples(placed: PlacedSamples, head: Tensor, against: Against, scale: Tensor | None) -> SaidBySamples:
    """What samples at B poses say, held against a template. head: (B, 4, 4) world, cm; scale: (B,) robust scale, None
    to take it from the residuals. On a GPU ``photometric_triton`` does the same in one kernel or two."""
    observation = observe_placed(placed, head, against.views)
    visibility_weights = observation.weights * (against.template.weights > 0)
    residual = observation.values - against.template.values
    if scale is None:
        scale = residual_scale(residual, visibility_weights)
    covectors = against.gradient.covectors(observation.rays)
    if against.template_share < 1:
        covectors = torch.lerp(observation.covectors, covectors, against.template_share)
    robust = robust_sum(residual, visibility_weights, scale)
    information, force = sample_normals(covectors, robust.weights, residual)
    return SaidBySamples(information, force, robust.cost, robust.curvature, scale)
