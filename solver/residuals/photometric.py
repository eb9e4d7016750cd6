"""Photometric residuals at surface samples: what the cameras see there, against what the surface looks like.

The surface's look is a ``Template``: one normalised colour a sample and its slope along the surface. It is either given
(tracking) or eliminated from the equations (``solver.bundle``). Knows no files, no priors and no solver.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from ..camera import CameraModel, Projection
from ..rig import RigModel
from ..surface import SurfaceSamples

SLIVER = 1e-4  # sine between two edges of a triangle below which rounding decides its normal
LEAST_CURVATURE = 0.4  # with many outliers the loss has hardly any, and a step would be too long
MEDIAN_OF = 50_000  # residuals: they give a median to about 1 %


@dataclass(frozen=True, eq=False)
class Views:
    """A batch of B frames seen by C cameras at one pyramid level, with visibility frozen.

    images: the cameras' normalised images, those of one size together. cameras: of this level, leading dimensions
    (B, C). visibility: (B, C, N) weight of each sample, 0 where hidden.
    edges: (B, N, 2, 3) two edges of each sample's triangle in rig space at the pose the views were made for, cm.
    """

    images: tuple[ImageStack, ...]
    cameras: CameraModel
    visibility: Tensor
    edges: Tensor

    def at(self, chosen: Tensor) -> Views:
        """The views of some frames of the batch, (n,) indices."""
        images = tuple(ImageStack(stack.cameras, stack.values[chosen]) for stack in self.images)
        return Views(images, self.cameras.at(chosen), self.visibility[chosen], self.edges[chosen])


@dataclass(frozen=True, eq=False)
class ImageStack:
    """Images of some cameras, all of one size.

    cameras: which of the C cameras, c of them. values: (B, c, H, W), see ``normalisation.normalise``.
    """

    cameras: tuple[int, ...]
    values: Tensor


def image_stacks(values: Sequence[Tensor]) -> tuple[ImageStack, ...]:
    """Stacks of the images (B, H, W) of C cameras."""
    sizes = [image.shape for image in values]
    groups = [tuple(c for c, s in enumerate(sizes) if s == size) for size in dict.fromkeys(sizes)]
    return tuple(ImageStack(group, torch.stack([values[camera] for camera in group], 1)) for group in groups)


@dataclass(frozen=True, eq=False)
class Observation:
    """What the cameras see at the samples.

    values: (B, C, N). projection: where they are. rays: (B, C, N, 3) unit viewing direction in rig space.
    weights: (B, C, N). points: (B, N, 3) rig space, cm. J_activation_control: (B, S, K). cameras: as in ``Views``, but
    in the axes of the rig. images: as in ``Views``.
    """

    values: Tensor
    projection: Projection
    rays: Tensor
    weights: Tensor
    points: Tensor
    J_activation_control: Tensor
    cameras: CameraModel
    images: tuple[ImageStack, ...]

    @cached_property
    def pixel_slopes(self) -> Tensor:
        """(B, C, N, 2) d value / d pixel, central differences over two pixels; looked up only when asked for."""
        pixel = _pixel_size(self.cameras)
        right_and_below = torch.diag_embed(pixel[:, 0])  # (C, 2, 2)
        moves = torch.cat([right_and_below, -right_and_below], 1)[:, :, None]  # (C, 4, 1, 2)
        values = _look_up(self.images, _on_image(self.projection, pixel)[:, :, None] + moves)
        return ((values[:, :, :2] - values[:, :, 2:]) / 2).mT

    @cached_property
    def covectors(self) -> Tensor:
        """(B, C, N, 3) d value / d x in rig space, 1/cm, from the footage's own gradient."""
        return self.cameras.pull_back(self.projection, self.pixel_slopes)


@dataclass(frozen=True, eq=False)
class Template:
    """The surface's look: values (N,), slopes (N, 2) along the two edges of each sample's triangle, weights (N,).

    A weight is how much was seen of the sample, in observations; 0 means unknown.
    """

    values: Tensor
    slopes: Tensor
    weights: Tensor


def observe(samples: SurfaceSamples, model: RigModel, controls: Tensor, head: Tensor, views: Views) -> Observation:
    """Samples the footage at the surface samples. controls: (B, K); head: (B, 4, 4) world, cm."""
    dtype = samples.neutral.dtype
    activations, J_activation_control = model.activations(controls.to(dtype))
    points = samples.positions(activations)
    cameras = views.cameras.within(head.to(dtype))
    projection = cameras.project(points[:, None])
    pixel = _pixel_size(cameras)
    places = _on_image(projection, pixel)
    inside = (places.abs() < 1 - pixel).all(-1)  # a pixel away from the border; what has no place is far outside
    return Observation(
        values=_look_up(views.images, places[:, :, None])[:, :, 0],
        projection=projection,
        rays=F.normalize(points[:, None] - cameras.centres[:, :, None], dim=-1),
        weights=views.visibility * inside,
        points=points,
        J_activation_control=J_activation_control,
        cameras=cameras,
        images=views.images,
    )


def _pixel_size(cameras: CameraModel) -> Tensor:
    """(C, 1, 2) a pixel of each camera's image, where the image reaches from -1 to 1."""
    return 2 / torch.stack([cameras.widths, cameras.heights], 1)[:, None].to(cameras.rotation.dtype)


def _on_image(projection: Projection, pixel: Tensor) -> Tensor:
    """(B, C, N, 2) where points are on images that reach from -1 to 1. pixel: of ``_pixel_size``."""
    return projection.pixels * pixel - 1


def _look_up(images: Sequence[ImageStack], everywhere: Tensor) -> Tensor:
    """(B, C, n, N) bilinear values of all cameras' images at n places (B, C, n, N, 2) for each sample, -1 to 1."""
    count = everywhere.shape[1]
    values = everywhere.new_empty(everywhere.shape[:4])
    for stack in images:
        everything = len(stack.cameras) == count
        places = everywhere if everything else everywhere[:, list(stack.cameras)]
        found = F.grid_sample(
            stack.values.flatten(0, 1)[:, None], places.flatten(0, 1), align_corners=False, padding_mode="border"
        )[:, 0].unflatten(0, places.shape[:2])
        if everything:
            return found
        values[:, list(stack.cameras)] = found
    return values


def surface_slopes(observation: Observation, edges: Tensor) -> Tensor:
    """Slopes of the observed colour along the triangle edges: (B, C, N, 2). edges: (B, N, 2, 3)."""
    along = [(observation.covectors * edges[:, None, :, edge]).sum(-1) for edge in range(2)]
    return torch.stack(along, -1)


def template_covectors(slopes: Tensor, rays: Tensor, edges: Tensor) -> Tensor:
    """Derivative of the colour seen by a camera with respect to the surface's position, from the template's slopes.

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
        volume = (self.normal[:, None] * rays).sum(-1)
        volume = torch.copysign(torch.maximum(volume.abs(), self.least[:, None]), volume)
        return torch.linalg.cross(self.across[:, None].expand_as(rays), rays) / volume[..., None]


def robust_weight(residual: Tensor, scale: Tensor | float) -> Tensor:
    """Weight of iteratively reweighted least squares for the squared-Cauchy loss: ``1 / (1 + (r/scale)^2)^2``."""
    return (1 + (residual / scale) ** 2) ** -2


def robust_loss(residual: Tensor, scale: Tensor | float) -> Tensor:
    """The loss that belongs to ``robust_weight``: half of ``r^2 / (1 + (r/scale)^2)``."""
    return 0.5 * residual**2 / (1 + (residual / scale) ** 2)


@dataclass(frozen=True, eq=False)
class RobustSum:
    """The robust loss of B frames: its weights (B, C, N) for least squares, its sum (B,), and its curvature (B,).

    curvature: the second derivative of the loss, mean over all residuals, over that of the weights' parabolas, in
    ``LEAST_CURVATURE`` to 1. The parabola lies above the loss and touches it: a step to its bottom is too short by
    about this factor (Huber 1981, "Robust Statistics", 7.8).
    """

    weights: Tensor
    cost: Tensor
    curvature: Tensor


def robust_sum(residual: Tensor, seen: Tensor, scale: Tensor) -> RobustSum:
    """``robust_weight`` and ``robust_loss`` together. residual, seen: (B, C, N), weights of the loss; scale: (B,)."""
    scale = scale[:, None, None]
    square = (residual / scale).square()
    share = (1 + square).reciprocal()
    loss = seen * share
    weights = loss * share
    total = weights.sum((1, 2))
    # (1 - 3 s) / (1 + s)^3 = (4 / (1 + s) - 3) / (1 + s)^2
    curvature = 4 * (weights * share).sum((1, 2)) / total - 3
    cost = 0.5 * (loss * square).sum((1, 2)) * scale[:, 0, 0].square()
    return RobustSum(weights, cost, curvature.nan_to_num(nan=1.0).clamp(LEAST_CURVATURE, 1))


def residual_scale(residual: Tensor, weights: Tensor) -> Tensor:
    """Twice the standard deviation that the median absolute residual implies, over all seen residuals of each frame.

    residual, weights: (B, ...) -> (B,); 1 for a frame that saw nothing. The median is that of enough of them.
    """
    seen = torch.where(weights > 0, residual.abs(), torch.nan).flatten(1)
    stride = seen.shape[1] // MEDIAN_OF | 1  # odd, so that it keeps in step with nothing
    middle = seen[:, ::stride].nanmedian(1)[0]
    return (2 * 1.4826 * middle).clamp_min(1e-3).nan_to_num(nan=1.0)


def sample_normals(covectors: Tensor, weights: Tensor, residual: Tensor) -> tuple[Tensor, Tensor]:
    """Sums over cameras what each sample contributes: information (B, N, 3, 3) and force (B, N, 3) on its position.

    covectors: (B, C, N, 3); weights, residual: (B, C, N). Information is ``sum w g g^T``, force ``-sum w r g``.
    """
    weighted = covectors * weights[..., None]
    # products summed up, row by row: as matrix products of one sample each they would take six times as long
    rows = [(weighted[..., axis, None] * covectors).sum(1) for axis in range(3)]
    return torch.stack(rows, 2), -(weighted * residual[..., None]).sum(1)
