"""What is known about controls before looking at the footage: ranges, locks, pins, stiffness, partners, sparsity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from facesolve.geometry.pose import Pose
from facesolve.take import Take

from .quadratic import Quadratic
from .residual import STAGES, Known

DEVIATION = 0.5  # standard deviation of a control around its default, as a fraction of its range
PARTNER_DEVIATION = 0.03  # of the difference of symmetric partners, and of the product of exclusive ones
SPARSE_AT = 0.01  # activity, as a fraction of the range, below which the sparsity prior is quadratic


@dataclass(frozen=True, eq=False)
class ControlPrior:
    """Bounds and quadratic priors of the controls of a take, in units of information (1 / standard deviation^2).

    lower, upper: (F, K) float64; equal where a lock, a pin or an inactive control fixes the value.
    default: (K,). information: (K,) of the pull towards the default. span: (K,) width of the range.
    symmetric, exclusive: (n, 2) int64 pairs of controls. sparsity: strength of the prior for few active controls.
    """

    lower: Tensor
    upper: Tensor
    default: Tensor
    information: Tensor
    span: Tensor
    symmetric: Tensor
    exclusive: Tensor
    sparsity: float
    stages: ClassVar = STAGES

    @staticmethod
    def from_take(take: Take, device: torch.device) -> ControlPrior:
        """The priors that the take's settings ask for."""

        def tensor(values: object) -> Tensor:
            return torch.as_tensor(values, dtype=torch.float64, device=device)

        settings, names = take.settings, take.rig.control_names
        bounds = tensor(take.rig.bounds)
        lower = bounds[:, 0].repeat(take.frame_count, 1)
        upper = bounds[:, 1].repeat(take.frame_count, 1)
        stiffness = torch.full((len(names),), settings.stiffness, dtype=torch.float64, device=device)
        at_start = tensor(take.rig.default_controls if take.start is None else take.start.controls)
        rest = tensor(take.rig.default_controls)
        symmetric: set[tuple[int, int]] = set()
        exclusive: set[tuple[int, int]] = set()
        for control in settings.controls:
            index = names.index(control.name)
            stiffness[index] *= control.stiffness
            if control.rest is not None:
                rest[index] = control.rest
            if control.lock is not None:
                lower[:, index] = upper[:, index] = tensor(control.lock)
            elif not control.active:
                lower[:, index] = upper[:, index] = at_start[index]
            for partner, pairs in ((control.symmetric, symmetric), (control.exclusive, exclusive)):
                if partner is not None:
                    first, second = sorted((index, names.index(partner)))
                    pairs.add((first, second))
        for pin in settings.pins:
            row = int((take.frames == pin.frame).nonzero()[0][0])
            lower[row, names.index(pin.control)] = upper[row, names.index(pin.control)] = pin.value
        span = bounds[:, 1] - bounds[:, 0]
        return ControlPrior(
            lower=lower,
            upper=upper,
            default=rest,
            information=stiffness / (DEVIATION * span) ** 2,
            span=span,
            symmetric=torch.tensor(sorted(symmetric), dtype=torch.int64, device=device).reshape(-1, 2),
            exclusive=torch.tensor(sorted(exclusive), dtype=torch.int64, device=device).reshape(-1, 2),
            sparsity=settings.sparsity,
        )

    def clamped(self, controls: Tensor, frames: Tensor) -> Tensor:
        """``controls`` (B, K) moved into the bounds of take frame indices ``frames`` (B,)."""
        return controls.clamp(self.lower[frames], self.upper[frames])

    def cost(self, controls: Tensor) -> Tensor:
        """Half the squared prior residuals of controls (B, K): (B,)."""
        total = 0.5 * (self.information * (controls - self.default) ** 2).sum(1)
        if len(self.symmetric):
            difference = (controls[:, self.symmetric[:, 0]] - controls[:, self.symmetric[:, 1]]) / PARTNER_DEVIATION
            total = total + 0.5 * (difference**2).sum(1)
        if len(self.exclusive):
            product = self._activity(controls)[:, self.exclusive].prod(-1) / PARTNER_DEVIATION
            total = total + 0.5 * (product**2).sum(1)
        if self.sparsity:
            activity = self._activity(controls)
            total = total + self.sparsity * (torch.sqrt(activity**2 + SPARSE_AT**2) - SPARSE_AT).sum(1)
        return total

    def quadratic(self, known: Known, frames: Tensor, pose: Pose) -> Quadratic:
        """See ``Residual``; the head is left alone."""
        return Quadratic(*self.normal_equations(pose.controls), self.cost(pose.controls))

    def normal_equations(self, controls: Tensor) -> tuple[Tensor, Tensor]:
        """Gauss-Newton matrix (B, K, K) and force (B, K), minus the gradient of ``cost``, at controls (B, K)."""
        A, b = controls.new_zeros(*controls.shape, controls.shape[1]), torch.zeros_like(controls)
        self.add_to(A, b, controls)
        return A, b

    def add_to(self, A: Tensor, b: Tensor, controls: Tensor) -> None:
        """Adds ``normal_equations`` at controls (B, K) to A (B, K, K) and b (B, K) in place."""
        offset = controls - self.default
        diagonal = A.diagonal(dim1=1, dim2=2)
        diagonal += self.information
        b.addcmul_(self.information, offset, value=-1)
        for pairs, rows in ((self.symmetric, self._symmetric_rows), (self.exclusive, self._exclusive_rows)):
            if len(pairs):
                residual, J = rows(controls)  # (B, n), (B, n, 2)
                products = J[..., :, None] * J[..., None, :]  # (B, n, 2, 2)
                everywhere = torch.arange(len(controls), device=controls.device)[:, None, None, None]
                A.index_put_((everywhere, pairs[:, :, None], pairs[:, None, :]), products, accumulate=True)
                b.index_add_(1, pairs.flatten(), -(J * residual[..., None]).flatten(1))
        if self.sparsity:
            activity = self._activity(controls)
            pull = self.sparsity / torch.sqrt(activity**2 + SPARSE_AT**2) / self.span**2
            diagonal += pull
            b.addcmul_(pull, offset, value=-1)

    def _activity(self, controls: Tensor) -> Tensor:
        return (controls - self.default) / self.span

    def _symmetric_rows(self, controls: Tensor) -> tuple[Tensor, Tensor]:
        residual = (controls[:, self.symmetric[:, 0]] - controls[:, self.symmetric[:, 1]]) / PARTNER_DEVIATION
        J = torch.ones(*residual.shape, 2, dtype=controls.dtype, device=controls.device) / PARTNER_DEVIATION
        J[..., 1] *= -1
        return residual, J

    def _exclusive_rows(self, controls: Tensor) -> tuple[Tensor, Tensor]:
        first, second = self._activity(controls)[:, self.exclusive].unbind(-1)
        spans = self.span[self.exclusive]
        J = torch.stack([second / spans[:, 0], first / spans[:, 1]], -1) / PARTNER_DEVIATION
        return first * second / PARTNER_DEVIATION, J
