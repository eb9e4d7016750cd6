"""The head transform: the rigid part of a node's world matrix, ``x_world = head @ x_rig`` in centimetres."""

from __future__ import annotations

from typing import Tuple

import numpy as np
from maya import cmds

from .findings import SAMPLING, Refusal
from .geometry import world_matrix
from .motion import world_matrices
from .plugs import require_node, short_name


def head_node(name: str) -> str:
    """Long name of the head transform; Refusal when it is missing or no transform."""
    node = require_node(name, "head transform")
    if "transform" not in (cmds.nodeType(node, inherited=True) or []):
        raise Refusal(short_name(node), "it is no transform.", "Choose the transform above the head's mesh.")
    return node


def rigid_part(matrix: np.ndarray, node: str) -> np.ndarray:
    """(4, 4) rigid transform, column vectors, of a row-vector world matrix with its positive scale taken off.

    Refusal names ``node`` when the matrix is mirrored, sheared or flat.
    """
    axes = matrix[:3, :3]
    lengths = np.linalg.norm(axes, axis=1)
    if lengths.min() < 1e-9:
        raise Refusal(node, "its world matrix scales an axis to zero.", "Remove the scale.")
    axes = axes / lengths[:, None]
    if np.abs(axes @ axes.T - np.eye(3)).max() > 1e-4:
        raise Refusal(node, "its world matrix is sheared.", "Freeze the scale of the transforms above it.")
    if np.linalg.det(axes) < 0:
        raise Refusal(node, "its world matrix is mirrored.", "Remove the negative scale.")
    u, _, vt = np.linalg.svd(axes)
    rigid = np.eye(4)
    rigid[:3, :3] = (u @ vt).T
    rigid[:3, 3] = matrix[3, :3]
    return rigid


def head_at(node: str, time: float) -> np.ndarray:
    """(4, 4) rigid head transform at a scene time."""
    return rigid_part(world_matrices((node,), (time,))[node][0], short_name(node))


def head_now(node: str) -> np.ndarray:
    """(4, 4) rigid head transform as the scene stands."""
    return rigid_part(world_matrix(node), short_name(node))


def mesh_in_rig_space(shape: str, head: str, times: Tuple[float, ...]) -> np.ndarray:
    """(4, 4) row-vector matrix from the mesh's object space to rig space (the head transform taken off).

    Refusal when the mesh does not follow the head transform rigidly from the first to the last time.
    """
    seen = world_matrices((shape, head), (times[0], times[-1]))
    found = [
        matrix @ np.linalg.inv(rigid_part(above, short_name(head))).T for matrix, above in zip(seen[shape], seen[head])
    ]
    if np.abs(found[0] - found[1]).max() > 1e-4:
        raise Refusal(
            short_name(shape),
            "this mesh does not move with the head transform '{}'.".format(short_name(head)),
            "Choose a transform above the mesh. If the head is skinned to a joint: " + SAMPLING + ".",
        )
    return found[0]
