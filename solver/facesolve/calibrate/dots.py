"""What perspective does to a dot: the middle of its image is not the image of its middle."""

from __future__ import annotations

import numpy as np

from .lens import project
from .sightings import Rig, Sighting

_AROUND = 24  # points on a dot's edge


def dot_bias(sighting: Sighting, rig: Rig, diameter: float) -> np.ndarray:
    """(n, 2) pixels from the image of each dot's middle to the middle of its image. diameter: cm.

    The image's middle is the center of gravity of its outline's polygon, lens distortion included.
    """
    angle = np.arange(_AROUND) * (2 * np.pi / _AROUND)
    edge = np.stack([np.cos(angle), np.sin(angle), 0 * angle], 1) * (diameter / 2)
    points = np.concatenate([sighting.points[:, None] + edge, sighting.points[:, None]], 1)  # (n, 25, 3)
    matrix = rig.cameras[sighting.camera] @ rig.boards[sighting.view]
    pixels = project(
        rig.lenses[sighting.camera],
        points.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3],
        rig.bends(sighting.camera),
    ).pixels
    pixels = pixels.reshape(points.shape[0], -1, 2)
    outline, middle = pixels[:, :-1] - pixels[:, -1:], pixels[:, -1]
    following = np.roll(outline, -1, axis=1)
    area = outline[..., 0] * following[..., 1] - outline[..., 1] * following[..., 0]
    gravity = ((outline + following) * area[..., None]).sum(1) / (3 * area.sum(1))[:, None]
    assert gravity.shape == middle.shape
    return gravity
