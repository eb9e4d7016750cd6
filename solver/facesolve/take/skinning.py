"""Numpy evaluation of joints and skin: channels -> joints in rig space -> vertices. Knows no controls. Python 3.7."""

from __future__ import annotations

from typing import Sequence

import numpy as np

from .skeleton import CHANNELS, RIG_SPACE, Channel, Joint, Skin


def joint_matrices(joints: Sequence[Joint], channels: Sequence[Channel], values: np.ndarray) -> np.ndarray:
    """(F, J, 4, 4) joints in rig space, for column vectors, at values (F, C) of the channels, added to the rest."""
    numbers = (
        np.tile(np.stack([joint.rest for joint in joints]), (len(values), 1, 1)) if joints else np.zeros((0, 0, 9))
    )
    for place, channel in enumerate(channels):
        numbers[:, channel.joint, CHANNELS.index(channel.attribute)] += values[:, place]
    world = np.zeros((len(values), len(joints), 4, 4))
    for index, joint in enumerate(joints):
        scale = numbers[:, index, 6:]
        turn = joint.orient @ euler_rotations(numbers[:, index, 3:6], joint.rotate_order) @ joint.axis
        local = np.zeros((len(values), 4, 4))
        local[:, :3, :3] = turn * scale[:, None]
        local[:, :3, 3], local[:, 3, 3] = numbers[:, index, :3], 1.0
        if joint.compensate and joint.parent != RIG_SPACE:
            local[:, :3, :3] /= numbers[:, joint.parent, 6:, None]
        world[:, index] = local if joint.parent == RIG_SPACE else world[:, joint.parent] @ local
    return world


def euler_rotations(degrees: np.ndarray, order: str) -> np.ndarray:
    """(..., 3, 3) rotations, for column vectors, by angles (..., 3) about x, y, z; the axis named first turns first."""
    radians = np.radians(np.asarray(degrees, np.float64))
    rotation = np.eye(3)
    for letter in order:
        axis = "xyz".index(letter)
        first, second = (axis + 1) % 3, (axis + 2) % 3
        cosine, sine = np.cos(radians[..., axis]), np.sin(radians[..., axis])
        about = np.zeros((*radians.shape[:-1], 3, 3))
        about[..., axis, axis] = 1.0
        about[..., first, first], about[..., first, second] = cosine, -sine
        about[..., second, first], about[..., second, second] = sine, cosine
        rotation = about @ rotation
    return rotation


def influence_matrices(skin: Skin, world: np.ndarray) -> np.ndarray:
    """(F, I, 4, 4) what each influence does to points of rig space, with joints at world (F, J, 4, 4)."""
    still = np.tile(np.eye(4), (len(world), 1, 1, 1))
    return np.concatenate([world, still], axis=1)[:, skin.joints] @ skin.inverse_bind


def skinned(skin: Skin, matrices: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points (F, V, 3) in rig space, carried by influences at matrices (F, I, 4, 4) of ``influence_matrices``."""
    vertex = np.repeat(np.arange(len(skin.offsets) - 1), np.diff(skin.offsets))
    held = np.flatnonzero(np.diff(skin.offsets))
    out = np.array(points, np.float64)
    if not len(held):
        return out
    weights = skin.weights.astype(np.float64)[:, None]
    for row, of_frame in zip(out, matrices):
        turned = of_frame[skin.influences]
        moved = (turned[:, :3, :3] @ row[vertex][:, :, None])[:, :, 0] + turned[:, :3, 3]
        row[held] = np.add.reduceat(weights * moved, skin.offsets[held], axis=0)
    return out
