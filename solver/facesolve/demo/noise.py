"""Smooth pseudo-random patterns in space, the same on every machine."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

LATTICE = 32  # the pattern repeats after this many cells, at another phase in every octave


class ValueNoise:
    """Value noise: random numbers on a lattice, linear between (Perlin, "Improving noise", without gradients)."""

    def __init__(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        values = np.pad(random.uniform(-1.0, 1.0, (LATTICE, LATTICE, LATTICE)), (0, 1), mode="wrap")
        self._values = torch.from_numpy(values.astype(np.float32))[None, None]
        self._phases = random.uniform(0.0, LATTICE, (16, 3)).astype(np.float32)

    def __call__(self, points: Tensor, frequency: float, octave: int = 0) -> Tensor:
        """(n,) values in -1..1 at points (n, 3); ``frequency`` cells a unit; ``octave`` picks an unrelated pattern."""
        cells = torch.remainder(points * frequency + torch.from_numpy(self._phases[octave]), LATTICE)
        grid = (cells * (2.0 / LATTICE) - 1.0)[None, None, None]
        return F.grid_sample(self._values, grid, mode="bilinear", align_corners=True).flatten()

    def layers(self, points: Tensor, frequency: float, count: int, falloff: float = 0.5) -> Tensor:
        """(n,) sum of ``count`` octaves from ``frequency`` on, each twice as fine and ``falloff`` times as strong."""
        return torch.stack([falloff**k * self(points, frequency * 2**k, k) for k in range(count)]).sum(0)
