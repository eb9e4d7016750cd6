"""A small rigid motion of every camera but the first, learned along with everything else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from facesolve.geometry.rigid import inverse, retract, rigid
from facesolve.take import Camera


class CameraMotion:
    """Each camera sees ``x_cam = motion (R x + t)``; the first one's stays the identity, or the head could move along.

    Motions (C, 4, 4) are rigid and updated on the manifold.
    """

    def __init__(self, count: int, device: torch.device) -> None:
        self._motion = torch.eye(4, dtype=torch.float64, device=device).repeat(count, 1, 1)
        self.turn = torch.zeros(count, 3, device=device, requires_grad=True)
        self.shift = torch.zeros(count, 3, device=device, requires_grad=True)

    def moves_world(self, camera: int, rotation: Tensor, translation: Tensor) -> Tensor:
        """(4, 4) rigid: what a point in the world must do to be seen by the calibrated camera as by the moved one.

        rotation: (3, 3); translation: (3,): the calibrated pose. Differentiable in turn and shift.
        """
        step = torch.cat([self.turn[camera], self.shift[camera]])
        extrinsics = rigid(rotation, translation).to(step)
        return inverse(extrinsics) @ retract(self._motion[camera].to(step), step) @ extrinsics

    def keep_step(self) -> None:
        """Takes the present step up into the motions."""
        with torch.no_grad():
            step = torch.cat([self.turn, self.shift], 1).double()
            step[0] = 0
            self._motion = retract(self._motion, step)
            self.turn.zero_()
            self.shift.zero_()

    def refined(self, cameras: Sequence[Camera]) -> tuple[Camera, ...]:
        """The cameras where they were found to be."""
        motions = self._motion.cpu().numpy()
        return tuple(
            replace(
                camera,
                rotation=motion[:3, :3] @ camera.rotation,
                translation=camera.translation @ motion[:3, :3].T + motion[:3, 3],
            )
            for camera, motion in zip(cameras, np.asarray(motions), strict=True)
        )
