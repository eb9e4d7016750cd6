"""Small errors of the cameras that all frames of a take share: place, focal length and clock. Knows no images.

A calibration is never exact: a camera sags, a lens breathes, a recorder starts a few milliseconds late. An error moves
every point that the camera sees, so its derivatives are those of the observed color by the point's position, times how
far the point moves. The unknowns of each camera, in its own axes (OpenCV):

``w`` rotation (3), radians, and ``u`` translation (3), cm: ``x_cam <- exp(w) x_cam + u``; ``s``: focal length times
``1 + s``; ``d``: frames by which its images are late, so that it sees each point where it will be ``d`` frames later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from facesolve.geometry.camera import CameraModel
from facesolve.geometry.rotation import cross_matrix, rotation_from_tangent
from facesolve.take import Camera

from .observation import Views

UNKNOWNS = 8  # of a camera
ROTATION, TRANSLATION, FOCAL, DELAY = slice(0, 3), slice(3, 6), slice(6, 7), slice(7, 8)
LATE_DEVIATION = 0.3  # frames: cameras that run freely are up to half a frame apart
COMMON = 0.03  # of a camera's own deviation: how far all may be off together


@dataclass(frozen=True, eq=False)
class CameraErrors:
    """Errors of C cameras: (C, 8) float64, in the order of this module's first lines."""

    values: Tensor

    @staticmethod
    def none(count: int, device: torch.device) -> CameraErrors:
        """Cameras as they are calibrated."""
        return CameraErrors(torch.zeros(count, UNKNOWNS, dtype=torch.float64, device=device))

    def stepped(self, step: Tensor) -> CameraErrors:
        """Changed by (C * 8,)."""
        return CameraErrors(self.values + step.view_as(self.values))

    @property
    def delay(self) -> Tensor:
        """(C,) frames by which images are late."""
        return self.values[:, DELAY.start]

    def described(self, names: Sequence[str]) -> dict[str, dict[str, float]]:
        """For each camera rotation in degrees, translation in mm, focal length in percent, and frames it is late by."""
        turns = torch.rad2deg(self.values[:, ROTATION].norm(dim=1)).tolist()
        shifts = (10 * self.values[:, TRANSLATION].norm(dim=1)).tolist()
        rest = self.values[:, FOCAL.start :].tolist()
        return {
            name: {
                "rotation_degrees": round(turn, 4),
                "translation_mm": round(shift, 3),
                "focal_percent": round(100 * focal, 4),
                "late_frames": round(late, 3),
            }
            for name, turn, shift, (focal, late) in zip(names, turns, shifts, rest, strict=True)
        }

    def applied(self, cameras: CameraModel) -> CameraModel:
        """Cameras with leading dimensions (..., C) as they really are; all but their clocks."""
        values = self.values.to(cameras.rotation.dtype)
        turn = rotation_from_tangent(values[:, ROTATION])
        intrinsics = cameras.intrinsics.clone()
        intrinsics[..., :2, :2] *= 1 + values[:, FOCAL, None]
        return replace(
            cameras,
            intrinsics=intrinsics,
            rotation=turn @ cameras.rotation,
            translation=(turn @ cameras.translation[..., None])[..., 0] + values[:, TRANSLATION],
        )

    def seen(self, views: Views, velocity: Tensor) -> Views:
        """Views of calibrated cameras as those that the cameras really have. velocity: as ``Views.velocity``."""
        delay = self.delay.to(velocity.dtype)
        return replace(views, cameras=self.applied(views.cameras), velocity=velocity, delay=delay)

    def corrected(self, cameras: Sequence[Camera]) -> tuple[Camera, ...]:
        """The take's cameras as they really are; all but their clocks."""
        turns = rotation_from_tangent(self.values[:, ROTATION]).cpu().numpy()
        values = self.values.cpu().numpy()
        return tuple(_corrected(camera, turns[c], values[c]) for c, camera in enumerate(cameras))


def _corrected(camera: Camera, turn: np.ndarray, values: np.ndarray) -> Camera:
    intrinsics = np.array(camera.intrinsics)
    intrinsics[..., :2, :2] *= 1 + values[FOCAL]
    return replace(
        camera,
        intrinsics=intrinsics,
        rotation=turn @ camera.rotation,
        translation=(turn @ camera.translation[..., None])[..., 0] + values[TRANSLATION],
    )


def information(cameras: CameraModel, target: Tensor, pixels: float) -> Tensor:
    """(C * 8, C * 8) prior information of cameras (1, C) whose calibration is good to some pixels at full resolution.

    target: (3,) world, cm, what they look at. A rotation may move its image by ``pixels``, and so may a translation; a
    focal length what lies at the image's diagonal from it. What all cameras have in common is not theirs: turned and
    moved together they show the same as a head that is moved, and late together the same as a performance that is.
    """
    count = cameras.rotation.shape[1]
    rotation, focal = cameras.rotation[0].double(), cameras.intrinsics[0, :, 0, 0].double()
    there = (rotation @ target.double()) + cameras.translation[0].double()  # (C, 3) in the cameras' axes
    deviation = focal.new_empty(count, UNKNOWNS)
    deviation[:, ROTATION] = (pixels / focal)[:, None]
    deviation[:, TRANSLATION] = (pixels * there[:, 2] / focal)[:, None]
    deviation[:, FOCAL] = (pixels / torch.stack([cameras.widths, cameras.heights], 1).double().norm(dim=1))[:, None]
    deviation[:, DELAY] = LATE_DEVIATION
    common = focal.new_zeros(count, UNKNOWNS, 7)  # a camera's share in the mean turn, motion at the target, delay
    common[:, ROTATION, :3] = rotation
    common[:, ROTATION, 3:6] = -cross_matrix(there) @ rotation
    common[:, TRANSLATION, 3:6] = rotation
    common[:, DELAY.start, 6] = 1
    shares = common.flatten(0, 1) / count
    usual = deviation.mean(0)
    allowed = COMMON * torch.cat([usual[ROTATION], usual[TRANSLATION], usual[DELAY]])
    return torch.diag(deviation.flatten() ** -2) + (shares / allowed**2) @ shares.T


def error_columns(cameras: CameraModel, points: Tensor, covectors: Tensor, velocity: Tensor) -> Tensor:
    """Derivatives (B, C, N, 8) of the observed colors by each camera's errors.

    cameras: (B, C), as they really are, in the axes of the rig. points: (B, C, N, 3) rig space, cm, or (B, 1, N, 3).
    covectors: (B, C, N, 3) d color / d position, rig space, 1/cm. velocity: (B, N, 3) rig space, cm a frame, of the
    points in the world.
    """
    seen = points @ cameras.rotation.mT + cameras.translation[:, :, None]
    pull = covectors @ cameras.rotation.mT  # d color / d position in the camera's axes
    turning = torch.linalg.cross(seen.expand_as(pull), pull)
    zoom = (pull[..., :2] * seen[..., :2]).sum(-1, keepdim=True)
    late = (covectors * velocity[:, None]).sum(-1, keepdim=True)
    return torch.cat([turning, pull, zoom, late], -1)
