"""Small meshes, a perspective camera and a brute-force rasterizer for the render tests."""

import math

import numpy as np
import torch
from torch import Tensor

NEAR, FAR = 1.0, 50.0


def sphere(rings: int, sectors: int, radius: float = 1.0) -> tuple[Tensor, Tensor]:
    """Welded UV sphere about the origin: vertices (V, 3) float64, triangles (F, 3) int32."""
    polar = torch.linspace(0, math.pi, rings + 1, dtype=torch.float64)[1:-1, None]
    azimuth = torch.arange(sectors, dtype=torch.float64) * (2 * math.pi / sectors)
    belt = [polar.sin() * azimuth.cos(), polar.cos().expand(-1, sectors), polar.sin() * azimuth.sin()]
    poles = torch.tensor([[0.0, 1, 0], [0, -1, 0]], dtype=torch.float64)
    vertices = torch.cat((torch.stack(belt, -1).reshape(-1, 3), poles)) * radius
    north, south = (rings - 1) * sectors, (rings - 1) * sectors + 1
    triangles = []
    for j in range(sectors):
        k = (j + 1) % sectors
        triangles += [(north, k, j), (south, (rings - 2) * sectors + j, (rings - 2) * sectors + k)]
        for i in range(rings - 2):
            a, b, c, d = i * sectors + j, i * sectors + k, (i + 1) * sectors + j, (i + 1) * sectors + k
            triangles += [(a, b, c), (b, d, c)]
    return vertices, torch.tensor(triangles, dtype=torch.int32)


def perspective(points: Tensor, resolution: tuple[int, int], focal: float) -> Tensor:
    """Clip positions (..., 4) of camera-space points (..., 3), x right, y down, z forward; focal in pixels."""
    height, width = resolution
    x, y, z = points.unbind(-1)
    depth = (FAR + NEAR) / (FAR - NEAR) * z - 2 * FAR * NEAR / (FAR - NEAR)
    return torch.stack((2 * focal * x / width, 2 * focal * y / height, depth, z), -1)


def flat_clip(pixels, resolution: tuple[int, int], depth=0.0) -> Tensor:
    """Clip positions (V, 4) with w = 1 at the given pixel positions (V, 2) and NDC depth (scalar or (V,))."""
    height, width = resolution
    pixels = torch.as_tensor(pixels, dtype=torch.float64)
    depth = torch.as_tensor(depth, dtype=torch.float64).expand(len(pixels))
    x, y = pixels[:, 0] / width * 2 - 1, pixels[:, 1] / height * 2 - 1
    return torch.stack((x, y, depth, torch.ones_like(x)), -1)


def random_triangles(count: int, resolution: tuple[int, int], seed: int, depth=(2.0, 8.0)) -> tuple[Tensor, Tensor]:
    """A soup: clip (1, 3 count, 4) float64 of unconnected triangles at camera depths in the range, and (count, 3)."""
    rng = np.random.default_rng(seed)
    height, width = resolution
    z = rng.uniform(*depth, (count, 3, 1))
    center = rng.uniform(-0.7, 0.7, (count, 1, 2)) * [width, height]
    corners = (center + rng.normal(0, 0.2 * width, (count, 3, 2))) * np.abs(z) / width
    points = torch.from_numpy(np.concatenate((corners, z), -1)).reshape(1, -1, 3)
    return perspective(points, resolution, focal=width), torch.arange(3 * count, dtype=torch.int32).view(-1, 3)


def brute_force(clip: Tensor, triangles: Tensor, resolution: tuple[int, int]) -> tuple[np.ndarray, ...]:
    """Each pixel's ray against each triangle, no projection and no clipping: clip (V, 4) -> id, barycentrics, depth.

    A pixel center is the line of clip points w (x, y, ., 1). Solving sum_k b_k (x_k, y_k, w_k) ~ (x, y, 1) for b gives
    the barycentrics wherever the corners are; the fragment counts for w > 0 and -w <= z <= w.
    """
    height, width = resolution
    y, x = np.mgrid[0:height, 0:width] + 0.5
    rays = np.stack((x / width * 2 - 1, y / height * 2 - 1, np.ones_like(x)), -1)
    best_id, best_depth = np.full((height, width), -1), np.full((height, width), np.inf)
    best_weights = np.zeros((height, width, 3))
    corners_of = clip.double().numpy()[triangles.numpy()]
    for index, corners in enumerate(corners_of):
        matrix = corners[:, [0, 1, 3]].T
        if abs(np.linalg.det(matrix)) < 1e-14:
            continue
        scaled = rays @ np.linalg.inv(matrix).T  # b / w
        weights = scaled / scaled.sum(-1, keepdims=True)
        z, w = weights @ corners[:, 2], weights @ corners[:, 3]
        hit = (weights >= 0).all(-1) & (w > 0) & (np.abs(z) <= w)
        nearer = hit & (z / w < best_depth)
        best_id[nearer], best_depth[nearer], best_weights[nearer] = index, (z / w)[nearer], weights[nearer]
    return best_id, best_weights, best_depth
