"""What the first-order reference compares: all footage at one pyramid level, and the rig drawn as its cameras see it.

Plain drawing, as in differentiable rendering: textured surface over a flat background, antialiased outline. Knows no
optimizer.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from facesolve.footage.stream import TakeFootage
from facesolve.geometry.pose import Pose
from facesolve.render import Texture, choose_backend
from facesolve.render.posed_rig import draw, world_vertices
from facesolve.render.texture import Tile
from facesolve.stages.problem import Problem
from facesolve.take import SolveError


class Scene:
    """A take's footage in memory and its rig ready to be drawn. F frames, C cameras, K controls.

    luminance, mask: for each frame and camera (H, W) float16, encoded luminance and 0..1 where it counts; at the
    pyramid level that the scene was made for. Half precision is finer than footage of 8 bits. backend: name of what
    draws.
    """

    def __init__(self, problem: Problem, level: int) -> None:
        """Reads all footage. Raises FootageError, and SolveError when the rig has no UVs to carry a texture."""
        model, count = problem.model, problem.take.frame_count
        if model.triangle_uvs is None:
            raise SolveError("rig: it has no UVs, which the first-order reference needs for its texture.")
        self._model, self._triangle_uvs = model, model.triangle_uvs
        backend = choose_backend(model.device)
        self.backend, self._mesh = backend.name, backend.mesh(model.triangles)
        self._cameras = [problem.views.cameras(level, [frame]) for frame in range(count)]
        self.luminance: list[list[Tensor]] = []
        self.mask: list[list[Tensor]] = []
        with TakeFootage(problem.take, model.device) as footage:
            for _, pixels in footage.frames(range(count)):
                coarse = pixels.level(level)
                self.luminance.append([image.half() for image in coarse.luminance])
                self.mask.append([image.half() for image in coarse.mask])

    def extrinsics(self, frame: int, camera: int) -> tuple[Tensor, Tensor]:
        """The calibrated rotation (3, 3) and translation (3,), cm, of a camera at a frame."""
        cameras = self._cameras[frame]
        return cameras.rotation[0, camera], cameras.translation[0, camera]

    def render(
        self, frame: int, camera: int, world: Tensor, texture: Mapping[Tile, Tensor], background: Tensor
    ) -> Tensor:
        """Encoded luminance (H, W) of vertices (1, V, 3) in the world, cm; differentiable in all tensors.

        texture: encoded luminance (height, width, 1) of each UDIM tile; one level is enough where a texel is about a
        pixel wide. background: () encoded luminance around the rig.
        """
        drawing = draw(self._mesh, world, self._cameras[frame], camera)
        uv = drawing.interpolate(self._model.uvs[None], self._triangle_uvs)
        tiles = Texture({tile: (texels.permute(2, 0, 1)[None],) for tile, texels in texture.items()})
        surface = (drawing.triangle_id >= 0)[..., None]
        image = torch.where(surface, drawing.texture(tiles, uv), background)
        return drawing.antialias(image)[0, :, :, 0]

    def background(self, frame: int, pose: Pose) -> Tensor:
        """(C,) median encoded luminance outside the rig at a pose (B = 1); 0 for a camera that it fills."""
        world, medians = world_vertices(self._model, pose), []
        for camera in range(len(self.luminance[frame])):
            outside = draw(self._mesh, world, self._cameras[frame], camera).triangle_id[0] < 0
            colors = self.luminance[frame][camera][outside & (self.mask[frame][camera] > 0)].to(self._model.dtype)
            medians.append(colors.median() if len(colors) else colors.new_zeros(()))
        return torch.stack(medians)
