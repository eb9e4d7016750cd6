"""From footage to what a solve compares: luminance pyramids, visibility, normalised images at one pyramid level."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .camera import CameraModel, scaled, without_distortion
from .footage import Image, Prefetcher, open_footage
from .footage.prefetch import UnseenImage
from .matte import half_chroma
from .render import Backend, camera_depth_image, visible
from .residuals.normalisation import encoded_luminance, normalise
from .residuals.photometric import Views
from .rig import RigModel, apply_head
from .surface import SurfaceSamples
from .take import Take

GRAZING = 0.2  # cosine between normal and viewing ray below which a sample is not used
OCCLUSION_TOLERANCE = 0.2  # cm


@dataclass(frozen=True, eq=False)
class Visibility:
    """What C cameras see of the samples in B frames at a pose.

    weights: (B, C, N), 0 where hidden, less at grazing angles. coverage: C tensors (B, H, W), 1 where the rig covers
    the pixel. edges: (B, N, 2, 3) two edges of each sample's triangle, rig space, cm.
    """

    weights: Tensor
    coverage: tuple[Tensor, ...]
    edges: Tensor


@dataclass(frozen=True, eq=False)
class FramePixels:
    """One frame of all cameras: per camera luminance (H, W) encoded, and mask (H, W) in 0..1; mask 0 where unseen.

    chroma: (2, h, w) of ``matte.half_chroma``, at half of the full size and at the size of any coarser level.
    matte: (H, W), NaN where the camera saw nothing, or None. Both may be empty: only the contour asks for them.
    """

    luminance: tuple[Tensor, ...]
    mask: tuple[Tensor, ...]
    chroma: tuple[Tensor, ...] = ()
    matte: tuple[Tensor | None, ...] = ()

    def level(self, level: int) -> FramePixels:
        """2x2 means, ``level`` times; an odd last row or column is dropped, as ``camera.scaled`` has it."""
        luminance, mask, chroma, matte = self.luminance, self.mask, self.chroma, self.matte
        for _ in range(level):
            luminance, mask = (tuple(_halved(image) for image in images) for images in (luminance, mask))
            # the full size has half of it already
            chroma = tuple(
                c if c.shape[2] == y.shape[1] else _halved(c) for c, y in zip(chroma, luminance, strict=False)
            )
            matte = tuple(None if image is None else _halved(image) for image in matte)
        return FramePixels(luminance, mask, chroma, matte)


class TakeFootage:
    """The footage of a take as tensors. Holds open files: use it as a context manager."""

    def __init__(self, take: Take, device: torch.device) -> None:
        self._take, self._device = take, device
        self._readers = [
            open_footage(footage, camera, take.frames.tolist())
            for footage, camera in zip(take.footage, take.cameras, strict=True)
        ]
        self.unseen: dict[tuple[str, int], UnseenImage] = {}

    def __enter__(self) -> TakeFootage:
        return self

    def __exit__(self, *_: object) -> None:
        for reader in self._readers:
            reader.close()

    def frames(self, indices: Sequence[int]) -> Iterator[tuple[int, FramePixels]]:
        """(0-based take frame index, pixels) in order, decoded ahead. Raises FootageError as the take's policy says."""
        numbers = self._take.frames[list(indices)].tolist()
        with Prefetcher(self._readers, numbers, on_bad_frame=self._take.on_bad_frame) as prefetcher:
            for index, (_, images) in zip(indices, prefetcher, strict=True):
                yield index, self._pixels(images)
            for item in prefetcher.unseen:
                self.unseen[item.camera, item.frame] = item

    def _pixels(self, images: Sequence[Image | None]) -> FramePixels:
        luminance, mask, colour = [], [], []
        matte: list[Tensor | None] = []
        for camera, image in zip(self._take.cameras, images, strict=True):
            if image is None:
                blank = torch.zeros(camera.height, camera.width, device=self._device)
                luminance.append(blank)
                mask.append(blank)
                colour.append(blank.new_zeros(2, camera.height // 2, camera.width // 2))
                matte.append(None)
                continue
            keep = image.valid.astype(np.float32) if image.matte is None else image.valid * image.matte
            linear = torch.from_numpy(image.pixels).to(self._device)
            luminance.append(encoded_luminance(linear))
            mask.append(torch.from_numpy(keep).to(self._device))
            colour.append(half_chroma(linear))
            matte.append(None if image.matte is None else self._matte(image.matte, image.valid))
        return FramePixels(tuple(luminance), tuple(mask), tuple(colour), tuple(matte))

    def _matte(self, matte: np.ndarray, valid: np.ndarray) -> Tensor:
        return torch.from_numpy(np.where(valid, matte, np.float32(np.nan))).to(self._device)


def _halved(image: Tensor) -> Tensor:
    """2x2 means of (..., H, W); an odd last row or column is dropped."""
    return F.avg_pool2d(image[None], 2)[0]


class ViewBuilder:
    """Makes ``Views``: rasterizes the rig at a pose to find what each camera sees, and normalises the images there.

    finest_visibility: finest pyramid level at which visibility is rasterized.
    """

    def __init__(self, take: Take, model: RigModel, backend: Backend, finest_visibility: int) -> None:
        self._model, self._backend = model, backend
        self._cameras = [without_distortion(camera) for camera in take.cameras]
        self._finest_visibility = finest_visibility

    def cameras(self, level: int, indices: Sequence[int]) -> CameraModel:
        """The cameras of pyramid level ``level`` at take frame indices, leading dimensions (B, C)."""
        cameras = [scaled(camera, 0.5**level) for camera in self._cameras]
        return CameraModel.from_cameras(cameras, list(indices), self._model.device, self._model.neutral.dtype)

    def visibility(
        self, samples: SurfaceSamples, level: int, indices: Sequence[int], controls: Tensor, head: Tensor
    ) -> Visibility:
        """What B frames' cameras see at a pose. controls: (B, K); head: (B, 4, 4) world, cm."""
        dtype = self._model.neutral.dtype
        rig_vertices = self._model.vertices(controls.to(dtype))
        world = apply_head(head.to(dtype), rig_vertices)
        corners = self._model.triangles[samples.triangles]  # (N, 3)
        edges = torch.stack([rig_vertices[:, corners[:, i]] - rig_vertices[:, corners[:, 0]] for i in (1, 2)], 2)
        cameras = self.cameras(max(level, self._finest_visibility), indices)
        triangle = world[:, corners]  # (B, N, 3, 3)
        points = (triangle * samples.barycentrics[..., None]).sum(2)
        normals = torch.linalg.cross(triangle[:, :, 1] - triangle[:, :, 0], triangle[:, :, 2] - triangle[:, :, 0])
        projection = cameras.project(points[:, None])
        centres = -(cameras.rotation.mT @ cameras.translation[..., None])[..., 0]  # (B, C, 3)
        rays = F.normalize(centres[:, :, None] - points[:, None], dim=-1)
        # parts of real heads are wound the other way; what is visible faces the camera
        facing = (rays * F.normalize(normals, dim=-1)[:, None]).sum(-1).abs()
        slant = ((facing - GRAZING) / (1 - GRAZING)).clamp_min(0)
        seen, coverage = [], []
        for camera in range(len(self._cameras)):
            clip, resolution = self._clip(world, cameras, camera)
            triangle_id, barycentrics, _ = self._backend.rasterize(clip, self._model.triangles, resolution)
            depth = camera_depth_image(clip, triangle_id, barycentrics, self._model.triangles)
            pixels = projection.pixels[:, camera]
            seen.append(visible(pixels, projection.depth[:, camera], depth, OCCLUSION_TOLERANCE))
            coverage.append((triangle_id >= 0).to(dtype))
        return Visibility(torch.stack(seen, 1) * slant * samples.weight, tuple(coverage), edges)

    def build(self, visibility: Visibility, level: int, indices: Sequence[int], pixels: Sequence[FramePixels]) -> Views:
        """Views of B frames at a pyramid level. pixels: B frames at full size, for take frame indices ``indices``."""
        images, weights = [], []
        levels = [frame.level(level) for frame in pixels]
        for camera, coverage in enumerate(visibility.coverage):
            luminance = torch.stack([frame.luminance[camera] for frame in levels])
            mask = torch.stack([frame.mask[camera] for frame in levels])
            covered = F.interpolate(coverage[:, None], size=luminance.shape[1:], mode="nearest")[:, 0]
            images.append(normalise(luminance, mask * covered))
            weights.append(visibility.weights[:, camera] * (mask.amax((1, 2)) > 0)[:, None])
        return Views(tuple(images), self.cameras(level, indices), torch.stack(weights, 1), visibility.edges)

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

    def _clip(self, world: Tensor, cameras: CameraModel, camera: int) -> tuple[Tensor, tuple[int, int]]:
        homogeneous = F.pad(world, (0, 1), value=1.0)
        rotation, translation = cameras.rotation[:, camera], cameras.translation[:, camera]
        depth = world @ rotation[:, 2, :, None] + translation[:, None, 2:]
        near = max(float(depth.min()) / 2, 0.1)
        matrix = cameras.clip_matrices(near, max(float(depth.max()) * 2, near * 2))[:, camera]
        resolution = (int(cameras.heights[camera]), int(cameras.widths[camera]))
        return homogeneous @ matrix.mT, resolution

    def seen_triangles(self, level: int, index: int, controls: Tensor, head: Tensor) -> Tensor:
        """(F,) bool: triangles that some camera sees at a pose (K,), (4, 4), and those that share a vertex with one."""
        dtype = self._model.neutral.dtype
        triangles = self._model.triangles
        world = apply_head(head.to(dtype)[None], self._model.vertices(controls.to(dtype)[None]))
        cameras = self.cameras(level, [index])
        seen = torch.zeros(world.shape[1], dtype=torch.bool, device=world.device)
        for camera in range(len(self._cameras)):
            clip, resolution = self._clip(world, cameras, camera)
            triangle_id, _, _ = self._backend.rasterize(clip, triangles, resolution)
            seen[triangles[triangle_id[triangle_id >= 0].long()]] = True
        return seen[triangles].any(1)
