"""What one camera shows of one frame, each as a picture: footage, edges, clay, texture, difference. Knows no video.

Pictures are (H, W, 3) uint8 RGB; light is linear until the last step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib import colormaps
from torch import Tensor

from facesolve.footage.color import linear_to_srgb, srgb_bytes
from facesolve.geometry.camera import scaled
from facesolve.render import barycentric_derivatives
from facesolve.render.clay import clay_rendering
from facesolve.render.posed_rig import Rendering, View, camera_depth, texture_drawing
from facesolve.take import Camera

from .scene import SolvedTake

WIRE = (0.01, 0.55, 0.80)  # linear light
WIRE_OPACITY = 0.7
WIRE_WIDTH = 1.3  # pixels
FINE = 2  # sub-pixels a side that edges are drawn with
FULL_WIDTH_UP_TO = 900  # pixels of height; edges of larger pictures are wider in proportion
SPARSE, LEAST_SPARSE = 7.0, 0.25  # pixels: edges of smaller triangles fade, else a dense mesh hides the face
OUTLINE_STEP, OUTLINE_STEEP = 0.2, 12.0  # cm, and pixels' widths at that depth: smaller steps are no outline
FAR = 1e6  # cm, depth of the background
DARK_CLAY = 0.2  # of the clay: what must not be taken for texture
BACKDROP = 0.010  # linear light behind a mesh that stands alone
DIVERGING = "RdBu_r"
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
    """One camera at one of the solution's frames, ``row``.

    camera: index into the take's; lens: as it stands for the picture, free of distortion. world: (1, V, 3) cm.
    footage: (H, W, 3) linear light, None when it could not be read. filmed: (H, W) in 0..1, 0 where the footage does
    not reach; None with the footage.
    """

    scene: SolvedTake
    row: int
    camera: int
    lens: Camera
    world: Tensor
    footage: Tensor | None = None
    filmed: Tensor | None = None

    @cached_property
    def view(self) -> View:
        """The rig under the picture's pixels."""
        return self.scene.view(self.world, self.lens, self.row)

    @cached_property
    def fine_view(self) -> View:
        """The rig under a picture of ``FINE`` times as many pixels a side."""
        return self.scene.view(self.world, scaled(self.lens, FINE), self.row)


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
    rendering = clay_rendering(shot.scene.model, shot.view)
    return encoded(_over(rendering, torch.full_like(rendering.colors, BACKDROP)))


def textured(shot: Shot, look: Look) -> np.ndarray:
    """The mesh alone with its baked texture; dark clay where the texture says nothing."""
    solid = clay_rendering(shot.scene.model, shot.view)
    dark = Rendering(solid.colors * DARK_CLAY, solid.coverage)
    return encoded(_over(_baked(shot), _over(dark, torch.full_like(solid.colors, BACKDROP))))


def blend(shot: Shot, look: Look) -> np.ndarray:
    """The render (textured, clay when there is no texture) over the footage at the look's opacity."""
    rendering = clay_rendering(shot.scene.model, shot.view) if shot.scene.texture is None else _baked(shot)
    plate = _plate(shot)
    return encoded(plate + look.opacity * (_over(rendering, plate) - plate))


def difference(shot: Shot, look: Look) -> np.ndarray:
    """Footage minus textured render: red where the footage is brighter, blue where darker, white where they agree."""
    found = signed_difference(shot)
    if found is None:
        return np.full((shot.lens.height, shot.lens.width, 3), OUTSIDE_DIFFERENCE, np.uint8)
    levels, coverage = found
    colors = colormaps[DIVERGING](0.5 + 0.5 * np.clip(levels / look.levels, -1, 1))[..., :3]
    return np.asarray(np.rint(LEVELS * colors * coverage + OUTSIDE_DIFFERENCE * (1 - coverage)), np.uint8)


def signed_difference(shot: Shot) -> tuple[np.ndarray, np.ndarray] | None:
    """Footage minus textured render, mean of the channels, (H, W) in levels of 255, and the coverage (H, W, 1).

    Coverage is of the textured part of the mesh, as far as the footage reaches. None when there is no footage.
    """
    if shot.footage is None or shot.filmed is None:
        return None
    rendering = _baked(shot)
    rendered = _srgb(_over(rendering, shot.footage))
    levels = LEVELS * (_srgb(shot.footage) - rendered).mean(axis=2)
    return levels, (rendering.coverage[0] * shot.filmed)[..., None].cpu().numpy()


def edge_opacity(shot: Shot) -> Tensor:
    """(H, W) in 0..1: how much of each pixel a visible polygon edge covers."""
    model, drawing = shot.scene.model, shot.fine_view.drawing
    triangle = drawing.triangle_id
    slopes = torch.linalg.vector_norm(barycentric_derivatives(drawing.clip, model.triangles, triangle), dim=-1)
    heights = 1 / slopes.clamp(min=1e-9)  # (1, H, W, 3) fine pixels from each corner to the opposite edge
    drawn = shot.scene.polygon_edges[triangle.clamp(min=0).long()] & (triangle >= 0)[..., None]
    nearest = torch.where(drawn, drawing.barycentrics * heights, torch.inf).amin(-1)
    reach = FINE * WIRE_WIDTH / 2 * max(1.0, shot.lens.height / FULL_WIDTH_UP_TO)
    sparse = (heights.amin(-1) / (FINE * SPARSE)).clamp(LEAST_SPARSE, 1.0)
    fine = (reach + 0.5 - nearest).clamp(0.0, 1.0) * sparse
    return F.avg_pool2d(torch.maximum(fine, _outline(shot))[:, None], FINE)[0, 0]


def _outline(shot: Shot) -> Tensor:
    """(1, H, W) 0 or 1 in fine pixels: where a nearer part of the mesh ends before a farther one or the background."""
    depth = camera_depth(shot.scene.mesh, shot.fine_view.drawing)[:, None]
    focal = float(shot.lens.at(shot.scene.rows[shot.row])[0][0, 0]) * FINE
    step = (depth * (OUTLINE_STEEP / focal)).clamp(min=OUTLINE_STEP)
    farthest = F.max_pool2d(depth.clamp(max=FAR), 3, 1, 1)
    ends = ((farthest - depth > step) & torch.isfinite(depth)).float()
    return ends[:, 0]


def encoded(light: Tensor) -> np.ndarray:
    """(H, W, 3) uint8 sRGB of linear light (..., H, W, 3)."""
    return srgb_bytes(light.cpu().numpy().reshape(light.shape[-3:]))


def _srgb(light: Tensor) -> np.ndarray:
    return linear_to_srgb(light.clamp(0, 1).cpu().numpy().reshape(light.shape[-3:]))


def _plate(shot: Shot) -> Tensor:
    """(H, W, 3) the footage, or the backdrop where there is none."""
    if shot.footage is not None:
        return shot.footage
    return torch.full((shot.lens.height, shot.lens.width, 3), BACKDROP, device=shot.scene.model.device)


def _baked(shot: Shot) -> Rendering:
    """The textured mesh in the camera's own color balance."""
    scene = shot.scene
    assert scene.texture is not None, "no texture"
    plain = texture_drawing(scene.model, scene.texture, shot.view.drawing, scene.carried)
    return Rendering(plain.colors * scene.gains[shot.camera], plain.coverage)


def _over(rendering: Rendering, backdrop: Tensor) -> Tensor:
    """(H, W, 3) or (1, H, W, 3), as ``backdrop``."""
    colors, coverage = rendering.colors.view_as(backdrop), rendering.coverage.reshape(*backdrop.shape[:-1], 1)
    return colors + (1 - coverage) * backdrop
