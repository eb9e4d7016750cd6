"""A head with UVs and a ball that hovers before it, filmed to image files without the code that draws textures.

Front triangles lie in tile (0, 0), the ball's in (1, 0), those at the sides in (3, 0), back ones in (2, 1). The head's
color is a formula of x and y alone, and its UVs are x and y scaled, so that the color of every texel is known without
a rasterizer.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from facesolve.geometry.camera import CameraModel, scaled
from facesolve.geometry.pose import Pose
from facesolve.geometry.rig import RigModel
from facesolve.render import interpolate
from facesolve.render.posed_rig import world_vertices
from facesolve.render.rasterize_torch import rasterize
from facesolve.stages.problem import Problem
from facesolve.take import Footage, Rig, Settings, StartPose, Take, write_take

from . import synthetic

EXTENT = 20.0  # cm across the front's tile
SUPERSAMPLING = 3
BACKGROUND, BALL = (0.02, 0.02, 0.02), (0.9, 0.0, 0.9)
FRONT, BALL_TILE, SIDE, BACK = TILES = ((0, 0), (1, 0), (3, 0), (2, 1))
BACK_BELOW = -5.0  # cm, z; no camera sees so far round
HOVER = 4.0  # cm


def look(x: Tensor, y: Tensor) -> Tensor:
    """Colors (..., 3) in 0.2..0.6 of the head at rest positions x, y, cm; no symmetry."""
    waves = [
        torch.sin(1.1 * x + 0.4 * y + 0.3) + torch.sin(2.1 * y - 0.9 * x),
        torch.sin(0.9 * y + 0.3 * x) + torch.cos(2.2 * x + 1.1 * y + 1.0),
        torch.sin(0.7 * x + 0.8 * y + 2.0) + torch.sin(1.9 * y + 1.4 * x),
    ]
    return 0.4 + 0.1 * torch.stack(waves, -1)


def tile_colors(size: int) -> Tensor:
    """(size, size, 3) true colors of a tile of the head: row 0 at v = 1, which is the largest y."""
    along = (torch.arange(size) + 0.5) / size * EXTENT - EXTENT / 2
    y, x = torch.meshgrid(-along, along, indexing="ij")
    return look(x, y)


def rig(ball: bool = False) -> Rig:
    """``synthetic.head_rig``, and the ball if asked for, with UVs."""
    head = synthetic.head_rig()
    whole = synthetic.with_ball(head) if ball else head
    neutral = whole.neutral.copy()
    neutral[head.vertex_count :, 2] += HOVER
    triangles = whole.face_vertices.reshape(-1, 3)
    front_uv = neutral[:, :2] / EXTENT + 0.5
    uvs = np.concatenate([front_uv + np.array(tile) for tile in TILES])
    z = neutral[triangles, 2].mean(1)
    tile = np.select([(triangles >= head.vertex_count).any(1), z > 0, z > BACK_BELOW], [1, 0, 2], 3)
    corners = triangles + len(neutral) * tile[:, None]
    return replace(whole, neutral=neutral, uvs=uvs, face_uvs=corners.reshape(-1))


def make_take(folder: Path, of: Rig, frames: int = 3) -> Take:
    """A take of the rig whose 16-bit linear images are to lie in ``folder``."""
    take = synthetic.make_take(of, frames=frames)
    footage = tuple(
        Footage(lens.name, str(folder / f"{lens.name}.{{frame}}.png"), color_space="linear") for lens in take.cameras
    )
    return replace(take, footage=footage)


def film(take: Take, pose: Pose, gains: dict[str, tuple[float, float, float]] | None = None) -> None:
    """Writes the images of every frame; ``gains`` scale the channels of the named cameras."""
    model = RigModel(take.rig)
    world = F.pad(world_vertices(model, pose), (0, 1), value=1.0)
    ball = synthetic.head_rig().vertex_count
    for footage, lens in zip(take.footage, take.cameras, strict=True):
        fine = scaled(lens, SUPERSAMPLING)
        matrices = CameraModel.from_cameras([fine], range(len(world))).clip_matrices(10.0, 200.0)[:, 0]
        clip = world @ matrices.mT
        triangle, weights, _ = rasterize(clip, model.triangles, (fine.height, fine.width))
        rest = interpolate(model.neutral[None], triangle, weights, model.triangles)
        of_ball = (model.triangles >= ball).any(1)[triangle.clamp(min=0).long()]
        colors = torch.where(of_ball[..., None], torch.tensor(BALL), look(rest[..., 0], rest[..., 1]))
        colors = torch.where((triangle >= 0)[..., None], colors, torch.tensor(BACKGROUND))
        colors = colors * torch.tensor((gains or {}).get(lens.name, (1.0, 1.0, 1.0)))
        images = F.avg_pool2d(colors.permute(0, 3, 1, 2), SUPERSAMPLING).permute(0, 2, 3, 1)
        for frame, image in zip(take.frames.tolist(), images, strict=True):
            write_image(footage.image_path(frame), image.numpy())


def write_filmed_take(folder: Path, frames: int = 3, off: float = 0.05) -> Pose:
    """A whole take of the head in ``folder``, its start ``off`` in every control; the poses as filmed."""
    pose = synthetic.performance(frames)
    take = replace(make_take(folder, rig(), frames), settings=Settings())
    folder.mkdir(parents=True, exist_ok=True)
    film(take, pose)
    start = StartPose(int(take.frames[0]), pose.controls[0].numpy() + off, pose.head[0].numpy())
    write_take(replace(take, start=start), folder)
    return pose


def read_images(take: Take) -> Tensor:
    """The images on disk, (frames, cameras, H, W, 3) linear light."""
    paths = [[footage.image_path(frame) for footage in take.footage] for frame in take.frames.tolist()]
    stored = np.array([[cv2.imread(path, cv2.IMREAD_UNCHANGED)[..., ::-1] for path in row] for row in paths])
    return torch.from_numpy(stored / 65535.0).float()


def write_image(path: str, image: np.ndarray) -> None:
    """(H, W, 3) linear light to 16 bits, stored as it is."""
    assert cv2.imwrite(path, np.rint(np.clip(image, 0, 1)[..., ::-1] * 65535).astype(np.uint16))


def filmed(folder: Path, of: Rig, gains: dict[str, tuple[float, float, float]] | None = None) -> tuple[Problem, Pose]:
    """The problem of a filmed take and the poses it was filmed in."""
    take, pose = make_take(folder, of), synthetic.performance(3)
    film(take, pose, gains)
    return synthetic.make_problem(take), pose
