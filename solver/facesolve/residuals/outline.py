"""Points on the rig's outline in many images at once. Knows a drawn mesh only: no rig, no camera, no footage."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from facesolve.render.rasterize_torch import enumerate_ranges

MOST_POINTS = 1000  # along one edge
BEYOND = 0.75  # pixels of the coverage, outwards from an outline point, where background must be


@dataclass(frozen=True, eq=False)
class EdgePoints:
    """n points on edges. image, triangles: (n,) int64, image by image; barycentrics: (n, 3); pixels: (n, 2); normals:
    (n, 2) unit, away from the triangle, which at a silhouette is away from the surface."""

    image: Tensor
    triangles: Tensor
    barycentrics: Tensor
    pixels: Tensor
    normals: Tensor


def points_along(edges: Tensor, triangles: Tensor, places: Tensor, depth: Tensor, spacing: float) -> EdgePoints:
    """Points along edges in I images, ``spacing`` pixels apart.

    edges: (I, F, 3) bool, entry k for the edge that faces corner k. triangles: (F, 3). places: (I, V, 2) pixels; depth:
    (I, V) in the camera.
    """
    image, triangle, k = edges.nonzero().unbind(1)
    turn = (k[:, None] + torch.arange(1, 4, device=edges.device)) % 3  # (e, 3): both ends, and the corner it faces
    vertices = triangles[triangle].gather(1, turn)
    first, second, third = places[image[:, None], vertices].unbind(1)
    along = second - first
    length = along.norm(dim=1)
    number = (length / spacing).ceil().clamp(max=MOST_POINTS).long()
    edge, step = enumerate_ranges(number, torch.zeros_like(number))
    fraction = ((step + 0.5) / number[edge]).to(places.dtype)  # on the screen
    normal = torch.stack([along[:, 1], -along[:, 0]], 1) / length[:, None].clamp_min(1e-12)
    inwards = ((third - first) * normal).sum(1, keepdim=True) > 0
    normal = torch.where(inwards, -normal, normal)
    near, far = (torch.stack([1 - fraction, fraction], 1) / depth[image[:, None], vertices[:, :2]][edge]).unbind(1)
    weights = torch.stack([near, far], 1) / (near + far)[:, None]
    return EdgePoints(
        image=image[edge],
        triangles=triangle[edge],
        barycentrics=places.new_zeros(len(edge), 3).scatter_(1, turn[edge, :2], weights),
        pixels=first[edge] + fraction[:, None] * along[edge],
        normals=normal[edge],
    )


def outermost(pixels: Tensor, normals: Tensor, image: Tensor, covered: Tensor) -> Tensor:
    """(n,) bool: points on the outer boundary, for each pixel of background beside the rig the outermost point.

    pixels, normals: (n, 2) in the images (n,) of ``covered`` (I, H, W) bool. Folds of the surface inside the outline
    have the rig beyond them; those too near the outline to tell share their pixel with a point that is farther out.
    """
    count, height, width = covered.shape
    cell = (pixels + BEYOND * normals).floor()
    column, row = cell.long().unbind(1)
    within = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    pixel = (image * height + row.clamp(0, height - 1)) * width + column.clamp(0, width - 1)
    free = within & ~covered.flatten()[pixel]
    outwards = ((pixels - (cell + 0.5)) * normals).sum(1)
    outwards = torch.where(free, outwards, -torch.inf)
    best = outwards.new_full((count * height * width,), -torch.inf).scatter_reduce_(0, pixel, outwards, "amax")
    return free & (outwards == best[pixel])


def rows_of(owner: Tensor, chosen: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Indices (count, most) of the chosen (n,) bool of n things that each owner has, in order, and whether there is one
    at all (count, most) bool; where there is none, the index is that of something else.

    owner: (n,) int64 of 0..count-1, rising. A GPU is waited for once.
    """
    so_far = F.pad(chosen.cumsum(0), (1, 0))  # (n + 1,) chosen before each thing
    owners = torch.arange(count, device=owner.device)
    end = so_far[torch.searchsorted(owner, owners, right=True)]
    begin = F.pad(end[:-1], (1, 0))
    most = int((end - begin).max())
    wanted = begin[:, None] + torch.arange(1, most + 1, device=owner.device)
    return torch.searchsorted(so_far[1:], wanted).clamp_max(len(owner) - 1), wanted <= end[:, None]
