"""Antialiased silhouettes: pixel colours blend across the edge by where it passes, so they depend on the vertices.

Laine et al., "Modular Primitives for High-Performance Differentiable Rendering", 2020, section 3.3.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from solver.render.silhouette import EDGE_CORNERS, silhouette_edges


@dataclass(frozen=True)
class _PixelPairs:
    """Neighbouring pixels of which the first sees the nearer triangle; flat indices into (B, H, W)."""

    near: Tensor  # (n,) int64
    far: Tensor  # (n,) int64
    axis: int  # 0 for neighbours in x, 1 for neighbours in y


def antialias(
    colours: Tensor,
    triangle_id: Tensor,
    depth: Tensor,
    clip: Tensor,
    triangles: Tensor,
    opposite: Tensor,
) -> Tensor:
    """Blend neighbouring pixels across the silhouette edges that pass between their centres.

    Of two neighbours the one with the nearer triangle looks for the silhouette edge by which that triangle ends before
    the other's centre. Past the midpoint, the triangle's colour spills into the other pixel in proportion; before it,
    the other's colour comes in. Each edge acts on pairs across its own direction only (steep edges on neighbours in x).
    As in the paper, an edge is found only if its triangle is seen at the pixel beside it: triangles smaller than a
    pixel lose some of their outline.

    Args:
        colours: (B, H, W, C) one sample per pixel.
        triangle_id: (B, H, W) integer, -1 where empty.
        depth: (B, H, W) NDC depth, +inf where empty.
        clip: (B, V, 4) clip-space positions that were rasterized.
        triangles: (F, 3) integer vertex indices of a welded mesh.
        opposite: (F, 3) from `silhouette.opposite_vertices`.

    Returns:
        (B, H, W, C), differentiable with respect to colours and clip.
    """
    silhouette = silhouette_edges(clip, triangles, opposite).flatten(0, 1)  # (B * F, 3)
    flat = colours.flatten(0, 2)
    result = flat
    for axis in (0, 1):
        pairs = _pairs(triangle_id, depth, axis)
        if pairs.near.numel() == 0:
            continue
        distance, crosses = _edge_distance(pairs, triangle_id, clip, triangles, silhouette)
        near, far, distance = pairs.near[crosses], pairs.far[crosses], (distance[crosses] - 0.5).to(colours.dtype)
        difference = (flat[near] - flat[far]) * distance[:, None]
        result = result.index_add(0, torch.where(distance > 0, far, near), difference)
    return result.view_as(colours)


def _pairs(triangle_id: Tensor, depth: Tensor, axis: int) -> _PixelPairs:
    """Neighbours along x (axis 0) or y (axis 1) that see different triangles; triangle_id and depth (B, H, W)."""
    index = torch.arange(triangle_id.numel(), device=triangle_id.device).view_as(triangle_id)
    dim = 2 - axis
    size = triangle_id.shape[dim]
    first, second = (index.narrow(dim, start, max(size - 1, 0)).flatten() for start in (0, min(size, 1)))
    flat_id, flat_depth = triangle_id.flatten(), depth.flatten()
    differ = (flat_id[first] != flat_id[second]).nonzero().squeeze(1)
    first, second = first[differ], second[differ]
    first_is_near = flat_depth[first] <= flat_depth[second]
    return _PixelPairs(torch.where(first_is_near, first, second), torch.where(first_is_near, second, first), axis)


def _edge_distance(
    pairs: _PixelPairs,
    triangle_id: Tensor,
    clip: Tensor,
    triangles: Tensor,
    silhouette: Tensor,  # (B * F, 3) bool
) -> tuple[Tensor, Tensor]:
    """Where the near pixel's triangle ends at a silhouette on the way to the far pixel.

    Returns:
        distance: (n,) float64 from the near centre, in pixels, differentiable with respect to clip.
        crosses: (n,) bool, whether there is such an edge, with a distance in 0..1.
    """
    _, height, width = triangle_id.shape
    image, pixel = pairs.near // (height * width), pairs.near % (height * width)
    triangle = triangle_id.flatten()[pairs.near].long()
    corners = clip.double()[image[:, None], triangles.long()[triangle]]  # (n, 3, 4)
    w = corners[..., 3]
    in_front = w > 0
    position = (corners[..., :2] / torch.where(in_front, w, 1)[..., None] * 0.5 + 0.5) * w.new_tensor([width, height])
    centre = torch.stack((pixel % width, pixel // width), -1) + 0.5
    position = position - centre[:, None]
    along, across = position[..., pairs.axis], position[..., 1 - pairs.axis]  # (n, 3), about the near centre
    along = along * (pairs.far - pairs.near).sign()[:, None]
    is_silhouette = silhouette[image * triangles.shape[0] + triangle]

    distance, crosses = w.new_zeros(w.shape[0]), torch.zeros_like(in_front[:, 0])
    for k, (a, b) in enumerate(EDGE_CORNERS):
        step_along, step_across = along[:, b] - along[:, a], across[:, b] - across[:, a]
        # An edge at exactly 45 degrees acts on neighbours in x.
        steep = step_across.abs() >= step_along.abs() if pairs.axis == 0 else step_across.abs() > step_along.abs()
        spans = (across[:, a] > 0) != (across[:, b] > 0)
        usable = is_silhouette[:, k] & steep & spans & in_front[:, a] & in_front[:, b]
        edge = along[:, a] - across[:, a] * step_along / torch.where(usable, step_across, 1)
        usable = usable & (edge >= 0) & (edge <= 1)
        distance, crosses = torch.where(usable, edge, distance), crosses | usable
    return distance, crosses
