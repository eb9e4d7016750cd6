"""From footage to what a solve compares: luminance pyramids, visibility, normalized images at one pyramid level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from facesolve.footage.normalize import normalize_covered
from facesolve.footage.stream import FramePixels, _stored
from facesolve.geometry.camera import CameraModel, scaled, without_distortion
from facesolve.geometry.rig import RigModel, apply_head
from facesolve.geometry.surface_samples import SurfaceSamples
from facesolve.render import Backend
from facesolve.runtime.devices import indices_on
from facesolve.runtime.kernels import fused
from facesolve.runtime.threads import on_threads
from facesolve.take import Take

from .observation import ImageStack, Views
from .seen_samples import SeenSamples, Size, clip_matrices, groups_of, seen_samples, split, to_clip


@dataclass(frozen=True, eq=False)
class Visibility:
    """What C cameras see of the samples in B frames at a pose.

    weights: (B, C, N), 0 where hidden, less at grazing angles. coverage: C tensors (B, H, W), 1 where the rig covers
    the pixel. edges: (B, N, 2, 3) two edges of each sample's triangle, rig space, cm.
    """

    weights: Tensor
    coverage: tuple[Tensor, ...]
    edges: Tensor

    def thinned(self, stride: int) -> Visibility:
        """For every ``stride``-th sample, as ``SurfaceSamples.thinned`` takes them."""
        return Visibility(self.weights[..., ::stride], self.coverage, self.edges[:, ::stride])

    def repeated(self, count: int) -> Visibility:
        """One frame (B = 1) repeated ``count`` times."""
        coverage = tuple(image.expand(count, -1, -1) for image in self.coverage)
        return Visibility(self.weights.repeat(count, 1, 1), coverage, self.edges.repeat(count, 1, 1, 1))


class ViewBuilder:
    """Makes ``Views``: rasterizes the rig at a pose to find what each camera sees, and normalizes the images there.

    finest_visibility: finest pyramid level at which visibility is rasterized. Work is done on as many images at once as
    suits the device; no result depends on how many.
    """

    def __init__(self, take: Take, model: RigModel, backend: Backend, finest_visibility: int) -> None:
        self._model, self._backend = model, backend
        self._cameras = [without_distortion(camera) for camera in take.cameras]
        self._frame_count = take.frame_count
        self._finest_visibility = finest_visibility
        self._of_level: dict[int, CameraModel] = {}
        self._sizes_of: dict[int, list[Size]] = {}
        self._groups = groups_of(self._sizes(0))
        self._fused = fused(model.device) and not backend.named

    def cameras(self, level: int, indices: Sequence[int]) -> CameraModel:
        """The cameras of pyramid level ``level`` at take frame indices, leading dimensions (B, C)."""
        if level not in self._of_level:
            cameras = [scaled(camera, 0.5**level) for camera in self._cameras]
            self._of_level[level] = CameraModel.from_cameras(
                cameras, range(self._frame_count), self._model.device, self._model.neutral.dtype
            )
        return self._of_level[level].at(indices_on(self._model.device, indices))

    def visibility(
        self, samples: SurfaceSamples, level: int, indices: Sequence[int], controls: Tensor, head: Tensor
    ) -> Visibility:
        """What B frames' cameras see at a pose. controls: (B, K); head: (B, 4, 4) world, cm."""
        dtype = self._model.neutral.dtype
        rig_vertices = self._model.vertices(controls.to(dtype))
        corners = self._model.triangles[samples.triangles]  # (N, 3)
        edges = torch.stack([rig_vertices[:, corners[:, i]] - rig_vertices[:, corners[:, 0]] for i in (1, 2)], 2)
        level = max(level, self._finest_visibility)
        seen = self._seen(apply_head(head.to(dtype), rig_vertices), samples, level, self.cameras(level, indices))
        return Visibility(seen.weights, seen.coverage, edges)

    def _seen(self, world: Tensor, samples: SurfaceSamples, level: int, cameras: CameraModel) -> SeenSamples:
        """What cameras (B, C) of a level see of the rig with vertices (B, V, 3) in the world."""
        triangles, sizes = self._model.triangles, self._sizes(level)
        if not self._fused:
            return seen_samples(world, triangles, samples, cameras, sizes, self._backend.nearest)
        from . import seen_samples_triton

        return seen_samples_triton.seen_samples(world, triangles, samples, cameras, sizes)

    def build(self, visibility: Visibility, level: int, indices: Sequence[int], pixels: Sequence[FramePixels]) -> Views:
        """Views of B frames at a pyramid level. pixels: B frames for take frame indices ``indices``."""
        levels = [frame.level(level) for frame in pixels]
        stacks = []
        saw = torch.stack([frame.saw for frame in pixels]).to(visibility.weights.dtype)
        for group in self._groups:
            luminance = torch.stack([frame.luminance[camera] for frame in levels for camera in group])
            masks = [frame.mask[camera] for frame in levels for camera in group]
            coverage = torch.stack([visibility.coverage[camera] for camera in group], 1).flatten(0, 1)
            mask = torch.stack(masks) if any(map(_stored, masks)) else None
            values = self._normalized(luminance, coverage, mask)
            stacks.append(ImageStack(group, values.unflatten(0, (len(levels), len(group)))))
        return Views(tuple(stacks), self.cameras(level, indices), visibility.weights * saw[..., None], visibility.edges)

    def _normalized(self, luminance: Tensor, coverage: Tensor, mask: Tensor | None) -> Tensor:
        """Arguments and result: those of ``normalize_covered``."""
        if fused(luminance.device):
            from facesolve.footage import normalize_triton

            return normalize_triton.normalize_covered(luminance, coverage, mask)
        values = torch.empty_like(luminance)

        def normalized(rows: slice) -> Tensor:
            return normalize_covered(luminance[rows], coverage[rows], None if mask is None else mask[rows])

        parts = split(len(luminance), luminance[0].numel(), luminance.device)
        for rows, found in zip(parts, on_threads(normalized, parts, luminance.device), strict=True):
            values[rows] = found
        return values

    def views(
        self,
        samples: SurfaceSamples,
        level: int,
        indices: Sequence[int],
        pixels: Sequence[FramePixels],
        controls: Tensor,
        head: Tensor,
    ) -> Views:
        """``visibility`` and ``build`` in one, at the same level."""
        return self.build(self.visibility(samples, level, indices, controls, head), level, indices, pixels)

    def _sizes(self, level: int) -> list[Size]:
        """Of the cameras' images at a level."""
        if level not in self._sizes_of:
            cameras = [scaled(camera, 0.5**level) for camera in self._cameras]
            self._sizes_of[level] = [(camera.height, camera.width) for camera in cameras]
        return self._sizes_of[level]

    def seen_triangles(self, level: int, index: int, controls: Tensor, head: Tensor) -> Tensor:
        """(F,) bool: triangles that some camera sees at a pose (K,), (4, 4), and those that share a vertex with one."""
        dtype = self._model.neutral.dtype
        triangles = self._model.triangles
        world = apply_head(head.to(dtype)[None], self._model.vertices(controls.to(dtype)[None]))
        cameras = self.cameras(level, [index])
        visible_vertices = torch.zeros(world.shape[1], dtype=torch.bool, device=world.device)
        matrices, sizes = clip_matrices(world, cameras), self._sizes(level)
        for group in self._groups:
            clip = to_clip(world, matrices[:, list(group)]).flatten(0, 1)
            triangle_id, _ = self._backend.nearest(clip, triangles, sizes[group[0]])
            visible_vertices[triangles[triangle_id[triangle_id >= 0].long()]] = True
        return visible_vertices[triangles].any(1)
