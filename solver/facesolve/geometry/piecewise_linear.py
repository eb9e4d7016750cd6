"""Many piecewise linear functions at once, with slopes. Knows no rig."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


class PiecewiseLinear:
    """N continuous piecewise-linear functions of one variable, evaluated together; end segments extrapolate."""

    def __init__(
        self,
        inputs: Sequence[np.ndarray],
        outputs: Sequence[np.ndarray],
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """inputs, outputs: for each function its knots (n_i,), n_i >= 2, inputs strictly increasing."""
        segments = max((len(knots) - 1 for knots in inputs), default=1)
        start = np.zeros((len(inputs), segments))
        value = np.zeros((len(inputs), segments))
        slope = np.zeros((len(inputs), segments))
        breaks = np.full((len(inputs), segments - 1), np.inf)
        for i, (x, y) in enumerate(zip(inputs, outputs, strict=True)):
            x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
            start[i, : len(x) - 1] = x[:-1]
            value[i, : len(x) - 1] = y[:-1]
            slope[i, : len(x) - 1] = np.diff(y) / np.diff(x)
            breaks[i, : len(x) - 2] = x[1:-1]
        self._start, self._value, self._slope, self._breaks = (
            torch.tensor(array, device=device, dtype=dtype) for array in (start, value, slope, breaks)
        )

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x: (B, N), one input a function -> values (B, N) and slopes (B, N); at a knot the slope to its right."""
        if not self._breaks.shape[1]:
            slope = self._slope[:, 0].expand_as(x)
            return self._value[:, 0] + slope * (x - self._start[:, 0]), slope
        segment = (x[..., None] >= self._breaks).sum(-1)
        function = torch.arange(x.shape[1], device=x.device)
        slope = self._slope[function, segment]
        return self._value[function, segment] + slope * (x - self._start[function, segment]), slope
