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


MEDIAN_OF = 50_000  # residuals: they give a median to about 1 %
CPU_ROWS = 2048  # samples times frames whose rows of the Jacobian stay in a CPU's cache
TALL = 2048  # rows of one part of a product over many
GPU_ROWS = 200_000  # ... whose rows take about 0.5 GB at 150 shapes


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
        images = tuple(ImageStack(stack.cameras, stack.looks[chosen]) for stack in self.images)
        return Views(images, self.cameras.at(chosen), self.visibility[chosen], self.edges[chosen])


@dataclass(frozen=True, eq=False)
class ImageStack:
    """Images of some cameras, all of one size.

    cameras: which of the C cameras, c of them. looks: (B, c, 3, H, W) normalised value and its slopes (see
    ``normalisation.normalise``).
    """

    cameras: tuple[int, ...]
    looks: Tensor


def image_stacks(looks: Sequence[Tensor]) -> tuple[ImageStack, ...]:
    """Stacks of the looks (B, 3, H, W) of C cameras."""
    sizes = [look.shape for look in looks]
    groups = [tuple(c for c, s in enumerate(sizes) if s == size) for size in dict.fromkeys(sizes)]
    return tuple(ImageStack(group, torch.stack([looks[camera] for camera in group], 1)) for group in groups)


@dataclass(frozen=True, eq=False)
class Observation:
    """What the cameras see at the samples.

    values: (B, C, N). pixel_slopes: (B, C, N, 2) d value / d pixel. rays: (B, C, N, 3) unit viewing direction in rig
    space. weights: (B, C, N). points: (B, N, 3) rig space, cm. head: (B, 4, 4) world. cameras: as in ``Views``.
    """

    values: Tensor
    pixel_slopes: Tensor
    rays: Tensor
    weights: Tensor
    points: Tensor
    head: Tensor
    cameras: CameraModel

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
    size = torch.stack([views.cameras.widths, views.cameras.heights], 1)[:, None].to(dtype)  # (C, 1, 2)
    grid = projection.pixels / size * 2 - 1  # (B, C, N, 2)
    looks = _look_up(views.images, grid)
    inside = ((projection.pixels > 1) & (projection.pixels < size - 1)).all(-1)
    centres = -(views.cameras.rotation.mT @ views.cameras.translation[..., None])[..., 0]  # (B, C, 3)
    return Observation(
        values=looks[:, :, 0],
        pixel_slopes=looks[:, :, 1:].transpose(2, 3),
        rays=F.normalize(world[:, None] - centres[:, :, None], dim=-1) @ head[:, None, :3, :3],
        weights=views.visibility * (inside & projection.valid),
        points=points,
        head=head,
        cameras=views.cameras,
    )


def _look_up(images: Sequence[ImageStack], grid: Tensor) -> Tensor:
    """(B, C, 3, N) bilinear values of all cameras' images at grid (B, C, N, 2), -1..1 from edge to edge."""
    count = grid.shape[1]
    looks = grid.new_empty(len(grid), count, 3, grid.shape[2])
    for stack in images:
        everything = len(stack.cameras) == count
        places = grid if everything else grid[:, list(stack.cameras)]
        found = F.grid_sample(
            stack.looks.flatten(0, 1), places.flatten(0, 1)[:, None], align_corners=False, padding_mode="border"
        )[:, :, 0].unflatten(0, places.shape[:2])
        if everything:
            return found
        looks[:, list(stack.cameras)] = found
    return looks


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


def normal_equations(
    samples: SurfaceSamples, information: Tensor, force: Tensor, points: Tensor
) -> tuple[Tensor, Tensor]:
    """Normal equations in (shape activations, head step) from what each sample contributes.

    information: (B, N, 3, 3); force: (B, N, 3); points: (B, N, 3) rig space, cm.
    Returns A (B, S+6, S+6) and b (B, S+6), float64; the head step is that of ``rig.retract``.
    The cost does not depend on the number of cameras, they are summed in ``sample_normals``.
    """
    shapes = samples.basis.shape[2]
    frames, count = points.shape[:2]
    A = points.new_zeros(frames, shapes + 6, shapes + 6, dtype=torch.float64)
    b = points.new_zeros(frames, shapes + 6, dtype=torch.float64)
    on_cpu = points.device.type == "cpu"
    together = 1 if on_cpu else max(1, GPU_ROWS // count)
    rows_together = CPU_ROWS if on_cpu else count
    for first in range(0, frames, together):
        for begin in range(0, count, rows_together):
            some, rows = slice(first, first + together), slice(begin, begin + rows_together)
            part = _normal_equations(
                samples.basis[rows], information[some, rows], force[some, rows], points[some, rows]
            )
            A[some] += part[0]
            b[some] += part[1]
    A[:, shapes:, :shapes] = A[:, :shapes, shapes:].mT
    return (A + A.mT) / 2, b


def _normal_equations(basis: Tensor, information: Tensor, force: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
    """The sums of ``normal_equations`` over some samples and frames; of A, the block below the diagonal is left 0.

    The basis is the same for all frames: their weighted bases lie side by side, so that one product serves all.
    basis: (n, 3, S); information: (b, n, 3, 3); force, points: (b, n, 3). Returns (b, S+6, S+6), (b, S+6).
    """
    frames, count, shapes = len(points), len(basis), basis.shape[2]
    flat = basis.reshape(3 * count, shapes)
    weighting = information.permute(1, 2, 0, 3).reshape(count, 3 * frames, 3)
    # rows (sample, axis), columns (frame, shape)
    weighted = torch.bmm(weighting, basis).view(3 * count, frames * shapes)
    head = head_basis(points)  # (b, n, 3, 6)
    weighted_head = information @ head
    A = basis.new_zeros(frames, shapes + 6, shapes + 6, dtype=torch.float64)
    A[:, :shapes, :shapes] = tall_product(flat, weighted).view(shapes, frames, shapes).transpose(0, 1)
    right = torch.cat([weighted_head.flatten(1, 2), force.flatten(1)[..., None]], 2)  # (b, 3n, 7)
    side = tall_product(flat, right.transpose(0, 1).reshape(3 * count, 7 * frames))
    side = side.view(shapes, frames, 7).transpose(0, 1)
    flat_head = head.flatten(1, 2).double()  # (b, 3n, 6)
    A[:, :shapes, shapes:] = side[..., :6]
    both = flat_head.mT @ right.double()
    A[:, shapes:, shapes:] = both[..., :6]
    b = torch.cat([side[..., 6], both[..., 6]], 1)
    return A, b


def tall_product(left: Tensor, right: Tensor) -> Tensor:
    """``left^T right`` (p, q) float64 of very many rows (m, p), (m, q) float32.

    A GPU would add up one row after the other, slowly and losing digits; so parts are multiplied side by side, and
    their sums are added in double precision.
    """
    if left.device.type == "cpu":
        return (left.T @ right).double()
    parts = max(1, len(left) // TALL)
    rows = len(left) // parts
    whole = parts * rows
    products = torch.bmm(left[:whole].view(parts, rows, -1).mT, right[:whole].view(parts, rows, -1))
    return products.sum(0, dtype=torch.float64) + (left[whole:].T @ right[whole:]).double()


def head_basis(points: Tensor) -> Tensor:
    """Derivative of rig-space positions (..., 3) with respect to the head step (w, u): ``[-[p]_x, I]``, (..., 3, 6)."""
    x, y, z = points.unbind(-1)
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    rows = (zero, z, -y, one, zero, zero, -z, zero, x, zero, one, zero, y, -x, zero, zero, zero, one)
    return torch.stack(rows, -1).unflatten(-1, (3, 6))


def to_controls(A: Tensor, b: Tensor, J_activation_control: Tensor) -> tuple[Tensor, Tensor]:
    """Normal equations in (controls, head step) from those in (activations, head step).

    A: (B, S+6, S+6); b: (B, S+6); J_activation_control: (B, S, K). Returns (B, K+6, K+6), (B, K+6).
    """
    J = step_jacobian(J_activation_control)
    return J.mT @ A @ J, (J.mT @ b[..., None])[..., 0]


def step_jacobian(J_activation_control: Tensor) -> Tensor:
    """d(activations, head step) / d(controls, head step): (B, S, K) -> (B, S+6, K+6) float64."""
    batch, shapes, controls = J_activation_control.shape
    J = torch.zeros(batch, shapes + 6, controls + 6, dtype=torch.float64, device=J_activation_control.device)
    J[:, :shapes, :controls] = J_activation_control
    J[:, shapes:, controls:] = torch.eye(6, dtype=torch.float64, device=J.device)
    return J
