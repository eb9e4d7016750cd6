"""Moves pictures so that the head stands still in them: position, size and tilt, by a similarity in the image."""

from __future__ import annotations

import numpy as np
import torch

from facesolve.geometry.camera import CameraModel, without_distortion
from facesolve.geometry.rig import apply_head

from .scene import SolvedTake


def head_similarities(scene: SolvedTake, camera: int, rows: list[int]) -> np.ndarray:
    """For each of n frames the similarity (n, 2, 3), undistorted footage pixels, that lays the head over the first's.

    The least squares fit to the projected neutral, moved by the head transform alone, so that no expression moves the
    picture. A turn of the head stays visible; what it does to position, size and tilt does not.
    """
    lens = without_distortion(scene.take.cameras[camera])
    indices = [scene.rows[row] for row in rows]
    model = CameraModel.from_cameras([lens], indices, scene.model.device, torch.float64)
    face = scene.model.moving_vertices()
    neutral = scene.model.neutral[face if bool(face.any()) else slice(None)].double()
    head = scene.pose.head[rows]
    pixels = model.project(apply_head(head, neutral.expand(len(rows), -1, -1))[:, None]).pixels[:, 0].cpu().numpy()
    return np.stack([similarity(frame, pixels[0]) for frame in pixels])


def similarity(points: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(2, 3) rotation, uniform scale and shift that bring points (n, 2) nearest to ``target`` (n, 2)."""
    center, aim = points.mean(0), target.mean(0)
    a, b = points - center, target - aim
    spread = (a * a).sum()
    cosine = (a * b).sum() / spread
    sine = (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum() / spread
    turn = np.array([[cosine, -sine], [sine, cosine]])
    return np.concatenate([turn, (aim - turn @ center)[:, None]], 1)
