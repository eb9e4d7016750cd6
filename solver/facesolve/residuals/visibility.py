"""From footage to what a solve compares: luminance pyramids, visibility, normalized images at one pyramid level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from facesolve.footage.normalize import normalize
from facesolve.footage.stream import FramePixels, _stored
from facesolve.geometry.camera import CameraModel, Projection, scaled, without_distortion
from facesolve.geometry.rig import RigModel, apply_head
from facesolve.geometry.surface_samples import SurfaceSamples
from facesolve.render import Backend, visible
from facesolve.runtime.devices import indices_on
from facesolve.take import Take

from .observation import ImageStack, Views

GRAZING = 0.2  # cosine between normal and viewing ray below which a sample is not used
OCCLUSION_TOLERANCE = 0.2  # cm
GPU_PIXELS = 20_000_000  # pixels worked on at once on a GPU, at about 60 bytes each


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
        sizes = [(camera.width, camera.height) for camera in take.cameras]
        self._groups = [tuple(c for c, s in enumerate(sizes) if s == size) for size in dict.fromkeys(sizes)]
        self._pixels_together = GPU_PIXELS if model.device.type == "cuda" else 1

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
        world = apply_head(head.to(dtype), rig_vertices)
        corners = self._model.triangles[samples.triangles]  # (N, 3)
        edges = torch.stack([rig_vertices[:, corners[:, i]] - rig_vertices[:, corners[:, 0]] for i in (1, 2)], 2)
        level = max(level, self._finest_visibility)
        cameras = self.cameras(level, indices)
        triangle = world[:, corners]  # (B, N, 3, 3)
        points = (triangle * samples.barycentrics[..., None]).sum(2)
        normals = torch.linalg.cross(triangle[:, :, 1] - triangle[:, :, 0], triangle[:, :, 2] - triangle[:, :, 0])
        projection = cameras.project(points[:, None])
        rays = F.normalize(cameras.centers[:, :, None] - points[:, None], dim=-1)
        # parts of real heads are wound the other way; what is visible faces the camera
        facing = (rays * F.normalize(normals, dim=-1)[:, None]).sum(-1).abs()
        slant = ((facing - GRAZING) / (1 - GRAZING)).clamp_min(0)
        unoccluded, coverage = self._visible(world, cameras, projection, level)
        return Visibility(unoccluded * slant * samples.weight, coverage, edges)

    def _visible(
        self, world: Tensor, cameras: CameraModel, projection: Projection, level: int
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """(B, C, N) bool: points that are not hidden; and each camera's coverage (B, H, W). world: (B, V, 3)."""
        frames, count = projection.depth.shape[:2]
        visible_here = torch.zeros_like(projection.depth, dtype=torch.bool)
        coverage: list[Tensor] = [world] * count
        matrices = _clip_matrices(world, cameras)
        for group in self._groups:
            resolution = self._resolution(level, group)
            chosen = slice(None) if len(group) == count else list(group)
            drawn = matrices[:, chosen]
            clip = _clip(world, drawn)  # (B, c, V, 4)
            pixels, depth = projection.pixels[:, chosen], projection.depth[:, chosen]
            covered = world.new_empty(frames, len(group), *resolution)
            found = torch.empty_like(depth, dtype=torch.bool)
            for rows in self._split(frames, len(group) * resolution[0] * resolution[1]):
                some = clip[rows].flatten(0, 1)
                triangle_id, depth_ndc = self._backend.nearest(some, self._model.triangles, resolution)
                image = _camera_depth(depth_ndc, drawn[rows].flatten(0, 1))
                near = visible(pixels[rows].flatten(0, 1), depth[rows].flatten(0, 1), image, OCCLUSION_TOLERANCE)
                found[rows] = near.unflatten(0, (-1, len(group)))
                covered[rows] = (triangle_id >= 0).to(world.dtype).unflatten(0, (-1, len(group)))
            visible_here[:, chosen] = found
            for position, camera in enumerate(group):
                coverage[camera] = covered[:, position]
        return visible_here, tuple(coverage)

    def build(self, visibility: Visibility, level: int, indices: Sequence[int], pixels: Sequence[FramePixels]) -> Views:
        """Views of B frames at a pyramid level. pixels: B frames for take frame indices ``indices``."""
        levels = [frame.level(level) for frame in pixels]
        stacks = []
        saw = torch.stack([frame.saw for frame in pixels]).to(visibility.weights.dtype)
        for group in self._groups:
            luminance = torch.stack([frame.luminance[camera] for frame in levels for camera in group])
            masks = [frame.mask[camera] for frame in levels for camera in group]
            coverage = torch.stack([visibility.coverage[camera] for camera in group], 1).flatten(0, 1)
            values = torch.empty_like(luminance)
            for rows in self._split(len(luminance), luminance[0].numel()):
                covered = F.interpolate(coverage[rows, None], size=luminance.shape[1:], mode="nearest")[:, 0]
                mask = torch.stack(masks[rows]) * covered if any(map(_stored, masks[rows])) else covered
                values[rows] = normalize(luminance[rows], mask)
            stacks.append(ImageStack(group, values.unflatten(0, (len(levels), len(group)))))
        return Views(tuple(stacks), self.cameras(level, indices), visibility.weights * saw[..., None], visibility.edges)

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

    def _split(self, count: int, pixels: int) -> list[slice]:
        """Parts of ``count`` things of so many pixels each, as large as suits the device."""
        together = max(1, self._pixels_together // pixels)
        return [slice(first, first + together) for first in range(0, count, together)]

    def _resolution(self, level: int, group: Sequence[int]) -> tuple[int, int]:
        """(height, width) of the images of a group of cameras."""
        camera = scaled(self._cameras[group[0]], 0.5**level)
        return camera.height, camera.width

    def seen_triangles(self, level: int, index: int, controls: Tensor, head: Tensor) -> Tensor:
        """(F,) bool: triangles that some camera sees at a pose (K,), (4, 4), and those that share a vertex with one."""
        dtype = self._model.neutral.dtype
        triangles = self._model.triangles
        world = apply_head(head.to(dtype)[None], self._model.vertices(controls.to(dtype)[None]))
        cameras = self.cameras(level, [index])
        visible_vertices = torch.zeros(world.shape[1], dtype=torch.bool, device=world.device)
        matrices = _clip_matrices(world, cameras)
        for group in self._groups:
            clip = _clip(world, matrices[:, list(group)]).flatten(0, 1)
            triangle_id, _ = self._backend.nearest(clip, triangles, self._resolution(level, group))
            visible_vertices[triangles[triangle_id[triangle_id >= 0].long()]] = True
        return visible_vertices[triangles].any(1)


def _clip_matrices(world: Tensor, cameras: CameraModel) -> Tensor:
    """(B, C, 4, 4) whose near and far planes hold all vertices (B, V, 3) between them."""
    depth = torch.einsum("bvi,bci->bcv", world, cameras.rotation[:, :, 2]) + cameras.translation[:, :, 2, None]
    near = (depth.amin(2) / 2).clamp_min(0.1)
    return cameras.clip_matrices(near, torch.maximum(depth.amax(2) * 2, near * 2))


def _camera_depth(depth: Tensor, matrices: Tensor) -> Tensor:
    """Depth along the optical axes (n, H, W), cm, of NDC depth (n, H, W) as drawn by matrices (n, 4, 4); inf stays."""
    # the third row is a times the fourth, which gives w, less b: z = (a w - b) / w
    a = torch.linalg.vector_norm(matrices[:, 2, :3], dim=1)
    b = a * matrices[:, 3, 3] - matrices[:, 2, 3]
    return torch.where(depth.isfinite(), b[:, None, None] / (a[:, None, None] - depth), torch.inf)


def _clip(world: Tensor, matrices: Tensor) -> Tensor:
    """Clip-space positions (B, c, V, 4) of vertices (B, V, 3) by matrices (B, c, 4, 4)."""
    return F.pad(world, (0, 1), value=1.0)[:, None] @ matrices.mT
