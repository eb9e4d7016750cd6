"""The mesh in clay, lit from the camera, so that its shape can be judged whatever its texture."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from facesolve.geometry.rig import RigModel

from .posed_rig import Rendering, View

CLAY = (0.42, 0.37, 0.33)  # linear light
# in the camera's axes (x right, y down, z away): direction towards the light, color
LIGHTS = (((-0.55, -0.60, -0.60), (1.10, 1.08, 1.04)), ((0.85, 0.05, -0.35), (0.22, 0.25, 0.30)))
AMBIENT = 0.10
WRAP = 0.15  # how far diffuse light reaches around the terminator, of its largest
GLOSS, SHARPNESS = 0.16, 40.0  # Blinn's highlight, which shows dents that diffuse light hides


def clay_rendering(model: RigModel, view: View, color: Tensor | None = None) -> Rendering:
    """The posed mesh of ``view`` in B frames with smooth normals. color: (V, 3) linear light, instead of clay."""
    drawing = view.drawing
    rotation, translation = view.lens.rotation[:, 0], view.lens.translation[:, 0]
    normals = model.vertex_normals(view.world) @ rotation.mT
    places = view.world @ rotation.mT + translation[:, None]
    albedo = model.neutral.new_tensor(CLAY).expand_as(model.neutral) if color is None else color
    surface = torch.cat([normals, places, albedo.expand_as(normals)], -1)
    at = drawing.interpolate(surface)
    covered = drawing.triangle_id >= 0
    normal, place, diffuse = at[covered].split(3, 1)
    triangle = drawing.triangle_id.flatten(1).clamp(min=0).long()
    outward = _outward(model, places).gather(1, triangle).view_as(covered)[covered]
    light = at.new_zeros(*covered.shape, 4)
    light[covered] = F.pad(_lit(normal * outward[:, None], place, diffuse), (0, 1), value=1.0)
    smooth = drawing.antialias(light)
    return Rendering(smooth[..., :3], smooth[..., 3])


def _outward(model: RigModel, places: Tensor) -> Tensor:
    """(B, F) 1 for triangles that turn their front to the camera, -1 for the others: parts wound the other way.

    Judged by the triangle: a smooth normal may lean away from the camera along an outline. places: (B, V, 3) in
    the camera's axes.
    """
    a, b, c = (places[:, model.triangles[:, corner]] for corner in range(3))
    facing = (torch.linalg.cross(b - a, c - a) * (a + b + c)).sum(-1)
    return torch.where(facing <= 0, 1.0, -1.0)


def _lit(normals: Tensor, places: Tensor, albedo: Tensor) -> Tensor:
    """Light (n, 3) from surface points in the camera's axes: wrapped Lambert, Blinn's highlight, a little ambient."""
    to_eye = -F.normalize(places, dim=1)
    normals = F.normalize(normals, dim=1)
    diffuse, highlight = torch.full_like(albedo, AMBIENT), torch.zeros_like(albedo)
    for direction, color in LIGHTS:
        towards = F.normalize(normals.new_tensor(direction), dim=0)
        facing = ((normals @ towards + WRAP) / (1 + WRAP)).clamp(min=0)
        diffuse = diffuse + facing[:, None] * normals.new_tensor(color)
        half = F.normalize(to_eye + towards, dim=1)
        sharp = (normals * half).sum(1, keepdim=True).clamp(min=0) ** SHARPNESS
        highlight = highlight + GLOSS * sharp * normals.new_tensor(color)
    return albedo * diffuse + highlight
