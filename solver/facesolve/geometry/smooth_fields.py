"""Smooth displacement fields of a surface: a few hundred soft kernels spread over it. Knows no rig and no footage.

Kernels fall off with the distance along the mesh's edges, so that lips and lids which touch in space stay apart.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

WIDTH = 0.75  # standard deviation of a kernel, in spacings: neighbors overlap, and their sum is even
REACH = 3.0  # standard deviations after which a kernel ends
SMOOTHINGS = 3  # distances along edges have creases; so often each vertex takes the mean of its neighbors


@dataclass(frozen=True, eq=False)
class SmoothFields:
    """m kernels on V vertices; a field is ``kernels @ coefficients`` with coefficients (m, n) in centimeters.

    kernels: sparse (V, m) float64, each 1 at its highest; transposed: sparse (m, V); squared: its squares.
    laplacian: sparse (V, V); with it ``u^T laplacian u`` is the integral of the squared gradient over the surface (no
    unit); roughness: (m,) of each kernel. area: (V,) cm^2.
    """

    kernels: Tensor
    transposed: Tensor
    squared: Tensor
    laplacian: Tensor
    roughness: Tensor
    area: Tensor


def smooth_fields(vertices: Tensor, triangles: Tensor, usable: Tensor, spacing: float) -> SmoothFields:
    """Kernels about ``spacing`` cm apart, centered on usable vertices only; they fade out beyond them.

    vertices: (V, 3) cm; triangles: (F, 3) int64; usable: (V,) bool, at least one True.
    """
    points = vertices.double()
    laplacian, area = cotangent_laplacian(points, triangles)
    kernels = _smoothed(_kernels(points, triangles, _spread(points, usable, spacing), WIDTH * spacing), triangles)
    transposed = kernels.T.coalesce()
    kernel, vertex = transposed.indices()
    squared = _sparse(kernel, vertex, transposed.values() ** 2, tuple(transposed.shape))
    dense = kernels.to_dense()
    return SmoothFields(kernels, transposed, squared, laplacian, (dense * (laplacian @ dense)).sum(0), area)


def cotangent_laplacian(vertices: Tensor, triangles: Tensor) -> tuple[Tensor, Tensor]:
    """Sparse (V, V) positive semidefinite matrix of the squared gradient's integral, and (V,) areas in cm^2.

    vertices: (V, 3) float64 cm. Pinkall & Polthier, "Computing discrete minimal surfaces and their conjugates", 1993;
    weights of obtuse corners are cut off at 0, which keeps rough fields dear on badly shaped triangles.
    """
    count = len(vertices)
    corners = vertices[triangles]
    area = torch.zeros(count, dtype=vertices.dtype, device=vertices.device)
    rows, columns, weights = [], [], []
    for corner in range(3):
        here, there = triangles[:, (corner + 1) % 3], triangles[:, (corner + 2) % 3]
        first = corners[:, (corner + 1) % 3] - corners[:, corner]
        second = corners[:, (corner + 2) % 3] - corners[:, corner]
        twice_area = torch.linalg.cross(first, second).norm(dim=1)
        area.index_add_(0, triangles[:, corner], twice_area / 6)
        weight = (0.5 * (first * second).sum(1) / twice_area.clamp_min(1e-12)).clamp(0, 1e3)
        rows += [here, there, here, there]
        columns += [there, here, here, there]
        weights += [-weight, -weight, weight, weight]
    return _sparse(torch.cat(rows), torch.cat(columns), torch.cat(weights), (count, count)), area


def _spread(points: Tensor, usable: Tensor, spacing: float) -> Tensor:
    """Indices of usable vertices about ``spacing`` apart: the farthest from those chosen, again and again."""
    # on the host: each choice waits for the one before, and waiting for a GPU takes longer than choosing
    candidates = usable.nonzero()[:, 0].cpu()
    places = points.cpu()[candidates]
    chosen = [int((places - places.mean(0)).norm(dim=1).argmin())]
    nearest = (places - places[chosen[0]]).norm(dim=1)
    while float(nearest.max()) > spacing:
        chosen.append(int(nearest.argmax()))
        nearest = torch.minimum(nearest, (places - places[chosen[-1]]).norm(dim=1))
    return candidates[torch.tensor(chosen)].to(points.device)


def _kernels(points: Tensor, triangles: Tensor, centers: Tensor, deviation: float) -> Tensor:
    """Sparse (V, m): Gaussians of the distance along edges from each center, 0 beyond their reach."""
    rows, columns, distance = _distances(points, triangles, centers, REACH * deviation)
    end = float(np.exp(-0.5 * REACH**2))
    values = (torch.exp(-0.5 * (distance / deviation) ** 2) - end) / (1 - end)
    return _sparse(rows, columns, values, (len(points), len(centers)))


def _distances(points: Tensor, triangles: Tensor, centers: Tensor, reach: float) -> tuple[Tensor, Tensor, Tensor]:
    """Distances along edges below ``reach`` between vertices and centers (m,): which vertices, which centers, how far.

    Pairs of a center and a vertex that is no farther in space take the least of what their neighbors have and the edge
    to them, until nothing changes (Bellman 1958): all pairs at once, since one after the other is no work for a GPU.
    """
    within = torch.cdist(points[centers], points, compute_mode="donot_use_mm_for_euclid_dist") < reach  # (m, V)
    within[torch.arange(len(centers), device=points.device), centers] = True
    center, vertex = within.nonzero(as_tuple=True)
    number = within.flatten().cumsum(0, dtype=torch.int32).view(within.shape) - 1
    first, second = _edges(triangles, len(points))
    edges = torch.bincount(first, minlength=len(points))  # that begin at a vertex
    begin, own = edges.cumsum(0) - edges, edges[vertex]
    pair = torch.arange(len(center), device=points.device).repeat_interleave(own)
    edge = torch.arange(len(pair), device=points.device) + (begin[vertex] + own - own.cumsum(0))[pair]
    near = within[center[pair], second[edge]]
    pair, edge = pair[near], edge[near]
    neighbor = number[center[pair], second[edge]].long()
    length = (points[first[edge]] - points[second[edge]]).norm(dim=1)
    distance = points.new_full((len(center),), torch.inf)
    distance[vertex == centers[center]] = 0
    some = torch.isfinite(distance)[pair].nonzero()[:, 0]
    while len(some):
        shorter = distance.scatter_reduce(0, neighbor[some], distance[pair[some]] + length[some], "amin")
        some = (shorter < distance)[pair].nonzero()[:, 0]
        distance = shorter
    reached = distance < reach
    return vertex[reached], center[reached], distance[reached]


def _edges(triangles: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """From where and to where: all edges in both directions, each once, in the order of the vertices they begin at."""
    corners = torch.cat([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]).long()
    both = torch.cat([corners, corners.flip(1)])
    edges = torch.unique(both[:, 0] * count + both[:, 1])
    return edges // count, edges % count


def _smoothed(kernels: Tensor, triangles: Tensor) -> Tensor:
    """Each vertex takes half of its own value and half of its neighbors' mean, ``SMOOTHINGS`` times; again 1 high."""
    count = len(kernels)
    rows, columns = triangles[:, [0, 1, 2, 0, 1, 2]].flatten(), triangles[:, [1, 2, 0, 2, 0, 1]].flatten()
    ones = torch.ones(len(rows), dtype=kernels.dtype, device=kernels.device)
    degree = torch.zeros(count, dtype=kernels.dtype, device=kernels.device).index_add_(0, rows, ones)
    everyone = torch.arange(count, device=kernels.device)
    own = torch.where(degree > 0, 0.5, 1.0)
    mean = _sparse(
        torch.cat([rows, everyone]),
        torch.cat([columns, everyone]),
        torch.cat([0.5 / degree[rows], own]),
        (count, count),
    )
    smooth = kernels.to_dense()
    for _ in range(SMOOTHINGS):
        smooth = mean @ smooth
    return (smooth / smooth.amax(0)).to_sparse()


def _sparse(rows: Tensor, columns: Tensor, values: Tensor, shape: tuple[int, ...]) -> Tensor:
    with warnings.catch_warnings():  # PyTorch 2.11 says that invariants are unchecked even where they are to be checked
        warnings.filterwarnings("ignore", message="Sparse invariant checks", category=UserWarning)
        return torch.sparse_coo_tensor(torch.stack([rows, columns]), values, shape, check_invariants=True).coalesce()
