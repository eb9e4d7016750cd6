"""Drawing with gradients in plain PyTorch, on any device and in single or double precision."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from .antialias import Blends, blended, blends
from .barycentrics import barycentric_derivatives, barycentrics_at_pixels
from .interpolate import interpolate, interpolate_derivatives
from .rasterize_torch import nearest
from .silhouette import opposite_vertices
from .texture import Texture, sample_bilinear, sample_trilinear


@dataclass(frozen=True, eq=False)
class TorchMesh:
    """As ``drawing.Mesh``."""

    triangles: Tensor

    @cached_property
    def opposite(self) -> Tensor:
        """(F, 3) of ``opposite_vertices``."""
        return opposite_vertices(self.triangles)

    def draw(self, clip: Tensor, resolution: tuple[int, int]) -> TorchDrawing:
        """As ``drawing.Mesh.draw``."""
        return TorchDrawing(self, clip, *nearest(clip, self.triangles, resolution))


@dataclass(frozen=True, eq=False)
class TorchDrawing:
    """As ``drawing.Drawing``; every operation answers in the type of its argument.

    What only some pictures need is found when it is first asked for.
    """

    mesh: TorchMesh
    clip: Tensor
    triangle_id: Tensor
    depth: Tensor

    @cached_property
    def barycentrics(self) -> Tensor:
        """(B, H, W, 3) as ``drawing.Drawing``, in the type of clip."""
        if self.clip.requires_grad:
            return barycentrics_at_pixels(self.clip, self.mesh.triangles, self.triangle_id)
        on_cpu = self.clip.device.type == "cpu"  # one image at a time keeps to its caches
        parts = [tensor.split(1) if on_cpu else (tensor,) for tensor in (self.clip, self.triangle_id)]
        some = [barycentrics_at_pixels(clip, self.mesh.triangles, seen) for clip, seen in zip(*parts, strict=True)]
        return torch.cat(some)

    @cached_property
    def _blends(self) -> Blends:
        return blends(self.triangle_id, self.depth, self.clip, self.mesh.triangles, self.mesh.opposite)

    def interpolate(self, attributes: Tensor, triangles: Tensor | None = None) -> Tensor:
        """As ``drawing.Drawing.interpolate``."""
        indices = self.mesh.triangles if triangles is None else triangles
        return interpolate(attributes, self.triangle_id, self.barycentrics, indices)

    def interpolate_with_slopes(self, attributes: Tensor, triangles: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """As ``drawing.Drawing.interpolate_with_slopes``."""
        indices = self.mesh.triangles if triangles is None else triangles
        slopes = barycentric_derivatives(self.clip, self.mesh.triangles, self.triangle_id)
        return (
            self.interpolate(attributes, indices),
            interpolate_derivatives(attributes, self.triangle_id, slopes, indices),
        )

    def texture(self, texture: Texture, uv: Tensor, slopes: Tensor | None = None) -> Tensor:
        """As ``drawing.Drawing.texture``."""
        covered = (self.triangle_id >= 0).flatten().nonzero().squeeze(1)
        points = uv.flatten(0, 2)[covered]
        if slopes is None:
            colors = sample_bilinear(texture, points)
        else:
            colors = sample_trilinear(texture, points, slopes.flatten(0, 2)[covered])
        image = colors.new_zeros(self.triangle_id.numel(), colors.shape[1]).index_copy(0, covered, colors)
        return image.view(*self.triangle_id.shape, -1)

    def antialias(self, colors: Tensor) -> Tensor:
        """As ``drawing.Drawing.antialias``: every silhouette edge looks for the pixels that it blends."""
        if self.clip.requires_grad:  # each picture has a graph of its own
            return blended(
                colors, blends(self.triangle_id, self.depth, self.clip, self.mesh.triangles, self.mesh.opposite)
            )
        return blended(colors, self._blends)
