"""A surface cut into patches of about one size, each judged alone. Knows no images."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

PATCHES = 32
AROUND = 4  # patches next to each
SHARE = 0.25  # of what each of those says that a patch may add to its own


@dataclass(frozen=True, eq=False)
class SurfacePatches:
    """PATCHES parts of N points. of_points: (N,) the patch of each. parts: (N, P) 1 where a point belongs to a patch;
    around: (N, P) the same with a share of the neighbors' points."""

    of_points: Tensor
    parts: Tensor
    around: Tensor

    def summed(self, values: Tensor) -> Tensor:
        """(..., P) sums of (..., N) over the points of each patch."""
        return values @ self.parts.to(values.dtype)

    def summed_around(self, values: Tensor) -> Tensor:
        """``summed`` with a share of the neighbors, which makes chance rarer."""
        return values @ self.around.to(values.dtype)


def surface_patches(points: Tensor) -> SurfacePatches:
    """The patches of points (N, 3): around each of some points that lie far apart, those that are nearest to it."""
    chosen = [int((points - points.mean(0)).norm(dim=1).argmax())]
    distance = (points - points[chosen[0]]).norm(dim=1)
    for _ in range(min(PATCHES, len(points)) - 1):
        chosen.append(int(distance.argmax()))
        distance = torch.minimum(distance, (points - points[chosen[-1]]).norm(dim=1))
    middles = points[chosen]
    of_points = torch.cdist(points, middles).argmin(1)
    near = torch.cdist(middles, middles).topk(min(AROUND + 1, len(chosen)), largest=False).indices
    mixing = points.new_zeros(PATCHES, PATCHES)
    mixing[near, torch.arange(len(chosen), device=points.device)[:, None]] = SHARE
    mixing.fill_diagonal_(1.0)
    parts = torch.nn.functional.one_hot(of_points, PATCHES).to(points.dtype)
    return SurfacePatches(of_points, parts, parts @ mixing)
