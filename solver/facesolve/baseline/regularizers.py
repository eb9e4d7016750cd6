"""What holds a free surface together: means over the mesh that are 0 on the surface it is displaced from.

Each compares the displaced with the undisplaced surface, so that a nose is not smoothed away. Knows no images.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True, eq=False)
class MeshTopology:
    """For a triangle mesh: edges (E, 2) vertices, each once, and wings (I, 4): the two ends of an inner edge and the
    corners that face it, in its two triangles."""

    edges: Tensor
    wings: Tensor
    vertex_count: int

    @staticmethod
    def of(triangles: Tensor, vertex_count: int) -> MeshTopology:
        """triangles: (F, 3) int64. An edge of more than two triangles is taken for an edge of none."""
        ends = torch.cat([triangles[:, [1, 2]], triangles[:, [2, 0]], triangles[:, [0, 1]]])
        facing = torch.cat([triangles[:, 0], triangles[:, 1], triangles[:, 2]])
        edges, edge, count = torch.unique(ends.sort(1).values, dim=0, return_inverse=True, return_counts=True)
        order = torch.argsort(edge, stable=True)
        inner = (count == 2).nonzero()[:, 0]
        first = (torch.cumsum(count, 0) - count)[inner]
        wings = torch.cat([edges[inner], facing[order[first]][:, None], facing[order[first + 1]][:, None]], 1)
        return MeshTopology(edges, wings, vertex_count)


def laplacian(topology: MeshTopology, displacement: Tensor) -> Tensor:
    """Mean squared distance, cm^2, of displacements (V, 3) from the mean of their neighbors'. Returns ()."""
    first, second = topology.edges.unbind(1)
    sums = torch.zeros_like(displacement).index_add(0, first, displacement[second])
    sums = sums.index_add(0, second, displacement[first])
    degree = torch.bincount(topology.edges.flatten(), minlength=topology.vertex_count).to(displacement)
    joined = degree > 0
    return ((displacement - sums / degree.clamp_min(1)[:, None])[joined] ** 2).sum(1).mean()


def edge_length(topology: MeshTopology, rest: Tensor, displacement: Tensor) -> Tensor:
    """Mean squared relative change of the lengths of edges. rest, displacement: (V, 3), cm. Returns ()."""
    first, second = topology.edges.unbind(1)
    before = (rest[first] - rest[second]).norm(dim=1)
    moved = rest + displacement
    after = (moved[first] - moved[second]).norm(dim=1)
    real = before > 0
    return ((after[real] / before[real] - 1) ** 2).mean()


def normal_consistency(topology: MeshTopology, rest: Tensor, displacement: Tensor) -> Tensor:
    """Mean squared change of the difference of unit normals across inner edges. rest, displacement: (V, 3), cm."""
    change = _bend(topology, rest + displacement) - _bend(topology, rest)
    return (change**2).sum(1).mean()


def _bend(topology: MeshTopology, vertices: Tensor) -> Tensor:
    """(I, 3) difference of the unit normals of the two triangles at each inner edge, wound the same way."""
    a, b, left, right = vertices[topology.wings].unbind(1)
    first = F.normalize(torch.linalg.cross(b - a, left - a), dim=1, eps=1e-12)
    second = F.normalize(torch.linalg.cross(right - a, b - a), dim=1, eps=1e-12)
    return first - second
