"""What the cameras observe at the surface samples: normalized image values, their gradients and pixel positions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from facesolve.geometry.camera import CameraModel, Projection
from facesolve.geometry.rig import RigModel
from facesolve.geometry.surface_samples import PlacedSamples, SurfaceSamples


@dataclass(frozen=True, eq=False)
class Views:
    """A batch of B frames seen by C cameras at one pyramid level, with visibility frozen.

    images: the cameras' normalized images, those of one size together. cameras: of this level, leading dimensions
    (B, C). visibility: (B, C, N) weight of each sample, 0 where hidden.
    edges: (B, N, 2, 3) two edges of each sample's triangle in rig space at the pose the views were made for, cm.
    velocity: (B, N, 3) motion of the samples in the world, rig space, cm a frame, where cameras are out of step by
    delay (C,) frames: each sees the samples where they are that much later. Both None where all are in step.
    """

    images: tuple[ImageStack, ...]
    cameras: CameraModel
    visibility: Tensor
    edges: Tensor
    velocity: Tensor | None = None
    delay: Tensor | None = None

    def at(self, chosen: Tensor) -> Views:
        """The views of some frames of the batch, (n,) indices."""
        images = tuple(ImageStack(stack.cameras, stack.values[chosen]) for stack in self.images)
        velocity = None if self.velocity is None else self.velocity[chosen]
        return Views(images, self.cameras.at(chosen), self.visibility[chosen], self.edges[chosen], velocity, self.delay)

    def thinned(self, stride: int) -> Views:
        """For every ``stride``-th sample, as ``SurfaceSamples.thinned`` takes them."""
        velocity = None if self.velocity is None else self.velocity[:, ::stride]
        visibility, edges = self.visibility[..., ::stride], self.edges[:, ::stride]
        return replace(self, visibility=visibility, edges=edges, velocity=velocity)

    def seen_at(self, points: Tensor) -> Tensor:
        """Where cameras see points (B, N, 3): (B, C, N, 3), or (B, 1, N, 3) where all are in step."""
        if self.velocity is None or self.delay is None:
            return points[:, None]
        return points[:, None] + self.velocity[:, None] * self.delay[:, None, None]


@dataclass(frozen=True, eq=False)
class ImageStack:
    """Images of some cameras, all of one size.

    cameras: which of the C cameras, c of them. values: (B, c, H, W), see ``footage.normalize.normalize``.
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
    weights: (B, C, N). placed: the samples at the poses. cameras: as in ``Views``, but in the axes of the rig. images:
    as in ``Views``.
    """

    values: Tensor
    projection: Projection
    rays: Tensor
    weights: Tensor
    placed: PlacedSamples
    cameras: CameraModel
    images: tuple[ImageStack, ...]

    @property
    def points(self) -> Tensor:
        """(B, N, 3) the samples in rig space, cm."""
        return self.placed.points

    @cached_property
    def pixel_slopes(self) -> Tensor:
        """(B, C, N, 2) d value / d pixel, central differences over two pixels; looked up only when asked for."""
        pixel = pixel_size(self.cameras)
        right_and_below = torch.diag_embed(pixel[:, 0])  # (C, 2, 2)
        moves = torch.cat([right_and_below, -right_and_below], 1)[:, :, None]  # (C, 4, 1, 2)
        values = look_up(self.images, on_image(self.projection, pixel)[:, :, None] + moves)
        return ((values[:, :, :2] - values[:, :, 2:]) / 2).mT

    @cached_property
    def covectors(self) -> Tensor:
        """(B, C, N, 3) d value / d x in rig space, 1/cm, from the footage's own gradient."""
        return self.cameras.pull_back(self.projection, self.pixel_slopes)


def observe(
    samples: SurfaceSamples,
    model: RigModel,
    controls: Tensor,
    head: Tensor,
    views: Views,
    displaced: Callable[[PlacedSamples], PlacedSamples] | None = None,
) -> Observation:
    """Samples the footage at the surface samples. controls: (B, K); head: (B, 4, 4) world, cm.

    displaced: what else moves the samples, besides the rig.
    """
    placed = samples.placed(model.deformation(controls.to(samples.neutral.dtype)))
    return observe_placed(placed if displaced is None else displaced(placed), head, views)


def observe_placed(placed: PlacedSamples, head: Tensor, views: Views) -> Observation:
    """As ``observe``, of samples that are placed. head: (B, 4, 4) world, cm."""
    cameras = views.cameras.within(head.to(placed.points.dtype))
    there = views.seen_at(placed.points)
    projection = cameras.project(there)
    pixel = pixel_size(cameras)
    places = on_image(projection, pixel)
    inside = (places.abs() < 1 - pixel).all(-1)  # a pixel away from the border; what has no place is far outside
    return Observation(
        values=look_up(views.images, places[:, :, None])[:, :, 0],
        projection=projection,
        rays=F.normalize(there - cameras.centers[:, :, None], dim=-1),
        weights=views.visibility * inside,
        placed=placed,
        cameras=cameras,
        images=views.images,
    )


def pixel_size(cameras: CameraModel) -> Tensor:
    """(C, 1, 2) a pixel of each camera's image, where the image reaches from -1 to 1."""
    return 2 / torch.stack([cameras.widths, cameras.heights], 1)[:, None].to(cameras.rotation.dtype)


def on_image(projection: Projection, pixel: Tensor) -> Tensor:
    """(B, C, N, 2) where points are on images that reach from -1 to 1. pixel: of ``pixel_size``."""
    return projection.pixels * pixel - 1


def look_up(images: Sequence[ImageStack], everywhere: Tensor) -> Tensor:
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
