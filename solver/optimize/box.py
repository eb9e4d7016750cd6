"""Box-constrained quadratic steps by an active set, batched. Knows nothing about faces."""

from __future__ import annotations

import torch
from torch import Tensor

MAX_ROUNDS = 12


def solve_box(A: Tensor, b: Tensor, lower: Tensor, upper: Tensor) -> Tensor:
    """Minimises ``x^T A x / 2 - b^T x`` with ``lower <= x <= upper``.

    A: (B, P, P) symmetric positive definite; b, lower, upper: (B, P), infinities allowed, lower <= 0 <= upper.
    Returns (B, P). Variables that leave the box are held at its face and let go when their multiplier changes sign
    (primal active set, Nocedal & Wright, Numerical Optimization, ch. 16). The last round clamps, so the result is
    always feasible.
    """
    fixed = lower >= upper
    value = torch.where(fixed, lower, torch.zeros_like(b))
    held = fixed.clone()
    x = value
    for _ in range(MAX_ROUNDS):
        free = ~held
        rhs = torch.where(held, value, b - (A @ torch.where(held, value, 0.0)[..., None])[..., 0])
        both = (free[:, :, None] & free[:, None, :]).to(A.dtype)
        system = A * both + torch.diag_embed(held.to(A.dtype))
        x = torch.cholesky_solve(rhs[..., None], torch.linalg.cholesky(system))[..., 0]
        below, above = free & (x < lower), free & (x > upper)
        gradient = (A @ torch.where(held, value, x)[..., None])[..., 0] - b
        release = held & ~fixed & (((value <= lower) & (gradient < 0)) | ((value >= upper) & (gradient > 0)))
        leaves = below | above
        if not bool((leaves | release).any()):
            break
        value = torch.where(below, lower, torch.where(above, upper, value))
        # a variable is let go only when nothing else leaves, so that the set cannot cycle within a round
        settled = ~leaves.any(1, keepdim=True)
        held = (held | leaves) & ~(release & settled)
    return x.clamp(lower, upper)
