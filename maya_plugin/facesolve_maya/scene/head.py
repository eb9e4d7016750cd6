"""The head transform: the rigid part of a node's world matrix, ``x_world = head @ x_rig`` in centimeters."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Iterator, Tuple

import numpy as np
from maya import cmds

from .findings import SAMPLING, Refusal
from .geometry import world_matrix
from .motion import world_matrices
from .plugs import driver_of, obstacle, require_node, short_name
from .undisturbed import undisturbed
from .units import internal_factor

_NUDGE = 0.2  # centimeters and radians
_STILL = 1e-6


def head_node(name: str) -> str:
    """Long name of the head transform; Refusal when it is missing or no transform."""
    node = require_node(name, "head transform")
    if "transform" not in (cmds.nodeType(node, inherited=True) or []):
        raise Refusal(short_name(node), "it is not a transform.", "Choose the transform above the head's mesh.")
    return node


def rigid_part(matrix: np.ndarray, node: str) -> np.ndarray:
    """(4, 4) rigid transform, column vectors, of a row-vector world matrix with its positive scale taken off.

    Refusal names ``node`` when the matrix is mirrored, sheared or flat.
    """
    if not np.isfinite(matrix).all():
        raise Refusal(node, "its world matrix holds a value that is no number.", "Repair the curves that move it.")
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


def above_in_dag(head: str, shape: str) -> bool:
    """True when ``shape`` lies below ``head`` and all transforms between them pass its motion on."""
    head = cmds.ls(head, long=True)[0]
    node = cmds.ls(shape, long=True)[0].rpartition("|")[0]
    while node.startswith(head + "|"):
        if not cmds.getAttr(node + ".inheritsTransform"):
            return False
        node = node.rpartition("|")[0]
    return node == head


@contextmanager
def nudged(head: str, time: float) -> Iterator[None]:
    """``head`` moved a little at a scene time by the channels that are free, and put back afterwards."""
    free = [
        plug
        for plug in (head + channel for channel in (".translateX", ".translateY", ".rotateX", ".rotateY"))
        if driver_of(plug) is None and not obstacle(plug)
    ]
    with undisturbed(free, time):
        for plug in free:
            cmds.setAttr(plug, cmds.getAttr(plug) + _NUDGE / internal_factor(plug))
        yield


def _refuse_bystander(head: str, shape: str, time: float) -> None:
    """Refusal when the mesh stays where it is while the head is moved. A head that cannot be moved shows nothing."""
    before = [world_matrix(node) for node in (head, shape)]
    with nudged(head, time):
        after = [world_matrix(node) for node in (head, shape)]
    shift = np.abs(after[0] - before[0]).max()
    expected = before[1] @ np.linalg.inv(before[0]) @ after[0]
    if shift > _STILL and np.abs(after[1] - expected).max() > 0.1 * shift:
        raise not_carried(head, shape)


def not_carried(head: str, shape: str) -> Refusal:
    """The refusal of a head transform that the mesh does not follow."""
    return Refusal(
        short_name(shape),
        "this mesh does not move with the head transform '{}'.".format(short_name(head)),
        "Choose a transform above the mesh, or if joints carry it, the joint that all of the head hangs on. Or: "
        + SAMPLING
        + ".",
    )


def mesh_in_rig_space(shape: str, head: str, times: Tuple[float, ...]) -> np.ndarray:
    """(4, 4) row-vector matrix from the mesh's object space to rig space (the head transform taken off).

    Refusal when the mesh does not follow the head transform rigidly from the first to the last time.
    """
    seen = world_matrices((shape, head), (times[0], times[-1]))
    found = [
        matrix @ np.linalg.inv(rigid_part(above, short_name(head))).T for matrix, above in zip(seen[shape], seen[head])
    ]
    if np.abs(found[0] - found[1]).max() > 1e-4:
        raise not_carried(head, shape)
    if not above_in_dag(head, shape):
        _refuse_bystander(head, shape, times[0])
    return found[0]
