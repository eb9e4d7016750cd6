"""Cameras with Brown-Conrady or fisheye lenses: projection with its Jacobian, undistortion, clip space, conversions.

The only place of camera conversions; those that Maya needs too are in ``facesolve.take.film`` and offered here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from facesolve.take import Camera
from facesolve.take.camera import BROWN, FISHEYE
from facesolve.take.film import (
    FilmBack,
    extrinsics_from_maya_world_matrix,
    film_back_from_intrinsics,
    intrinsics_from_film_back,
    maya_world_matrix_from_extrinsics,
)

from .lens import distorted_points, padded, radius_limit

__all__ = [
    "CameraModel",
    "FilmBack",
    "Projection",
    "clip_matrix",
    "extrinsics_from_maya_world_matrix",
    "film_back_from_intrinsics",
    "intrinsics_from_film_back",
    "intrinsics_from_opencv",
    "intrinsics_to_opencv",
    "look_along",
    "map_to_opencv",
    "maya_world_matrix_from_extrinsics",
    "pixels_from_opencv",
    "pixels_to_opencv",
    "resized",
    "scaled",
    "undistortion_maps",
    "warped",
    "without_distortion",
]

NEAREST = 1e-2  # centimeters in front of the camera; nearer points are not projected
OUTSIDE = -1e6  # pixel coordinate of points that are not projected
_NEWTON_STEPS = 20


class Projection(NamedTuple):
    """pixels: (..., n, 2), (-1e6, -1e6) where not valid. depth: (..., n) z in the camera, centimeters.

    valid: (..., n) bool: in front of the camera and within the lens model's range (the image's edge is not considered).
    normalized: (..., n, 2) on the plane z = 1, before distortion; zero where not valid.
    """

    pixels: Tensor
    depth: Tensor
    valid: Tensor
    normalized: Tensor


@dataclass(frozen=True, eq=False)
class CameraModel:
    """C cameras as tensors, OpenCV convention (``x_cam = R x_world + t``, +z forward, y down), centimeters, pixels.

    The first pixel's center is (0.5, 0.5). Leading dimensions ``...`` are (C,) for one frame, (B, C) for several.

    intrinsics: (..., 3, 3). rotation: (..., 3, 3). translation: (..., 3). widths, heights: (C,) int64 pixels.
    distortion: (C, 8) k1 k2 p1 p2 k3 k4 k5 k6, of a fisheye k1 k2 k3 k4 and zeros, or None when no camera has any.
    radius_limit: (C,) squared radius on the z = 1 plane up to which the distortion is one-to-one; inf without it.
    fisheye: (C,) bool, None when no camera is one.
    """

    intrinsics: Tensor
    rotation: Tensor
    translation: Tensor
    distortion: Tensor | None
    radius_limit: Tensor
    widths: Tensor
    heights: Tensor
    fisheye: Tensor | None = None

    @staticmethod
    def from_cameras(
        cameras: Sequence[Camera],
        frame_index: int | Sequence[int] = 0,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> CameraModel:
        """Cameras at the 0-based take frame ``frame_index``, or at several frames (leading dimensions (B, C)).

        Give ``without_distortion(camera)`` for cameras whose images are undistorted.
        """
        indices = [frame_index] if isinstance(frame_index, int) else list(frame_index)
        frames = [[camera.at(index) for camera in cameras] for index in indices]
        intrinsics, rotation, translation = (
            np.stack([np.stack([parts[i] for parts in frame]) for frame in frames]) for i in range(3)
        )
        if isinstance(frame_index, int):
            intrinsics, rotation, translation = intrinsics[0], rotation[0], translation[0]
        distortion = np.stack([padded(camera.distortion) for camera in cameras])
        limits = np.array([radius_limit(camera) for camera in cameras])
        fisheye = np.array([camera.lens == FISHEYE for camera in cameras])

        def tensor(values: np.ndarray) -> Tensor:
            return torch.tensor(values, device=device, dtype=dtype)

        return CameraModel(
            intrinsics=tensor(intrinsics),
            rotation=tensor(rotation),
            translation=tensor(translation),
            distortion=tensor(distortion) if any(camera.distorted for camera in cameras) else None,
            radius_limit=tensor(limits),
            widths=torch.tensor([camera.width for camera in cameras], device=device),
            heights=torch.tensor([camera.height for camera in cameras], device=device),
            fisheye=torch.tensor(fisheye, device=device) if fisheye.any() else None,
        )

    def at(self, frames: Tensor) -> CameraModel:
        """The cameras at some frames: (n,) indices into the leading dimension of (B, C)."""
        return replace(
            self,
            intrinsics=self.intrinsics[frames],
            rotation=self.rotation[frames],
            translation=self.translation[frames],
        )

    @property
    def centers(self) -> Tensor:
        """(..., 3) centers of projection, world, centimeters."""
        return -(self.rotation.mT @ self.translation[..., None])[..., 0]

    def within(self, frames: Tensor) -> CameraModel:
        """The cameras (B, C) in the axes of rigid transforms (B, 4, 4) to the world: of points given in those axes."""
        composed = self.rotation @ frames[:, None, :3]  # (B, C, 3, 4)
        return replace(self, rotation=composed[..., :3], translation=composed[..., 3] + self.translation)

    def project(self, points: Tensor) -> Projection:
        """Pixels and depths of world points, centimeters; differentiable.

        points: (..., n, 3), leading dimensions broadcast against the cameras': (n, 3) and (C, n, 3) give (C, n, 2),
        (B, 1, n, 3) gives (B, C, n, 2). Model: OpenCV, "Camera Calibration and 3D Reconstruction".
        """
        return self._projection(*self._normalized(points))

    def project_with_jacobian(self, points: Tensor) -> tuple[Projection, Tensor]:
        """As ``project``, and d pixel / d x_world (..., n, 2, 3), pixels a centimeter; zero where not valid."""
        normalized, depth, valid = self._normalized(points)
        inverse_depth = 1 / torch.where(valid, depth, 1.0)
        zero = torch.zeros_like(inverse_depth)
        x, y = normalized.unbind(-1)
        J_normalized_camera = torch.stack(
            (inverse_depth, zero, -x * inverse_depth, zero, inverse_depth, -y * inverse_depth), -1
        ).unflatten(-1, (2, 3))
        J_pixel_normalized = self.intrinsics[..., None, :2, :2]
        if self.distortion is not None:
            J_pixel_normalized = J_pixel_normalized @ distorted_points(normalized, self.distortion, self.fisheye)[1]
        jacobian = J_pixel_normalized @ J_normalized_camera @ self.rotation[..., None, :, :]
        return self._projection(normalized, depth, valid), torch.where(valid[..., None, None], jacobian, 0.0)

    def pull_back(self, projection: Projection, slopes: Tensor) -> Tensor:
        """Derivative by the world position of something whose derivative by the pixel is known, without a Jacobian.

        projection: of the points, by ``project``; slopes: (..., n, 2) a pixel. Returns (..., n, 3) a centimeter,
        ``slopes @ d pixel / d x_world``; zero where a point is not valid.
        """
        across = slopes @ self.intrinsics[..., :2, :2]
        if self.distortion is not None:
            across = (across[..., None, :] @ distorted_points(projection.normalized, self.distortion, self.fisheye)[1])[
                ..., 0, :
            ]
        across = across * torch.where(projection.valid, projection.depth.reciprocal(), 0.0)[..., None]
        along = -(across * projection.normalized).sum(-1, keepdim=True)
        return torch.cat((across, along), -1) @ self.rotation

    def undistort_points(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Where pixels of the stored image lie in the undistorted image of the same intrinsics, by Newton's method.

        pixels: (..., n, 2), leading dimensions broadcast as in ``project``. Returns pixels (..., n, 2) and valid
        (..., n) bool: False where the lens model does not reach that pixel.
        """
        offset = pixels - self.intrinsics[..., None, :2, 2]
        distorted = offset @ torch.linalg.inv(self.intrinsics[..., :2, :2]).mT
        if self.distortion is None:
            return pixels.expand(*distorted.shape), torch.ones_like(distorted[..., 0], dtype=torch.bool)
        largest = 0.9999 * self.radius_limit.sqrt()[..., None, None]
        solution = distorted
        for _ in range(_NEWTON_STEPS):
            solution = solution * (largest / torch.linalg.vector_norm(solution, dim=-1, keepdim=True)).clamp(max=1)
            value, jacobian = distorted_points(solution, self.distortion, self.fisheye)
            step = torch.linalg.solve_ex(jacobian, (distorted - value)[..., None])[0][..., 0]
            solution = solution + step
        value, _ = distorted_points(solution, self.distortion, self.fisheye)
        error = torch.linalg.vector_norm(value - distorted, dim=-1)
        inside = (solution * solution).sum(-1) < self.radius_limit[..., None]
        valid = inside & (error < 100 * torch.finfo(error.dtype).eps * (1 + distorted.norm(dim=-1)))
        return self._pixels(torch.where(valid[..., None], solution, distorted)), valid

    def clip_matrices(self, near: float | Tensor, far: float | Tensor) -> Tensor:
        """``clip_matrix`` of every camera, without distortion; near, far: centimeters, or (...). (..., 4, 4)."""
        return clip_matrix(self.intrinsics, self.rotation, self.translation, self.widths, self.heights, near, far)

    def _normalized(self, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Points on the z = 1 plane (zero where not valid), depth, valid."""
        camera = points @ self.rotation.mT + self.translation[..., None, :]
        depth = camera[..., 2]
        valid = depth > NEAREST
        normalized = camera[..., :2] / torch.where(valid, depth, 1.0)[..., None]
        if self.distortion is not None:
            valid = valid & ((normalized * normalized).sum(-1) < self.radius_limit[..., None])
        return torch.where(valid[..., None], normalized, 0.0), depth, valid

    def _projection(self, normalized: Tensor, depth: Tensor, valid: Tensor) -> Projection:
        distorted = normalized
        if self.distortion is not None:
            distorted = distorted_points(normalized, self.distortion, self.fisheye)[0]
        return Projection(torch.where(valid[..., None], self._pixels(distorted), OUTSIDE), depth, valid, normalized)

    def _pixels(self, normalized: Tensor) -> Tensor:
        return normalized @ self.intrinsics[..., :2, :2].mT + self.intrinsics[..., None, :2, 2]


def clip_matrix(
    intrinsics: Tensor,
    rotation: Tensor,
    translation: Tensor,
    width: int | Tensor,
    height: int | Tensor,
    near: float | Tensor,
    far: float | Tensor,
) -> Tensor:
    """World to clip space for rasterizers: ``clip = M (x, y, z, 1)``, OpenGL's -1..1 cube after division by w.

    ROW 0 OF THE IMAGE IS y_ndc = -1, as in nvdiffrast's buffers (not as on an OpenGL screen): pixel (u, v) is at
    ``(2u/width - 1, 2v/height - 1)``. w is the depth in the camera; near and far, centimeters, map to -1 and 1.

    intrinsics, rotation: (..., 3, 3). translation: (..., 3). width, height: pixels, int or (...) -> (..., 4, 4).
    """
    pixels_to_clip = torch.zeros(*intrinsics.shape[:-2], 4, 3, device=intrinsics.device, dtype=intrinsics.dtype)
    pixels_to_clip[..., 0, 0] = 2.0 / torch.as_tensor(width).to(intrinsics)
    pixels_to_clip[..., 1, 1] = 2.0 / torch.as_tensor(height).to(intrinsics)
    pixels_to_clip[..., 0:2, 2] = -1.0
    pixels_to_clip[..., 2, 2] = (far + near) / (far - near)
    pixels_to_clip[..., 3, 2] = 1.0
    extrinsics = torch.cat((rotation, translation[..., None]), -1)
    clip = pixels_to_clip @ intrinsics @ extrinsics
    clip[..., 2, 3] -= 2.0 * far * near / (far - near)
    return clip


def scaled(camera: Camera, factor: float) -> Camera:
    """The camera of the image scaled by ``factor`` (0.5: each 2x2 block becomes one pixel).

    With pixel centers at .5 the intrinsics scale linearly. A last row or column that does not fill a pixel is dropped,
    as by average pooling.
    """
    intrinsics = camera.intrinsics.copy()
    intrinsics[..., :2, :] *= factor
    width, height = (max(1, int(size * factor + 1e-6)) for size in (camera.width, camera.height))
    return replace(camera, intrinsics=intrinsics, width=width, height=height)


def resized(camera: Camera, width: int, height: int) -> Camera:
    """The camera of its images stretched to ``width`` x ``height`` pixels."""
    stretch = np.diag([width / camera.width, height / camera.height, 1.0])
    return replace(camera, intrinsics=stretch @ camera.intrinsics, width=width, height=height)


def warped(camera: Camera, pixel_map: np.ndarray) -> Camera:
    """The camera of the images that ``pixel_map`` (2, 3) makes of its own: p' = A p + b.

    The camera must be free of distortion; a map that mirrors or turns by a quarter or more is not a camera's.
    """
    return replace(camera, intrinsics=np.concatenate([pixel_map, [[0.0, 0.0, 1.0]]]) @ camera.intrinsics)


def cropped(camera: Camera, x: int, y: int, width: int, height: int) -> Camera:
    """The camera of a part of its images, whose first pixel is their (x, y); it must be free of distortion."""
    moved = warped(camera, np.array([[1.0, 0.0, -x], [0.0, 1.0, -y]]))
    return replace(moved, width=width, height=height)


def without_distortion(camera: Camera) -> Camera:
    """The camera of the undistorted images: same intrinsics and pose, no distortion."""
    return replace(camera, distortion=np.zeros(0), lens=BROWN)


def look_along(forward: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Rotation (3, 3), world to camera, of an upright camera that looks along ``forward`` (3,); ``up`` (3,) world.

    Neither need be of unit length; they must not be parallel.
    """
    forward = forward / np.linalg.norm(forward)
    right = np.cross(forward, up)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(forward, right), forward])


def intrinsics_from_opencv(intrinsics: np.ndarray) -> np.ndarray:
    """From intrinsics whose first pixel's center is (0, 0), as cv2's calibration gives, to (0.5, 0.5). (..., 3, 3)."""
    shifted = np.array(intrinsics, np.float64)
    shifted[..., :2, 2] += 0.5
    return shifted


def intrinsics_to_opencv(intrinsics: np.ndarray) -> np.ndarray:
    """The inverse of ``intrinsics_from_opencv``: what cv2 functions must be given. (..., 3, 3)."""
    shifted = np.array(intrinsics, np.float64)
    shifted[..., :2, 2] -= 0.5
    return shifted


def map_to_opencv(pixel_map: np.ndarray) -> np.ndarray:
    """An affine map of pixels (2, 3), centers at .5, as ``cv2.warpAffine`` must be given it (centers at integers)."""
    shifted = np.array(pixel_map, np.float64)
    shifted[:, 2] += shifted[:, :2].sum(1) * 0.5 - 0.5
    return shifted


def pixels_from_opencv(pixels: np.ndarray) -> np.ndarray:
    """From pixels whose first center is (0, 0), as cv2's detectors give, to (0.5, 0.5). (..., 2)."""
    return np.asarray(pixels, np.float64) + 0.5


def pixels_to_opencv(pixels: np.ndarray) -> np.ndarray:
    """The inverse of ``pixels_from_opencv``: where cv2 must draw. (..., 2)."""
    return np.asarray(pixels, np.float64) - 0.5


def undistortion_maps(camera: Camera, frame_index: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Maps for ``cv2.remap`` that undistort the camera's stored images, intrinsics unchanged.

    Returns map_x and map_y, (height, width) float32: where to read, in cv2.remap's pixels (first center at 0). Pixels
    that the lens model does not reach read from -2, outside the image. ``frame_index``: for a zooming camera.
    """
    intrinsics = torch.from_numpy(camera.at(frame_index)[0])
    rows, columns = torch.meshgrid(
        torch.arange(camera.height, dtype=torch.float64), torch.arange(camera.width, dtype=torch.float64), indexing="ij"
    )
    offset = torch.stack((columns, rows), -1) + 0.5 - intrinsics[:2, 2]
    normalized = offset @ torch.linalg.inv(intrinsics[:2, :2]).mT
    reached = (normalized * normalized).sum(-1, keepdim=True) < radius_limit(camera)
    coefficients, fisheye = torch.from_numpy(padded(camera.distortion)), torch.tensor(camera.lens == FISHEYE)
    distorted, _ = distorted_points(torch.where(reached, normalized, 0.0), coefficients, fisheye if fisheye else None)
    pixels = distorted @ intrinsics[:2, :2].mT + intrinsics[:2, 2] - 0.5
    maps = torch.where(reached, pixels, -2.0).float().numpy()
    return np.ascontiguousarray(maps[..., 0]), np.ascontiguousarray(maps[..., 1])
