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
    # it waits for the GPU and lets no other Python thread run meanwhile: what came before is better waited for here
    torch.cuda.current_stream(clip.device).synchronize()
    with torch.no_grad():
        drawn, _ = nvdiffrast.rasterize(
            _context(str(clip.device)), clip.float().contiguous(), _as_indices(triangles), resolution, grad_db=False
        )
    first, second, depth, number = drawn.unbind(-1)
    triangle_id = number.int() - 1
    hit = triangle_id >= 0
    third = torch.where(hit, 1 - first - second, 0.0)
    return triangle_id, torch.stack([first, second, third], -1), torch.where(hit, depth, torch.inf)


@cache
def _context(device: str) -> Any:
    return nvdiffrast.RasterizeCudaContext(device=device)


def _as_indices(triangles: Tensor) -> Tensor:
    return triangles.int().contiguous()
