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
    position = torch.cat([clip[..., :2], clip[..., 3:]], -1).detach().double()  # (B, V, 3), homogeneous on screen
    own, other = (
        position.index_select(1, vertices.flatten()).unflatten(1, (-1, 3))  # (B, F, 3, 3)
        for vertices in (triangles, opposite.clamp(min=0))
    )
    normal = torch.linalg.cross(own.roll(-1, 2), own.roll(-2, 2))  # of the plane through eye and edge
    return ((normal * own).sum(-1) * (normal * other).sum(-1) > 0) | (opposite < 0)
