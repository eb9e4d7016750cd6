"""Filtered look-up in textures of one or many UDIM tiles, differentiable in texels and UVs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

UDIM_COLUMNS, UDIM_ROWS = 10, 900  # tiles with a four-digit UDIM number


Tile = tuple[int, int]  # (floor(u), floor(v)); UDIM number 1001 + u + 10 v


@dataclass(frozen=True)
class Texture:
    """Mip pyramids of the tiles of a texture; build with `Texture.from_tiles`.

    Row 0 of a tile is its top row, at v = 1 of the tile, as images lie on disk; texel centers are at (i + 1/2) / size.
    """

    pyramids: Mapping[Tile, tuple[Tensor, ...]]  # per tile, from fine to coarse, each level (1, C, height, width)

    def __post_init__(self) -> None:
        if not self.pyramids:
            raise ValueError("a texture needs at least one tile")
        channels = {tile: pyramid[0].shape[1] for tile, pyramid in self.pyramids.items()}
        if len(set(channels.values())) > 1:
            raise ValueError(f"the tiles of a texture need the same number of channels, got {channels}")

    @staticmethod
    def from_tiles(tiles: Mapping[Tile, Tensor]) -> Texture:
        """Build the pyramids by area averaging down to one texel; gradients flow back to the tiles.

        Args:
            tiles: for each (floor(u), floor(v)) an image (height, width, C); sizes may differ between tiles.

        Raises:
            ValueError: if there is no tile, or a tile is not (height, width, C) or differs in C from the others.
        """
        for tile, image in tiles.items():
            if image.dim() != 3 or image.numel() == 0:
                raise ValueError(f"tile {tile} must be (height, width, C), got {tuple(image.shape)}")
        return Texture({tile: _pyramid(image) for tile, image in tiles.items()})

    def to(self, device: torch.device) -> Texture:
        """The same texture on ``device``."""
        levels = {tile: tuple(level.to(device) for level in pyramid) for tile, pyramid in self.pyramids.items()}
        return Texture(levels)


def _pyramid(image: Tensor) -> tuple[Tensor, ...]:
    """Levels (1, C, h, w) of image (height, width, C), each half the last, rounded down, until 1 x 1."""
    levels = [image.permute(2, 0, 1)[None]]
    while max(levels[-1].shape[2:]) > 1:
        height, width = levels[-1].shape[2:]
        levels.append(F.adaptive_avg_pool2d(levels[-1], (max(height // 2, 1), max(width // 2, 1))))
    return tuple(levels)


def sample_bilinear(texture: Texture, uv: Tensor) -> Tensor:
    """Look up the finest level with bilinear interpolation; texels beyond the border of a tile repeat its border.

    Args:
        texture: the texture.
        uv: (..., 2); where no tile lies under a point its color is 0. A point up to half a texel outside the tiles
            takes the nearest texel, so that u = 1 and v = 1 belong to the last tile.

    Returns:
        (..., C) in the type of the texture, differentiable with respect to its tiles and uv.
    """
    points = uv.reshape(-1, 2)
    colors = _blank(texture, points)
    for tile, members in _members(texture, points):
        level = texture.pyramids[tile][0]
        colors = colors.index_copy(0, members, _bilinear(level, _in_tile(points, members, tile)))
    return colors.view(*uv.shape[:-1], -1)


def sample_trilinear(texture: Texture, uv: Tensor, uv_derivatives: Tensor) -> Tensor:
    """Look up with the detail a pixel can show: linear between the two mip levels around its footprint.

    The level is log2 of the longer axis of the pixel's footprint in texels (Williams, "Pyramidal Parametrics", 1983;
    the axis as in nvdiffrast). It is constant to autograd: color gradients reach texels and uv, not uv_derivatives.

    Args:
        texture: the texture.
        uv: (..., 2), as in `sample_bilinear`.
        uv_derivatives: (..., 2, 2): d(u, v)/d(pixel x, pixel y), from `interpolate.interpolate_derivatives`.

    Returns:
        (..., C) in the type of the texture, differentiable with respect to its tiles and uv.
    """
    points, slopes = uv.reshape(-1, 2), uv_derivatives.detach().reshape(-1, 2, 2)
    colors = _blank(texture, points)
    for tile, members in _members(texture, points):
        pyramid = texture.pyramids[tile]
        height, width = pyramid[0].shape[2:]
        level = mip_level(slopes.index_select(0, members), (height, width)).clamp(0, len(pyramid) - 1)
        local = _in_tile(points, members, tile)
        for index, texels in enumerate(pyramid):
            weight = (1 - (level - index).abs()).clamp(min=0).to(texels.dtype)
            used = weight.nonzero().squeeze(1)
            if used.numel():
                color = _bilinear(texels, local.index_select(0, used)) * weight.index_select(0, used)[:, None]
                colors = colors.index_add(0, members.index_select(0, used), color)
    return colors.view(*uv.shape[:-1], -1)


def mip_level(uv_derivatives: Tensor, size: tuple[int, int]) -> Tensor:
    """log2 of the longer axis, in texels, of the ellipse that a circular pixel of diameter 1 covers in the texture.

    Args:
        uv_derivatives: (..., 2, 2) d(u, v)/d(pixel x, pixel y).
        size: (height, width) of the tile in texels.

    Returns:
        (...), not clamped: negative where the texture is magnified, -inf where the derivatives are 0.
    """
    u, v = uv_derivatives.unbind(-2)  # each (..., 2)
    u, v = u * size[1], v * size[0]
    uu, vv, mixed = (u * u).sum(-1), (v * v).sum(-1), (u * v).sum(-1)
    major = 0.5 * (uu + vv) + torch.sqrt(0.25 * (uu - vv) ** 2 + mixed**2)  # larger eigenvalue of J J^T
    return 0.5 * torch.log2(major)


def _blank(texture: Texture, points: Tensor) -> Tensor:
    finest = next(iter(texture.pyramids.values()))[0]
    return finest.new_zeros((points.shape[0], finest.shape[1]))


def tile_masks(texture: Texture, uv: Tensor) -> list[tuple[Tile, Tensor]]:
    """For each tile which of the points uv (..., 2) it colors, bool (...); each point goes to at most one tile."""
    points = uv.detach()
    floor = points.floor()
    inside = {tile: (floor[..., 0] == tile[0]) & (floor[..., 1] == tile[1]) for tile in texture.pyramids}
    free = ~torch.stack(list(inside.values())).any(0)
    masks = []
    for tile, pyramid in texture.pyramids.items():
        height, width = pyramid[0].shape[2:]
        beyond = (points - points.new_tensor(tile) - 0.5).abs() - 0.5  # (..., 2), distance outside the tile
        near = free & (beyond[..., 0] <= 0.5 / width) & (beyond[..., 1] <= 0.5 / height)
        free = free & ~near
        masks.append((tile, inside[tile] | near))
    return masks


def _members(texture: Texture, points: Tensor) -> list[tuple[Tile, Tensor]]:
    """Each tile that colors any of the points (n, 2), with their indices (m,)."""
    members = [(tile, mask.nonzero().squeeze(1)) for tile, mask in tile_masks(texture, points)]
    return [(tile, indices) for tile, indices in members if indices.numel()]


def _in_tile(points: Tensor, members: Tensor, tile: Tile) -> Tensor:
    """Coordinates (m, 2) within the tile, 0..1, of the member points."""
    return points.index_select(0, members) - points.new_tensor(tile)


def _bilinear(level: Tensor, local: Tensor) -> Tensor:
    """Colors (m, C) of level (1, C, h, w) at local coordinates (m, 2), clamped to the border texels."""
    u, v = local.to(level.dtype).unbind(-1)
    grid = torch.stack((2 * u - 1, 1 - 2 * v), -1)[None, None]  # row 0 at v = 1
    colors = F.grid_sample(level, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return colors[0, :, 0].t()


def fill_unseen(image: Tensor, seen: Tensor) -> Tensor:
    """Colors for the texels that were not seen, so that neither look-ups nor mip levels bleed black into the others.

    Push-pull (Gortler et al., "The Lumigraph", 1996): means of what was seen are taken over ever larger blocks, and
    each empty texel takes them from the smallest block that has any, smoothly. Seen texels keep their colors.

    image: (height, width, C). seen: (height, width) bool, somewhere True. Returns (height, width, C).
    """
    weight = seen.to(image.dtype)[None, None]
    colors = image.permute(2, 0, 1)[None] * weight
    return _push_pull(colors, weight)[0].permute(1, 2, 0).contiguous()


def _push_pull(colors: Tensor, weight: Tensor) -> Tensor:
    """colors: (1, C, h, w) times their weight (1, 1, h, w), 0 or 1. Returns filled colors (1, C, h, w)."""
    if bool((weight > 0).all()) or colors.shape[2:] == (1, 1):
        return colors
    mean, total = (F.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False) for x in (colors, weight))
    known = (total > 0).to(weight.dtype)
    coarse = _push_pull(torch.where(total > 0, mean / total, 0.0), known)
    smooth = F.interpolate(coarse, size=colors.shape[2:], mode="bilinear", align_corners=False)
    return torch.where(weight > 0, colors, smooth)
