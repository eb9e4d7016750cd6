"""Matrices of normal equations summed up patch by patch, as a CPU likes it. Forces are summed elsewhere, exactly.

A patch has the rows of the shapes that move it and of the head's motion alone, so products are small and stay in the
cache. Sums of one patch are in the precision of the samples, those of all patches in double precision. What a shape
moves by less than ``sample_patches.MOVED`` of its largest motion is left out of the matrices: it changes how fast a fit
arrives, not where.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from facesolve.geometry.sample_patches import Patch
from facesolve.geometry.surface_samples import PlacedSamples
from facesolve.runtime.threads import each_on_a_thread, one_thread

TOGETHER = 4  # parts of the frames whose products are taken at once; a fourth more than the half of a matrix


@dataclass(frozen=True, eq=False)
class _Part:
    """A patch at B poses.

    some: which samples it has, in the order of all patches. where: (k,) int64 which of the U+6 unknowns move it, the
    head's step at the end.
    """

    patch: Patch
    placed: PlacedSamples
    heads: Tensor
    some: slice
    where: Tensor

    def rows(self, frame: int) -> Tensor:
        """(3, n, k) how they move the samples at one of the poses."""
        of_rig = self.patch.rows(frame, self.placed.deformation.skin)
        return torch.cat([of_rig, self.heads[frame, :, self.some]], 2)


def _parts(placed: PlacedSamples, order: Tensor) -> Iterator[_Part]:
    samples, begin = placed.samples, 0
    heads = _head_rows(placed.points[:, order])
    shapes = samples.basis.shape[2]
    others = torch.arange(shapes, placed.width + 6)
    for patch in samples.patches:
        end = begin + len(patch.samples)
        yield _Part(patch, placed, heads, slice(begin, end), torch.cat([patch.shapes, others]))
        begin = end


def _order(placed: PlacedSamples) -> Tensor:
    """(N,) the samples, patch after patch."""
    return torch.cat([patch.samples for patch in placed.samples.patches])


def _head_rows(points: Tensor) -> Tensor:
    """(B, 3, N, 6): a turn w and a shift t of the head move a point by ``w x p + t``. points: (B, N, 3)."""
    x, y, z = points.unbind(2)
    rows = points.new_zeros(len(points), 3, points.shape[1], 6)
    rows[:, 0, :, 1], rows[:, 0, :, 2] = z, -y
    rows[:, 1, :, 0], rows[:, 1, :, 2] = -z, x
    rows[:, 2, :, 0], rows[:, 2, :, 1] = y, -x
    for axis in range(3):
        rows[:, axis, :, 3 + axis] = 1
    return rows


def information_by_patches(placed: PlacedSamples, information: Tensor) -> Tensor:
    """A (B, U+6, U+6) float64: what samples say at each of B poses. information: (B, N, 3, 3)."""
    order, size = _order(placed), placed.width + 6
    parts = list(_parts(placed, order))
    ordered = information.flatten(2).transpose(1, 2)[:, :, order].unflatten(1, (3, 3))[..., None]  # (B, 3, 3, N, 1)

    @one_thread()
    def summed(frame: int) -> Tensor:
        A = torch.zeros(size, size, dtype=torch.float64)
        for part in parts:
            rows, said = part.rows(frame), ordered[frame, :, :, part.some]
            weighted = said[:, 0] * rows[0]
            weighted.addcmul_(said[:, 1], rows[1]).addcmul_(said[:, 2], rows[2])
            A[part.where[:, None], part.where] += rows.flatten(0, 1).T @ weighted.flatten(0, 1)
        return (A + A.mT) / 2

    return _stacked(each_on_a_thread(summed, range(len(information)), information.device), information, size, size)


def shared_by_patches(placed: PlacedSamples, shared: Tensor) -> Tensor:
    """(B, U+6, B, U+6) float64: what all poses have in common, the sum over samples of ``r_m r_l^T`` with
    ``r_m = rows_m^T shared_m``. shared: (B, N, 3)."""
    order, frames, width = _order(placed), len(shared), placed.width + 6
    ordered = shared[:, order].permute(2, 0, 1)[..., None].contiguous()  # (3, B, N, 1)
    own = width * torch.arange(frames)[:, None]
    cuts = [-(-frames * part // TOGETHER) for part in range(TOGETHER + 1)]

    @one_thread()
    def summed(parts: Sequence[_Part]) -> Tensor:
        sums = torch.zeros(frames * width, frames * width, dtype=torch.float64)
        for part in parts:
            where = (own + part.where).flatten()
            count = len(part.where)
            rows = shared.new_empty(part.some.stop - part.some.start, frames, count)
            for frame in range(frames):
                first, second, third = part.rows(frame)
                at = ordered[:, frame, part.some]
                torch.mul(at[0], first, out=rows[:, frame])
                rows[:, frame].addcmul_(at[1], second).addcmul_(at[2], third)
            rows = rows.flatten(1)
            for first, last in itertools.pairwise(cuts):
                # the lower triangle, a few frames at a time
                these, before = slice(first * count, last * count), slice(0, last * count)
                sums[where[these, None], where[before]] += rows[:, these].T @ rows[:, before]
        return sums

    # as many sums on every machine, so that they come out the same
    parts = list(_parts(placed, order))
    one, other = each_on_a_thread(summed, [parts[::2], parts[1::2]], shared.device)
    sums = one.add_(other)
    lower = sums.tril()
    return (lower + sums.tril(-1).T).view(frames, width, frames, width)


def sides_by_patches(placed: PlacedSamples, covectors: Tensor, columns: Tensor, shared: Tensor, own: Tensor) -> Tensor:
    """(B, U+6, C*Q) float64: what samples say about the poses and Q unknowns of each of C cameras together.

    covectors: (B, C, N, 3), weighted; columns: (B, C, N, Q); shared: (B, N, 3); own: (N, C*Q): the sum over samples and
    cameras of ``rows^T covector column``, less ``rows^T shared own``.
    """
    order, size = _order(placed), placed.width + 6
    frames, cameras, _, unknowns = columns.shape
    parts = list(_parts(placed, order))
    pulls = covectors[:, :, order].mT[:, :, None].contiguous()  # (B, C, 1, 3, N)
    seen = columns[:, :, order].mT[:, :, :, None].contiguous()  # (B, C, Q, 1, N)
    common = shared[:, order].mT.contiguous()  # (B, 3, N)
    own = own[order].T[:, None].contiguous()  # (C*Q, 1, N)

    @one_thread()
    def summed(frame: int) -> Tensor:
        sums = torch.zeros(cameras * unknowns, size, dtype=torch.float64)
        for part in parts:
            pull = (pulls[frame, ..., part.some] * seen[frame, ..., part.some]).flatten(0, 1)  # (C*Q, 3, n)
            pull.addcmul_(common[frame, :, part.some], own[..., part.some], value=-1)
            sums[:, part.where] += pull.flatten(1) @ part.rows(frame).flatten(0, 1)
        return sums.T

    return _stacked(each_on_a_thread(summed, range(frames), shared.device), shared, size, cameras * unknowns)


def _stacked(sums: Sequence[Tensor], like: Tensor, *size: int) -> Tensor:
    """The sums of frames together, (B, *size) float64; there may be none."""
    return torch.stack(list(sums)) if sums else like.new_zeros(0, *size, dtype=torch.float64)
