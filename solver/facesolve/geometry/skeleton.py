"""Joints and skin as tensors: channels -> joints -> carried vertices, each with its exact derivative.

In numpy: ``facesolve.take.skinning``. Knows no shapes and no controls' meaning.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from facesolve.take import Rig
from facesolve.take.skeleton import CHANNELS, RIG_SPACE, Skin

TOGETHER = 2_000_000  # numbers that are gathered at once for the columns of joints: they stay in a cache


class Skeleton:
    """A rig's joints and skin on one device. J joints, C channels, I influences, V vertices, m influences of a vertex.

    Matrices are (..., 3, 4): the last row of a transform is not kept. Derivatives are along k directions in which the
    channels change, the last dimension.
    """

    def __init__(self, rig: Rig, skin: Skin, device: torch.device, dtype: torch.dtype) -> None:
        def tensor(values: np.ndarray) -> Tensor:
            return torch.tensor(values, device=device, dtype=dtype)

        self._rest = tensor(np.stack([joint.rest for joint in rig.joints]) if rig.joints else np.zeros((0, 9)))
        places = [channel.joint * 9 + CHANNELS.index(channel.attribute) for channel in rig.channels]
        self._channel = torch.tensor(places, device=device, dtype=torch.int64)
        order = [["xyz".index(letter) for letter in joint.rotate_order] for joint in rig.joints]
        self._order = torch.tensor(order, device=device, dtype=torch.int64).view(-1, 3)
        self._cross = tensor(_cross_matrices())[self._order]  # (J, 3, 3, 3), the first turn first
        identity = np.zeros((0, 3, 3))
        self._orient = tensor(np.stack([joint.orient for joint in rig.joints]) if rig.joints else identity)
        self._axis = tensor(np.stack([joint.axis for joint in rig.joints]) if rig.joints else identity)
        compensating = [
            (index, joint.parent)
            for index, joint in enumerate(rig.joints)
            if joint.compensate and joint.parent != RIG_SPACE
        ]
        self._compensating = torch.tensor(compensating, device=device, dtype=torch.int64).view(-1, 2)
        self._depths = [
            tuple(torch.tensor(part, device=device, dtype=torch.int64) for part in zip(*pairs, strict=True))
            for pairs in _by_depth(rig)
        ]
        count = len(rig.joints)
        joint = np.where(skin.joints == RIG_SPACE, count, skin.joints)
        influences, weights = skin.padded()
        alone = np.diff(skin.offsets) == 0  # what nothing carries stays: an influence of its own, which is still
        influences[alone, 0], weights[alone, 0] = len(joint), 1.0
        self._joint = torch.tensor(np.append(joint, count), device=device, dtype=torch.int64)
        self._inverse_bind = tensor(np.concatenate([skin.inverse_bind, np.eye(4)[None]]))
        self.influences = torch.tensor(influences, device=device)
        self.weights = tensor(weights)

    def at(self, vertices: Tensor) -> Skeleton:
        """The same joints with the skin of some vertices, (n,) indices."""
        some = copy.copy(self)
        some.influences, some.weights = self.influences[vertices], self.weights[vertices]
        return some

    def influence_matrices(self, channels: Tensor) -> Tensor:
        """(B, I, 3, 4) what each influence does to points of rig space; differentiable. channels: (B, C)."""
        return self._of_influences(self._world(self._local(self._numbers(channels))))

    def influence_slopes(self, channels: Tensor, J_channels: Tensor) -> Tensor:
        """(B, I, 3, 4, k) derivative of ``influence_matrices`` along J_channels (B, C, k)."""
        numbers = self._numbers(channels)
        slopes = numbers.new_zeros(len(numbers), numbers[0].numel(), J_channels.shape[2])
        slopes = slopes.index_add_(1, self._channel, J_channels).unflatten(1, (-1, 9))
        local = self._local(numbers)
        world, world_slopes = self._world(local), self._world_slopes(local, self._local_slopes(numbers, slopes))
        still = world_slopes.new_zeros(len(world), 1, 3, 4, J_channels.shape[2])
        of_influence = torch.cat([world_slopes, still], 1)[:, self._joint]
        return torch.einsum("bixek,ief->bixfk", of_influence, self._inverse_bind)

    def _numbers(self, channels: Tensor) -> Tensor:
        """(B, J, 9) of all joints."""
        rest = self._rest.flatten().expand(len(channels), -1)
        return rest.index_add(1, self._channel, channels).unflatten(1, (-1, 9))

    def _turns(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Three rotations (B, J, 3, 3, 3) about the axes, the first turn first, and their derivatives by radians."""
        angles = torch.deg2rad(numbers[..., 3:6]).gather(2, self._order.expand(len(numbers), -1, -1))[..., None, None]
        sine, cosine, square = angles.sin(), angles.cos(), self._cross @ self._cross
        identity = torch.eye(3, dtype=numbers.dtype, device=numbers.device)
        return identity + sine * self._cross + (1 - cosine) * square, cosine * self._cross + sine * square

    def _local(self, numbers: Tensor) -> Tensor:
        """(B, J, 3, 4) of joints within their parents."""
        turns, _ = self._turns(numbers)
        matrix = self._orient @ turns[:, :, 2] @ turns[:, :, 1] @ turns[:, :, 0] @ self._axis
        matrix = matrix * numbers[..., None, 6:]
        if len(self._compensating):
            child, parent = self._compensating.unbind(1)
            matrix = matrix.index_copy(1, child, matrix[:, child] / numbers[:, parent, 6:, None])
        return torch.cat([matrix, numbers[..., :3, None]], -1)

    def _local_slopes(self, numbers: Tensor, slopes: Tensor) -> Tensor:
        """(B, J, 3, 4, k) derivative of ``_local`` along slopes (B, J, 9, k) of the numbers."""
        turns, turn_slopes = self._turns(numbers)
        first, second, third = turns.unbind(2)
        by_angle = torch.stack(
            [
                third @ second @ turn_slopes[:, :, 0],
                third @ turn_slopes[:, :, 1] @ first,
                turn_slopes[:, :, 2] @ second @ first,
            ],
            2,
        )
        scale = numbers[..., None, 6:]
        by_angle = self._orient[:, None] @ by_angle @ self._axis[:, None] * scale[:, :, None]  # (B, J, 3, 3, 3)
        order = self._order[None, :, :, None].expand(*slopes.shape[:2], 3, slopes.shape[3])
        angles = math.pi / 180 * slopes[:, :, 3:6].gather(2, order)
        matrix = torch.einsum("bjaxy,bjak->bjxyk", by_angle, angles)
        unscaled = self._orient @ third @ second @ first @ self._axis
        matrix = matrix + unscaled[..., None] * slopes[:, :, None, 6:]
        if len(self._compensating):
            child, parent = self._compensating.unbind(1)
            parents = numbers[:, parent, 6:, None, None]
            own = unscaled[:, child] * scale[:, child] / numbers[:, parent, 6:, None]  # as in ``_local``
            changed = matrix[:, child] / parents - own[..., None] * slopes[:, parent, 6:, None] / parents
            matrix = matrix.index_copy(1, child, changed)
        return torch.cat([matrix, slopes[:, :, :3, None]], 3)

    def _world(self, local: Tensor) -> Tensor:
        """(B, J+1, 3, 4) of joints in rig space; the last one is rig space itself."""
        still = torch.eye(3, 4, dtype=local.dtype, device=local.device).expand(len(local), 1, -1, -1)
        world = torch.cat([local, still], 1)
        for child, parent in self._depths:
            above = world[:, parent]
            carried = above[..., :3] @ local[:, child]
            world = world.index_copy(1, child, torch.cat([carried[..., :3], carried[..., 3:] + above[..., 3:]], -1))
        return world

    def _world_slopes(self, local: Tensor, slopes: Tensor) -> Tensor:
        """(B, J, 3, 4, k) derivative of ``_world`` along slopes (B, J, 3, 4, k) of the local matrices."""
        world, out = self._world(local), slopes.clone()
        for child, parent in self._depths:
            by_parent = torch.einsum("bjxyk,bjye->bjxek", out[:, parent, :, :3], local[:, child])
            by_parent[..., 3, :] += out[:, parent, :, 3]
            own = torch.einsum("bjxy,bjyek->bjxek", world[:, parent, :, :3], slopes[:, child])
            out[:, child] = by_parent + own
        return out

    def _of_influences(self, world: Tensor) -> Tensor:
        bound = world[:, self._joint]
        carried = bound[..., :3] @ self._inverse_bind[:, :3]
        return torch.cat([carried[..., :3], carried[..., 3:] + bound[..., 3:]], -1)


@dataclass(frozen=True, eq=False)
class SkinPose:
    """A skin at B poses. points: (B, V, 3) vertices before the skin, rig space, cm. channels: (B, C) of the joints, and
    J_channels: (B, C, k) their derivatives by the k controls that move joints."""

    skeleton: Skeleton
    points: Tensor
    channels: Tensor
    J_channels: Tensor

    def at(self, vertices: Tensor) -> SkinPose:
        """Of some vertices, (n,) indices."""
        return SkinPose(self.skeleton.at(vertices), self.points[:, vertices], self.channels, self.J_channels)

    @cached_property
    def matrices(self) -> Tensor:
        """(B, V, 3, 4) what the skin does to each vertex; differentiable."""
        of_influence = self.skeleton.influence_matrices(self.channels)
        influences, weights = self.skeleton.influences, self.skeleton.weights
        parts = [
            weights[:, place, None, None] * of_influence[:, influences[:, place]]
            for place in range(influences.shape[1])
        ]
        return torch.stack(parts).sum(0) if len(parts) > 1 else parts[0]

    @cached_property
    def vertices(self) -> Tensor:
        """(B, V, 3) carried by the skin; differentiable."""
        return (self.matrices[..., :3] @ self.points[..., None])[..., 0] + self.matrices[..., 3]

    @cached_property
    def joint_columns(self) -> Tensor:
        """(B, V, 3, k) how the controls that move joints move each vertex; a constant to autograd."""
        with torch.no_grad():
            slopes = self.skeleton.influence_slopes(self.channels, self.J_channels)
            frames, _, _, _, directions = slopes.shape
            columns = slopes.permute(0, 1, 3, 2, 4).flatten(3)  # (B, I, 4, 3k)
            influences, weights = self.skeleton.influences, self.skeleton.weights
            homogeneous = torch.nn.functional.pad(self.points, (0, 1), value=1.0)
            count, width = influences.shape
            out = columns.new_empty(frames, count, 3 * directions)
            step = max(1, TOGETHER // max(1, frames * width * 12 * directions))
            for some in (slice(first, first + step) for first in range(0, count, step)):
                here = columns[:, influences[some]].flatten(2, 3)  # (B, c, 4m, 3k)
                weighted = (weights[some, :, None] * homogeneous[:, some, None]).flatten(2)  # (B, c, 4m)
                out[:, some] = (weighted[:, :, None] @ here)[:, :, 0]
            return out.unflatten(2, (3, directions))


def _cross_matrices() -> np.ndarray:
    """(3, 3, 3) for x, y and z the matrix of the cross product with that axis."""
    return np.stack([np.cross(axis, np.eye(3)).T for axis in np.eye(3)])


def _by_depth(rig: Rig) -> list[list[tuple[int, int]]]:
    """Joints and their parents, by how many joints are above them, from the first that have one."""
    depth: list[int] = []
    levels: list[list[tuple[int, int]]] = []
    for index, joint in enumerate(rig.joints):
        depth.append(0 if joint.parent == RIG_SPACE else depth[joint.parent] + 1)
        if depth[index]:
            while len(levels) < depth[index]:
                levels.append([])
            levels[depth[index] - 1].append((index, joint.parent))
    return levels
