"""What one camera shows of B frames, each as pictures: footage, edges, clay, texture, difference. Knows no video.

Pictures are (B, H, W, 3) uint8 RGB; light is linear until the last step, on the device of the scene.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib import colormaps
from torch import Tensor

from facesolve.render import barycentric_derivatives
from facesolve.render.clay import CLAY, clay_rendering
from facesolve.render.posed_rig import Rendering, View, camera_depth, texture_drawing
from facesolve.take import Camera

from .scene import SolvedTake

WIRE = (0.01, 0.55, 0.80)  # linear light
WIRE_OPACITY = 0.7
WIRE_WIDTH = 1.3  # pixels
FULL_WIDTH_UP_TO = 900  # pixels of height; edges of larger pictures are wider in proportion
SPARSE, LEAST_SPARSE = 7.0, 0.25  # pixels: edges of smaller triangles fade, else a dense mesh hides the face
OUTLINE_STEP, OUTLINE_STEEP = 0.2, 12.0  # cm, and pixels' widths at that depth: smaller steps are no outline
FAR = 1e6  # cm, depth of the background
PLAIN_CLAY = 0.6  # of the clay, flat: what must not be taken for texture
BACKDROP = 0.010  # linear light behind a mesh that stands alone
DIVERGING = "RdBu_r"
SHADES = 1024  # of that scale
OUTSIDE_DIFFERENCE = 40  # of 255: gray where there is nothing to compare
LEVELS = 255.0


@dataclass(frozen=True)
class Look:
    """How pictures are drawn. opacity: of the render over the footage in a blend. levels: at the ends of the scale of
    differences, in levels of 255 of the encoded image."""

    opacity: float = 0.5
    levels: float = 20.0


@dataclass(frozen=True, eq=False)
class Shot:
    """One camera at B of the solution's frames, ``rows``. What pictures of different kinds share is made once.

    camera: index into the take's; lens: as it stands for the pictures, free of distortion. world: (B, V, 3) cm.
    footage: (B, H, W, 3) linear light, None when none is shown. filmed: (B, H, W) in 0..1, 0 where the footage does not
    reach; None with the footage. lacking: B times whether the footage has no image there.
    """

    scene: SolvedTake
    rows: tuple[int, ...]
    camera: int
    lens: Camera
    world: Tensor
    footage: Tensor | None = None
    filmed: Tensor | None = None
    lacking: tuple[bool, ...] = ()

    @cached_property
    def view(self) -> View:
        """The rig under the pictures' pixels."""
        return self.scene.view(self.world, self.lens, self.rows)

    @cached_property
    def clay(self) -> Rendering:
        """The mesh in clay."""
        return clay_rendering(self.scene.model, self.view)

    @cached_property
    def baked(self) -> Rendering:
        """The textured mesh in the camera's own color balance."""
        scene = self.scene
        assert scene.texture is not None, "no texture"
        plain = texture_drawing(scene.model, scene.texture, self.view.drawing, scene.carried)
        return Rendering(plain.colors * scene.gains[self.camera], plain.coverage)


Panel = Callable[[Shot, Look], np.ndarray]


def footage(shot: Shot, look: Look) -> np.ndarray:
    """The footage as it is."""
    return encoded(_plate(shot))


def edges(shot: Shot, look: Look) -> np.ndarray:
    """The mesh's visible polygon edges over the footage."""
    opacity = WIRE_OPACITY * edge_opacity(shot)[..., None]
    plate = _plate(shot)
    return encoded(plate + opacity * (plate.new_tensor(WIRE) - plate))


def clay(shot: Shot, look: Look) -> np.ndarray:
    """The mesh alone in gray clay with smooth normals, lit from the camera, so that its shape can be judged."""
    return encoded(_over(shot.clay, torch.full_like(shot.clay.colors, BACKDROP)))


def textured(shot: Shot, look: Look) -> np.ndarray:
    """The mesh alone with its baked texture; plain clay where the texture says nothing."""
    triangle = shot.view.drawing.triangle_id
    facing = _facing(shot).gather(1, triangle.flatten(1).clamp(min=0).long()).view(triangle.shape)
    clay = facing[..., None] * facing.new_tensor(CLAY) * PLAIN_CLAY
    return encoded(_over(shot.baked, torch.where((triangle >= 0)[..., None], clay, BACKDROP)))


def _facing(shot: Shot) -> Tensor:
    """(B, F) how much each triangle is turned to the camera, 0 to 1."""
    lens, corners = shot.view.lens, shot.scene.model.triangles
    a, b, c = (shot.world[:, corners[:, corner]] for corner in range(3))
    normal = F.normalize(torch.linalg.cross(b - a, c - a), dim=-1)
    return (normal @ lens.rotation[:, 0, 2, :, None])[..., 0].abs()


def blend(shot: Shot, look: Look) -> np.ndarray:
    """The render (textured, clay when there is no texture) over the footage at the look's opacity."""
    rendering = shot.clay if shot.scene.texture is None else shot.baked
    plate = _plate(shot)
    return encoded(plate + look.opacity * (_over(rendering, plate) - plate))


def difference(shot: Shot, look: Look) -> np.ndarray:
    """Footage minus textured render: red where the footage is brighter, blue where darker, white where they agree."""
    found = signed_difference(shot)
    if found is None:
        return np.full((len(shot.rows), shot.lens.height, shot.lens.width, 3), OUTSIDE_DIFFERENCE, np.uint8)
    levels, coverage = found
    table = _diverging(levels.device)
    places = (0.5 + 0.5 * (levels / look.levels).clamp(-1, 1)) * (len(table) - 1)
    colors = table[places.round().long()]
    return (LEVELS * colors * coverage + OUTSIDE_DIFFERENCE * (1 - coverage)).round().byte().cpu().numpy()


@cache
def _diverging(device: torch.device) -> Tensor:
    """(n, 3) colors in 0..1 of the scale of differences."""
    return torch.tensor(colormaps[DIVERGING](np.linspace(0, 1, SHADES))[:, :3], dtype=torch.float32, device=device)


def signed_difference(shot: Shot) -> tuple[Tensor, Tensor] | None:
    """Footage minus textured render, mean of the channels, (B, H, W) in levels of 255, and the coverage (B, H, W, 1).

    Coverage is of the textured part of the mesh, as far as the footage reaches. None when there is no footage.
    """
    if shot.footage is None or shot.filmed is None:
        return None
    levels = LEVELS * (_srgb(shot.footage) - _srgb(_over(shot.baked, shot.footage))).mean(-1)
    return levels, (shot.baked.coverage * shot.filmed)[..., None]


def edge_opacity(shot: Shot) -> Tensor:
    """(B, H, W) in 0..1: how much of each pixel a visible polygon edge covers."""
    scene, drawing = shot.scene, shot.view.drawing
    triangle = drawing.triangle_id
    covered = (triangle >= 0).flatten().nonzero().squeeze(1)
    seen = triangle.flatten()[covered].long()
    slopes = barycentric_derivatives(drawing.clip, scene.model.triangles, triangle).flatten(0, 2)[covered]
    weights = drawing.barycentrics.flatten(0, 2)[covered]
    drawn = scene.polygon_edges[seen]
    nearest = lowest = torch.full_like(weights[:, 0], torch.inf)
    for corner in range(3):  # reducing rows of three numbers is several times slower on a CPU
        x, y = slopes[:, corner].unbind(1)
        height = torch.rsqrt((x * x + y * y).clamp(min=1e-18))  # pixels from the corner to the opposite edge
        lowest = torch.minimum(lowest, height)
        nearest = torch.minimum(nearest, torch.where(drawn[:, corner], weights[:, corner] * height, torch.inf))
    reach = WIRE_WIDTH / 2 * max(1.0, shot.lens.height / FULL_WIDTH_UP_TO)
    line = (reach + 0.5 - nearest).clamp(0.0, 1.0) * (lowest / SPARSE).clamp(LEAST_SPARSE, 1.0)
    image = line.new_zeros(triangle.numel()).index_copy(0, covered, line).view(triangle.shape)
    return drawing.antialias(torch.maximum(image, _outline(shot))[..., None])[..., 0]


def _outline(shot: Shot) -> Tensor:
    """(B, H, W) 0 or 1: where a nearer part of the mesh ends before a farther one or the background."""
    depth = camera_depth(shot.scene.mesh, shot.view.drawing)
    focal = shot.view.lens.intrinsics[:, 0, 0, 0].view(-1, 1, 1)
    step = (depth * (OUTLINE_STEEP / focal)).clamp(min=OUTLINE_STEP)
    farthest = F.max_pool2d(depth.clamp(max=FAR)[:, None], 3, 1, 1)[:, 0]
    return ((farthest - depth > step) & torch.isfinite(depth)).float()


def encoded(light: Tensor) -> np.ndarray:
    """(B, H, W, 3) uint8 sRGB of linear light."""
    return (LEVELS * _srgb(light)).round().byte().cpu().numpy()


def _srgb(light: Tensor) -> Tensor:
    """sRGB values in 0..1 of linear light, as ``footage.color.linear_to_srgb``."""
    light = light.clamp(0, 1)
    return torch.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def _plate(shot: Shot) -> Tensor:
    """(B, H, W, 3) the footage, or the backdrop where there is none."""
    if shot.footage is not None:
        return shot.footage
    size = (len(shot.rows), shot.lens.height, shot.lens.width, 3)
    return torch.full(size, BACKDROP, device=shot.scene.model.device)


def _over(rendering: Rendering, backdrop: Tensor) -> Tensor:
    """(B, H, W, 3), as ``backdrop``."""
    return rendering.colors + (1 - rendering.coverage[..., None]) * backdrop
