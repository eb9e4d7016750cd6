"""Which surface samples cameras see at a pose: nothing in front of them, and not from too flat an angle.

Knows no footage. On a GPU ``seen_samples_triton`` does the same in three kernels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from facesolve.geometry.camera import CameraModel, Projection
from facesolve.geometry.surface_samples import SurfaceSamples
from facesolve.render import Nearest, visible
from facesolve.runtime.threads import on_threads

GRAZING = 0.2  # cosine between normal and viewing ray below which a sample is not used
OCCLUSION_TOLERANCE = 0.2  # cm
NEAREST_SURFACE = 0.1  # cm in front of a camera; nearer surface hides nothing
GPU_PIXELS = 20_000_000  # pixels worked on at once on a GPU, at about 60 bytes each

Size = tuple[int, int]  # height and width of images


@dataclass(frozen=True, eq=False)
class SeenSamples:
    """weights: (B, C, N), 0 where hidden, less at grazing angles. coverage: C tensors (B, H, W), 1 where the rig covers
    the pixel."""

    weights: Tensor
    coverage: tuple[Tensor, ...]


def seen_samples(
    world: Tensor,
    triangles: Tensor,
    samples: SurfaceSamples,
    cameras: CameraModel,
    sizes: Sequence[Size],
    near: Nearest,
) -> SeenSamples:
    """What C cameras see of N samples in B frames.

    Args:
        world: (B, V, 3) the rig's vertices in the world, cm.
        triangles: (F, 3) int64 vertex indices.
        samples: on these triangles.
        cameras: (B, C), without distortion.
        sizes: of the cameras' images.
        near: rasterizes.
    """
    triangle = world[:, triangles[samples.triangles]]  # (B, N, 3, 3)
    points = (triangle * samples.barycentrics[..., None]).sum(2)
    normals = torch.linalg.cross(triangle[:, :, 1] - triangle[:, :, 0], triangle[:, :, 2] - triangle[:, :, 0])
    projection = cameras.project(points[:, None])
    rays = F.normalize(cameras.centers[:, :, None] - points[:, None], dim=-1)
    # parts of real heads are wound the other way; what is visible faces the camera
    facing = (rays * F.normalize(normals, dim=-1)[:, None]).sum(-1).abs()
    slant = ((facing - GRAZING) / (1 - GRAZING)).clamp_min(0)
    unoccluded, coverage = _unoccluded(world, triangles, cameras, sizes, near, projection)
    return SeenSamples(unoccluded * slant * samples.weight, coverage)


def _unoccluded(
    world: Tensor,
    triangles: Tensor,
    cameras: CameraModel,
    sizes: Sequence[Size],
    near: Nearest,
    projection: Projection,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """(B, C, N) bool: points that are not hidden; and each camera's coverage (B, H, W). world: (B, V, 3)."""
    count = projection.depth.shape[1]
    visible_here = torch.zeros_like(projection.depth, dtype=torch.bool)
    coverage: list[Tensor] = [world] * count
    matrices = clip_matrices(world, cameras)
    for group in groups_of(sizes):
        chosen = slice(None) if len(group) == count else list(group)
        place = projection.pixels[:, chosen], projection.depth[:, chosen]
        found, covered = _in_group(world, triangles, matrices[:, chosen], sizes[group[0]], near, place)
        visible_here[:, chosen] = found
        for position, camera in enumerate(group):
            coverage[camera] = covered[:, position]
    return visible_here, tuple(coverage)


def _in_group(
    world: Tensor, triangles: Tensor, matrices: Tensor, size: Size, near: Nearest, place: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor]:
    """(B, c, N) bool and coverage (B, c, H, W) of c cameras with images of one size.

    matrices: (B, c, 4, 4) of ``clip_matrices``. place: pixels (B, c, N, 2) and depth (B, c, N) of the points.
    """
    clip, (pixels, depth) = to_clip(world, matrices), place  # (B, c, V, 4)

    def look(rows: slice) -> tuple[Tensor, Tensor]:
        triangle_id, depth_ndc = near(clip[rows].flatten(0, 1), triangles, size)
        image = _camera_depth(depth_ndc, matrices[rows].flatten(0, 1))
        seen = visible(pixels[rows].flatten(0, 1), depth[rows].flatten(0, 1), image, OCCLUSION_TOLERANCE)
        return seen, triangle_id >= 0

    frames, count = matrices.shape[:2]
    found = torch.empty_like(depth, dtype=torch.bool)
    covered = world.new_empty(frames, count, *size)
    parts = split(frames, count * size[0] * size[1], world.device)
    for rows, (seen, hit) in zip(parts, on_threads(look, parts, world.device), strict=True):
        found[rows] = seen.unflatten(0, (-1, count))
        covered[rows] = hit.to(world.dtype).unflatten(0, (-1, count))
    return found, covered


def groups_of(sizes: Sequence[Size]) -> list[tuple[int, ...]]:
    """Cameras whose images are of one size."""
    return [tuple(c for c, s in enumerate(sizes) if s == size) for size in dict.fromkeys(sizes)]


def split(count: int, pixels: int, device: torch.device) -> list[slice]:
    """Parts of ``count`` things of so many pixels each, as large as suits the device; no result depends on them."""
    together = max(1, (GPU_PIXELS if device.type == "cuda" else 1) // pixels)
    return [slice(first, first + together) for first in range(0, count, together)]


def clip_matrices(world: Tensor, cameras: CameraModel) -> Tensor:
    """(B, C, 4, 4) whose near and far planes hold all vertices (B, V, 3) between them."""
    depth = torch.einsum("bvi,bci->bcv", world, cameras.rotation[:, :, 2]) + cameras.translation[:, :, 2, None]
    near = (depth.amin(2) / 2).clamp_min(NEAREST_SURFACE)
    return cameras.clip_matrices(near, torch.maximum(depth.amax(2) * 2, near * 2))


def _camera_depth(depth: Tensor, matrices: Tensor) -> Tensor:
    """Depth along the optical axes (n, H, W), cm, of NDC depth (n, H, W) as drawn by matrices (n, 4, 4); inf stays."""
    # the third row is a times the fourth, which gives w, less b: z = (a w - b) / w
    a = torch.linalg.vector_norm(matrices[:, 2, :3], dim=1)
    b = a * matrices[:, 3, 3] - matrices[:, 2, 3]
    return torch.where(depth.isfinite(), b[:, None, None] / (a[:, None, None] - depth), torch.inf)


def to_clip(world: Tensor, matrices: Tensor) -> Tensor:
    """Clip-space positions (B, c, V, 4) of vertices (B, V, 3) by matrices (B, c, 4, 4)."""
    return F.pad(world, (0, 1), value=1.0)[:, None] @ matrices.mT
