"""Patches of neighboring samples, each with the few shapes that move it: sums over all samples go patch by patch.

Most shapes move a part of the face. A product over one patch has only the rows of the shapes that move it, which is a
fifth to a third of the work of all shapes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from .deformation import PointSkin
from .skeleton import SkinPose

MOST_SAMPLES = 700  # of a patch: its rows stay in a CPU's cache, and few shapes move all of it
MOVED = 1e-3  # of a shape's largest motion: rigs from scans move everything by their noise
JUDGED = 4  # every so many samples tell how many shapes move a part


@dataclass(frozen=True, eq=False)
class Patch:
    """n neighboring samples and the k shapes that move them.

    samples: (n,) int64. shapes: (k,) int64, rising. basis: (3, n, k) of these, cm; for a rig with a skin before it.
    skin: how the samples hang on the skin, with these shapes alone; None for a linear rig.
    """

    samples: Tensor
    shapes: Tensor
    basis: Tensor
    skin: PointSkin | None

    def rows(self, frame: int, pose: SkinPose | None) -> Tensor:
        """(3, n, k and the controls that move joints) how the unknowns move the samples at one of the poses, cm."""
        if self.skin is None or pose is None:
            return self.basis
        one = slice(frame, frame + 1)
        return self.skin.rows(pose.matrices[one], pose.joint_columns[one])[0].transpose(0, 1)


def patches_of(neutral: Tensor, basis: Tensor, skin: PointSkin | None, moved: float = MOVED) -> tuple[Patch, ...]:
    """The patches of N samples; every sample is in one. neutral: (N, 3); basis: (N, 3, S).

    moved: share of a shape's largest motion that a sample must move for the shape to count there.
    """
    motion = basis.abs().amax(1)
    if skin is not None:
        motion = skin.basis.abs().amax(1)
        motion = motion if skin.late is None else torch.maximum(motion, skin.late.abs().amax(1))
    moves = motion > moved * motion.amax(0)
    return tuple(_patch(part, moves, basis, skin) for part in _cut(torch.arange(len(neutral)), neutral, moves))


def _patch(samples: Tensor, moves: Tensor, basis: Tensor, skin: PointSkin | None) -> Patch:
    shapes = moves[samples].any(0).nonzero()[:, 0]
    own = basis[samples][:, :, shapes].transpose(0, 1).contiguous()
    return Patch(samples, shapes, own, None if skin is None else skin.of(samples, shapes))


def _cut(samples: Tensor, neutral: Tensor, moves: Tensor) -> Iterator[Tensor]:
    """Halves ``samples`` across the axis that leaves the least work, until the parts are small enough."""
    if len(samples) <= MOST_SAMPLES:
        yield samples
        return
    halves = [samples[neutral[samples, axis].argsort()].tensor_split(2) for axis in range(3)]
    work = [sum(int(moves[part[::JUDGED]].any(0).sum()) ** 2 for part in pair) for pair in halves]
    for part in halves[work.index(min(work))]:
        yield from _cut(part, neutral, moves)
