"""Where the texels of a rig's texture lie on its surface, and colors for texels that nothing was seen of.

Knows UVs and geometry; no footage, cameras or files.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from facesolve.geometry.face_weight import connected_pieces
from facesolve.geometry.rig import RigModel
from facesolve.render import choose_backend
from facesolve.render.texture import UDIM_COLUMNS, UDIM_ROWS, Tile

SMALLEST, LARGEST = 256, 2048  # texels a side of a tile
BORDER = 1e-6  # UVs this near a tile's border count as on it
SAME_PLACE = 1.0  # cm between a triangle and what its texel shows, up to which it is taken for the same surface


@dataclass(frozen=True, eq=False)
class TileTexels:
    """The n texels of one tile whose centers lie on the rig's surface; texel size x size, row 0 at v = 1.

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
    has about ``texels_per_cm``. Where UVs overlap the texel belongs to the connected piece of surface with the largest
    area, so that an eyeball does not draw over the skin, and of its triangles to the first. Triangles left of u = 0,
    right of u = 10 or below v = 0 have no UDIM number and get no texels.
    """
    if model.triangle_uvs is None:
        return []
    order = _largest_piece_first(model)
    corners = model.uvs[model.triangle_uvs]  # (F, 3, 2)
    low, high = (corners.amin(1) + BORDER).floor(), (corners.amax(1) - BORDER).floor()
    layouts = []
    for tile in _tiles(low, high):
        triangles = order[((low <= low.new_tensor(tile)) & (high >= low.new_tensor(tile))).all(1)[order]]
        layout = _lay_out(model, tile, triangles, size or _tile_size(model, triangles, texels_per_cm))
        if len(layout.texels):
            layouts.append(layout)
    return layouts


def carried_triangles(model: RigModel, layouts: Sequence[TileTexels]) -> Tensor:
    """(F,) bool: triangles whose look the texture can hold.

    Not those without texels, nor those under whose UVs the texture shows another part of the surface, as when eyeballs
    with a material of their own lie over the skin in the UVs. Triangles with exactly the UVs of others (mirrored
    halves, copies) are meant to share their look.
    """
    carried = torch.zeros(len(model.triangles), dtype=torch.bool, device=model.device)
    if model.triangle_uvs is None:
        return carried
    uv = model.uvs[model.triangle_uvs].mean(1)
    centers = model.neutral[model.triangles].mean(1)
    for layout in layouts:
        local = uv - uv.new_tensor(layout.tile)
        inside = ((local >= 0) & (local < 1)).all(1).nonzero()[:, 0]
        column, row = (local[inside] * layout.size).long().unbind(1)
        at = torch.full((layout.size * layout.size,), -1, device=model.device)
        at[layout.texels] = torch.arange(len(layout.texels), device=model.device)
        at = at[(layout.size - 1 - row) * layout.size + column]  # index into the layout's texels, -1 between triangles
        owner = layout.triangles[at.clamp(min=0)]
        shown = (model.neutral[model.triangles[owner]] * layout.barycentrics[at.clamp(min=0), :, None]).sum(1)
        near = (shown - centers[inside]).norm(dim=1) < SAME_PLACE
        copied = (uv[owner] - uv[inside]).abs().amax(1) < BORDER
        carried[inside] = (at < 0) | near | copied
    return carried


def _largest_piece_first(model: RigModel) -> Tensor:
    """(F,) triangles by the area of their connected piece of surface, else as they come."""
    piece = torch.as_tensor(connected_pieces(model.rig), device=model.device)[model.triangles[:, 0]]
    corners = model.neutral[model.triangles].double()
    area = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]).norm(dim=1)
    total = area.new_zeros(int(piece.max()) + 1).index_add(0, piece, area)
    return torch.argsort(total[piece], descending=True, stable=True)


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
    drawing = choose_backend(model.device).mesh(model.triangle_uvs[triangles]).draw(clip, (size, size))
    triangle_id = drawing.triangle_id
    texels = (triangle_id.flatten() >= 0).nonzero()[:, 0]
    owners = triangles[triangle_id.flatten()[texels].long()]
    return TileTexels(tile, size, texels, owners, drawing.barycentrics.view(-1, 3)[texels].to(model.dtype))


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
