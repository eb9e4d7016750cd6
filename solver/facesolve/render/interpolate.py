"""Vertex attributes at pixels and their screen-space derivatives. Knows nothing of what the attributes mean."""

from __future__ import annotations

import torch
from torch import Tensor


def interpolate(attributes: Tensor, triangle_id: Tensor, barycentrics: Tensor, triangles: Tensor) -> Tensor:
    """Vertex attributes under every pixel, differentiable with respect to attributes and barycentrics.

    Args:
        attributes: (B, V, C), or (1, V, C) for attributes that all images share.
        triangle_id: (B, H, W) integer, -1 where empty.
        barycentrics: (B, H, W, 3).
        triangles: (F, 3) integer indices into V. They may index another table than the rasterized vertices, as UVs do,
            as long as the rows correspond.

    Returns:
        (B, H, W, C), 0 where empty.

    Raises:
        ValueError: if there are neither 1 nor B attribute tables.
    """
    batch, height, width = triangle_id.shape
    if attributes.shape[0] not in (1, batch):
        raise ValueError(f"attributes are given for {attributes.shape[0]} images, triangle_id for {batch}")
    covered = (triangle_id >= 0).flatten().nonzero().squeeze(1)
    triangle = triangle_id.flatten().index_select(0, covered)
    weights = barycentrics.reshape(-1, 3).index_select(0, covered).to(attributes.dtype)
    table_start = covered // (height * width) * attributes.shape[1] if attributes.shape[0] > 1 else 0
    table = attributes.flatten(0, 1)
    values = attributes.new_zeros((covered.numel(), attributes.shape[2]))
    for k in range(3):
        corner = triangles[:, k].long().index_select(0, triangle) + table_start
        values = torch.addcmul(values, table.index_select(0, corner), weights[:, k : k + 1])
    image = values.new_zeros((triangle_id.numel(), attributes.shape[2])).index_copy(0, covered, values)
    return image.view(batch, height, width, -1)


def interpolate_derivatives(
    attributes: Tensor, triangle_id: Tensor, barycentric_slopes: Tensor, triangles: Tensor
) -> Tensor:
    """Change of vertex attributes per pixel in x and in y, within the plane of each pixel's triangle.

    Args:
        attributes: (B, V, C) or (1, V, C).
        triangle_id: (B, H, W) integer, -1 where empty.
        barycentric_slopes: (B, H, W, 3, 2) from `barycentrics.barycentric_derivatives`.
        triangles: (F, 3) integer indices into V.

    Returns:
        (B, H, W, C, 2): d(attribute)/d(pixel x, pixel y), 0 where empty.
    """
    batch, height, width = triangle_id.shape
    covered = (triangle_id >= 0).flatten().nonzero().squeeze(1)
    triangle = triangle_id.flatten().index_select(0, covered)
    weights = barycentric_slopes.flatten(0, 2).index_select(0, covered).to(attributes.dtype)  # (n, 3, 2)
    table_start = covered // (height * width) * attributes.shape[1] if attributes.shape[0] > 1 else 0
    table = attributes.flatten(0, 1)
    slopes = attributes.new_zeros((covered.numel(), attributes.shape[2], 2))
    for k in range(3):
        corner = triangles[:, k].long().index_select(0, triangle) + table_start
        slopes = torch.addcmul(slopes, table.index_select(0, corner)[..., None], weights[:, k, None])
    image = slopes.new_zeros((triangle_id.numel(), *slopes.shape[1:])).index_copy(0, covered, slopes)
    return image.view(batch, height, width, -1, 2)
