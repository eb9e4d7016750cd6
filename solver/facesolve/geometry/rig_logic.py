"""A rig's responses as tensors: controls -> what they add to targets' weights and joints' channels, with derivatives.

In numpy: ``facesolve.take.rig_evaluation``. Knows no geometry.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from facesolve.take import Rig
from facesolve.take.rig_logic import CHANNEL, CONTROL, GRID, PRODUCT, SIGNAL, SUM, TARGET, Port, Response

from .piecewise_linear import PiecewiseLinear


@dataclass(frozen=True, eq=False)
class Said:
    """What B poses' controls say. weights: (B, T), channels: (B, C), differentiable; J_weights: (B, T, K) and
    J_channels: (B, C, K) their derivatives with respect to the controls, constants to autograd."""

    weights: Tensor
    channels: Tensor
    J_weights: Tensor
    J_channels: Tensor


class RigLogic:
    """The responses of a rig on one device, in levels: each reads controls and signals of the levels before it."""

    def __init__(self, rig: Rig, device: torch.device, dtype: torch.dtype) -> None:
        self._counts = len(rig.targets), len(rig.channels), len(rig.signals)
        self._control_count = len(rig.controls)
        firsts = {TARGET: 0, CHANNEL: len(rig.targets), SIGNAL: len(rig.targets) + len(rig.channels)}
        inputs = {CONTROL: 0, SIGNAL: len(rig.controls)}
        self._levels = [_Level(responses, inputs, firsts, device, dtype) for responses in _levels(rig.responses)]

    def __call__(self, controls: Tensor) -> Said:
        """controls: (B, K)."""
        targets, channels, signals = self._counts
        out = controls.new_zeros(len(controls), targets + channels + signals)
        J_out = out.new_zeros(*out.shape, self._control_count)
        J_control = torch.eye(self._control_count, dtype=out.dtype, device=out.device).expand(len(out), -1, -1)
        begin = targets + channels
        for level in self._levels:
            read = torch.cat([controls, out[:, begin:]], 1)
            out = level.added(out, read, J_out, torch.cat([J_control, J_out[:, begin:]], 1))
        return Said(out[:, :targets], out[:, targets:begin], J_out[:, :targets], J_out[:, targets:begin])


class _Level:
    """Responses that do not depend on each other."""

    def __init__(
        self,
        responses: list[Response],
        inputs: dict[str, int],
        firsts: dict[str, int],
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        def place(port: Port, first: dict[str, int]) -> int:
            return first[port.kind] + port.index

        curves = [response for response in responses if len(response.axes) == 1]
        self._curve_input = torch.tensor([place(r.inputs[0], inputs) for r in curves], device=device, dtype=torch.int64)
        self._curve_output = torch.tensor([place(r.output, firsts) for r in curves], device=device, dtype=torch.int64)
        axes, values = [r.axes[0] for r in curves], [r.values for r in curves]
        self._curves = PiecewiseLinear(axes, values, device, dtype) if curves else None
        self._together: list[_Products | _Sums] = []
        for method, kind in ((PRODUCT, _Products), (SUM, _Sums)):
            found = [r for r in responses if r.method == method]
            if found:
                outputs = [place(r.output, firsts) for r in found]
                read = [[place(port, inputs) for port in r.inputs] for r in found]
                self._together.append(kind(outputs, read, [r.values for r in found], device, dtype))
        self._others = [
            (
                place(r.output, firsts),
                torch.tensor([place(port, inputs) for port in r.inputs], device=device),
                _Function(r, device, dtype),
            )
            for r in responses
            if len(r.axes) != 1 and r.method not in (PRODUCT, SUM)
        ]

    def added(self, out: Tensor, read: Tensor, J_out: Tensor, J_read: Tensor) -> Tensor:
        """``out`` (B, outputs) with what these responses say; their derivatives are added to ``J_out`` in place.

        read: (B, inputs); J_read: (B, inputs, K).
        """
        if self._curves is not None:
            values, slopes = self._curves(read[:, self._curve_input])
            out = out.index_add(1, self._curve_output, values)
            with torch.no_grad():
                J_out.index_add_(1, self._curve_output, slopes[..., None] * J_read[:, self._curve_input])
        for together in self._together:
            values, J_values = together(read, J_read)
            out = out.index_add(1, together.outputs, values)
            J_out.index_add_(1, together.outputs, J_values)
        for output, inputs, function in self._others:
            value, gradient = function(read[:, inputs])
            out = torch.cat([out[:, :output], (out[:, output] + value)[:, None], out[:, output + 1 :]], 1)
            with torch.no_grad():
                J_out[:, output] += (gradient[:, None] @ J_read[:, inputs])[:, 0]
        return out


class _Sums:
    """Weighted sums, as one matrix over what they read."""

    def __init__(
        self,
        outputs: list[int],
        inputs: list[list[int]],
        factors: list[np.ndarray],
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self.outputs = torch.tensor(outputs, device=device)
        used = sorted({place for row in inputs for place in row})
        matrix = np.zeros((len(outputs), len(used)))
        for row, places, values in zip(matrix, inputs, factors, strict=True):
            np.add.at(row, np.searchsorted(used, places), values)
        self._inputs = torch.tensor(used, device=device)
        self._matrix = torch.tensor(matrix, device=device, dtype=dtype)

    def __call__(self, read: Tensor, J_read: Tensor) -> tuple[Tensor, Tensor]:
        """Values (B, n), and their derivatives (B, n, K) as constants to autograd."""
        with torch.no_grad():
            J_values = self._matrix @ J_read[:, self._inputs]
        return read[:, self._inputs] @ self._matrix.T, J_values


class _Products:
    """Products of some inputs each, filled up with ones to the longest."""

    def __init__(
        self,
        outputs: list[int],
        inputs: list[list[int]],
        factors: list[np.ndarray],
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self.outputs = torch.tensor(outputs, device=device)
        width = max(len(row) for row in inputs)
        filled = [[*row, *[0] * (width - len(row))] for row in inputs]
        self._inputs = torch.tensor(filled, device=device)
        counts = torch.tensor([len(row) for row in inputs], device=device)
        self._filling = torch.arange(width, device=device) >= counts[:, None]
        self._factors = torch.tensor(np.concatenate(factors), device=device, dtype=dtype)

    def __call__(self, read: Tensor, J_read: Tensor) -> tuple[Tensor, Tensor]:
        """Values (B, n), and their derivatives (B, n, K) as constants to autograd."""
        inputs = read[:, self._inputs].masked_fill(self._filling, 1.0)
        with torch.no_grad():
            gradient = (self._factors[:, None] * others_product(inputs)).masked_fill(self._filling, 0.0)
            J_values = gradient[..., :1] * J_read[:, self._inputs[:, 0]]
            for place in range(1, self._inputs.shape[1]):
                J_values += gradient[..., place, None] * J_read[:, self._inputs[:, place]]
        return self._factors * inputs.prod(-1), J_values


class _Function:
    """A minimum, or a grid of two inputs and more."""

    def __init__(self, response: Response, device: torch.device, dtype: torch.dtype) -> None:
        self._method = response.method
        self._values = torch.tensor(response.values, device=device, dtype=dtype)
        # each place of an axis is a function of its own: 1 there and 0 at the others
        self._places = [
            PiecewiseLinear([axis] * len(axis), list(np.eye(len(axis))), device, dtype) for axis in response.axes
        ]

    def __call__(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Value (B,) and gradient (B, n) at inputs (B, n)."""
        if self._method == GRID:
            return self._on_grid(inputs)
        lowest = torch.nn.functional.one_hot(inputs.argmin(1), inputs.shape[1]).to(inputs.dtype)
        return self._values[0] * inputs.amin(1), self._values[0] * lowest

    def _on_grid(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        shares = []
        for axis, places in enumerate(self._places):
            count = self._values.shape[axis]
            shares.append(places(inputs[:, axis, None].expand(-1, count)))
        value = self._contracted([share for share, _ in shares])
        gradient = [
            self._contracted([slope if other == axis else share for other, (share, slope) in enumerate(shares)])
            for axis in range(len(shares))
        ]
        return value, torch.stack(gradient, 1)

    def _contracted(self, factors: list[Tensor]) -> Tensor:
        out = self._values.expand(len(factors[0]), *self._values.shape)
        for factor in factors:
            out = torch.einsum("bn...,bn->b...", out, factor)
        return out


def others_product(values: Tensor) -> Tensor:
    """The product of all other values, for each: (..., n) -> (..., n)."""
    count = values.shape[-1]
    itself = torch.eye(count, dtype=torch.bool, device=values.device)
    others = values[..., None, :].expand(*values.shape, count)
    return others.masked_fill(itself, 1).prod(-1)


def _levels(responses: tuple[Response, ...]) -> list[list[Response]]:
    """Responses by how many others stand between them and the controls."""
    of_signal: dict[int, int] = {}
    levels: list[list[Response]] = []
    for response in responses:
        level = max((of_signal.get(port.index, 0) for port in response.inputs if port.kind == SIGNAL), default=0)
        if response.output.kind == SIGNAL:
            index = response.output.index
            of_signal[index] = max(of_signal.get(index, 0), level + 1)
        while len(levels) <= level:
            levels.append([])
        levels[level].append(response)
    return levels
