"""Where the texels of a rig's texture lie on its surface, and colours for texels that nothing was seen of.

Knows UVs and geometry; no footage, cameras or files.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .render import choose_backend
from .render.texture import Tile
from .rig import RigModel

SMALLEST, LARGEST = 256, 2048  # texels a side of a tile
BORDER = 1e-6  # UVs this near a tile's border count as on it
UDIM_COLUMNS, UDIM_ROWS = 10, 900  # tiles with a four-digit UDIM number


@dataclass(frozen=True, eq=False)
class TileTexels:
    """The n texels of one tile whose centres lie on the rig's surface; texel size x size, row 0 at v = 1.

    texels: (n,) int64, row * size + column. triangles: (n,) int64 into ``RigModel.triangles``; barycentrics: (n, 3).
    """

    tile: Tile
    size: int
    texels: Tensor
    triangles: Tensor
    barycentrics: Tensor

    def image(self, values: Tensor) -> Tensor:
        """Values (n, C) of the texels as an image (size, size, C), 0 elsewhere."""
        image = values.new_zeros(self.size * self.size, values.shape[1])
        return image.index_copy(0, self.texels, values).view(self.size, self.size, -1)


def lay_out_texels(model: RigModel, texels_per_cm: float, size: int | None = None) -> list[TileTexels]:
    """The texels of every UDIM tile that the rig's UVs reach, by tile; empty when the rig has no UVs.

    size: texels a side of every tile; None takes for each tile the power of two from 256 to 2048 at which the neutral
    has about ``texels_per_cm``. Where UVs overlap (mirrored halves, stacked eyes) the texel belongs to the first of the
    triangles. Triangles left of u = 0, right of u = 10 or below v = 0 have no UDIM number and get no texels.
    """
    if model.triangle_uvs is None:
        return []
    corners = model.uvs[model.triangle_uvs]  # (F, 3, 2)
    low, high = (corners.amin(1) + BORDER).floor(), (corners.amax(1) - BORDER).floor()
    layouts = []
    for tile in _tiles(low, high):
        triangles = ((low <= low.new_tensor(tile)) & (high >= low.new_tensor(tile))).all(1).nonzero()[:, 0]
        layout = _lay_out(model, tile, triangles, size or _tile_size(model, triangles, texels_per_cm))
        if len(layout.texels):
            layouts.append(layout)
    return layouts


def fill_unseen(image: Tensor, seen: Tensor) -> Tensor:
    """Colours for the texels that were not seen, so that neither look-ups nor mip levels bleed black into the others.

    Push-pull (Gortler et al., "The Lumigraph", 1996): means of what was seen are taken over ever larger blocks, and
    each empty texel takes them from the smallest block that has any, smoothly. Seen texels keep their colours.

    image: (height, width, C). seen: (height, width) bool, somewhere True. Returns (height, width, C).
    """
    weight = seen.to(image.dtype)[None, None]
    colours = image.permute(2, 0, 1)[None] * weight
    return _push_pull(colours, weight)[0].permute(1, 2, 0).contiguous()


def _push_pull(colours: Tensor, weight: Tensor) -> Tensor:
    """colours: (1, C, h, w) times their weight (1, 1, h, w), 0 or 1. Returns filled colours (1, C, h, w)."""
    if bool((weight > 0).all()) or colours.shape[2:] == (1, 1):
        return colours
    mean, total = (F.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False) for x in (colours, weight))
    known = (total > 0).to(weight.dtype)
    coarse = _push_pull(torch.where(total > 0, mean / total, 0.0), known)
    smooth = F.interpolate(coarse, size=colours.shape[2:], mode="bilinear", align_corners=False)
    return torch.where(weight > 0, colours, smooth)


def _tiles(low: Tensor, high: Tensor) -> list[Tile]:
    """Numbered tiles that lie under a corner of a bounding box; low, high: (F, 2) tile of each box's ends."""
    u = torch.cat([low[:, 0], low[:, 0], high[:, 0], high[:, 0]])
    v = torch.cat([low[:, 1], high[:, 1], low[:, 1], high[:, 1]])
    numbered = (u >= 0) & (u < UDIM_COLUMNS) & (v >= 0) & (v < UDIM_ROWS)
    numbers = torch.unique((u + UDIM_COLUMNS * v)[numbered].long()).tolist()
    return [(number % UDIM_COLUMNS, number // UDIM_COLUMNS) for number in numbers]


def _lay_out(model: RigModel, tile: Tile, triangles: Tensor, size: int) -> TileTexels:
    """Rasterizes triangles (k,) in the plane of their UVs, with v = 1 in row 0."""
    assert model.triangle_uvs is not None
    local = (model.uvs - model.uvs.new_tensor(tile)) * 2 - 1
    zero, one = torch.zeros_like(local[:, 0]), torch.ones_like(local[:, 0])
    clip = torch.stack([local[:, 0], -local[:, 1], zero, one], 1)[None]
    rasterize = choose_backend(model.device).rasterize
    triangle_id, barycentrics, _ = rasterize(clip, model.triangle_uvs[triangles], (size, size))
    texels = (triangle_id.flatten() >= 0).nonzero()[:, 0]
    owners = triangles[triangle_id.flatten()[texels].long()]
    return TileTexels(tile, size, texels, owners, barycentrics.view(-1, 3)[texels].to(model.dtype))


def _tile_size(model: RigModel, triangles: Tensor, texels_per_cm: float) -> int:
    """Texels a side at which the median triangle (k,) of the neutral has about ``texels_per_cm``.

    The median of triangles, not of area: meshes are dense where detail is wanted.
    """
    assert model.triangle_uvs is not None
    on_surface = model.neutral[model.triangles[triangles]]
    in_tile = F.pad(model.uvs[model.triangle_uvs[triangles]], (0, 1))
    surface, tile = (
        torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]).norm(dim=1)
        for corners in (on_surface, in_tile)
    )
    usable = (surface > 0) & (tile > 0)
    if not bool(usable.any()):
        return SMALLEST
    wanted = texels_per_cm * float((surface[usable] / tile[usable]).median().sqrt())
    return int(min(max(2 ** round(math.log2(wanted)), SMALLEST), LARGEST))
