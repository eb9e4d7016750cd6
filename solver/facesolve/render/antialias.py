"""Antialiased silhouettes: pixel colors blend across the edge by where it passes, so they depend on the vertices.

After Laine et al., "Modular Primitives for High-Performance Differentiable Rendering", 2020, section 3.3.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .rasterize_torch import enumerate_ranges
from .silhouette import EDGE_CORNERS, silhouette_edges

_POSITION_STEPS = 2**20  # of a pixel, for choosing the outermost edge between two pixel centers
_EDGE_BITS = 40


class _Edges(NamedTuple):
    """Silhouette edges on screen: n edges with float64 pixel coordinates of their ends and of a point of their surface.

    Ends are ordered by the coordinate across the pixel pairs that the edge acts on: rows for neighbors in x.
    """

    image: Tensor  # (n,) int64
    start: Tensor  # (n, 3) along the pair, across it, NDC depth
    end: Tensor  # (n, 3)
    surface: Tensor  # (n, 3)


class _Blend(NamedTuple):
    """Which pixels blend along x or along y: m pairs of flat indices into (B, H, W)."""

    inner: Tensor  # (m,) pixel on the surface's side of the edge
    outer: Tensor  # (m,)
    distance: Tensor  # (m,) pixels from the inner center to the edge, 0..1, differentiable


Blends = tuple[_Blend, ...]


class _Crossings(NamedTuple):
    """Edges between the centers of two neighboring pixels; flat indices into (B, H, W)."""

    edge: Tensor  # (m,) index into _Edges
    inner: Tensor  # (m,) pixel on the surface's side of the edge
    outer: Tensor  # (m,)
    distance: Tensor  # (m,) pixels from the inner center to the edge, 0..1


def antialias(
    colors: Tensor,
    triangle_id: Tensor,
    depth: Tensor,
    clip: Tensor,
    triangles: Tensor,
    opposite: Tensor,
) -> Tensor:
    """Blend neighboring pixels across the silhouette edges that pass between their centers.

    Where the edge lies past the midpoint from the pixel on its surface, that pixel's color spills into the other in
    proportion; before it, the other's color comes in. Steep edges act on neighbors in x, flat ones on neighbors in
    y. The paper looks for edges of the triangle seen at the pixel and so misses most of a curved outline, where the
    last triangles are thinner than a pixel; here the silhouette edges look for pixels. An edge counts where the pixels
    see different triangles, the one on its side the nearer, and the edge lies in front of the other; of several, the
    outermost.

    Args:
        colors: (B, H, W, C) one sample per pixel.
        triangle_id: (B, H, W) integer, -1 where empty.
        depth: (B, H, W) NDC depth, +inf where empty.
        clip: (B, V, 4) clip-space positions that were rasterized.
        triangles: (F, 3) integer vertex indices of a welded mesh.
        opposite: (F, 3) from `silhouette.opposite_vertices`.

    Returns:
        (B, H, W, C), differentiable with respect to colors and clip.
    """
    return blended(colors, blends(triangle_id, depth, clip, triangles, opposite))


def blends(triangle_id: Tensor, depth: Tensor, clip: Tensor, triangles: Tensor, opposite: Tensor) -> Blends:
    """What ``antialias`` blends, along x and along y, the same for all pictures of one drawing."""
    image, edge, surface = _silhouette_vertices(clip, triangles, opposite)
    found = []
    for axis in (0, 1):
        edges = _edges_across(clip, image, edge, surface, axis, triangle_id.shape)
        with torch.no_grad():
            crossings = _outermost(_crossings(edges, axis, triangle_id, depth), triangle_id.numel())
        distance = _distance(edges, crossings.edge, crossings.inner, crossings.outer, axis, triangle_id.shape)
        found.append(_Blend(crossings.inner, crossings.outer, distance))
    return tuple(found)


def blended(colors: Tensor, pairs: Blends) -> Tensor:
    """``antialias`` of colors (B, H, W, C) by what ``blends`` found."""
    pixels = colors.flatten(0, 2)
    smooth = pixels
    for inner, outer, distance in pairs:
        spill = (distance - 0.5).to(colors.dtype)[:, None]
        receiver = torch.where(spill[:, 0] > 0, outer, inner)
        difference = pixels.index_select(0, inner) - pixels.index_select(0, outer)
        smooth = smooth.index_add(0, receiver, difference * spill)
    return smooth.view_as(colors)


def _silhouette_vertices(clip: Tensor, triangles: Tensor, opposite: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Image (n,), end vertices (n, 2) and far corner (n,) of the silhouette edges in front of the camera."""
    image, triangle, k = silhouette_edges(clip, triangles, opposite).nonzero().unbind(1)
    corners = triangles.long()[triangle]  # (n, 3)
    ends = corners.gather(1, torch.tensor(EDGE_CORNERS, device=clip.device)[k])
    surface = corners.gather(1, k[:, None]).squeeze(1)
    in_front = (clip[image, ends[:, 0], 3] > 0) & (clip[image, ends[:, 1], 3] > 0) & (clip[image, surface, 3] > 0)
    return image[in_front], ends[in_front], surface[in_front]


def _edges_across(
    clip: Tensor,
    image: Tensor,  # (n,)
    ends: Tensor,  # (n, 2)
    surface: Tensor,  # (n,)
    axis: int,
    shape: torch.Size,
) -> _Edges:
    """The edges that act on neighbors along x (axis 0) or y (axis 1), in an image of shape (B, H, W)."""
    size = clip.new_tensor([shape[2], shape[1]], dtype=torch.float64)

    def project(vertex: Tensor) -> Tensor:
        x, y, z, w = clip[image, vertex].double().unbind(-1)
        pixel = ((x / w * 0.5 + 0.5) * size[0], (y / w * 0.5 + 0.5) * size[1])
        return torch.stack((pixel[axis], pixel[1 - axis], z / w), -1)

    first, second, third = project(ends[:, 0]), project(ends[:, 1]), project(surface)
    along, across = (second - first).detach().abs()[:, :2].unbind(1)
    acts = (across >= along) if axis == 0 else (across > along)
    acts = (acts & (across > 0)).nonzero().squeeze(1)
    first, second, third = first[acts], second[acts], third[acts]
    swap = (first[:, 1] > second[:, 1])[:, None]
    return _Edges(image[acts], torch.where(swap, second, first), torch.where(swap, first, second), third)


def _crossings(edges: _Edges, axis: int, triangle_id: Tensor, depth: Tensor) -> _Crossings:
    """Every passage of an edge between two pixel centers that see its surface and something behind it."""
    _, height, width = triangle_id.shape
    length, lines = (width, height) if axis == 0 else (height, width)
    first = (edges.start[:, 1] - 0.5).ceil().clamp(0, lines).long()
    last = (edges.end[:, 1] - 0.5).ceil().clamp(0, lines).long()
    edge, line = enumerate_ranges(last - first, first)
    start, step = edges.start[edge], (edges.end - edges.start)[edge]
    fraction = (line + 0.5 - start[:, 1]) / step[:, 1]
    crossing, edge_depth = start[:, 0] + fraction * step[:, 0], start[:, 2] + fraction * step[:, 2]
    before = (crossing - 0.5).ceil() - 1  # on a center: as the rasterizer, which gives it to the higher side
    within = (before >= 0) & (before < length - 1)
    edge, line, before = edge[within], line[within], before[within].long()
    edge_depth, crossing = edge_depth[within], crossing[within]

    stride, line_stride = (1, width) if axis == 0 else (width, 1)
    low = edges.image[edge] * height * width + line * line_stride + before * stride
    surface_is_low = _surface_is_low(edges)[edge]
    inner, outer = torch.where(surface_is_low, low, low + stride), torch.where(surface_is_low, low + stride, low)
    distance = torch.where(surface_is_low, crossing - 0.5 - before, before + 1.5 - crossing)
    flat_id, flat_depth = triangle_id.flatten(), depth.flatten()
    counts = (flat_id[inner] != flat_id[outer]) & (flat_depth[inner] < flat_depth[outer])
    counts &= edge_depth <= flat_depth[outer]
    return _Crossings(edge[counts], inner[counts], outer[counts], distance[counts])


def _surface_is_low(edges: _Edges) -> Tensor:
    """(n,) whether the surface lies towards lower pixels of the edge's pairs."""
    along, across = (edges.end - edges.start)[:, 0], (edges.end - edges.start)[:, 1]
    to_surface = edges.surface - edges.start
    return to_surface[:, 0] * across < to_surface[:, 1] * along


def _outermost(crossings: _Crossings, pixel_count: int) -> _Crossings:
    """Among crossings between the same two pixels, the one farthest from the inner pixel; at a tie the last edge."""
    steps = (crossings.distance * _POSITION_STEPS).long() << _EDGE_BITS
    key = steps | torch.arange(crossings.edge.numel(), device=crossings.edge.device)
    pair = crossings.inner * 2 + (crossings.outer > crossings.inner)
    best = key.new_full((2 * pixel_count,), -1).scatter_reduce_(0, pair, key, "amax")
    return _Crossings(*(column[best[pair] == key] for column in crossings))


def _distance(edges: _Edges, edge: Tensor, inner: Tensor, outer: Tensor, axis: int, shape: torch.Size) -> Tensor:
    """Pixels (m,) from the inner pixel's center to the edge, differentiable with respect to the vertices."""
    _, height, width = shape
    x, y = inner % width + 0.5, inner // width % height + 0.5
    along, across = (x, y) if axis == 0 else (y, x)
    start, step = edges.start.index_select(0, edge), (edges.end - edges.start).index_select(0, edge)
    crossing = start[:, 0] + (across - start[:, 1]) / step[:, 1] * step[:, 0]
    return (crossing - along) * (outer - inner).sign()
