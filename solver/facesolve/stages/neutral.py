"""How the neutral of the rig may differ from the face that is filmed: where, how far, and what speaks against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from facesolve.actor.constant import ConstantPrior
from facesolve.actor.evidence import expected_deviation, is_sure
from facesolve.actor.offset import OffsetSpace
from facesolve.geometry.face_weight import connected_pieces
from facesolve.geometry.surface_samples import samples_at
from facesolve.residuals.observation import Views

from .bundle import BundleFit, BundleOptions, Evidence, FreeNeutral, offset_information
from .problem import Problem

ASKED = 2  # every so many samples are asked whether the neutral differs: the answer is clear, or it is no
LEAST_CAMERAS = 2  # one camera cannot tell the neutral from the motion of the head


@dataclass(frozen=True, eq=False)
class NeutralPrior:
    """What is expected of the neutral of a rig. usable: (V,) bool, where it may differ; deviation: cm, by how much;
    constant: what is known of the controls."""

    space: OffsetSpace
    usable: Tensor
    deviation: float
    constant: tuple[ConstantPrior, ...]

    @staticmethod
    def restored(problem: Problem, usable: Tensor, deviation: float, posed: Sequence[int]) -> NeutralPrior:
        """The same again."""
        return NeutralPrior(OffsetSpace.of(problem.model, usable), usable, deviation, constant_priors(problem, posed))

    def free(self, problem: Problem) -> FreeNeutral:
        """For the samples of a problem of the same rig."""
        offset = self.space.at_samples(problem.model, problem.samples)
        return FreeNeutral(offset, self.space.information / self.deviation**2, self.constant)


def expected_neutral(
    problem: Problem,
    views: Views,
    fit: BundleFit,
    frames: Tensor,
    level: int,
    evidence: Evidence,
    calibration: Tensor | None,
    posed: Sequence[int],
) -> NeutralPrior | None:
    """What is to be expected of the neutral, from M keyframes at the end of a bundle without; None for nothing.

    posed: take frame indices whose controls a person has told: those of the start pose, or the default.
    """
    if len(problem.take.cameras) < LEAST_CAMERAS or not problem.take.settings.profile:
        return None
    usable = _shown_skin(problem, views)
    if not usable.any():
        return None
    space, constant = OffsetSpace.of(problem.model, usable), constant_priors(problem, posed)
    some = problem.with_samples(problem.samples.thinned(ASKED))
    open_to_all = FreeNeutral(space.at_samples(problem.model, some.samples), space.information * 0, constant)
    options = BundleOptions(0, calibration=calibration, neutral=open_to_all)
    shown = (views.thinned(ASKED), fit, frames, level, options, evidence.thinned(ASKED))
    alone, together = offset_information(some, *shown)
    if not is_sure(*alone, space.information):
        return None
    return NeutralPrior(space, usable, expected_deviation(*together, space.information), constant)


def constant_priors(problem: Problem, posed: Sequence[int]) -> tuple[ConstantPrior, ...]:
    """What is known about the constant part of the controls: at frames that are neutral, else at the start frame where
    somebody has posed it, else no more than what is usual."""
    take, prior = problem.take, problem.prior
    count = take.frame_count
    if take.settings.neutral:
        return tuple(ConstantPrior.at(index, prior.default, prior.span, count) for index in posed)
    usual = (ConstantPrior.usual(prior.default, prior.span, count),)
    if take.start is None or not take.start.posed or not posed:
        return usual
    start = torch.as_tensor(take.start.controls, device=prior.span.device)
    if bool(((start - prior.default).abs() < 1e-6 * prior.span).all()):
        return usual
    return tuple(ConstantPrior.at(index, start, prior.span, count) for index in posed)


def _shown_skin(problem: Problem, views: Views) -> Tensor:
    """(V,) bool: vertices of the skin that drive the solve and that cameras see; eyeballs and teeth stay in place."""
    model = problem.model
    piece = torch.as_tensor(connected_pieces(model.rig), device=model.device)
    weight = model.face_weight
    skin = piece == torch.bincount(piece, weights=weight.double()).argmax()
    seen = torch.zeros_like(skin)
    shown = (views.visibility > 0).any(0).any(0)
    seen[model.triangles[problem.samples.triangles[shown]]] = True
    return skin & (weight > 0) & seen


def with_neutral(problem: Problem, offset: Tensor) -> Problem:
    """The problem with another neutral of its rig. offset: (V, 3) cm."""
    rig = problem.take.rig
    moved = replace(rig, neutral=rig.neutral + offset.cpu().numpy().astype(rig.neutral.dtype))
    model = problem.model.with_neutral(moved)
    samples = problem.samples
    return problem.made_anew(
        replace(problem.take, rig=moved),
        model,
        samples_at(model, samples.triangles, samples.barycentrics, samples.weight, samples.spacing),
    )
