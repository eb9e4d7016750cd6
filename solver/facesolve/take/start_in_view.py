"""How much of the head each camera sees at the start pose. Knows neither images nor Maya."""

from __future__ import annotations

import numpy as np

from .take import Take

OUT_OF_SIGHT = 0.5  # part of the head outside the image that calls for a warning


def parts_in_view(take: Take) -> np.ndarray:
    """(C,) part of the rig's vertices, at rest, that lie inside each image at the start pose; 1 without one."""
    if take.start is None:
        return np.ones(len(take.cameras))
    world = take.rig.neutral @ take.start.head[:3, :3].T + take.start.head[:3, 3]
    index = int(np.searchsorted(take.frames, take.start.frame))
    parts = []
    for camera in take.cameras:
        intrinsics, rotation, translation = camera.at(index)
        in_camera = world @ rotation.T + translation
        depth = in_camera[:, 2:]
        pixels = (in_camera @ intrinsics.T)[:, :2] / np.where(np.abs(depth) > 1e-6, depth, np.inf)
        inside = ((pixels >= 0) & (pixels < (camera.width, camera.height))).all(axis=1) & (depth[:, 0] > 0)
        parts.append(inside.mean())
    return np.array(parts)
