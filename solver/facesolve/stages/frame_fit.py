"""Levenberg-Marquardt on the pose of each frame against a known template, a batch of frames at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from facesolve.geometry.pose import Limits, Pose
from facesolve.optimize.box import finished, solve_box
from facesolve.optimize.robust import residual_scale, robust_sum
from facesolve.residuals.normal_equations import normal_equations, to_controls
from facesolve.residuals.observation import Observation, Views, observe
from facesolve.residuals.photometric import SurfaceGradient, Template, sample_normals
from facesolve.runtime.devices import indices_on

from .problem import Problem, converged

FIRST_DAMPING = 1e-4
DAMPING_UP, DAMPING_DOWN = 10.0, 0.3
# the step follows the template's noise-free slopes; near the optimum it may raise the cost by what fits the noise
COST_TOLERANCE = 1e-3
BOX_ROUNDS = 4  # of the bounded step: the next iteration goes on where this one ends


@dataclass(frozen=True, eq=False)
class Quadratic:
    """The local model of B frames' cost: A (B, K+6, K+6) and b (B, K+6) = -gradient, information units; cost (B,).

    curvature: (B,) of the cost, as a share of A, which is that of parabolas above the robust loss; None if not known.
    """

    A: Tensor
    b: Tensor
    cost: Tensor
    curvature: Tensor | None = None

    def relaxed(self) -> Quadratic:
        """With the cost's own curvature, for a step; A itself counts information."""
        return self if self.curvature is None else replace(self, A=self.A * self.curvature[:, None, None])


@dataclass(frozen=True, eq=False)
class Anchor:
    """A pull of the controls towards values (B, K) with information (B, K) or (K,), for example a prediction."""

    values: Tensor
    information: Tensor

    def at(self, rows: Sequence[int]) -> Anchor:
        """Those of some frames; information is then (n, K)."""
        index = indices_on(self.values.device, rows)
        return Anchor(self.values[index], self.information.expand_as(self.values)[index])


@dataclass(frozen=True, eq=False)
class FrameFit:
    """Poses of B frames at the end of a fit, their photometric quadratics there, and the robust scales (B,)."""

    pose: Pose
    quadratic: Quadratic
    scale: Tensor


def photometric_quadratic(
    problem: Problem,
    template: Template,
    views: Views,
    pose: Pose,
    level: int,
    scale: Tensor | None,
    template_share: float = 1.0,
    gradient: SurfaceGradient | None = None,
) -> tuple[Quadratic, Tensor, Observation]:
    """The photometric cost of B frames at ``pose`` and its Gauss-Newton model, without priors.

    template_share: how much of the gradient comes from the template, the rest from the footage. Half and half is
    efficient second-order minimisation (Benhimane & Malis 2004), which sees farther; 1 holds no image noise.
    scale: robust scale of each frame (B,), or None to take it from the residuals. gradient: of template and views, if
    it is known already.
    Returns the quadratic, the robust scales used, and the observation.
    """
    observation = observe(problem.samples, problem.model, pose.controls, pose.head, views)
    seen = observation.weights * (template.weights > 0)
    residual = observation.values - template.values
    if scale is None:
        scale = residual_scale(residual, seen)
    noise = problem.noise_variance(scale, level)
    gradient = SurfaceGradient.of(template.slopes, views.edges) if gradient is None else gradient
    covectors = gradient.covectors(observation.rays)
    if template_share < 1:
        covectors = torch.lerp(observation.covectors, covectors, template_share)
    robust = robust_sum(residual, seen, scale)
    information, force = sample_normals(covectors, robust.weights, residual)
    A, b = normal_equations(problem.samples, information, force, observation.points, exact=False)
    A, b = to_controls(A, b, observation.J_activation_control)
    quadratic = Quadratic(
        A / noise[:, None, None], b / noise[:, None], robust.cost.double() / noise, robust.curvature.double()
    )
    return quadratic, scale, observation


def fit_frames(
    problem: Problem,
    template: Template,
    views: Views,
    pose: Pose,
    frames: Tensor,
    level: int,
    iterations: int,
    anchor: Anchor | None = None,
    template_share: float = 1.0,
    free_controls: bool = True,
    rounds: int = BOX_ROUNDS,
) -> FrameFit:
    """Levenberg-Marquardt with bounds and priors on each of B frames. frames: (B,) take frame indices.

    A step that raises a frame's cost is taken back and damped. The robust scale is frozen, so costs compare. A frame
    that has converged stays; no frame's result depends on the others of the batch. rounds: of each bounded step.
    """
    gradient = SurfaceGradient.of(template.slopes, views.edges)
    given = _Given(template, gradient, views, problem.limits(frames, free_controls), anchor)
    key = (id(problem.samples), level, template_share, free_controls, rounds, anchor is None)

    def begin(given: _Given, now: _Iterate) -> _Iterate:
        photometric, scale, _ = photometric_quadratic(
            problem, given.template, given.views, now.pose, level, None, template_share, given.gradient
        )
        return replace(now, photometric=photometric, scale=scale)

    def step(given: _Given, now: _Iterate) -> _Iterate:
        return _iterate(problem, given, now, level, template_share, rounds)

    end = problem.recordings.repeat(
        key, step, given, _blank(problem, pose), iterations, lambda now: finished(now.done), begin=begin
    )
    return FrameFit(end.pose, end.photometric, end.scale)


@dataclass(frozen=True, eq=False)
class _Given:
    """What a fit of B frames is made from."""

    template: Template
    gradient: SurfaceGradient
    views: Views
    limits: Limits
    anchor: Anchor | None


@dataclass(frozen=True, eq=False)
class _Iterate:
    """Where B frames' fits are: poses, their photometric quadratics, robust scales (B,), damping (B,), done (B,)."""

    pose: Pose
    photometric: Quadratic
    scale: Tensor
    damping: Tensor
    done: Tensor


def _blank(problem: Problem, pose: Pose) -> _Iterate:
    """Before anything was seen."""
    batch, width = pose.controls.shape[0], pose.controls.shape[1] + 6
    zero = pose.controls.new_zeros
    nothing = Quadratic(zero(batch, width, width), zero(batch, width), zero(batch), zero(batch))
    damping = torch.full_like(nothing.cost, FIRST_DAMPING)
    scale = problem.samples.weight.new_zeros(batch)
    return _Iterate(pose, nothing, scale, damping, torch.zeros_like(damping, dtype=torch.bool))


def _iterate(
    problem: Problem, given: _Given, now: _Iterate, level: int, template_share: float, rounds: int
) -> _Iterate:
    """One step of ``fit_frames``."""
    full = with_priors(problem, now.photometric.relaxed(), now.pose, given.anchor)
    step = damped_step(full, now.pose, given.limits, now.damping, rounds)
    done = now.done | converged(step)
    if finished(done):
        return replace(now, done=done)
    trial = now.pose.moved(step)
    photometric, _, _ = photometric_quadratic(
        problem, given.template, given.views, trial, level, now.scale, template_share, given.gradient
    )
    cost = total_cost(problem, photometric.cost, trial, given.anchor)
    better = ~done & (cost <= full.cost * (1 + COST_TOLERANCE))
    return _Iterate(
        pose=now.pose.chosen(trial, better),
        photometric=_merge(now.photometric, photometric, better),
        scale=now.scale,
        damping=now.damping * torch.where(better, DAMPING_DOWN, DAMPING_UP),
        done=done,
    )


def with_priors(problem: Problem, quadratic: Quadratic, pose: Pose, anchor: Anchor | None) -> Quadratic:
    """The quadratic with the control priors and the anchor added."""
    count = pose.controls.shape[1]
    A, b = quadratic.A.clone(), quadratic.b.clone()
    A_controls, b_controls = A[:, :count, :count], b[:, :count]
    problem.prior.add_to(A_controls, b_controls, pose.controls)
    if anchor is not None:
        diagonal = A_controls.diagonal(dim1=1, dim2=2)
        diagonal += anchor.information
        b_controls.addcmul_(anchor.information, pose.controls - anchor.values, value=-1)
    return Quadratic(A, b, total_cost(problem, quadratic.cost, pose, anchor))


def total_cost(problem: Problem, photometric: Tensor, pose: Pose, anchor: Anchor | None) -> Tensor:
    """The photometric cost (B,) with that of the control priors and the anchor added."""
    cost = photometric + problem.prior.cost(pose.controls)
    if anchor is not None:
        cost = cost + 0.5 * (anchor.information * (pose.controls - anchor.values).square()).sum(1)
    return cost


def damped_step(quadratic: Quadratic, pose: Pose, limits: Limits, damping: Tensor, rounds: int = BOX_ROUNDS) -> Tensor:
    """The bounded step (B, K+6) of the quadratic with its diagonal raised by ``damping`` (B,)."""
    diagonal = quadratic.A.diagonal(dim1=1, dim2=2)
    # directions nobody sees get a floor, else the matrix is singular when the head is out of sight
    raised = damping[:, None] * diagonal + 1e-9 * diagonal.amax(1, keepdim=True) + 1e-9
    A = quadratic.A.clone()
    A.diagonal(dim1=1, dim2=2).add_(raised)
    return solve_box(A, quadratic.b, *limits.box(pose), rounds)


def _merge(old: Quadratic, new: Quadratic, use_new: Tensor) -> Quadratic:
    assert old.curvature is not None
    assert new.curvature is not None
    return Quadratic(
        torch.where(use_new[:, None, None], new.A, old.A),
        torch.where(use_new[:, None], new.b, old.b),
        torch.where(use_new, new.cost, old.cost),
        torch.where(use_new, new.curvature, old.curvature),
    )
