"""The posed rig as a camera sees it: triangles under pixels, depth, and its texture drawn over them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .camera import CameraModel
from .problem import Pose
from .render import (
    Texture,
    antialias,
    barycentric_derivatives,
    camera_depth_image,
    choose_backend,
    interpolate,
    interpolate_derivatives,
    opposite_vertices,
    sample_trilinear,
)
from .rig import RigModel, apply_head
from .take import SolveError

NEAREST = 0.1  # cm, of the near plane
TILE_BORDER = 1e-4  # UVs this far outside a tile still belong to it


@dataclass(frozen=True, eq=False)
class Drawing:
    """The rig under the pixels of one camera in B frames.

    clip: (B, V, 4), w the depth in cm. triangle_id: (B, H, W), -1 where empty. barycentrics: (B, H, W, 3).
    depth: (B, H, W) NDC, +inf where empty.
    """

    clip: Tensor
    triangle_id: Tensor
    barycentrics: Tensor
    depth: Tensor

    def camera_depth(self, model: RigModel) -> Tensor:
        """(B, H, W) depth along the optical axis, cm, +inf where empty."""
        return camera_depth_image(self.clip, self.triangle_id, self.barycentrics, model.triangles)


@dataclass(frozen=True, eq=False)
class Rendering:
    """The textured rig and nothing else, as one camera sees it in B frames.

    colours: (B, H, W, 3) linear light times coverage. coverage: (B, H, W) in 0..1, antialiased: how much of the pixel
    shows surface that has a texture. Over an image: ``colours + (1 - coverage) * image``.
    """

    colours: Tensor
    coverage: Tensor


def world_vertices(model: RigModel, pose: Pose) -> Tensor:
    """Vertices (B, V, 3) in the world, cm, of B poses."""
    return apply_head(pose.head.to(model.dtype), model.vertices(pose.controls.to(model.dtype)))


def clip_vertices(world: Tensor, cameras: CameraModel, camera: int) -> Tensor:
    """Vertices (B, V, 3) in the world, cm, in the clip space of one of the C cameras: (B, V, 4), w the depth in cm.

    cameras: without distortion, leading dimensions (B, C). Near and far planes leave room around the vertices.
    """
    depth = world.detach() @ cameras.rotation[:, camera, 2, :, None] + cameras.translation[:, camera, None, 2:]
    near = max(float(depth.min()) / 2, NEAREST)
    matrix = cameras.clip_matrices(near, max(float(depth.max()) * 2, near * 2))[:, camera]
    return F.pad(world, (0, 1), value=1.0) @ matrix.mT


def draw(model: RigModel, world: Tensor, cameras: CameraModel, camera: int) -> Drawing:
    """Rasterizes vertices (B, V, 3) in the world, cm, for one of the C cameras (leading dimensions (B, C))."""
    clip = clip_vertices(world, cameras, camera)
    resolution = (int(cameras.heights[camera]), int(cameras.widths[camera]))
    return Drawing(clip, *choose_backend(model.device).rasterize(clip, model.triangles, resolution))


def render_textured(
    model: RigModel, texture: Texture, cameras: CameraModel, pose: Pose, carried: Tensor | None = None
) -> tuple[Rendering, ...]:
    """The rig with its texture, unlit, as each of the C cameras sees B poses; texture filtered to the pixels' size.

    cameras: without distortion, leading dimensions (B, C). A texture baked from footage holds the light it was filmed
    in; times the camera's gain it is comparable to that camera's footage. carried: (F,) bool, triangles that the
    texture speaks of (``Appearance.carried``), None for all; the others hide what is behind them but are not drawn.
    Raises SolveError when the rig has no UVs.
    """
    if model.triangle_uvs is None:
        raise SolveError("rig: it has no UVs, so its texture cannot be drawn; export the rig with UVs.")
    world, opposite = world_vertices(model, pose), opposite_vertices(model.triangles)
    return tuple(
        texture_drawing(model, texture, draw(model, world, cameras, camera), carried, opposite)
        for camera in range(len(cameras.widths))
    )


def has_texture(texture: Texture, uv: Tensor) -> Tensor:
    """(...) bool: whether some tile of the texture lies under uv (..., 2)."""
    found = torch.zeros_like(uv[..., 0], dtype=torch.bool)
    for tile in texture.pyramids:
        found |= ((uv - uv.new_tensor(tile) - 0.5).abs() <= 0.5 + TILE_BORDER).all(-1)
    return found


def texture_drawing(
    model: RigModel, texture: Texture, drawing: Drawing, carried: Tensor | None, opposite: Tensor
) -> Rendering:
    """The texture over one camera's drawing, as ``render_textured``. opposite: of ``render.opposite_vertices``."""
    assert model.triangle_uvs is not None, "the rig has no UVs"
    triangle_id = drawing.triangle_id
    covered = (triangle_id >= 0).flatten().nonzero()[:, 0]
    slopes = barycentric_derivatives(drawing.clip, model.triangles, triangle_id)
    uv = interpolate(model.uvs[None], triangle_id, drawing.barycentrics, model.triangle_uvs).flatten(0, 2)[covered]
    uv_slopes = interpolate_derivatives(model.uvs[None], triangle_id, slopes, model.triangle_uvs)
    opaque = has_texture(texture, uv)
    if carried is not None:
        opaque &= carried[triangle_id.flatten()[covered].long()]
    alpha = opaque.to(uv.dtype)[:, None]
    seen = torch.cat([sample_trilinear(texture, uv, uv_slopes.flatten(0, 2)[covered]) * alpha, alpha], 1)
    image = seen.new_zeros(triangle_id.numel(), 4).index_copy(0, covered, seen).view(*triangle_id.shape, 4)
    smooth = antialias(image, triangle_id, drawing.depth, drawing.clip, model.triangles, opposite)
    return Rendering(smooth[..., :3], smooth[..., 3])
