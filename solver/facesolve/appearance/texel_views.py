"""What the footage shows of a texture's texels on the posed rig: every camera and frame, without those it cannot see.

Knows poses and footage; judges no colors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from facesolve.footage import Image, Prefetcher, open_footage
from facesolve.geometry.pose import Pose
from facesolve.render import visible
from facesolve.render.posed_rig import camera_depth, clip_vertices, draw, mesh_of, world_vertices
from facesolve.residuals.seen_samples import GRAZING, OCCLUSION_TOLERANCE
from facesolve.runtime.threads import on_threads
from facesolve.stages.problem import Problem
from facesolve.take import Take

from .texel_layout import TileTexels

FAR_BEHIND = 1.0  # cm behind the visible surface from which a vertex is surely hidden
LARGE_TRIANGLE = 32.0  # pixels: a larger triangle may be seen although none of its vertices is
CHUNK = 65_536  # texels at a time: what is computed of them stays near a CPU's caches


@dataclass(frozen=True, eq=False)
class Sighting:
    """What one camera saw of m texels of one tile in one frame.

    layout: index of the tile's layout. texels: (m,) int64 indices into the layout's n texels, each once.
    colors: (m, 3) linear light. weights: (m,) in 0..1, less at grazing angles and where mask or matte fade.
    """

    layout: int
    camera: int
    texels: Tensor
    colors: Tensor
    weights: Tensor


class Sightings:
    """All sightings of the layouts' texels in M frames; every iteration reads the footage again.

    The first one finds by depth images which texels each image shows, and keeps a bit for each; the others use it.
    In memory are one frame of footage and these bits.
    """

    def __init__(self, problem: Problem, pose: Pose, frames: Tensor, layouts: Sequence[TileTexels]) -> None:
        """pose: M poses; frames: (M,) take frame indices."""
        self._problem, self._pose, self._layouts = problem, pose, layouts
        self._frames = frames.tolist()
        self._seen: dict[tuple[int, int, int], np.ndarray] = {}  # (m, camera, layout) -> packed bits of n texels

    def __iter__(self) -> Iterator[Sighting]:
        """Raises FootageError as the take's policy says."""
        for m, images in enumerate(_footage(self._problem.take, self._frames)):
            yield from self._of_frame(m, images)

    def _of_frame(self, m: int, images: Sequence[Image | None]) -> Iterator[Sighting]:
        world = world_vertices(self._problem.model, self._pose.at([m]))
        normals = self._problem.model.vertex_normals(world)[0]

        def look(seen: tuple[int, Image]) -> Iterator[Sighting]:
            return self._of_image(m, *seen, world, normals)

        there = [(camera, image) for camera, image in enumerate(images) if image is not None]
        if world.device.type != "cpu":
            return chain.from_iterable(map(look, there))
        # several cameras at once: what one sees is kept until its turn has come
        return chain.from_iterable(on_threads(lambda seen: list(look(seen)), there, world.device))

    def _of_image(self, m: int, camera: int, image: Image, world: Tensor, normals: Tensor) -> Iterator[Sighting]:
        """world: (1, V, 3) cm; normals: (V, 3)."""
        view = _view(self._problem, image, world, normals, self._frames[m], camera)
        known = (m, camera, 0) in self._seen
        occluder = None if known else _occluder(self._problem, view, world, self._frames[m], camera)
        for index, layout in enumerate(self._layouts):
            if occluder is None:
                texels = _unpacked(self._seen[m, camera, index], layout)
            else:
                texels = occluder.candidates[layout.triangles].nonzero()[:, 0]
            seen = torch.zeros_like(layout.texels, dtype=torch.bool)
            for part in texels.split(CHUNK):
                sighting = self._sight(index, camera, part, view, occluder)
                seen[sighting.texels] = True
                yield sighting
            if occluder is not None:
                self._seen[m, camera, index] = np.packbits(seen.cpu().numpy())

    def _sight(self, index: int, camera: int, texels: Tensor, view: _View, occluder: _Occluder | None) -> Sighting:
        """Colors of the texels (m,), less those that the occluder hides.

        Clip coordinates are affine on a triangle, so they are interpolated instead of projecting every texel.
        """
        layout, corners = self._layouts[index], self._problem.model.triangles
        triangles = layout.triangles.index_select(0, texels)
        barycentrics = layout.barycentrics.index_select(0, texels)
        at = barycentrics.new_zeros(())
        for k in range(3):
            corner = corners[:, k].index_select(0, triangles)
            at = torch.addcmul(at, barycentrics[:, k : k + 1], view.vertices.index_select(0, corner))
        ndc, depth, slant = at[:, :2] / at[:, 2:3], at[:, 2], at[:, 3]
        if occluder is not None:
            shown = ((slant > 0) & occluder.shows(_pixels(ndc, view.image), depth)).nonzero()[:, 0]
            texels, ndc, slant = texels[shown], ndc[shown], slant[shown]
        sampled = F.grid_sample(view.image, ndc[None, None], align_corners=False, padding_mode="border")[0, :, 0].T
        colors = sampled[:, :3] / sampled[:, 3:].clamp_min(1e-6)
        return Sighting(index, camera, texels, colors, slant * sampled[:, 3])


@dataclass(frozen=True, eq=False)
class _View:
    """One camera at one frame. image: (1, 4, H, W) color times mask, and mask.

    vertices: (V, 4) clip x, y, w, and weight of the slant.
    """

    image: Tensor
    vertices: Tensor


@dataclass(frozen=True, eq=False)
class _Occluder:
    """What hides texels from one camera. depth_image: (1, h, w) cm, of the image scaled by ``scale``.

    candidates: (F,) bool, triangles of which something may be seen.
    """

    depth_image: Tensor
    scale: float
    candidates: Tensor

    def shows(self, pixels: Tensor, depth: Tensor) -> Tensor:
        """(n,) bool for points at pixels (n, 2) of the full image and depth (n,), cm."""
        return visible(pixels[None] * self.scale, depth[None], self.depth_image, OCCLUSION_TOLERANCE)[0]


def _footage(take: Take, indices: Sequence[int]) -> Iterator[list[Image | None]]:
    """The images of all cameras at take frame indices, in order, undistorted, decoded ahead."""
    numbers = take.frames.tolist()
    readers = [open_footage(f, camera, numbers) for f, camera in zip(take.footage, take.cameras, strict=True)]
    wanted = [numbers[index] for index in indices]
    try:
        with Prefetcher(readers, wanted, on_bad_frame=take.on_bad_frame) as prefetcher:
            for _, images in prefetcher:
                yield images
    finally:
        for reader in readers:
            reader.close()


def _view(problem: Problem, image: Image, world: Tensor, normals: Tensor, frame: int, camera: int) -> _View:
    cameras = problem.views.cameras(0, [frame])
    center = -(cameras.rotation[0, camera].mT @ cameras.translation[0, camera])
    # parts of real heads are wound the other way; what is visible faces the camera
    facing = (F.normalize(center - world[0], dim=1) * normals).sum(1).abs()
    slant = ((facing - GRAZING) / (1 - GRAZING)).clamp_min(0)
    clip = clip_vertices(world, cameras, camera)[0]
    mask = image.valid.astype(np.float32) if image.matte is None else image.valid * image.matte
    keep = torch.from_numpy(mask).to(clip)
    colors = torch.from_numpy(image.pixels).to(clip).permute(2, 0, 1) * keep
    return _View(torch.cat([colors, keep[None]])[None], torch.cat([clip[:, [0, 1, 3]], slant[:, None]], 1))


def _occluder(problem: Problem, view: _View, world: Tensor, frame: int, camera: int) -> _Occluder:
    """Judges by vertices which triangles are surely hidden, so that few texels need to be."""
    model, level = problem.model, problem.quality.finest_visibility
    mesh = mesh_of(model)
    depth_image = camera_depth(mesh, draw(mesh, world, problem.views.cameras(level, [frame]), camera))
    pixels, depth = _pixels(view.vertices[:, :2] / view.vertices[:, 2:3], view.image), view.vertices[:, 2]
    near = visible(pixels[None] * 0.5**level, depth[None], depth_image, FAR_BEHIND)[0]
    corners = pixels[model.triangles]  # (F, 3, 2)
    large = (corners.amax(1) - corners.amin(1)).amax(1) > LARGE_TRIANGLE
    unsure = large | (depth <= 0)[model.triangles].any(1) | near[model.triangles].any(1)
    facing = (view.vertices[:, 3] > 0)[model.triangles].any(1)
    return _Occluder(depth_image, 0.5**level, unsure & facing)


def _pixels(ndc: Tensor, image: Tensor) -> Tensor:
    """Pixel positions in image (1, 4, H, W) of normalized device coordinates (n, 2), row 0 at y = -1."""
    height, width = image.shape[2:]
    return (ndc + 1) * (0.5 * ndc.new_tensor([width, height]))


def _unpacked(bits: np.ndarray, layout: TileTexels) -> Tensor:
    """(m,) int64 indices of the texels whose bit is set."""
    seen = np.unpackbits(bits, count=len(layout.texels))
    return torch.from_numpy(np.flatnonzero(seen)).to(layout.texels.device)
