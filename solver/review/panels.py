"""What one camera shows of one frame, each as a picture: footage, edges, clay, texture, difference. Knows no video.

Pictures are (H, W, 3) uint8 RGB; light is linear until the last step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib import colormaps
from torch import Tensor

from solver.drawing import Rendering, texture_drawing
from solver.footage import linear_to_srgb
from solver.render import antialias, barycentric_derivatives, interpolate

from .scene import SolvedTake, View

WIRE = (0.01, 0.55, 0.80)  # linear light
WIRE_OPACITY = 0.7
WIRE_WIDTH = 1.1  # pixels
FULL_WIDTH_UP_TO = 900  # pixels of height; edges of larger pictures are wider in proportion
SPARSE = 7.0  # pixels: the edges of smaller triangles fade, else a dense mesh hides the face
BACKDROP = 0.010  # linear light behind a mesh that stands alone
CLAY = (0.42, 0.37, 0.33)
# of the clay's lights, in the camera's axes (x right, y down, z away): direction towards the light, colour
LIGHTS = (((-0.55, -0.60, -0.60), (1.10, 1.08, 1.04)), ((0.85, 0.05, -0.35), (0.22, 0.25, 0.30)))
AMBIENT = 0.10
GLOSS, SHARPNESS = 0.16, 40.0  # Blinn's highlight, which shows dents that diffuse light hides
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
    """One camera at one frame. footage: (H, W, 3) linear light, free of distortion, None when it could not be read."""

    scene: SolvedTake
    camera: int
    view: View
    footage: Tensor | None


Panel = Callable[[Shot, Look], np.ndarray]


def footage(shot: Shot, look: Look) -> np.ndarray:
    """The footage as it is."""
    return encoded(_plate(shot))


def edges(shot: Shot, look: Look) -> np.ndarray:
    """The mesh's visible polygon edges over the footage."""
    opacity = WIRE_OPACITY * edge_opacity(shot.scene, shot.view)[..., None]
    plate = _plate(shot)
    return encoded(plate + opacity * (plate.new_tensor(WIRE) - plate))


def clay(shot: Shot, look: Look) -> np.ndarray:
    """The mesh alone in gray clay with smooth normals, lit from the camera, so that its shape can be judged."""
    rendering = clay_rendering(shot.scene, shot.view)
    return encoded(_over(rendering, torch.full_like(rendering.colours, BACKDROP)))


def textured(shot: Shot, look: Look) -> np.ndarray:
    """The mesh alone with its baked texture; clay where the texture says nothing."""
    solid = clay_rendering(shot.scene, shot.view)
    behind = _over(solid, torch.full_like(solid.colours, BACKDROP))
    return encoded(_over(_baked(shot), behind))


def blend(shot: Shot, look: Look) -> np.ndarray:
    """The render (textured, clay when there is no texture) over the footage at the look's opacity."""
    rendering = clay_rendering(shot.scene, shot.view) if shot.scene.texture is None else _baked(shot)
    plate = _plate(shot)
    return encoded(plate + look.opacity * (_over(rendering, plate) - plate))


def difference(shot: Shot, look: Look) -> np.ndarray:
    """Footage minus textured render: red where the footage is brighter, blue where darker, white where they agree."""
    found = signed_difference(shot)
    if found is None:
        return np.full((*shot.view.drawing.triangle_id.shape[1:], 3), OUTSIDE_DIFFERENCE, np.uint8)
    levels, coverage = found
    colours = colormaps[DIVERGING](0.5 + 0.5 * np.clip(levels / look.levels, -1, 1))[..., :3]
    return np.asarray(np.rint(LEVELS * colours * coverage + OUTSIDE_DIFFERENCE * (1 - coverage)), np.uint8)


def signed_difference(shot: Shot) -> tuple[np.ndarray, np.ndarray] | None:
    """Footage minus textured render, mean of the channels, (H, W) in levels of 255, and the coverage (H, W, 1).

    Coverage is of the textured part of the mesh. None when there is no footage.
    """
    if shot.footage is None:
        return None
    rendering = _baked(shot)
    rendered = _srgb(_over(rendering, shot.footage))
    levels = LEVELS * (_srgb(shot.footage) - rendered).mean(axis=2)
    return levels, rendering.coverage.cpu().numpy()[0, ..., None]


def edge_opacity(scene: SolvedTake, view: View) -> Tensor:
    """(H, W) in 0..1: how much of each pixel a visible polygon edge covers."""
    model, drawing = scene.model, view.drawing
    triangle, weights = drawing.triangle_id, drawing.barycentrics
    slopes = torch.linalg.vector_norm(barycentric_derivatives(drawing.clip, model.triangles, triangle), dim=-1)
    heights = 1 / slopes.clamp(min=1e-9)  # (1, H, W, 3) pixels from each corner to the opposite edge
    drawn = scene.polygon_edges[triangle.clamp(min=0).long()] & (triangle >= 0)[..., None]
    nearest = torch.where(drawn, weights * heights, torch.inf).amin(-1)
    width = WIRE_WIDTH * max(1.0, triangle.shape[1] / FULL_WIDTH_UP_TO)
    sparse = (heights.amin(-1) / SPARSE).clamp(0.25, 1.0)
    opacity = (width - nearest).clamp(0.0, 1.0) * sparse
    smooth = antialias(opacity[..., None], triangle, drawing.depth, drawing.clip, model.triangles, scene.opposite)
    return smooth[0, ..., 0].clamp(0, 1)


def clay_rendering(scene: SolvedTake, view: View, colour: Tensor | None = None) -> Rendering:
    """The posed mesh lit from the camera. colour: (V, 3) linear light instead of clay. B = 1."""
    model, drawing = scene.model, view.drawing
    rotation, translation = view.lens.rotation[:, 0], view.lens.translation[:, 0]
    normals = model.vertex_normals(view.world) @ rotation.mT
    places = view.world @ rotation.mT + translation[:, None]
    albedo = model.neutral.new_tensor(CLAY).expand_as(model.neutral) if colour is None else colour
    surface = torch.cat([normals, places, albedo[None]], -1)
    at = interpolate(surface, drawing.triangle_id, drawing.barycentrics, model.triangles)
    covered = drawing.triangle_id >= 0
    light = at.new_zeros(*covered.shape, 4)
    light[covered] = F.pad(_lit(*at[covered].split(3, 1)), (0, 1), value=1.0)
    smooth = antialias(light, drawing.triangle_id, drawing.depth, drawing.clip, model.triangles, scene.opposite)
    return Rendering(smooth[0:1, ..., :3], smooth[0:1, ..., 3])


def encoded(light: Tensor) -> np.ndarray:
    """(H, W, 3) uint8 sRGB of linear light (..., H, W, 3)."""
    return np.asarray(np.rint(LEVELS * _srgb(light)), np.uint8)


def _srgb(light: Tensor) -> np.ndarray:
    return linear_to_srgb(light.clamp(0, 1).cpu().numpy().reshape(light.shape[-3:]))


def _plate(shot: Shot) -> Tensor:
    """(H, W, 3) the footage, or the backdrop where there is none."""
    if shot.footage is not None:
        return shot.footage
    size = shot.view.drawing.triangle_id.shape[1:]
    return torch.full((*size, 3), BACKDROP, device=shot.scene.model.device)


def _baked(shot: Shot) -> Rendering:
    """The textured mesh in the camera's own colour balance."""
    scene = shot.scene
    assert scene.texture is not None, "no texture"
    plain = texture_drawing(scene.model, scene.texture, shot.view.drawing, scene.carried, scene.opposite)
    return Rendering(plain.colours * scene.gains[shot.camera], plain.coverage)


def _over(rendering: Rendering, backdrop: Tensor) -> Tensor:
    """(H, W, 3) or (1, H, W, 3), as ``backdrop``."""
    colours, coverage = rendering.colours.view_as(backdrop), rendering.coverage.reshape(*backdrop.shape[:-1], 1)
    return colours + (1 - coverage) * backdrop


def _lit(normals: Tensor, places: Tensor, albedo: Tensor) -> Tensor:
    """Light (n, 3) from surface points in the camera's axes: wrapped Lambert, Blinn's highlight, a little ambient."""
    to_eye = -F.normalize(places, dim=1)
    normals = F.normalize(normals, dim=1)
    normals = torch.where((normals * to_eye).sum(1, keepdim=True) < 0, -normals, normals)
    diffuse, highlight = torch.full_like(albedo, AMBIENT), torch.zeros_like(albedo)
    for direction, colour in LIGHTS:
        towards = F.normalize(normals.new_tensor(direction), dim=0)
        diffuse = diffuse + ((normals @ towards + 0.15) / 1.15).clamp(min=0)[:, None] * normals.new_tensor(colour)
        half = F.normalize(to_eye + towards, dim=1)
        sharp = (normals * half).sum(1, keepdim=True).clamp(min=0) ** SHARPNESS
        highlight = highlight + GLOSS * sharp * normals.new_tensor(colour)
    return albedo * diffuse + highlight
