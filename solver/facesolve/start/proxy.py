"""The head as a cloud of surface points, cheap enough to be tried at thousands of poses: which of them a camera sees
depends on the direction alone. Knows no image."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from facesolve.geometry.camera import CameraModel, look_along
from facesolve.geometry.rig import RigModel
from facesolve.geometry.surface_samples import spread
from facesolve.render import visible
from facesolve.render.posed_rig import camera_depth, draw, mesh_of
from facesolve.take import Camera

from .orientation import RigAxes, rig_axes

POINTS = 3000
DIRECTIONS = 92  # from which visibility is found; neighbors are about 20 degrees apart
PICTURE = 160  # pixels a side, for visibility
FAR_AWAY = 12.0  # head radii
TOLERANCE = 0.02  # of the radius: how far a visible point may lie behind the depth picture
SYMMETRIC_WITHIN = 0.06  # of the radius: how near a point's mirror image must be to the surface


@dataclass(frozen=True, eq=False)
class HeadProxy:
    """P points of the rig's surface at its default controls, rig space, cm.

    points, normals: (P, 3); normals are unit, of either sign. skin: (P,) bool, surface whose color may be compared.
    mirror: (P,) int64 index of the point on the other side of the face, -1 where the rig is not symmetric.
    directions: (D, 3) unit. seen: (D, P) bool, whether somebody far away in that direction sees the point.
    center: (3,); radius: root mean square distance of the points from it.
    """

    points: Tensor
    normals: Tensor
    skin: Tensor
    mirror: Tensor
    directions: Tensor
    seen: Tensor
    center: Tensor
    radius: float
    axes: RigAxes

    def thinned(self, stride: int) -> HeadProxy:
        """Every ``stride``-th point: as even over the surface as all of them."""
        points, skin = self.points[::stride], self.skin[::stride]
        return replace(
            self,
            points=points,
            normals=self.normals[::stride],
            skin=skin,
            mirror=_mirror(points, skin, self.axes, self.radius),
            seen=self.seen[:, ::stride],
        )


def make_proxy(model: RigModel) -> HeadProxy:
    """The proxy of a rig; points nobody can see from outside (mouth bag, eye sockets) are left out."""
    vertices = model.vertices(model.default[None])[0]
    weight = model.face_weight
    corners = vertices[model.triangles]
    cross = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    triangles, barycentrics = spread(cross.norm(dim=1), POINTS)
    points = (corners[triangles] * barycentrics[..., None]).sum(1)
    normals = F.normalize(cross[triangles], dim=1)
    skin = (weight[model.triangles].amin(1) > 0)[triangles]
    directions = _sphere(DIRECTIONS).to(points)
    seen = _seen_from(model, vertices, points, directions)
    kept = seen.any(0)
    points, normals, skin, seen = points[kept], normals[kept], skin[kept], seen[:, kept]
    center = points.mean(0)
    radius = float((points - center).norm(dim=1).square().mean().sqrt())
    axes = rig_axes(model.rig)
    mirror = _mirror(points, skin, axes, radius)
    return HeadProxy(points, normals, skin, mirror, directions, seen, center, radius, axes)


def _seen_from(model: RigModel, vertices: Tensor, points: Tensor, directions: Tensor) -> Tensor:
    """(D, P) bool: which points somebody sees who looks at the head from far away in each direction."""
    center = (vertices.amin(0) + vertices.amax(0)) / 2
    extent = float((vertices - center).norm(dim=1).max())
    cameras = [_distant_camera(direction, center, extent) for direction in directions.double().cpu().numpy()]
    lenses = CameraModel.from_cameras(cameras, [0], model.device, model.dtype)
    projection = lenses.project(points[None, None])
    mesh, rows = mesh_of(model), []
    for index in range(len(cameras)):
        depth = camera_depth(mesh, draw(mesh, vertices[None], lenses, index))
        seen = visible(projection.pixels[:, index], projection.depth[:, index], depth, TOLERANCE * extent)
        rows.append(seen[0])
    return torch.stack(rows)


def _distant_camera(direction: np.ndarray, center: Tensor, extent: float) -> Camera:
    distance = FAR_AWAY * extent
    focal = 0.48 * PICTURE * distance / extent
    intrinsics = np.array([[focal, 0, PICTURE / 2], [0, focal, PICTURE / 2], [0, 0, 1.0]])
    up = np.eye(3)[np.argmin(np.abs(direction))]
    rotation = look_along(-direction, up)
    place = center.double().cpu().numpy() + distance * direction
    return Camera("distant", PICTURE, PICTURE, intrinsics, rotation, -rotation @ place)


def _sphere(count: int) -> Tensor:
    """``count`` unit directions (count, 3), evenly spread (Fibonacci's spiral)."""
    step = torch.arange(count, dtype=torch.float64) + 0.5
    height = 1 - 2 * step / count
    angle = step * (np.pi * (3 - 5**0.5))
    ring = (1 - height**2).sqrt()
    return torch.stack([ring * angle.cos(), height, ring * angle.sin()], 1)


def _mirror(points: Tensor, skin: Tensor, axes: RigAxes, radius: float) -> Tensor:
    """(P,) index of the skin point nearest to each skin point's image in the head's middle plane, else -1."""
    left = torch.as_tensor(axes.left).to(points)
    along = points @ left
    middle = (along[skin].min() + along[skin].max()) / 2
    images = points - 2 * (along - middle)[:, None] * left
    distance, nearest = torch.cdist(images, points).masked_fill(~skin, torch.inf).min(1)
    near = SYMMETRIC_WITHIN * radius + 0.5 * radius * (4 * np.pi / len(points)) ** 0.5  # half of the points' spacing
    return torch.where(skin & (distance < near), nearest, -1)
