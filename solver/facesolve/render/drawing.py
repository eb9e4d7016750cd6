"""What a backend draws with gradients: a mesh under the pixels, and attributes, textures and smooth outlines there.

The contract alone; ``drawing_torch`` and ``drawing_nvdiffrast`` fulfil it. Knows no cameras.
"""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from .texture import Texture


class Drawing(Protocol):
    """A mesh under the pixels of B images.

    Row 0 of an image is y_ndc = -1, pixel centers are at .5. What a method gives is 0 at empty pixels. Gradients with
    respect to clip flow through `barycentrics`, `interpolate`, `interpolate_with_slopes` and `antialias`.
    """

    @property
    def clip(self) -> Tensor:
        """(B, V, 4) clip-space positions."""

    @property
    def triangle_id(self) -> Tensor:
        """(B, H, W) int32, the nearest triangle under the pixel's center, -1 where empty."""

    @property
    def barycentrics(self) -> Tensor:
        """(B, H, W, 3) perspective-correct weights of the triangle's vertices, 0 where empty."""

    @property
    def depth(self) -> Tensor:
        """(B, H, W) NDC z (z / w), +inf where empty; without gradients."""

    def interpolate(self, attributes: Tensor, triangles: Tensor | None = None) -> Tensor:
        """Vertex attributes under every pixel.

        Args:
            attributes: (B, V, C), or (1, V, C) for attributes that all images share; gradients flow to them.
            triangles: (F, 3) integer indices into V where the attributes have their own, as UVs do; row by row those of
                the mesh.

        Returns:
            (B, H, W, C).

        Raises:
            ValueError: if there are neither 1 nor B attribute tables.
        """

    def interpolate_with_slopes(self, attributes: Tensor, triangles: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """As `interpolate`, and (B, H, W, C, 2): d(attribute)/d(pixel x, pixel y) in the plane of the triangle."""

    def texture(self, texture: Texture, uv: Tensor, slopes: Tensor | None = None) -> Tensor:
        """Colors of a texture under every pixel: with slopes filtered to the pixel's size, else of its finest level.

        Row 0 of a tile is at v = 1, texel centers are at (i + 1/2) / size, texels beyond the border of a tile repeat
        its border. With slopes the two mip levels around the longer axis of the pixel's footprint are mixed; which they
        are is constant to autograd.

        Args:
            texture: of tiles of any size; gradients flow to its tiles.
            uv: (B, H, W, 2), gradients flow to it.
            slopes: (B, H, W, 2, 2) of `interpolate_with_slopes`.

        Returns:
            (B, H, W, C), 0 where no tile of the texture lies.
        """

    def antialias(self, colors: Tensor) -> Tensor:
        """Neighboring pixels blended across the silhouette edges between their centers: outlines get gradients.

        An edge counts where the two pixels show different triangles, and belongs to the nearer one's surface. Where it
        lies past the midpoint from that surface's pixel, this pixel's color spills into the other in proportion;
        before it, the other's color comes in.

        Args:
            colors: (B, H, W, C) one sample per pixel, the background's included.

        Returns:
            (B, H, W, C), gradients flow to colors and clip.
        """


class Mesh(Protocol):
    """Triangles made ready to be drawn many times."""

    @property
    def triangles(self) -> Tensor:
        """(F, 3) integer vertex indices of a welded mesh."""

    def draw(self, clip: Tensor, resolution: tuple[int, int]) -> Drawing:
        """Find the nearest triangle under every pixel center, as `rasterize_torch.nearest` describes.

        Args:
            clip: (B, V, 4) clip-space positions as in OpenGL, but image row 0 at y_ndc = -1.
            resolution: (height, width) in pixels.
        """
