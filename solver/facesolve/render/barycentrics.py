"""Perspective-correct barycentrics at pixel centers and their screen-space derivatives, differentiable in the vertices.

Homogeneous edge functions (Olano and Greer, "Triangle Scan Conversion using 2D Homogeneous Coordinates", 1997).
"""

from __future__ import annotations

import torch
from torch import Tensor

_CORNER_PAIRS = ((1, 2), (2, 0), (0, 1))  # the edge opposite each corner


def barycentrics_at_pixels(clip: Tensor, triangles: Tensor, triangle_id: Tensor) -> Tensor:
    """Barycentrics of every covered pixel center in its triangle, differentiable with respect to `clip`.

    Args:
        clip: (B, V, 4) clip-space positions, image row 0 at y_ndc = -1.
        triangles: (F, 3) integer vertex indices.
        triangle_id: (B, H, W) integer, -1 where empty.

    Returns:
        (B, H, W, 3) in the type of clip, 0 where empty.
    """
    covered = (triangle_id >= 0).flatten().nonzero().squeeze(1)
    edges, _, _ = _edge_functions(clip, triangles, triangle_id, covered)
    weights = edges / edges.sum(0)
    barycentrics = weights.new_zeros((triangle_id.numel(), 3)).index_copy(0, covered, weights.t())
    return barycentrics.view(*triangle_id.shape, 3)


def barycentric_derivatives(clip: Tensor, triangles: Tensor, triangle_id: Tensor) -> Tensor:
    """Change of the barycentrics per pixel in x and in y, within the plane of each pixel's triangle.

    Args:
        clip: (B, V, 4) clip-space positions, image row 0 at y_ndc = -1.
        triangles: (F, 3) integer vertex indices.
        triangle_id: (B, H, W) integer, -1 where empty.

    Returns:
        (B, H, W, 3, 2): d(barycentric)/d(pixel x, pixel y) in the type of clip; 0 where empty.
    """
    covered = (triangle_id >= 0).flatten().nonzero().squeeze(1)
    edges, edges_dx, edges_dy = _edge_functions(clip, triangles, triangle_id, covered)
    total = edges.sum(0)
    weights = edges / total
    slopes = [(slope - weights * slope.sum(0)) / total for slope in (edges_dx, edges_dy)]  # quotient rule
    derivatives = torch.stack(slopes, -1).transpose(0, 1)  # (n, 3, 2)
    out = derivatives.new_zeros((triangle_id.numel(), 3, 2)).index_copy(0, covered, derivatives)
    return out.view(*triangle_id.shape, 3, 2)


def _edge_functions(
    clip: Tensor,
    triangles: Tensor,
    triangle_id: Tensor,
    covered: Tensor,  # (n,) flat indices of the covered pixels
) -> tuple[Tensor, Tensor, Tensor]:
    """Edge functions at the covered pixels, proportional to the barycentrics, and their slopes in x and y: (3, n)."""
    batch, height, width = triangle_id.shape
    images = torch.arange(batch, device=clip.device).view(-1, 1, 1)
    table_row = (triangle_id + images * triangles.shape[0]).flatten().index_select(0, covered)
    # One column at a time: selecting rows of a table and transposing them is several times slower on a CPU.
    planes = [column.index_select(0, table_row) for column in _edge_planes(clip, triangles, (height, width))]
    edges_dx, edges_dy, edges = torch.stack(planes[:9]).view(3, 3, -1).unbind(0)
    x_pixel = torch.arange(width, device=clip.device, dtype=clip.dtype).expand(batch, height, width)
    y_pixel = torch.arange(height, device=clip.device, dtype=clip.dtype)[:, None].expand(batch, height, width)
    x = x_pixel.flatten().index_select(0, covered) - planes[9]
    y = y_pixel.flatten().index_select(0, covered) - planes[10]
    return torch.addcmul(torch.addcmul(edges, edges_dx, x), edges_dy, y), edges_dx, edges_dy


def _edge_planes(clip: Tensor, triangles: Tensor, resolution: tuple[int, int]) -> list[Tensor]:
    """Edge functions of all triangles as planes about an anchor pixel, that of the first corner or the nearest to it.

    Args:
        clip: (B, V, 4). triangles: (F, 3). resolution: (height, width).

    Returns:
        11 columns (B * F,) in the type of clip: slopes in x of the 3 edges, slopes in y, values at the anchor; the
        anchor's column and row in the image.

    The products are taken in float64 and the anchor is close to the triangle, so single precision is enough after it.
    """
    height, width = resolution
    vertex_x, vertex_y, _, vertex_w = clip.double().unbind(-1)  # (B, V)
    planes = ((vertex_x + vertex_w) * (0.5 * width), (vertex_y + vertex_w) * (0.5 * height), vertex_w)  # pixels times w
    x, y, w = ([plane.index_select(1, corner).flatten() for corner in triangles.long().t()] for plane in planes)
    with torch.no_grad():
        column = (x[0] / w[0]).floor().clamp(0, width - 1).nan_to_num(0)
        row = (y[0] / w[0]).floor().clamp(0, height - 1).nan_to_num(0)
    x = [x_corner - (column + 0.5) * w_corner for x_corner, w_corner in zip(x, w, strict=True)]
    y = [y_corner - (row + 0.5) * w_corner for y_corner, w_corner in zip(y, w, strict=True)]
    # Moving the pixel by (dx, dy) moves every corner by -w (dx, dy) about it.
    slopes_x = [y[j] * w[k] - w[j] * y[k] for j, k in _CORNER_PAIRS]
    slopes_y = [w[j] * x[k] - x[j] * w[k] for j, k in _CORNER_PAIRS]
    values = [x[j] * y[k] - y[j] * x[k] for j, k in _CORNER_PAIRS]
    return [plane.to(clip.dtype) for plane in (*slopes_x, *slopes_y, *values, column, row)]
