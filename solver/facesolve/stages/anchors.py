"""Anchors: a start frame that a person posed well votes with its own colors, against what all frames slide in common.

A bundle eliminates the colors of the surface, so it costs nothing when lips, lids or brows are off by the same in all
frames; a rig that is not quite the actor pushes them. The start frame's colors, taken where its pose has them, hold
the common part. They are as wrong as that pose is, so they vote only where alignment hardly moved it. A pose that an
earlier solve has found is not moved either, but knows no more than that solve.

The values of the controls hold it, too, as well as a person sets them: more than footage whose cameras do not quite
agree, less than footage that is sure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from facesolve.actor.constant import UNTOUCHED, ConstantPrior
from facesolve.footage.stream import FramePixels
from facesolve.geometry.pose import Pose
from facesolve.geometry.rig import apply_head
from facesolve.residuals.openings import LidPairs, OpeningReference
from facesolve.residuals.residual import Residual
from facesolve.residuals.template import KNOWN_WEIGHT, KnownColors

from .problem import Problem
from .refine import learn_template

MOST_TOUCHED = 1 / 3  # of the controls: a person moves few, a solve most
GOOD, ROUGH = 0.06, 0.12  # cm, by which alignment moves a start pose that counts fully, and one that does not count


@dataclass(frozen=True, eq=False)
class StartAnchor:
    """The start frame as aligned: take frame index, pose (B = 1), the votes of each color of its own, and where the
    rig's lids open, if it has eyeballs."""

    frame: int
    pose: Pose
    votes: float
    lids: LidPairs | None

    @staticmethod
    def of(problem: Problem, given: Pose, aligned: Pose, frame: int) -> StartAnchor | None:
        """The start frame's, moved from ``given`` to ``aligned`` (B = 1); None where it is not to be trusted: moved too
        far, or with so many controls off their default that a solve has posed it and no person."""
        off = (given.controls[0] - problem.prior.default).abs() > UNTOUCHED * problem.prior.span
        if float(off.double().mean()) > MOST_TOUCHED:
            return None
        rough = (ROUGH - mean_motion(problem, given, aligned)) / (ROUGH - GOOD)
        votes = KNOWN_WEIGHT * problem.take.settings.anchor * min(max(rough, 0.0), 1.0)
        return StartAnchor(frame, aligned, votes, LidPairs.of(problem.model)) if votes > 0 else None

    def colors(self, problem: Problem, pixels: FramePixels, level: int) -> KnownColors:
        """What the surface looks like by the start frame alone. pixels: of that frame."""
        frames = torch.tensor([self.frame], device=self.pose.head.device)
        return KnownColors.of(learn_template(problem, [pixels], self.pose, frames, level).template, self.votes)

    def openings(
        self, problem: Problem, pixels: Sequence[FramePixels], pose: Pose, frames: Tensor, level: int
    ) -> tuple[Residual, ...]:
        """How far eyes are open in M frames, as a residual; nothing where the rig has no eyeballs.

        pixels: of the frames; pose: about where their heads are; frames: (M,) take frame indices, the start's among
        them.
        """
        if self.lids is None:
            return ()
        indices, shown = frames.tolist(), [frame.level(level) for frame in pixels]
        start = shown[indices.index(self.frame)]
        one, every = (problem.views.cameras(level, some) for some in ([self.frame], indices))
        reference = OpeningReference.of(problem.model, self.lids, start, one, self.pose)
        return (reference.openings(shown, every, pose.head),)


def start_controls(problem: Problem, given: Pose, frame: int) -> tuple[ConstantPrior, ...]:
    """What a start pose (B = 1) at take frame index ``frame`` says about the controls; nothing where all of them are at
    their default, as an animator leaves a rig that was not posed."""
    prior, start = problem.prior, problem.take.start
    values, strength = given.controls[0].double(), problem.take.settings.anchor
    untouched = (values - prior.default).abs() <= UNTOUCHED * prior.span
    if strength == 0 or start is None or not start.posed or bool(untouched.all()):
        return ()
    told = ConstantPrior.about(frame, values, prior.default, prior.span, problem.take.frame_count)
    # what settings say about a control goes before
    chosen = {each.name for each in problem.take.settings.controls}
    free = torch.tensor([name in chosen for name in problem.take.rig.control_names], device=values.device)
    return (replace(told, deviation=torch.where(free, torch.inf, told.deviation), counted=strength),)


def mean_motion(problem: Problem, one: Pose, other: Pose) -> float:
    """Centimeters, the mean over the samples by weight, from one pose (B = 1) to another in the world."""
    places = []
    for pose in (one, other):
        deformation = problem.model.deformation(pose.controls.to(problem.model.dtype))
        places.append(apply_head(pose.head, problem.samples.positions(deformation).to(pose.head.dtype))[0])
    weight = problem.samples.weight.to(places[0].dtype)
    return float(((places[0] - places[1]).norm(dim=1) * weight).sum() / weight.sum())
