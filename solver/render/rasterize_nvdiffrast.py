"""Rasterization by nvdiffrast (Laine et al. 2020, "Modular primitives for high-performance differentiable rendering").

The twin of ``rasterize_torch`` on CUDA. The package is never installed for the user: its licence allows research and
evaluation, anything else needs one from NVIDIA.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import nvdiffrast.torch as nvdiffrast
import torch
from torch import Tensor


def rasterize(clip: Tensor, triangles: Tensor, resolution: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
    """Find the nearest triangle under every pixel centre: see ``rasterize_torch.rasterize`` for arguments and results.

    Differences from it: vertices are snapped to 1/16 pixel, so that pixels whose centres lie nearer to an edge may fall
    on its other side, and depth is compared in coarser steps, so that surfaces that nearly touch may change places.
    """
    with torch.no_grad():
        drawn, _ = rasterize_packed(clip.float().contiguous(), as_indices(triangles), resolution)
    return unpacked(drawn)


def rasterize_packed(positions: Tensor, indices: Tensor, resolution: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """nvdiffrast's own result, twice (B, H, W, 4): barycentrics of the first two corners, NDC depth, triangle + 1; and
    the slopes in x and y of these barycentrics. Both differentiable in positions.

    Args:
        positions: (B, V, 4) clip, float32 and contiguous. indices: (F, 3) of ``as_indices``.
        resolution: (height, width).
    """
    # it waits for the GPU and lets no other Python thread run meanwhile: what came before is better waited for here
    torch.cuda.current_stream(positions.device).synchronize()
    drawn, slopes = nvdiffrast.rasterize(_context(str(positions.device)), positions, indices, resolution)
    return drawn, slopes


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


@cache
def _context(device: str) -> Any:
    return nvdiffrast.RasterizeCudaContext(device=device)
