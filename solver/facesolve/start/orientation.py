"""Which way a head faces: in the rig's own space, and in the world as far as the cameras tell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from facesolve.geometry.rotation import rotation_from_tangent
from facesolve.take import Camera, Rig, Take
from facesolve.take.rig_evaluation import joint_motions

SAME_UP = 0.8  # cosine from which two upward directions are one
WHOLE_HEAD = 0.5  # share of the vertices from which a motion is no expression
MOVED = 0.1  # of a motion's largest, from which a vertex is moved
ACROSS = 0.5  # largest cosine between the upward direction and the way to the cameras


@dataclass(frozen=True, eq=False)
class RigAxes:
    """The head's own directions in rig space: unit (3,) towards its left, its top and its face."""

    left: np.ndarray
    up: np.ndarray
    forward: np.ndarray

    @property
    def rotation(self) -> np.ndarray:
        """(3, 3): columns left, up, forward; from the head's directions to rig space."""
        return np.stack([self.left, self.up, self.forward], 1)


def rig_axes(rig: Rig) -> RigAxes:
    """The axes of the rig's space that point towards the head's top and face.

    A head is taller than wide or deep: up is +z where the rig extends farthest along z, else +y, Maya's default. The
    face is where the surface that expressions move looks to: what moves most of the head (another identity, its size, a
    turn) tells nothing. A rig without expressions is taken to face +z, or -y.
    """
    motion = np.zeros(rig.vertex_count)
    for target in rig.targets:
        for shape in target.shapes:
            moved = np.zeros(rig.vertex_count)
            moved[shape.vertices] = np.linalg.norm(shape.deltas, axis=1)
            motion = np.maximum(motion, _of_expression(moved))
    for moved in joint_motions(rig):
        motion = np.maximum(motion, _of_expression(moved))
    starts = np.cumsum(rig.face_counts) - rig.face_counts
    a, b, c = (rig.neutral[rig.face_vertices[starts + corner]].astype(np.float64) for corner in range(3))
    normals = np.cross(b - a, c - a)
    outwards = (normals * (a - rig.neutral.mean(axis=0))).sum(axis=1)  # a mesh may be wound the other way
    facing = (motion[rig.face_vertices[starts]] * np.sign(outwards)) @ normals
    extent = np.ptp(rig.neutral, axis=0)
    up = np.eye(3)[2] if extent[2] > max(extent[0], extent[1]) else np.eye(3)[1]
    facing[up > 0] = 0.0
    axis = int(np.argmax(np.abs(facing)))
    forward = np.eye(3)[axis] * np.sign(facing[axis])
    if not facing.any():
        forward = np.eye(3)[2] if up[1] else -np.eye(3)[1]
    return RigAxes(np.cross(up, forward), up, forward)


def _of_expression(moved: np.ndarray) -> np.ndarray:
    """(V,) cm, the motion of a shape or joint; 0 where it moves most of the head, which no expression does."""
    reach = (moved > MOVED * moved.max(initial=0.0)).mean()
    return moved if reach < WHOLE_HEAD else np.zeros_like(moved)


def camera_centers(cameras: tuple[Camera, ...], index: int) -> np.ndarray:
    """(C, 3) where the cameras stand at 0-based take frame ``index``, world, cm."""
    poses = [camera.at(index) for camera in cameras]
    return np.stack([-rotation.T @ translation for _, rotation, translation in poses])


def meeting_point(cameras: tuple[Camera, ...], index: int) -> np.ndarray | None:
    """(3,) world, cm: the point nearest to what all cameras have in their middle; None when it is not in front of them.

    With one camera, or with parallel ones, no such point is determined.
    """
    poses = [camera.at(index) for camera in cameras]
    rays = []
    for camera, (intrinsics, rotation, _) in zip(cameras, poses, strict=True):
        middle = np.linalg.solve(intrinsics, (camera.width / 2, camera.height / 2, 1.0))
        rays.append(rotation.T @ (middle / np.linalg.norm(middle)))
    centers = camera_centers(cameras, index)
    across = [np.eye(3) - np.outer(ray, ray) for ray in rays]
    matrix = np.sum(across, axis=0)
    if np.linalg.eigvalsh(matrix)[0] < 1e-3 * len(cameras):
        return None
    point = np.linalg.solve(matrix, np.sum([a @ c for a, c in zip(across, centers, strict=True)], axis=0))
    in_front = [ray @ (point - center) > 0 for ray, center in zip(rays, centers, strict=True)]
    return point if all(in_front) else None


def head_pixels(take: Take, index: int, radius: float, place: np.ndarray) -> float:
    """Pixels across a head of ``radius`` cm at ``place`` (3,), world, cm, in the median camera at take frame index."""
    spans = []
    for camera in take.cameras:
        intrinsics, rotation, translation = camera.at(index)
        depth = float(rotation[2] @ place + translation[2])
        spans.append(2 * radius * float(intrinsics[0, 0]) / max(depth, radius))
    return float(np.median(spans))


def upward_directions(cameras: tuple[Camera, ...], index: int, towards_cameras: np.ndarray) -> list[np.ndarray]:
    """Unit directions (3,) in the world that may be the head's upright, the likeliest first.

    First the mean of the cameras' own; a camera on its side, or a calibration whose origin is a board, may mean
    another: the world's axes follow, as far as they stand across the way to the cameras (``towards_cameras``, unit).
    """
    mean = np.mean([-camera.at(index)[1][1] for camera in cameras], axis=0)
    candidates = [mean, *np.eye(3)[[1, 2, 0]], *-np.eye(3)[[1, 2, 0]]]
    chosen: list[np.ndarray] = []
    for candidate in candidates:
        length = np.linalg.norm(candidate)
        if length < 0.3:  # the cameras contradict each other
            continue
        up = candidate / length
        if abs(up @ towards_cameras) < ACROSS and all(up @ other < SAME_UP for other in chosen):
            chosen.append(up)
    return chosen


def head_rotation(axes: RigAxes, up: np.ndarray, facing: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """Rotations (B, 3, 3), rig to world, of a head that faces ``facing`` upright along ``up``, then turned.

    up, facing: (3,) world, not parallel. turn: (B, 3) radians about the head's own up, left and forward axes (yaw to
    its left, nod downwards, tilt to its right), applied in this order from the outside in.
    """
    up = up / np.linalg.norm(up)
    forward = facing - (facing @ up) * up
    forward /= np.linalg.norm(forward)
    world = np.stack([np.cross(up, forward), up, forward], 1)
    turns = torch.as_tensor(np.asarray(turn, np.float64))
    yaw, nod, tilt = (
        rotation_from_tangent(turns[:, part, None] * torch.eye(3, dtype=turns.dtype)[axis]).numpy()
        for part, axis in enumerate((1, 0, 2))
    )
    return world @ yaw @ nod @ tilt @ axes.rotation.T
