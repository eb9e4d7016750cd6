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

from ..camera import CameraModel
from ..rig import RigModel, apply_head
from ..surface import SurfaceSamples

SLIVER = 1e-4  # sine between two edges of a triangle below which rounding decides its normal


LEAST_CURVATURE = 0.4  # with many outliers the loss has hardly any, and a step would be too long
MEDIAN_OF = 50_000  # residuals: they give a median to about 1 %
HERE = (0.0, 0.0)
ONE_PIXEL = ((1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0))


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

    values: (B, C, N). pixels: (B, C, N, 2) where they are. rays: (B, C, N, 3) unit viewing direction in rig space.
    weights: (B, C, N). points: (B, N, 3) rig space, cm. head: (B, 4, 4) world. cameras, images: as in ``Views``.
    """

    values: Tensor
    pixels: Tensor
    rays: Tensor
    weights: Tensor
    points: Tensor
    head: Tensor
    cameras: CameraModel
    images: tuple[ImageStack, ...]

    @cached_property
    def pixel_slopes(self) -> Tensor:
        """(B, C, N, 2) d value / d pixel, central differences over two pixels; looked up only when asked for."""
        right, left, below, above = _look_up(self.images, self.pixels, self.cameras, ONE_PIXEL).unbind(2)
        return torch.stack([right - left, below - above], -1) / 2

    @cached_property
    def covectors(self) -> Tensor:
        """(B, C, N, 3) d value / d x in rig space, 1/cm, from the footage's own gradient."""
        world = apply_head(self.head, self.points)
        return self.cameras.pull_back(world[:, None], self.pixel_slopes) @ self.head[:, None, :3, :3]


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
    activations, _ = model.activations(controls.to(dtype))
    points = samples.positions(activations)
    head = head.to(dtype)
    world = apply_head(head, points)
    projection = views.cameras.project(world[:, None])
    size = _sizes(views.cameras, dtype)
    inside = ((projection.pixels > 1) & (projection.pixels < size - 1)).all(-1)
    centres = -(views.cameras.rotation.mT @ views.cameras.translation[..., None])[..., 0]  # (B, C, 3)
    return Observation(
        values=_look_up(views.images, projection.pixels, views.cameras, (HERE,))[:, :, 0],
        pixels=projection.pixels,
        rays=F.normalize(world[:, None] - centres[:, :, None], dim=-1) @ head[:, None, :3, :3],
        weights=views.visibility * (inside & projection.valid),
        points=points,
        head=head,
        cameras=views.cameras,
        images=views.images,
    )


def _sizes(cameras: CameraModel, dtype: torch.dtype) -> Tensor:
    """(C, 1, 2) width and height of each camera's image, pixels."""
    return torch.stack([cameras.widths, cameras.heights], 1)[:, None].to(dtype)


def _look_up(
    images: Sequence[ImageStack], pixels: Tensor, cameras: CameraModel, offsets: Sequence[tuple[float, float]]
) -> Tensor:
    """(B, C, n, N) bilinear values of all cameras' images at pixels (B, C, N, 2) moved by n offsets."""
    step = 2 / _sizes(cameras, pixels.dtype)  # a pixel, where the image reaches from -1 to 1
    x, y = (pixels * step - 1).unbind(-1)
    step_x, step_y = step.unbind(-1)
    grid = torch.stack([torch.stack([x + dx * step_x, y + dy * step_y], -1) for dx, dy in offsets], 2)
    count = grid.shape[1]
    values = grid.new_empty(grid.shape[:4])
    for stack in images:
        everything = len(stack.cameras) == count
        places = grid if everything else grid[:, list(stack.cameras)]
        found = F.grid_sample(
            stack.values.flatten(0, 1)[:, None], places.flatten(0, 1), align_corners=False, padding_mode="border"
        )[:, 0].unflatten(0, places.shape[:2])
        if everything:
            return found
        values[:, list(stack.cameras)] = found
    return values


def surface_slopes(observation: Observation, edges: Tensor) -> Tensor:
    """Slopes of the observed colour along the triangle edges: (B, C, N, 2). edges: (B, N, 2, 3)."""
    return torch.einsum("bcni,bnji->bcnj", observation.covectors, edges)


def template_covectors(slopes: Tensor, rays: Tensor, edges: Tensor) -> Tensor:
    """Derivative of the colour seen by a camera with respect to the surface's position, from the template's slopes.

    The covector g that gives the slopes along both edges and 0 along the viewing ray (moving a point along its ray does
    not change its pixel); 0 for triangles without area. Unlike the footage's own gradient it holds no noise of the
    image it is compared with, which would make motion that all cameras share look stiff.

    slopes: (N, 2); rays: (B, C, N, 3) unit; edges: (B, N, 2, 3). Returns (B, C, N, 3).
    """
    first, second = edges[:, :, 0], edges[:, :, 1]
    normal = torch.linalg.cross(first, second)[:, None]  # (B, 1, N, 3)
    area = torch.linalg.vector_norm(normal, dim=-1, keepdim=True)
    sides = torch.linalg.vector_norm(edges, dim=-1).prod(-1)[:, None, :, None]
    volume = (normal * rays).sum(-1, keepdim=True)
    least = 1e-3 * area
    volume = torch.where(volume.abs() < least, torch.where(volume < 0, -least, least), volume)
    mixed = (slopes[:, :1] * second - slopes[:, 1:] * first)[:, None]
    return torch.where(area > SLIVER * sides, torch.linalg.cross(mixed.expand_as(rays), rays) / volume, 0.0)


def robust_weight(residual: Tensor, scale: Tensor | float) -> Tensor:
    """Weight of iteratively reweighted least squares for the squared-Cauchy loss: ``1 / (1 + (r/scale)^2)^2``."""
    return (1 + (residual / scale) ** 2) ** -2


def robust_loss(residual: Tensor, scale: Tensor | float) -> Tensor:
    """The loss that belongs to ``robust_weight``: half of ``r^2 / (1 + (r/scale)^2)``."""
    return 0.5 * residual**2 / (1 + (residual / scale) ** 2)


def mean_curvature(residual: Tensor, seen: Tensor, scale: Tensor | float) -> Tensor:
    """The second derivative of ``robust_loss``, mean over all residuals, over that of ``robust_weight``'s parabola.

    The parabola lies above the loss and touches it: a step to its bottom is too short by about this factor (Huber 1981,
    "Robust Statistics", 7.8). residual, seen: (B, C, N), weights of the loss; scale: (B, 1, 1) or (). Returns (B,) in
    ``LEAST_CURVATURE`` to 1.
    """
    square = (residual / scale) ** 2
    own = (seen * (1 - 3 * square) / (1 + square) ** 3).sum((1, 2))
    parabola = (seen * (1 + square) ** -2).sum((1, 2))
    return (own / parabola).nan_to_num(nan=1.0).clamp(LEAST_CURVATURE, 1)


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
    information = torch.einsum("bcni,bcnj->bnij", weighted, covectors)
    return information, -(weighted * residual[..., None]).sum(1)
