"""What the first-order reference compares: all footage at one pyramid level, and the rig drawn as its cameras see it.

Plain drawing, as in differentiable rendering: textured surface over a flat background, antialiased outline. Knows no
optimiser.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .camera import CameraModel, scaled, without_distortion
from .render import (
    Texture,
    antialias,
    barycentric_derivatives,
    barycentrics_at_pixels,
    choose_backend,
    interpolate,
    interpolate_derivatives,
    mip_level,
    opposite_vertices,
    sample_bilinear,
)
from .render.texture import Tile
from .rig import RigModel, apply_head
from .take import SolveError, Take
from .views import TakeFootage

NEAREST = 0.1  # cm, of the near plane
MOST_TEXELS = 4096  # a side of a tile


@dataclass(frozen=True, eq=False)
class Surface:
    """The rig under one camera's pixels, differentiable in its vertices.

    clip: (1, V, 4). triangle_id: (1, H, W), -1 where empty. depth: (1, H, W) NDC. covered: (n,) flat pixel indices;
    uv: (n, 2) texture coordinates there.
    """

    clip: Tensor
    triangle_id: Tensor
    depth: Tensor
    covered: Tensor
    uv: Tensor


class Scene:
    """A take's footage in memory and its rig ready to be drawn. F frames, C cameras, K controls.

    luminance, mask: for each frame and camera (H, W) float16, encoded luminance and 0..1 where it counts; at the
    pyramid level that the scene was made for. Half precision is finer than footage of 8 bits.
    """

    def __init__(self, take: Take, model: RigModel, level: int) -> None:
        """Reads all footage. Raises FootageError, and SolveError when the rig has no UVs to carry a texture."""
        if model.triangle_uvs is None:
            raise SolveError(f"take '{take.name}': the first-order reference needs a rig with UVs; this one has none.")
        self.model, self.triangle_uvs = model, model.triangle_uvs
        self.backend = choose_backend(model.device)
        self._opposite = opposite_vertices(model.triangles)
        cameras = [scaled(without_distortion(camera), 0.5**level) for camera in take.cameras]
        self._sizes = [(camera.height, camera.width) for camera in cameras]
        self._cameras = CameraModel.from_cameras(cameras, range(take.frame_count), model.device, model.dtype)
        self._clip = self._cameras.clip_matrices(*_depth_range(take, model, self._cameras))  # (F, C, 4, 4)
        self.luminance: list[list[Tensor]] = []
        self.mask: list[list[Tensor]] = []
        with TakeFootage(take, model.device) as footage:
            for _, pixels in footage.frames(range(take.frame_count)):
                coarse = pixels.level(level)
                self.luminance.append([image.half() for image in coarse.luminance])
                self.mask.append([image.half() for image in coarse.mask])

    def surface(self, frame: int, camera: int, controls: Tensor, head: Tensor) -> Surface:
        """What a camera sees at take frame index ``frame``. controls: (K,); head: (4, 4) world, cm."""
        model = self.model
        world = apply_head(head[None], model.vertices(controls[None]))
        clip = F.pad(world, (0, 1), value=1.0) @ self._clip[frame, camera].mT
        triangle_id, _, depth = self.backend.rasterize(clip.detach(), model.triangles, self._sizes[camera])
        barycentrics = barycentrics_at_pixels(clip, model.triangles, triangle_id)
        uv = interpolate(model.uvs[None], triangle_id, barycentrics, self.triangle_uvs)
        covered = (triangle_id >= 0).flatten().nonzero().squeeze(1)
        return Surface(clip, triangle_id, depth, covered, uv.flatten(0, 2).index_select(0, covered))

    def draw(self, surface: Surface, texture: Mapping[Tile, Tensor], background: Tensor) -> Tensor:
        """Encoded luminance (H, W), differentiable in vertices and texels. background: (), the colour around the rig.

        texture: for each UDIM tile (height, width, 1).
        """
        colours = background.expand(surface.triangle_id.numel(), 1)
        colours = colours.index_copy(0, surface.covered, _look_up(texture, surface.uv))
        image = colours.view(*surface.triangle_id.shape, 1)
        triangles = self.model.triangles
        blended = antialias(image, surface.triangle_id, surface.depth, surface.clip, triangles, self._opposite)
        return blended[0, :, :, 0]

    def background(self, frame: int, controls: Tensor, head: Tensor) -> Tensor:
        """(C,) median encoded luminance outside the rig at a pose (K,), (4, 4); 0 for a camera that it fills."""
        medians = []
        for camera in range(len(self._sizes)):
            outside = (self.surface(frame, camera, controls, head).triangle_id[0] < 0) & (self.mask[frame][camera] > 0)
            colours = self.luminance[frame][camera][outside].to(self.model.dtype)
            medians.append(colours.median() if colours.numel() else colours.new_zeros(()))
        return torch.stack(medians)

    def back_projected(self, frame: int, controls: Tensor, head: Tensor) -> dict[Tile, Tensor]:
        """Texture from one frame's footage at a pose (K,), (4, 4): for each tile (size, size, 1) encoded luminance.

        A texel is about a pixel wide. Each is the mean of the pixels that see it, over all cameras, weighted as the
        bilinear look-up weights the texel (its transpose, taken by autograd); texels that no pixel sees take the mean.
        """
        surfaces = [self.surface(frame, camera, controls, head) for camera in range(len(self._sizes))]
        size = self._texels(surfaces)
        tiles = sorted({(int(u), int(v)) for u, v in self.model.uvs[self.triangle_uvs].mean(1).floor().tolist()})
        blank = {tile: self.model.uvs.new_zeros(size, size, 1, requires_grad=True) for tile in tiles}
        sums = {tile: torch.zeros_like(texels) for tile, texels in blank.items()}
        weights = {tile: torch.zeros_like(texels) for tile, texels in blank.items()}
        for camera, surface in enumerate(surfaces):
            colours = self.luminance[frame][camera].flatten()[surface.covered].to(self.model.dtype)
            mask = self.mask[frame][camera].flatten()[surface.covered].to(self.model.dtype)
            seen = _look_up(blank, surface.uv.detach())[:, 0]
            for total, values in ((sums, colours * mask), (weights, mask)):
                gradients = torch.autograd.grad(seen @ values, list(blank.values()), retain_graph=True)
                for tile, gradient in zip(tiles, gradients, strict=True):
                    total[tile] += gradient
        mean = sum(s.sum() for s in sums.values()) / sum(w.sum() for w in weights.values())
        return {tile: torch.where(weights[tile] > 0.01, sums[tile] / weights[tile], mean) for tile in tiles}

    def _texels(self, surfaces: list[Surface]) -> int:
        """Texels a side of a tile at which the median pixel of the cameras is one texel wide."""
        triangles, widths = self.model.triangles, []
        for surface in surfaces:
            slopes = barycentric_derivatives(surface.clip, triangles, surface.triangle_id)
            slopes = interpolate_derivatives(self.model.uvs[None], surface.triangle_id, slopes, self.triangle_uvs)
            widths.append(mip_level(slopes.flatten(0, 2)[surface.covered], (1, 1)))
        seen = torch.cat(widths)
        if not len(seen):
            raise SolveError("no camera sees the rig at its start pose; move the head into view at the start frame.")
        return int(min(max(2.0 ** -float(seen.median()), 1.0), MOST_TEXELS))


def _look_up(texture: Mapping[Tile, Tensor], uv: Tensor) -> Tensor:
    """Colours (n, 1) at uv (n, 2). One level is enough where a texel is about a pixel wide."""
    return sample_bilinear(Texture({tile: (texels.permute(2, 0, 1)[None],) for tile, texels in texture.items()}), uv)


def _depth_range(take: Take, model: RigModel, cameras: CameraModel) -> tuple[float, float]:
    """Near and far planes, cm, that leave room around the rig at its start pose in every camera and frame."""
    assert take.start is not None  # check_solvable
    controls = torch.as_tensor(take.start.controls, dtype=model.dtype, device=model.device)
    head = torch.as_tensor(take.start.head, dtype=model.dtype, device=model.device)
    world = apply_head(head[None], model.vertices(controls[None]))[0]
    centre = world.mean(0)
    radius = float((world - centre).norm(dim=1).max())
    depth = cameras.rotation[..., 2, :] @ centre + cameras.translation[..., 2]
    near = max((float(depth.min()) - radius) / 2, NEAREST)
    return near, max(2 * (float(depth.max()) + radius), 2 * near)
