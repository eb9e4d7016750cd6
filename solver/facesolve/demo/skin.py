"""The demo head's albedo: painted per texel from where the texel lies on the neutral head. Linear light."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from facesolve.geometry.rig import RigModel
from facesolve.render.interpolate import interpolate
from facesolve.render.rasterize_torch import rasterize

from .head import Head
from .noise import ValueNoise
from .parts import EYE_ISLAND, LOWER_TEETH_ISLAND, TONGUE_ISLAND, UPPER_TEETH_ISLAND, Island

SKIN = (0.52, 0.31, 0.225)
BLUSH = (0.52, 0.20, 0.15)
LIP = (0.42, 0.15, 0.135)
HAIR = (0.055, 0.034, 0.024)
FRECKLE = (0.25, 0.115, 0.06)
FLESH = (0.26, 0.055, 0.05)
MOLES = (
    (2.9, -4.9, 0.13),
    (-3.6, -3.4, 0.1),
    (-1.5, 4.6, 0.11),
    (1.7, -9.2, 0.1),
    (4.6, -1.9, 0.09),
    (-4.2, -6.8, 0.12),
)


@dataclass(frozen=True, eq=False)
class _Texels:
    """The n covered texels: points (n, 3) on the neutral; lid and depth (n,) interpolated from the vertices."""

    points: Tensor
    lid: Tensor
    depth: Tensor

    def near(self, x: float, y: float, width: float, height: float) -> Tensor:
        """Gaussian around (|x|, y) on the front of the head."""
        across, up = (self.points[:, 0].abs() - x) / width, (self.points[:, 1] - y) / height
        return torch.exp(-0.5 * (across**2 + up**2)) * (self.points[:, 2] > 0)


def paint(head: Head, model: RigModel, size: int = 1024, mottled: float = 1.0) -> np.ndarray:
    """Albedo (size, size, 3) float32 linear light, row 0 at v = 1; texels that no face uses are filled nearby.

    mottled: how far the skin's tone varies and how strong freckles and moles are; at 0 only features tell where the
    skin is.
    """
    assert model.triangle_uvs is not None
    uvs = model.uvs
    clip = torch.stack([2 * uvs[:, 0] - 1, 1 - 2 * uvs[:, 1], torch.zeros(len(uvs)), torch.ones(len(uvs))], 1)
    triangle, weights, _ = rasterize(clip[None], model.triangle_uvs, (size, size))
    lid = (head.skin.row == head.skin.eyes[0].row) & (head.skin.side != 0)
    attributes = np.zeros((len(head.vertices), 5), np.float32)
    attributes[:, :3] = head.vertices
    attributes[: len(lid), 3] = lid
    attributes[: len(lid), 4] = np.where(lid, 0, head.skin.depth)
    values = interpolate(torch.from_numpy(attributes)[None], triangle, weights, model.triangles)[0]
    covered = triangle[0] >= 0
    at = values[covered]
    mesh = model.triangle_mesh[triangle[0][covered].long()]
    v, u = torch.nonzero(covered, as_tuple=True)
    place = torch.stack([(u + 0.5) / size, 1 - (v + 0.5) / size], 1)
    colors = _skin(_Texels(at[:, :3].contiguous(), at[:, 3], at[:, 4]), mottled)
    painters = {"eye": (_eye, EYE_ISLAND), "teeth_upper": (_teeth, UPPER_TEETH_ISLAND)}
    painters |= {"teeth_lower": (_teeth, LOWER_TEETH_ISLAND), "tongue": (_tongue, TONGUE_ISLAND)}
    for index, part in enumerate(model.rig.meshes):
        painter = painters.get(part.name) or painters.get(part.name.split("_")[0])
        if painter is not None:
            on_part = mesh == index
            colors[on_part] = painter[0](_local(place[on_part], painter[1]))
    image = torch.zeros(size, size, 3)
    image[covered] = colors.clamp(0.004, 1.0)
    return _fill(image.numpy(), covered.numpy())


def _local(place: Tensor, island: Island) -> Tensor:
    """UVs (n, 2) -> 0..1 across the island."""
    return (place - torch.tensor([island.u, island.v])) / torch.tensor([island.width, island.height])


def _skin(texels: _Texels, mottled: float) -> Tensor:
    """Color layers from the ground up: tone, blush, pores, freckles, moles, lips, brows, hair, lashes, mouth."""
    points, noise = texels.points, ValueNoise(1)
    near = texels.near
    tone = 0.10 * noise.layers(points, 0.35, 3) + 0.09 * noise.layers(points, 3.0, 2, 0.8)
    tone -= 0.16 * (noise(points, 4.5, 7) > 0.55).float() * (noise(points, 0.6, 8) + 0.8).clamp(0, 1)
    color = torch.tensor(SKIN) * (1 + mottled * tone)[:, None]
    blush = 0.55 * near(3.6, -3.2, 1.5, 1.3) + 0.6 * near(0, -3.7, 1.0, 0.8) + 0.25 * near(0, -10, 1.5, 1)
    blush += 0.7 * _step(points[:, 0].abs(), 7.2, 8.0) * (points[:, 1].abs() < 6)
    color = _over(color, BLUSH, blush * (0.8 + mottled * 0.5 * noise.layers(points, 1.1, 2)).clamp(0, 1.2))
    color *= 1 - 0.22 * near(3.1, -0.95, 1.2, 0.35)[:, None]
    color *= 1 - 0.35 * _beard(points)[:, None] * (0.75 + mottled * 0.5 * noise(points, 9.0, 9))[:, None].clamp(0, 1)
    density = near(2.6, -2.8, 2.3, 1.5) + 0.8 * near(0, -1.5, 1.0, 1.5) + 0.55 * near(0, 4, 4, 2.0) + 0.18
    freckles = _step(noise(points, 2.6, 4) + 0.35 * noise(points, 6.1, 5), 0.62, 0.85) * density.clamp(0, 1)
    color = _over(color, FRECKLE, 0.75 * mottled * freckles)
    for x, y, radius in MOLES:
        from_mole = torch.hypot(points[:, 0] - x, points[:, 1] - y)
        color = _over(color, HAIR, 0.8 * mottled * _step(from_mole, radius * 1.3, radius * 0.6) * (points[:, 2] > 0))
    lips = _lips(points)
    creases = 1 + 0.22 * noise(points * torch.tensor([1.0, 0.12, 0.12]), 5.0, 10) + 0.1 * noise(points, 6.0, 11)
    color = color + (lips * 0.85)[:, None] * (torch.tensor(LIP) * creases[:, None] - color)
    color = _over(color, HAIR, _brows(points, noise))
    color = _over(color, HAIR, _scalp(points, noise))
    color = _over(color, (0.05, 0.02, 0.015), 0.9 * _nostrils(points))
    color = _over(color, HAIR, 0.75 * texels.lid**2)
    inside = _step(texels.depth, 0.15, 1.2)
    flesh = torch.tensor(FLESH) / (1 + 0.5 * texels.depth[:, None])
    return color + inside[:, None] * (flesh - color)


def _lips(points: Tensor) -> Tensor:
    """1 on the red of the lips: a cupid's bow above, a fuller curve below."""
    x = points[:, 0].abs()
    thin = (1 - (x / 2.5) ** 2).clamp(min=0)
    upper = 0.74 * thin**0.8 - 0.17 * torch.exp(-((x / 0.42) ** 2))
    lower = 0.98 * thin**0.9
    above, below = points[:, 1] + 6.98, -6.98 - points[:, 1]
    edge = torch.where(above > 0, upper - above, lower - below)
    return _step(edge, -0.05, 0.1) * (x < 2.5) * (points[:, 2] > 4)


def _brows(points: Tensor, noise: ValueNoise) -> Tensor:
    x = points[:, 0].abs()
    along = ((x - 1.0) / 3.9).clamp(0, 1)
    line = 1.75 + 0.75 * torch.sin(along * 2.3) - 0.25 * along
    thick = 0.42 * (1 - 0.65 * along**2) * _step(x, 0.8, 1.3) * _step(x, 5.2, 4.4)
    slant = torch.stack([points[:, 0].abs() * 1.0 - 0.7 * points[:, 1], points[:, 1] * 0.25, points[:, 2] * 0.2], 1)
    hairs = 0.62 + 0.55 * noise(slant, 7.0, 12)
    ragged = thick * (1 + 0.35 * noise(points, 3.5, 13)) - (points[:, 1] - line).abs()
    return (_step(ragged, -0.06, 0.12) * hairs * (thick > 0.02) * (points[:, 2] > 3)).clamp(0, 0.92)


def _scalp(points: Tensor, noise: ValueNoise) -> Tensor:
    """Cropped hair: above the forehead, around the ears, down the back of the head."""
    x, y, z = points.unbind(1)
    front = 6.4 - 0.05 * x**2 + 0.5 * torch.exp(-((x / 1.5) ** 2))
    line = torch.where(z > 1.0, front - 5.5 * _step(x.abs(), 5.0, 6.8), torch.where(z > -2.5, 0.9, -5.5))
    line = line + 0.45 * noise(points, 1.6, 14)
    stubble = 0.72 + 0.4 * noise(points, 6.0, 15)
    return (_step(y - line, -0.25, 0.75) * stubble * (x.abs() < 7.6)).clamp(0, 0.9)


def _beard(points: Tensor) -> Tensor:
    """Where a shaven beard darkens the skin."""
    x, y, z = points.unbind(1)
    jaw = _step(y, -5.0 - 0.0 * x, -7.6) * _step(z, -0.5, 2.5) * _step(y, -14.0, -11.5)
    return jaw * (1 - _lips(points)) * (0.6 + 0.4 * _step(x.abs(), 2.4, 3.4))


def _nostrils(points: Tensor) -> Tensor:
    apart = torch.stack(
        [(points[:, 0].abs() - 0.55) / 0.3, (points[:, 1] + 4.42) / 0.28, (points[:, 2] - 9.1) / 0.55], 1
    )
    return _step((apart**2).sum(1), 1.3, 0.5)


def _eye(local: Tensor) -> Tensor:
    """Sclera with fine veins, iris with fibers and a dark ring, pupil; local 0..1, the pupil at the middle."""
    flat = (local - 0.5) * 2
    tilt = torch.linalg.vector_norm(flat, dim=1) * 2.1
    turn = torch.atan2(flat[:, 1], flat[:, 0])
    noise = ValueNoise(2)
    ring = torch.stack([torch.cos(turn) * 2.2, torch.sin(turn) * 2.2, tilt * 0.7], 1)
    veins = _step(noise(ring, 3.0, 1).abs(), 0.10, 0.0) * _step(tilt, 0.6, 1.1)
    white = torch.tensor([0.74, 0.70, 0.66]) - veins[:, None] * torch.tensor([0.08, 0.26, 0.26])
    fibers = 0.7 + 0.5 * noise(ring, 4.0, 2)
    iris = torch.tensor([0.10, 0.20, 0.20]) * fibers[:, None]
    iris = _over(iris, (0.28, 0.17, 0.05), _step(tilt, 0.34, 0.2) * 0.8)
    iris = _over(iris, (0.02, 0.03, 0.03), _step(tilt, 0.42, 0.49))
    color = white + _step(tilt, 0.52, 0.48)[:, None] * (iris - white)
    return _over(color, (0.004, 0.004, 0.004), _step(tilt, 0.2, 0.17))


def _teeth(local: Tensor) -> Tensor:
    """Twelve teeth across with dark gaps between them, and gum at the top."""
    tooth = torch.remainder(local[:, 0] * 12, 1.0)
    gap = _step((tooth - 0.5).abs(), 0.40, 0.5)
    white = torch.tensor([0.66, 0.60, 0.48]) * (1 - 0.65 * gap)[:, None]
    gum_line = 0.72 + 0.12 * torch.cos((tooth - 0.5) * 3.1)
    return _over(white, (0.36, 0.10, 0.10), _step(local[:, 1], gum_line - 0.02, gum_line + 0.06))


def _tongue(local: Tensor) -> Tensor:
    points = torch.stack([local[:, 0], local[:, 1], 0 * local[:, 0]], 1)
    shade = 1 + 0.25 * ValueNoise(3).layers(points, 20.0, 2) - 0.3 * torch.exp(-(((local[:, 0] - 0.5) / 0.04) ** 2))
    return torch.tensor([0.40, 0.13, 0.12]) * shade[:, None]


def _over(color: Tensor, top: tuple[float, float, float], amount: Tensor) -> Tensor:
    """``top`` painted over color (n, 3) with opacity amount (n,)."""
    return color + amount.clamp(0, 1)[:, None] * (torch.tensor(top) - color)


def _step(x: Tensor, start: float | Tensor, end: float | Tensor) -> Tensor:
    """Smooth step from 0 at ``start`` to 1 at ``end``, which may be the smaller."""
    inside = ((x - start) / (end - start)).clamp(0, 1)
    return inside * inside * (3 - 2 * inside)


def _fill(image: np.ndarray, covered: np.ndarray, rounds: int = 6) -> np.ndarray:
    """Grows the painted texels outwards, so that look-ups at the edge of an island find no black."""
    known, color = covered.astype(np.float32), image
    for _ in range(rounds):
        count = cv2.blur(known, (3, 3), borderType=cv2.BORDER_CONSTANT)
        total = cv2.blur(color * known[..., None], (3, 3), borderType=cv2.BORDER_CONSTANT)
        mean = total / np.maximum(count, 1e-6)[..., None]
        color = np.where(known[..., None] > 0, color, mean)
        known = (count > 0).astype(np.float32)
    return np.where(known[..., None] > 0, color, np.asarray(SKIN, np.float32))
