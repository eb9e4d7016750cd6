"""Which surface points a camera sees, judged against its depth image."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .interpolate import interpolate


def camera_depth_image(clip: Tensor, triangle_id: Tensor, barycentrics: Tensor, triangles: Tensor) -> Tensor:
    """Depth along the optical axis of the surface under every pixel.

    Args:
        clip: (B, V, 4) clip-space positions whose w is the camera depth in cm, as any perspective projection gives.
        triangle_id: (B, H, W) integer, -1 where empty.
        barycentrics: (B, H, W, 3).
        triangles: (F, 3) integer vertex indices.

    Returns:
        (B, H, W) in cm, +inf where empty.
    """
    depth = interpolate(clip[..., 3:], triangle_id, barycentrics, triangles).squeeze(-1)
    return depth.masked_fill(triangle_id < 0, torch.inf)


def visible(points: Tensor, camera_depth: Tensor, depth_image: Tensor, tolerance: float = 0.2) -> Tensor:
    """Whether points of the rendered surface are seen: inside the image, and nothing nearer in front of them.

    A point is held against the depth image at its own sub-pixel position, interpolated between the 2 x 2 pixels around
    it: inverse depth is affine over the image of a plane, so the comparison stays exact at grazing angles, where the
    least of the four depths would hide the surface behind itself and the greatest would let it show through. Empty
    pixels do not take part, so the far side does not shine through along the outline. Across a depth step the
    interpolated depth lies between the two surfaces, so within a pixel of an occluder the surface behind it counts as
    hidden, whose color there is mixed anyway.

    Args:
        points: (B, n, 2) pixel positions (x, y), pixel centers at .5.
        camera_depth: (B, n) depth of the points along the optical axis, cm.
        depth_image: (B, H, W) depth of the nearest surface, cm, +inf where empty.
        tolerance: cm by which a point may lie behind the depth image.

    Returns:
        (B, n) bool; false outside the image and behind the camera, true where all four pixels are empty.
    """
    behind, inside = _behind_surface(points, camera_depth, depth_image)
    return inside & (behind <= tolerance)


def _behind_surface(points: Tensor, camera_depth: Tensor, depth_image: Tensor) -> tuple[Tensor, Tensor]:
    """How far (cm) points (B, n, 2) of depth (B, n) lie behind depth_image (B, H, W), and whether they are in it."""
    height, width = depth_image.shape[1:]
    x, y = points.unbind(-1)
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height) & (camera_depth > 0)
    inverse_image = depth_image.to(points.dtype).reciprocal()  # 0 where empty
    images = torch.stack([inverse_image, (inverse_image > 0).to(inverse_image)], 1)
    places = torch.stack([x * (2 / width) - 1, y * (2 / height) - 1], -1)
    places = torch.where(inside[..., None], places, 0.0)[:, None]
    inverse, total = F.grid_sample(images, places, padding_mode="border", align_corners=False)[:, :, 0].unbind(1)
    return camera_depth - torch.where(total > 0, total / inverse, torch.inf), inside
