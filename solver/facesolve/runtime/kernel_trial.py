"""The smallest kernel, to find out whether Triton can compile and run at all. Imported only where Triton is there."""

from __future__ import annotations

import triton
import triton.language as tl
from torch import Tensor


def doubled(values: Tensor) -> Tensor:
    """Twice the values (n,)."""
    found = values.clone()
    _double[(1,)](found, len(found), BLOCK=16)
    return found


@triton.jit
def _double(values, count, BLOCK: tl.constexpr):
    place = tl.arange(0, BLOCK)
    inside = place < count
    tl.store(values + place, 2 * tl.load(values + place, mask=inside, other=0.0), mask=inside)
