"""World-space head transforms to a node's channels, whatever its parents, pivots and rotate order. Changes nothing.

Row vectors as in Maya; a transform's matrix is scale pivot, scale, shear, rotate pivot, rotate axis, rotate, joint
orient, translate in this order (Autodesk's documentation of the transform and joint nodes).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence, Tuple

import numpy as np
from maya import cmds

from facesolve_maya.scene.findings import Refusal
from facesolve_maya.scene.motion import plug_values, world_matrices
from facesolve_maya.scene.plugs import has_attribute, short_name
from facesolve_maya.scene.rotate_order import ROTATE_ORDERS, euler_curve, rotation_matrix
from facesolve_maya.scene.units import centimeters, radians

CHANNELS = ("translateX", "translateY", "translateZ", "rotateX", "rotateY", "rotateZ")


@dataclass(frozen=True, eq=False)
class LocalFrame:
    """What a transform adds around its translate and rotate channels at one time.

    before, axis (3, 3): scale, then the rotate axis; after (3, 3): joint orient and segment scale. Shear is left out:
    with any, no rotation puts the node where a rigid head is, and ``head_channels`` refuses it.
    pivot: what the pivots move before the rotation, centimeters. What they move after it is added to translate whatever
    the rotation is, so it may count as part of what stands above the node, and is left out.
    """

    order: str
    before: np.ndarray
    axis: np.ndarray
    after: np.ndarray
    pivot: np.ndarray

    def matrix(self, translate: np.ndarray, rotation: np.ndarray) -> np.ndarray:
        """(4, 4) local matrix for translate (3,) cm and rotation (3, 3)."""
        turning = self.axis @ rotation @ self.after
        result = np.eye(4)
        result[:3, :3] = self.before @ turning
        result[3, :3] = self.pivot @ turning + translate
        return result

    def rotation_of(self, matrix: np.ndarray) -> np.ndarray:
        """(3, 3) rotation that gives the linear part of ``matrix``."""
        inverse = np.linalg.inv
        return inverse(self.axis) @ inverse(self.before) @ matrix[:3, :3] @ inverse(self.after)


def local_frame(node: str, time: float) -> LocalFrame:
    """The frame of a transform or joint at a scene time."""

    def get(name: str) -> np.ndarray:
        return np.array(cmds.getAttr("{}.{}".format(node, name), time=time)[0], np.float64)

    before = np.diag(get("scale"))
    after = np.eye(3)
    if has_attribute(node, "jointOrient"):
        after = rotation_matrix(get("jointOrient") * radians(), "xyz")
        if cmds.getAttr(node + ".segmentScaleCompensate"):
            after = after @ np.diag(1.0 / get("inverseScale"))
    length = centimeters()
    scale_pivot, rotate_pivot = get("scalePivot") * length, get("rotatePivot") * length
    return LocalFrame(
        ROTATE_ORDERS[int(cmds.getAttr(node + ".rotateOrder"))],
        before,
        rotation_matrix(get("rotateAxis") * radians(), "xyz"),
        after,
        scale_pivot - scale_pivot @ before + get("scalePivotTranslate") * length - rotate_pivot,
    )


def present_channels(node: str, times: Sequence[float]) -> np.ndarray:
    """(F, 6) translate (centimeters) and rotate (radians) of ``node`` at scene times, whatever drives it."""
    found = np.stack([plug_values("{}.{}".format(node, channel), times) for channel in CHANNELS], axis=1)
    return found * np.repeat([centimeters(), radians()], 3)


def head_channels(node: str, heads: np.ndarray, times: Tuple[float, ...]) -> np.ndarray:
    """(F, 6) translate (centimeters) and rotate (radians, without jumps) that put ``node`` at ``heads``.

    heads: (F, 4, 4) rigid, world space, column vectors, centimeters; the node's scale stays. The first angles are those
    nearest to the node's present ones. Refusal where shear, or scale above the node, makes that impossible.
    """
    rotations = np.zeros((len(times), 3, 3))
    result = np.zeros((len(times), 6))
    present = present_channels(node, times)
    frames = [local_frame(node, time) for time in times]
    for index, (world, frame, now) in enumerate(zip(world_matrices((node,), times)[node], frames, present)):
        above = np.linalg.inv(frame.matrix(now[:3], rotation_matrix(now[3:], frame.order))) @ world
        wanted = np.eye(4)
        wanted[:3, :3] = np.diag(np.linalg.norm(world[:3, :3], axis=1)) @ heads[index, :3, :3].T
        wanted[3, :3] = heads[index, :3, 3]
        local = wanted @ np.linalg.inv(above)
        rotations[index] = _rotation(frame.rotation_of(local), node)
        result[index, :3] = local[3, :3] - frame.matrix(np.zeros(3), rotations[index])[3, :3]
    result[:, 3:] = euler_curve(rotations, frames[0].order, present[0][3:])
    return result


def _rotation(matrix: np.ndarray, node: str) -> np.ndarray:
    if np.abs(matrix @ matrix.T - np.eye(3)).max() > 1e-3:
        raise Refusal(
            short_name(node),
            "its shear, or uneven scale above it, would shear the head.",
            "Freeze its shear and the scale of its parents, or choose a transform above them.",
        )
    u, _, vt = np.linalg.svd(matrix)
    return u @ vt
