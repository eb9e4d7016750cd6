"""Poses of several frames: control values and head transforms, their steps and their limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from facesolve.runtime.devices import indices_on

from .rigid import retract


@dataclass(frozen=True, eq=False)
class Pose:
    """Poses of B frames: controls (B, K) float64, head (B, 4, 4) float64 world, cm."""

    controls: Tensor
    head: Tensor

    def at(self, indices: Tensor | slice | Sequence[int]) -> Pose:
        """The poses of some frames."""
        if not isinstance(indices, (Tensor, slice)):
            indices = indices_on(self.head.device, indices)
        return Pose(self.controls[indices], self.head[indices])

    def stepped(self, step: Tensor) -> Pose:
        """Stepped by (B, K+6): controls added, head by ``rigid.retract``."""
        count = self.controls.shape[1]
        return Pose(self.controls + step[:, :count], retract(self.head, step[:, count:]))


@dataclass(frozen=True, eq=False)
class Limits:
    """Lower and upper values (B, K+6) of controls, and how far heads may step; or controls stay, whatever they are."""

    lower: Tensor
    upper: Tensor
    free_controls: bool = True

    def box(self, pose: Pose) -> tuple[Tensor, Tensor]:
        """Lower and upper bounds (B, K+6) of a step from ``pose``."""
        count = pose.controls.shape[1]
        if not self.free_controls:
            return F.pad(self.lower[:, count:], (count, 0)), F.pad(self.upper[:, count:], (count, 0))
        here = F.pad(pose.controls, (0, 6))
        return self.lower - here, self.upper - here


def joined(poses: Sequence[Pose]) -> Pose:
    """The poses of several batches one after the other."""
    return Pose(torch.cat([pose.controls for pose in poses]), torch.cat([pose.head for pose in poses]))
