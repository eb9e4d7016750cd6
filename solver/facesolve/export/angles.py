"""Rotation matrices as the angles that other programs ask for, without jumps from frame to frame."""

from __future__ import annotations

import numpy as np

Z_UP_TO_Y_UP = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])  # z up, front at -y  ->  y up, front at +z


def maya_rotate_xyz(rotation: np.ndarray) -> np.ndarray:
    """Maya's rotateX, Y, Z of rotate order xyz, radians: ``R = Rz Ry Rx``. (F, 3, 3) -> (F, 3)."""
    angles = (
        np.arctan2(rotation[:, 2, 1], rotation[:, 2, 2]),
        np.arcsin(np.clip(-rotation[:, 2, 0], -1.0, 1.0)),
        np.arctan2(rotation[:, 1, 0], rotation[:, 0, 0]),
    )
    return np.unwrap(np.stack(angles, 1), axis=0)


def yaw_pitch_roll(rotation: np.ndarray) -> np.ndarray:
    """Yaw to the actor's right, pitch down, roll towards the actor's left shoulder, radians. (F, 3, 3) -> (F, 3).

    The rotation is of a head with y up that looks along +z: ``R = Ry(-yaw) Rx(pitch) Rz(-roll)``.
    """
    angles = (
        -np.arctan2(rotation[:, 0, 2], rotation[:, 2, 2]),
        np.arcsin(np.clip(-rotation[:, 1, 2], -1.0, 1.0)),
        -np.arctan2(rotation[:, 1, 0], rotation[:, 1, 1]),
    )
    return np.unwrap(np.stack(angles, 1), axis=0)
