"""Silhouette edges of a mesh: where its surface folds over as seen from a camera, or ends. Edge k faces corner k."""

from __future__ import annotations

import torch
from torch import Tensor

EDGE_CORNERS = ((1, 2), (2, 0), (0, 1))  # the two corners of the edge opposite each corner


def opposite_vertices(triangles: Tensor) -> Tensor:
    """For each edge the vertex beyond it, the far corner of the one other triangle there.

    Args:
        triangles: (F, 3) integer indices of a welded mesh.

    Returns:
        (F, 3) int64: entry k belongs to the edge between the other two corners; -1 at a border or where more than two
        triangles meet.
    """
    corners = triangles.long()
    count = int(corners.max()) + 1 if corners.numel() else 0
    edges = torch.stack([corners[:, pair] for pair in EDGE_CORNERS], 1).flatten(0, 1)  # (3 F, 2)
    key = edges.min(1).values * count + edges.max(1).values
    _, edge_id, uses = torch.unique(key, return_inverse=True, return_counts=True)
    # In the order of edges the two uses of an inner edge lie side by side: each takes the other's far corner.
    order = edge_id.argsort(stable=True)
    inner = order[uses[edge_id[order]] == 2]
    opposite = torch.full_like(key, -1)
    opposite[inner] = corners.flatten()[inner.view(-1, 2).flip(1).flatten()]
    return opposite.view(-1, 3)


def silhouette_edges(clip: Tensor, triangles: Tensor, opposite: Tensor) -> Tensor:
    """Which edges are silhouettes: both triangles lie on the same side of the edge on screen, or there is but one.

    Valid for any winding and for vertices behind the camera, since only the planes through the eye are compared.

    Args:
        clip: (B, V, 4) clip-space positions.
        triangles: (F, 3) integer vertex indices.
        opposite: (F, 3) from `opposite_vertices`.

    Returns:
        (B, F, 3) bool, entry k for the edge between the other two corners.
    """
    position = clip.detach().double()[..., [0, 1, 3]]  # (B, V, 3), homogeneous on screen
    corner = [position.index_select(1, column) for column in triangles.long().t()]  # 3 of (B, F, 3)
    flags = []
    for k, (a, b) in enumerate(EDGE_CORNERS):
        normal = torch.linalg.cross(corner[a], corner[b])
        own_side = (normal * corner[k]).sum(-1)
        other_side = (normal * position.index_select(1, opposite[:, k].clamp(min=0))).sum(-1)
        flags.append((own_side * other_side > 0) | (opposite[:, k] < 0))
    return torch.stack(flags, -1)
