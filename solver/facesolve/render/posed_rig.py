"""The posed rig as a camera sees it: triangles under pixels, depth, and its texture drawn over them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from facesolve.geometry.camera import CameraModel
from facesolve.geometry.pose import Pose
from facesolve.geometry.rig import RigModel, apply_head
from facesolve.take import SolveError

from . import Drawing, Mesh, Texture, camera_depth_image, choose_backend

NEAREST = 0.1  # cm, of the near plane
TILE_BORDER = 1e-4  # UVs this far outside a tile still belong to it


@dataclass(frozen=True, eq=False)
class Rendering:
    """The textured rig and nothing else, as one camera sees it in B frames.

    colors: (B, H, W, 3) linear light times coverage. coverage: (B, H, W) in 0..1, antialiased: how much of the pixel
    shows surface that has a texture. Over an image: ``colors + (1 - coverage) * image``.
    """

    colors: Tensor
    coverage: Tensor


def world_vertices(model: RigModel, pose: Pose) -> Tensor:
    """Vertices (B, V, 3) in the world, cm, of B poses."""
    return apply_head(pose.head.to(model.dtype), model.vertices(pose.controls.to(model.dtype)))


def clip_vertices(world: Tensor, cameras: CameraModel, camera: int) -> Tensor:
    """Vertices (B, V, 3) in the world, cm, in the clip space of one of the C cameras: (B, V, 4), w the depth in cm.

    cameras: without distortion, leading dimensions (B, C). Near and far planes leave room around the vertices.
    """
    matrix = cameras.clip_matrices(*_planes(world, cameras, camera))[:, camera]
    return F.pad(world, (0, 1), value=1.0) @ matrix.mT


def _planes(world: Tensor, cameras: CameraModel, camera: int) -> tuple[float, float]:
    """Depths of the near and the far plane, cm."""
    depth = world.detach() @ cameras.rotation[:, camera, 2, :, None] + cameras.translation[:, camera, None, 2:]
    near = max(float(depth.min()) / 2, NEAREST)
    return near, max(float(depth.max()) * 2, near * 2)


def mesh_of(model: RigModel) -> Mesh:
    """The rig's triangles, ready to be drawn many times on its device."""
    return choose_backend(model.device).mesh(model.triangles)


def draw(mesh: Mesh, world: Tensor, cameras: CameraModel, camera: int) -> Drawing:
    """Vertices (B, V, 3) in the world, cm, as one of the C cameras (leading dimensions (B, C)) sees them."""
    resolution = (int(cameras.heights[camera]), int(cameras.widths[camera]))
    return mesh.draw(clip_vertices(world, cameras, camera), resolution)


def camera_depth(mesh: Mesh, drawing: Drawing) -> Tensor:
    """(B, H, W) depth along the optical axis, cm, +inf where empty; of a drawing that has clip's w in cm."""
    return camera_depth_image(drawing.clip, drawing.triangle_id, drawing.barycentrics, mesh.triangles)


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
    world, mesh = world_vertices(model, pose), mesh_of(model)
    return tuple(
        texture_drawing(model, texture, draw(mesh, world, cameras, camera), carried)
        for camera in range(len(cameras.widths))
    )


def has_texture(texture: Texture, uv: Tensor) -> Tensor:
    """(...) bool: whether some tile of the texture lies under uv (..., 2)."""
    found = torch.zeros_like(uv[..., 0], dtype=torch.bool)
    for tile in texture.pyramids:
        found |= ((uv - uv.new_tensor(tile) - 0.5).abs() <= 0.5 + TILE_BORDER).all(-1)
    return found


def texture_drawing(model: RigModel, texture: Texture, drawing: Drawing, carried: Tensor | None) -> Rendering:
    """The texture over one camera's drawing, as ``render_textured``."""
    assert model.triangle_uvs is not None, "the rig has no UVs"
    uv, slopes = drawing.interpolate_with_slopes(model.uvs[None], model.triangle_uvs)
    opaque = (drawing.triangle_id >= 0) & has_texture(texture, uv)
    if carried is not None:
        opaque &= carried[drawing.triangle_id.clamp(min=0).long()]
    alpha = opaque.to(uv.dtype)[..., None]
    smooth = drawing.antialias(torch.cat([drawing.texture(texture, uv, slopes) * alpha, alpha], -1))
    return Rendering(smooth[..., :3], smooth[..., 3])


@dataclass(frozen=True, eq=False)
class View:
    """The rig under the pixels of one camera in B frames. world: (B, V, 3) cm; lens: leading dimensions (B, 1)."""

    world: Tensor
    lens: CameraModel
    drawing: Drawing

    @cached_property
    def depth(self) -> Tensor:
        """(B, H, W) depth along the optical axis, cm, +inf where empty: ``camera_depth`` without barycentrics."""
        near, far = _planes(self.world, self.lens, 0)
        scale, shift = (far + near) / (far - near), -2 * far * near / (far - near)
        seen = self.drawing.depth
        return (shift / (seen - scale)).masked_fill(torch.isinf(seen), torch.inf)
