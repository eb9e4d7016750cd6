"""Films the demo's head: renders it with soft light, antialiasing and sensor noise, the way a camera would store it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from facesolve.footage import linear_to_srgb
from facesolve.geometry.camera import CameraModel, scaled
from facesolve.geometry.rig import RigModel, apply_head
from facesolve.render import choose_backend
from facesolve.render.interpolate import interpolate
from facesolve.render.texture import Texture, sample_bilinear
from facesolve.take import Camera

SUPERSAMPLING = 2
BACKGROUND = (0.055, 0.065, 0.075)
KEY = ((-0.55, 0.5, 0.75), (0.80, 0.76, 0.70))  # direction towards the light, color
FILL = ((0.8, 0.1, 0.5), (0.24, 0.28, 0.34))
SKY, GROUND = (0.36, 0.38, 0.42), (0.20, 0.17, 0.15)
SHOT_NOISE, READ_NOISE = 0.012, 0.0025  # standard deviations: of white, and of black; linear light
GLOSS = {"eye": (0.9, 180.0), "teeth": (0.35, 60.0), "tongue": (0.25, 30.0)}
SKIN_GLOSS = (0.07, 14.0)
NEAR, FAR = 20.0, 300.0  # centimeters


@dataclass(frozen=True, eq=False)
class Stage:
    """What does not change from frame to frame. gloss: (V, 2) strength and exponent of the highlight."""

    model: RigModel
    texture: Texture
    gloss: Tensor

    @staticmethod
    def of(model: RigModel, albedo: np.ndarray) -> Stage:
        """albedo: (H, W, 3) linear light."""
        gloss = [GLOSS.get(mesh.name.split("_")[0], SKIN_GLOSS) for mesh in model.rig.meshes]
        counts = torch.tensor([mesh.vertex_count for mesh in model.rig.meshes])
        texture = Texture.from_tiles({(0, 0): torch.from_numpy(albedo).to(model.device)})
        return Stage(model, texture, torch.tensor(gloss).repeat_interleave(counts, 0).to(model.device))

    def render(self, controls: np.ndarray, head: np.ndarray, camera: Camera, frame_index: int = 0) -> Tensor:
        """(H, W, 3) linear light of one frame: controls (K,), head (4, 4). Before noise."""
        assert self.model.triangle_uvs is not None
        fine = scaled(camera, SUPERSAMPLING)
        device = self.model.device
        lens = CameraModel.from_cameras([fine], frame_index, device)
        vertices = self.model.vertices(torch.from_numpy(controls)[None].float().to(device))
        world = apply_head(torch.from_numpy(head)[None].float().to(device), vertices)
        points = torch.cat([world, torch.ones_like(world[..., :1])], -1)
        clip = points @ lens.clip_matrices(NEAR, FAR).mT
        drawing = choose_backend(device).mesh(self.model.triangles).draw(clip, (fine.height, fine.width))
        triangle, weights = drawing.triangle_id, drawing.barycentrics
        covered = triangle[0] >= 0
        eye = -lens.rotation[0].T @ lens.translation[0]
        surface = torch.cat([self.model.vertex_normals(world), world, self.gloss[None]], -1)
        at = interpolate(surface, triangle, weights, self.model.triangles)[0][covered]
        uv = interpolate(self.model.uvs[None], triangle, weights, self.model.triangle_uvs)[0][covered]
        image = torch.tensor(BACKGROUND, device=device).expand(fine.height, fine.width, 3).clone()
        image[covered] = _shade(sample_bilinear(self.texture, uv), at[:, :3], eye - at[:, 3:6], at[:, 6:])
        return F.avg_pool2d(image.permute(2, 0, 1)[None], SUPERSAMPLING)[0].permute(1, 2, 0)


def develop(image: Tensor, random: np.random.Generator) -> np.ndarray:
    """(H, W, 3) uint8 sRGB as stored: sensor noise on linear light (H, W, 3), then the transfer curve."""
    light = image.numpy()
    deviation = np.sqrt(READ_NOISE**2 + SHOT_NOISE**2 * light)
    noisy = light + deviation * random.standard_normal(light.shape, np.float32)
    return np.asarray(np.rint(255.0 * linear_to_srgb(np.clip(noisy, 0.0, 1.0))), np.uint8)


def _shade(albedo: Tensor, normals: Tensor, to_eye: Tensor, gloss: Tensor) -> Tensor:
    """Light leaving n surface points: a sky, two soft lights (wrapped Lambert) and Blinn's highlight; all (n, 3)."""
    normals, to_eye = F.normalize(normals, dim=1), F.normalize(to_eye, dim=1)
    normals = torch.where((normals * to_eye).sum(1, keepdim=True) < -0.2, -normals, normals)
    up = 0.5 + 0.5 * normals[:, 1:2]
    diffuse = up * albedo.new_tensor(SKY) + (1 - up) * albedo.new_tensor(GROUND)
    highlight = torch.zeros_like(diffuse)
    for direction, color in (KEY, FILL):
        towards = F.normalize(albedo.new_tensor(direction), dim=0)
        facing = (normals @ towards)[:, None]
        light = albedo.new_tensor(color)
        diffuse = diffuse + ((facing + 0.25) / 1.25).clamp(min=0) * light
        half = F.normalize(to_eye + towards, dim=1)
        sharp = (normals * half).sum(1, keepdim=True).clamp(min=0) ** gloss[:, 1:]
        highlight = highlight + gloss[:, :1] * sharp * (facing > 0) * light
    return albedo * diffuse + highlight
