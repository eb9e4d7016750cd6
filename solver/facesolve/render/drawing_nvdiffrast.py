"""Drawing with gradients by nvdiffrast (Laine et al. 2020): the twin of ``drawing_torch`` on CUDA, in single precision.

Arguments are brought to what nvdiffrast takes: float32, int32, contiguous, texture rows from v = 0 upwards. Its license
allows research and evaluation, anything else needs one from NVIDIA.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import nvdiffrast.torch as nvdiffrast
import torch
from torch import Tensor

from .rasterize_nvdiffrast import as_indices, rasterize_packed, unpacked
from .texture import Texture, tile_masks


@dataclass(frozen=True, eq=False)
class NvdiffrastMesh:
    """As ``drawing.Mesh``."""

    triangles: Tensor

    @cached_property
    def indices(self) -> Tensor:
        """(F, 3) int32."""
        return as_indices(self.triangles)

    @cached_property
    def topology(self) -> Any:
        """Which triangles meet at an edge, on the triangles' device."""
        return nvdiffrast.antialias_construct_topology_hash(self.indices)

    def draw(self, clip: Tensor, resolution: tuple[int, int]) -> NvdiffrastDrawing:
        """As ``drawing.Mesh.draw``, with the differences that ``rasterize_nvdiffrast.nearest`` names."""
        positions = clip.float().contiguous()
        drawn, slopes = rasterize_packed(positions, self.indices, resolution)
        return NvdiffrastDrawing(self, clip, *unpacked(drawn), positions, drawn, slopes)


@dataclass(frozen=True, eq=False)
class NvdiffrastDrawing:
    """As ``drawing.Drawing``; every operation answers in float32.

    positions, drawn, slopes: what was rasterized and the results of ``rasterize_packed``.
    """

    mesh: NvdiffrastMesh
    clip: Tensor
    triangle_id: Tensor
    barycentrics: Tensor
    depth: Tensor
    positions: Tensor
    drawn: Tensor
    slopes: Tensor

    def interpolate(self, attributes: Tensor, triangles: Tensor | None = None) -> Tensor:
        """As ``drawing.Drawing.interpolate``."""
        values: Tensor = nvdiffrast.interpolate(self._table(attributes), self.drawn, self._indices(triangles))[0]
        return values

    def interpolate_with_slopes(self, attributes: Tensor, triangles: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """As ``drawing.Drawing.interpolate_with_slopes``."""
        values, slopes = nvdiffrast.interpolate(
            self._table(attributes), self.drawn, self._indices(triangles), rast_db=self.slopes, diff_attrs="all"
        )
        return values, slopes.view(*values.shape, 2)

    def texture(self, texture: Texture, uv: Tensor, slopes: Tensor | None = None) -> Tensor:
        """As ``drawing.Drawing.texture``. The mip levels are the texture's own, so that its tiles may have any size."""
        covered = self.triangle_id >= 0
        image = uv.new_zeros((), dtype=torch.float32)
        for tile, inside in tile_masks(texture, uv):
            local = torch.stack((uv[..., 0] - tile[0], tile[1] + 1 - uv[..., 1]), -1).float()  # row 0 at v = 1
            colors = _filtered(texture.pyramids[tile], local, slopes)
            image = torch.where((inside & covered)[..., None], colors, image)
        return image

    def antialias(self, colors: Tensor) -> Tensor:
        """As ``drawing.Drawing.antialias``, but pixels look for silhouette edges of the triangle that they show.

        Where the last triangles of an outline are thinner than a pixel most of their edges are missed; the portable
        twin finds them.
        """
        smooth: Tensor = nvdiffrast.antialias(
            colors.float().contiguous(), self.drawn, self.positions, self.mesh.indices, self.mesh.topology
        )
        return smooth

    def _table(self, attributes: Tensor) -> Tensor:
        if attributes.shape[0] not in (1, len(self.clip)):
            raise ValueError(f"attributes are given for {attributes.shape[0]} images, the drawing has {len(self.clip)}")
        return attributes.float().contiguous()

    def _indices(self, triangles: Tensor | None) -> Tensor:
        return self.mesh.indices if triangles is None else as_indices(triangles)


def _filtered(pyramid: tuple[Tensor, ...], uv: Tensor, slopes: Tensor | None) -> Tensor:
    """Colors (B, H, W, C) of a tile at uv (B, H, W, 2), row 0 at v = 0; slopes as in ``Drawing.texture``."""
    # the flip of v changes the sign of its slopes only, which the length of the footprint does not depend on
    finest, *coarser = (level.permute(0, 2, 3, 1).float().contiguous() for level in pyramid)
    colors: Tensor
    if slopes is None or not coarser:
        colors = nvdiffrast.texture(finest, uv, filter_mode="linear", boundary_mode="clamp")
    else:
        footprint = slopes.detach().float().flatten(-2).contiguous()  # du/dx, du/dy, dv/dx, dv/dy
        colors = nvdiffrast.texture(
            finest, uv, footprint, mip=coarser, filter_mode="linear-mipmap-linear", boundary_mode="clamp"
        )
    return colors
