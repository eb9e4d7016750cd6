"""Perspective-correct barycentrics at pixel centres and their screen-space derivatives, differentiable in the vertices.

Homogeneous edge functions (Olano and Greer, "Triangle Scan Conversion using 2D Homogeneous Coordinates", 1997).
"""

from __future__ import annotations

import torch
from torch import Tensor


def barycentrics_at_pixels(clip: Tensor, triangles: Tensor, triangle_id: Tensor) -> Tensor:
    """Barycentrics of every covered pixel centre in its triangle, differentiable with respect to `clip`.

    Args:
        clip: (B, V, 4) clip-space positions, image row 0 at y_ndc = -1.
        triangles: (F, 3) integer vertex indices.
        triangle_id: (B, H, W) integer, -1 where empty.

    Returns:
        (B, H, W, 3), in float64 if clip is float64 and otherwise float32; 0 where empty.
    """
    covered = (triangle_id >= 0).flatten().nonzero().squeeze(1)
    x, y, _ = _corners_about_pixels(clip, triangles, triangle_id, covered)
    edges = _edge_functions(x, y)
    weights = edges / edges.sum(0)
    weights = weights.t().to(clip.dtype)
    barycentrics = weights.new_zeros((triangle_id.numel(), 3)).index_copy(0, covered, weights)
    return barycentrics.view(*triangle_id.shape, 3)


def barycentric_derivatives(clip: Tensor, triangles: Tensor, triangle_id: Tensor) -> Tensor:
    """Change of the barycentrics per pixel in x and in y, within the plane of each pixel's triangle.

    Args:
        clip: (B, V, 4) clip-space positions, image row 0 at y_ndc = -1.
        triangles: (F, 3) integer vertex indices.
        triangle_id: (B, H, W) integer, -1 where empty.

    Returns:
        (B, H, W, 3, 2): d(barycentric)/d(pixel x, pixel y); 0 where empty.
    """
    covered = (triangle_id >= 0).flatten().nonzero().squeeze(1)
    x, y, w = _corners_about_pixels(clip, triangles, triangle_id, covered)
    edges = _edge_functions(x, y)
    total = edges.sum(0)
    # Moving the pixel by (dx, dy) moves every corner by -w (dx, dy) about it.
    edges_dx = torch.stack([w[j] * -y[k] + y[j] * w[k] for j, k in ((1, 2), (2, 0), (0, 1))])
    edges_dy = torch.stack([x[j] * -w[k] + w[j] * x[k] for j, k in ((1, 2), (2, 0), (0, 1))])
    slopes = [(edge_slope - edges / total * edge_slope.sum(0)) / total for edge_slope in (edges_dx, edges_dy)]
    derivatives = torch.stack(slopes, -1).transpose(0, 1)  # (n, 3, 2)
    out = derivatives.new_zeros((triangle_id.numel(), 3, 2)).index_copy(0, covered, derivatives)
    return out.view(*triangle_id.shape, 3, 2).to(clip.dtype)


def _corners_about_pixels(
    clip: Tensor, triangles: Tensor, triangle_id: Tensor, covered: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Homogeneous pixel coordinates x w, y w (about the pixel centre) and w of the corners, each (3, n) float64.

    Taking the pixel as origin keeps the edge functions well conditioned for small triangles far from the image corner.
    """
    batch, height, width = triangle_id.shape
    clip_x, clip_y, _, w = clip.double().unbind(-1)  # (B, V)
    homogeneous = torch.stack(((clip_x + w) * (0.5 * width), (clip_y + w) * (0.5 * height), w), -1)  # (B, V, 3)
    corners = homogeneous[:, triangles.long()].view(-1, 9)  # (B * F, 9)
    images = torch.arange(batch, device=clip.device).view(-1, 1, 1)
    table_row = (triangle_id + images * triangles.shape[0]).flatten().index_select(0, covered)
    x, y, w = corners.index_select(0, table_row).t().contiguous().view(3, 3, -1).unbind(1)  # each (3, n)
    x_pixel = (torch.arange(width, device=clip.device, dtype=torch.float64) + 0.5).expand(batch, height, width)
    y_pixel = (torch.arange(height, device=clip.device, dtype=torch.float64) + 0.5)[:, None].expand(
        batch, height, width
    )
    x = x - x_pixel.flatten().index_select(0, covered) * w
    y = y - y_pixel.flatten().index_select(0, covered) * w
    return x, y, w


def _edge_functions(x: Tensor, y: Tensor) -> Tensor:
    """Homogeneous edge functions at the origin, (3, n), of corners x, y (3, n); proportional to the barycentrics."""
    return torch.stack([x[j] * y[k] - y[j] * x[k] for j, k in ((1, 2), (2, 0), (0, 1))])
