"""Levenberg-Marquardt on the pose of each frame against a known template, a batch of frames at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from facesolve.geometry.pose import Limits, Pose
from facesolve.optimize.levenberg_marquardt import Linearized, Options, levenberg_marquardt, uncaptured
from facesolve.residuals.against_template import Photometric
from facesolve.residuals.observation import Views
from facesolve.residuals.photometric import Template
from facesolve.residuals.quadratic import Quadratic
from facesolve.residuals.residual import REFINE
from facesolve.runtime.devices import indices_on

from .problem import Problem

FIRST_DAMPING = 1e-4
# the step follows the template's noise-free slopes; near the optimum it may raise the cost by what fits the noise
COST_TOLERANCE = 1e-3
BOX_ROUNDS = 4  # of the bounded step: the next iteration continues where this one ends


@dataclass(frozen=True, eq=False)
class Anchor:
    """A pull of the controls towards values (B, K) with information (B, K) or (K,), for example a prediction."""

    values: Tensor
    information: Tensor

    def at(self, rows: Sequence[int]) -> Anchor:
        """Those of some frames; information is then (n, K)."""
        index = indices_on(self.values.device, rows)
        return Anchor(self.values[index], self.information.expand_as(self.values)[index])

    def quadratic(self, controls: Tensor) -> Quadratic:
        """Its cost around controls (B, K)."""
        off = controls - self.values
        A, b = torch.diag_embed(self.information.expand_as(off)), -self.information * off
        return Quadratic(A, b, self.cost(controls))

    def add_to(self, A: Tensor, b: Tensor, controls: Tensor) -> None:
        """Adds its matrix (B, K, K) and force (B, K) around controls (B, K) in place."""
        diagonal = A.diagonal(dim1=1, dim2=2)
        diagonal += self.information
        b.addcmul_(self.information, controls - self.values, value=-1)

    def cost(self, controls: Tensor) -> Tensor:
        """(B,) at controls (B, K)."""
        return 0.5 * (self.information * (controls - self.values).square()).sum(1)


@dataclass(frozen=True)
class FrameFitOptions:
    """How frames are fitted.

    template_share: see ``Against``. box_rounds: of each bounded step. stage: whose residuals take part. recorded: steps
    may be recorded for further frames of the same problem.
    """

    iterations: int
    template_share: float = 1.0
    free_controls: bool = True
    box_rounds: int = BOX_ROUNDS
    stage: str = REFINE
    recorded: bool = True


@dataclass(frozen=True, eq=False)
class FrameFit:
    """Poses of B frames at the end of a fit, their photometric quadratics there, and the robust scales (B,)."""

    pose: Pose
    quadratic: Quadratic
    scale: Tensor


def fit_frames(
    problem: Problem,
    template: Template,
    views: Views,
    pose: Pose,
    frames: Tensor,
    level: int,
    options: FrameFitOptions,
    anchor: Anchor | None = None,
) -> FrameFit:
    """Levenberg-Marquardt with bounds and priors on each of B frames. frames: (B,) take frame indices.

    A step that raises a frame's cost is taken back and damped. The robust scale is frozen, so costs compare. A frame
    that has converged stays; no frame's result depends on the others of the batch.
    """
    photometric = Photometric.of(template, views, level, options.template_share)
    limits = problem.limits(frames, options.free_controls)
    fit = _Fit(problem, photometric, limits, anchor, frames, options.stage)
    # what others have written may wait for the device
    recorded = options.recorded and not problem.residuals_of(options.stage)
    captured = problem.graphs.kept() if recorded else uncaptured
    end = levenberg_marquardt(
        fit,
        pose,
        Options(
            options.iterations,
            FIRST_DAMPING,
            cost_tolerance=COST_TOLERANCE,
            step_tolerance=problem.step_tolerance,
            box_rounds=options.box_rounds,
        ),
        captured,
    )
    assert end.model.scale is not None
    return FrameFit(end.state, end.model.photometric, end.model.scale)


@dataclass(frozen=True, eq=False)
class _Model(Linearized):
    """The whole cost of B frames, and the photometric part of it."""

    photometric: Quadratic


@dataclass(frozen=True, eq=False)
class _Fit:
    """What B frames are fitted to. frames: (B,) take frame indices."""

    problem: Problem
    photometric: Photometric
    limits: Limits
    anchor: Anchor | None
    frames: Tensor
    stage: str

    def linearize(self, pose: Pose, scale: Tensor | None) -> _Model:
        photometric, used = self.photometric.judged(self.problem, pose, scale)
        whole = with_priors(self.problem, photometric.relaxed(), pose, self.frames, self.stage, self.anchor)
        return _Model(whole.A, whole.b, whole.cost, used, photometric)

    def stepped(self, pose: Pose, step: Tensor) -> Pose:
        return pose.stepped(step)

    def bounds(self, pose: Pose) -> tuple[Tensor, Tensor]:
        return self.limits.box(pose)


def with_priors(
    problem: Problem, quadratic: Quadratic, pose: Pose, frames: Tensor, stage: str, anchor: Anchor | None = None
) -> Quadratic:
    """The quadratic of B frames with the control priors, the further residuals of a stage and the anchor added."""
    count = pose.controls.shape[1]
    A, b = quadratic.A.clone(), quadratic.b.clone()
    cost = quadratic.cost + problem.prior.cost(pose.controls)
    # in place: a solve takes this sum in each of its steps
    for pull in (problem.prior, *(() if anchor is None else (anchor,))):
        pull.add_to(A[:, :count, :count], b[:, :count], pose.controls)
    if anchor is not None:
        cost = cost + anchor.cost(pose.controls)
    return Quadratic(A, b, cost).plus(each.quadratic(problem, frames, pose) for each in problem.residuals_of(stage))
