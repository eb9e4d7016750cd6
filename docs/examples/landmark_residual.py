"""A residual of one's own: points of the rig should project to where a detector saw them in the images.

landmarks = LandmarkResidual(vertices, detections, deviation=1.5)
solution = facesolve.solve(take, residuals=[landmarks])
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from facesolve.geometry.pose import Pose
from facesolve.geometry.rigid import step_basis
from facesolve.residuals.quadratic import Quadratic
from facesolve.residuals.residual import STAGES, Known


@dataclass(frozen=True, eq=False)
class LandmarkResidual:
    """vertices: (N,) the rig's vertex of each landmark. detections: (F, C, N, 2) pixels of the undistorted images, the
    first pixel's center at (0.5, 0.5); NaN where nothing was detected. deviation: pixels, one standard deviation."""

    vertices: np.ndarray
    detections: np.ndarray
    deviation: float
    stages: ClassVar = STAGES

    def quadratic(self, known: Known, frames: Tensor, pose: Pose) -> Quadratic:
        model = known.model
        vertices = torch.as_tensor(self.vertices, device=model.device)
        detected = torch.as_tensor(self.detections, device=model.device)[frames]  # (B, C, N, 2)
        # the landmarks in rig space, and their derivative by the controls and the head's step
        points, slopes = model.at_vertices(pose.controls.to(model.dtype), vertices)  # (B, N, 3), (B, N, 3, K)
        by_step = torch.cat([slopes, step_basis(points)], -1)  # (B, N, 3, K+6)
        # through the cameras, placed in the head's axes
        cameras = known.views.cameras(0, frames.tolist()).within(pose.head.to(model.dtype))
        projection, by_point = cameras.project_with_jacobian(points[:, None])  # (B, C, N, 2), (B, C, N, 2, 3)
        seen = (detected.isfinite().all(-1) & projection.valid)[..., None]
        r = torch.where(seen, projection.pixels - detected, 0.0).flatten(1) / self.deviation  # (B, R)
        J = torch.where(seen[..., None], by_point @ by_step[:, None], 0.0).flatten(1, 3).double() / self.deviation
        return Quadratic(A=J.mT @ J, b=-(r[:, None] @ J)[:, 0], cost=0.5 * (r * r).sum(1))
