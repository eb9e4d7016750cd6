"""What the surface looks like, agreed on by every camera and frame that saw it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from facesolve.optimize.robust import residual_scale, robust_weight

from .observation import Observation
from .photometric import Template, surface_slopes

REWEIGHTINGS = 4
ENOUGH = 0.2  # total weight below which a sample's color is not known
KNOWN_WEIGHT = 3.0  # observations that colors count for which are known beforehand


@dataclass(frozen=True, eq=False)
class KnownColors:
    """Colors that are known whatever the poses: the rig's own texture, or what a frame shows that a person posed.

    votes: (N,) images that each sample's color counts for, 0 where it is not known.
    """

    template: Template
    votes: Tensor

    @staticmethod
    def of(template: Template, votes: float = KNOWN_WEIGHT) -> KnownColors:
        """Wherever the template has a color."""
        return KnownColors(template, votes * (template.weights > 0))


def agree(
    observation: Observation, edges: Tensor, scale: Tensor | None = None, known: KnownColors | None = None
) -> tuple[Template, Tensor, Tensor]:
    """The robust weighted mean over frames and cameras of the color at each sample.

    Samples that fewer than two images saw say nothing about the pose and get weight 0. edges: (B, N, 2, 3) cm.
    scale: robust scale, or None to take it from the residuals. known: colors that vote whatever the pose. Returns the
    template, the weights (B, C, N) that each observation ended with, and the scale.
    """
    own, colors = _nothing_known(observation) if known is None else (known.votes, known.template)
    votes = (observation.weights > 0).sum((0, 1)) + (own > 0)
    visibility_weights = observation.weights * (votes >= 2)
    weights, trust = visibility_weights, own
    for _ in range(REWEIGHTINGS):
        total = (weights.sum((0, 1)) + trust).clamp_min(1e-6)
        values = ((weights * observation.values).sum((0, 1)) + trust * colors.values) / total
        residual = observation.values - values
        used = (
            residual_scale(residual.flatten()[None], visibility_weights.flatten()[None])[0] if scale is None else scale
        )
        weights = visibility_weights * robust_weight(residual, used)
        trust = own * robust_weight(colors.values - values, used)
    weights = weights * (weights.sum((0, 1)) + trust > ENOUGH)
    total = weights.sum((0, 1)) + trust
    values = ((weights * observation.values).sum((0, 1)) + trust * colors.values) / total.clamp_min(1e-6)
    slopes = (weights[..., None] * surface_slopes(observation, edges)).sum((0, 1)) + trust[:, None] * colors.slopes
    return Template(values, slopes / total.clamp_min(1e-6)[:, None], total), weights, used


def _nothing_known(observation: Observation) -> tuple[Tensor, Template]:
    nothing = torch.zeros_like(observation.values[0, 0])
    return nothing, Template(nothing, nothing[:, None].expand(-1, 2), nothing)


class TemplateMemory:
    """A template that grows while a take is tracked: robust running means of color and slopes."""

    def __init__(self, count: int, like: Tensor) -> None:
        self.sums = like.new_zeros(count, 3)  # weighted color and slopes
        self.weights = like.new_zeros(count)

    def template(self) -> Template:
        """The present means; weight 0 where too little was seen."""
        means = self.sums / self.weights.clamp_min(1e-6)[:, None]
        return Template(means[:, 0], means[:, 1:], self.weights * (self.weights > ENOUGH))

    def trust(self, known: Template) -> None:
        """Adds the rig's own texture."""
        own = KNOWN_WEIGHT * (known.weights > 0)
        self.sums += own[:, None] * torch.cat([known.values[:, None], known.slopes], 1)
        self.weights += own

    def add(self, parts: Sequence[tuple[Observation, Tensor]]) -> None:
        """Adds what frames saw, in parts, each with its edges (B, N, 2, 3) cm; what disagrees with the memory as it was
        before all of them counts little."""
        known = self.template()
        for observation, edges in parts:
            residual = observation.values - known.values
            agreed = observation.weights * (known.weights > 0)
            scale = residual_scale(residual, agreed)[:, None, None]
            trust = torch.where(known.weights > 0, robust_weight(residual, scale), 1.0)
            weights = observation.weights * trust
            values_and_slopes = torch.cat(
                [observation.values[..., None], surface_slopes(observation, edges)], -1
            )  # (B, C, N, 3)
            self.sums = self.sums + (weights[..., None] * values_and_slopes).sum((0, 1))
            self.weights = self.weights + weights.sum((0, 1))
