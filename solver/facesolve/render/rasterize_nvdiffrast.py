"""Rasterization by nvdiffrast (Laine et al. 2020, "Modular primitives for high-performance differentiable rendering").

The twin of ``rasterize_torch`` on CUDA. The package is never installed for the user: its license allows research and
evaluation, anything else needs one from NVIDIA.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import nvdiffrast.torch as nvdiffrast
import torch
from nvdiffrast import __version__ as nvdiffrast_version
from torch import Tensor

CONTEXTS = 12  # each holds a few megabytes for an image of its kind of batch
OLDEST = (0, 4)

if tuple(int(number) for number in nvdiffrast_version.split(".")[:2]) < OLDEST:
    raise ImportError(f"version {nvdiffrast_version} is older than {'.'.join(map(str, OLDEST))}")


def nearest(clip: Tensor, triangles: Tensor, resolution: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Find the nearest triangle under every pixel center: see ``rasterize_torch.nearest`` for arguments and results.

    Differences from it: vertices are snapped to 1/16 pixel, so that pixels whose centers lie nearer to an edge may fall
    on its other side, and depth is compared in coarser steps, so that surfaces that nearly touch may change places.
    """
    with torch.no_grad():
        drawn, _ = rasterize_packed(clip.float().contiguous(), as_indices(triangles), resolution, slopes=False)
    number = drawn[..., 3]
    return number.int() - 1, torch.where(number > 0, drawn[..., 2], torch.inf)


def rasterize_packed(
    positions: Tensor, indices: Tensor, resolution: tuple[int, int], slopes: bool = True
) -> tuple[Tensor, Tensor]:
    """nvdiffrast's own result, twice (B, H, W, 4): barycentrics of the first two corners, NDC depth, triangle + 1; and
    the slopes in x and y of these barycentrics, if asked for. Both differentiable in positions.

    Args:
        positions: (B, V, 4) clip, float32 and contiguous. indices: (F, 3) of ``as_indices``.
        resolution: (height, width).
    """
    # it waits for the GPU and lets no other Python thread run meanwhile: what came before is better waited for here
    torch.cuda.current_stream(positions.device).synchronize()
    context = _context(str(positions.device), len(positions), resolution)
    drawn, of_barycentrics = nvdiffrast.rasterize(context, positions, indices, resolution, grad_db=slopes)
    return drawn, of_barycentrics


def unpacked(drawn: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """triangle_id (B, H, W), barycentrics (B, H, W, 3) and depth (B, H, W) of a packed result (B, H, W, 4)."""
    first, second, depth, number = drawn.unbind(-1)
    triangle_id = number.detach().int() - 1
    hit = triangle_id >= 0
    third = torch.where(hit, 1 - first - second, 0.0)
    return triangle_id, torch.stack([first, second, third], -1), torch.where(hit, depth.detach(), torch.inf)


def as_indices(triangles: Tensor) -> Tensor:
    """Triangles (F, 3) as nvdiffrast takes them."""
    return triangles.int().contiguous()


@lru_cache(maxsize=CONTEXTS)
def _context(device: str, images: int, resolution: tuple[int, int]) -> Any:
    """A context for this number of images: one that meets another gives all its memory back and asks for it anew."""
    return nvdiffrast.RasterizeCudaContext(device=device)
