"""Shapes that a first-order solve learns, as a product of three matrices, and the vertices that may move with them."""

from __future__ import annotations

import torch
from torch import Tensor

from facesolve.correctives.span import RigSpan

SMALLEST = 1e-9  # centimeters, or activation: what is smaller was not learned


class LearnedShapes:
    """Displacement of frame f: ``m3 m2 m1[:, f]`` in rig space, cm: a basis m3 (J, V, 3), how its shapes mix m2 (J, J),
    and when m1 (J, F), all learned (Laine et al., "Production-level facial performance capture using deep convolutional
    neural networks", 2017, decompose the same way).

    m3 begins at 0, m2 as the identity, m1 as hats spread over the take; with J = F every frame has its own shape.
    """

    def __init__(self, count: int, frames: int, mask: Tensor, span: RigSpan | None) -> None:
        """mask: (V,) 0..1, how far each vertex may move. span: what the shapes must leave to the rig and the head."""
        self._mask, self._span = mask, span
        self.m1 = _hats(count, frames).to(mask).requires_grad_()
        self.m2 = torch.eye(count).to(mask).requires_grad_()
        self.m3 = mask.new_zeros(count, len(mask), 3).requires_grad_()

    @property
    def parameters(self) -> list[Tensor]:
        return [self.m1, self.m2, self.m3]

    def displacement(self, frame: int) -> Tensor:
        """(V, 3) of one frame, cm, differentiable."""
        mix = self.m2 @ self.m1[:, frame]
        moved = (mix @ self.m3.flatten(1)).view(-1, 3) * self._mask[:, None]
        return self._apart(moved[None])[0]

    def result(self) -> tuple[Tensor, Tensor]:
        """Shapes (J, V, 3), cm, and activations (F, J), the largest of each shape 1 in magnitude; only what moves."""
        with torch.no_grad():
            shapes = self._apart(self.m3 * self._mask[:, None])
            activations = (self.m2 @ self.m1).T
            largest = activations.abs().amax(0)
            used = (largest > SMALLEST) & (shapes.norm(dim=2).amax(1) > SMALLEST)
            return shapes[used] * largest[used, None, None], activations[:, used] / largest[used]

    def _apart(self, shapes: Tensor) -> Tensor:
        return shapes if self._span is None else self._span.removed_from(shapes.double()).to(shapes)


def _hats(count: int, frames: int) -> Tensor:
    """(count, frames): linear interpolation between ``count`` knots spread evenly over the frames."""
    if count == 1:
        return torch.ones(1, frames)
    place = torch.linspace(0, count - 1, frames)
    return (1 - (place - torch.arange(count)[:, None]).abs()).clamp_min(0)
