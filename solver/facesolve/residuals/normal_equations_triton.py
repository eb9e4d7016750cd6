"""The rows of ``normal_equations``' product in half precision, made in one kernel: roots of what samples say, times
what moves them. Imported only where Triton is there.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

SAMPLES, COLUMNS = 16, 64  # of one program, and how many it writes at once


def half_precision_rows(information: Tensor, points: Tensor, basis: Tensor, width: int, least: float) -> Tensor:
    """Rows W (3b, n, width) in half precision with ``W^T W`` what n samples say at b poses.

    information: (b, n, 3, 3), at most about 1. points: (b, n, 3). basis: (n, 3, S) in half precision, of any strides.
    width: S + 6, the head's step at the end, or more, which are 0. least: of a matrix' trace, pivots that count as 0.
    """
    frames, count = points.shape[:2]
    rows = torch.empty(3 * frames, count, width, dtype=torch.float16, device=points.device)
    if rows.numel():
        _rows[triton.cdiv(count, SAMPLES), frames](
            information.contiguous(), points.contiguous(), basis, *basis.stride(), rows, count, basis.shape[2], width,
            LEAST=least, SAMPLES=SAMPLES, COLUMNS=COLUMNS,
        )  # fmt: skip
    return rows


@triton.jit
def _pivot(square, least):
    """The root of a pivot and its inverse, both 0 where rounding has left nothing."""
    kept = square > least
    root = tl.sqrt(tl.where(kept, square, 0.0))
    return root, tl.where(kept, 1 / tl.where(kept, root, 1.0), 0.0)


@triton.jit(do_not_specialize=["basis_0", "basis_1", "basis_2", "count", "shapes", "width"])
def _rows(
    information, points, basis, basis_0, basis_1, basis_2, rows, count, shapes, width,
    LEAST: tl.constexpr, SAMPLES: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    frame = tl.program_id(1).to(tl.int64)
    sample = tl.program_id(0).to(tl.int64) * SAMPLES + tl.arange(0, SAMPLES)
    there = sample < count
    at = information + (frame * count + sample) * 9
    a = tl.load(at, mask=there, other=0.0)
    b = tl.load(at + 1, mask=there, other=0.0)
    c = tl.load(at + 2, mask=there, other=0.0)
    d = tl.load(at + 4, mask=there, other=0.0)
    e = tl.load(at + 5, mask=there, other=0.0)
    f = tl.load(at + 8, mask=there, other=0.0)
    least = LEAST * (a + d + f)
    r00, inverse = _pivot(a, least)
    r01, r02 = b * inverse, c * inverse
    r11, inverse = _pivot(d - r01 * r01, least)
    r12 = (e - r01 * r02) * inverse
    r22, inverse = _pivot(f - r02 * r02 - r12 * r12, least)
    place = points + (frame * count + sample) * 3
    x = tl.load(place, mask=there, other=0.0)
    y = tl.load(place + 1, mask=there, other=0.0)
    z = tl.load(place + 2, mask=there, other=0.0)
    to = rows + (3 * frame * count + sample) * width
    _write(to, r00, r01, r02, x, y, z, sample, there, basis, basis_0, basis_1, basis_2, shapes, width, SAMPLES, COLUMNS)
    zero = tl.zeros([SAMPLES], tl.float32)
    to += count.to(tl.int64) * width
    _write(
        to, zero, r11, r12, x, y, z, sample, there, basis, basis_0, basis_1, basis_2, shapes, width, SAMPLES, COLUMNS
    )
    to += count.to(tl.int64) * width
    _write(
        to, zero, zero, r22, x, y, z, sample, there, basis, basis_0, basis_1, basis_2, shapes, width, SAMPLES, COLUMNS
    )


@triton.jit
def _write(
    to, u, v, w, x, y, z, sample, there, basis, basis_0, basis_1, basis_2, shapes, width,
    SAMPLES: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    """``[v basis, p x v, v]`` of a vector (u, v, w) at each sample p = (x, y, z)."""
    turn_x, turn_y, turn_z = y * w - z * v, z * u - x * w, x * v - y * u
    for begin in range(0, width, COLUMNS):
        column = begin + tl.arange(0, COLUMNS)
        inside = there[:, None] & (column < shapes)[None, :]
        at = basis + sample[:, None] * basis_0 + column[None, :] * basis_2
        value = u[:, None] * tl.load(at, mask=inside, other=0.0).to(tl.float32)
        value += v[:, None] * tl.load(at + basis_1, mask=inside, other=0.0).to(tl.float32)
        value += w[:, None] * tl.load(at + 2 * basis_1, mask=inside, other=0.0).to(tl.float32)
        head = (column - shapes)[None, :]
        value = tl.where(head == 0, turn_x[:, None], tl.where(head == 1, turn_y[:, None], value))
        value = tl.where(head == 2, turn_z[:, None], tl.where(head == 3, u[:, None], value))
        value = tl.where(head == 4, v[:, None], tl.where(head == 5, w[:, None], value))
        written = there[:, None] & (column < width)[None, :]
        tl.store(to[:, None] + column[None, :], value.to(tl.float16), mask=written)
