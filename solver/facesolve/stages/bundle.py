"""Several frames at once with the surface's color eliminated: what tells a true pose from one that a texture absorbs.

A texture made from a misaligned frame reproduces that frame perfectly, so no tracker can undo the misalignment. Here no
texture is fixed: the residual of an observation is its difference from the mean over all cameras and frames, and the
derivative is centered the same way (variable projection, Golub & Pereyra 1973). What is left is what only the true pose
explains: all cameras, at all frames, agree about every point of the surface.

Calibrations are never exact. What all frames have in common shows it, so errors of the cameras are found along with the
poses (``facesolve.residuals.camera_errors``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from facesolve.geometry.pose import Pose
from facesolve.optimize.levenberg_marquardt import Linearized, Options, levenberg_marquardt, regularized, uncaptured
from facesolve.optimize.robust import robust_loss, robust_sum
from facesolve.residuals.camera_errors import UNKNOWNS, CameraErrors, error_columns
from facesolve.residuals.color_elimination import (
    SampleEquations,
    eliminated_camera_equations,
    eliminated_normal_equations,
)
from facesolve.residuals.contour import Outlines
from facesolve.residuals.observation import Views, observe
from facesolve.residuals.photometric import Template, template_covectors
from facesolve.residuals.quadratic import Quadratic
from facesolve.residuals.residual import BUNDLE
from facesolve.residuals.template import KnownColors, agree

from .frame_fit import BOX_ROUNDS, COST_TOLERANCE, Anchor
from .problem import Problem

FIRST_DAMPING = 1e-8
SURE = 2.0  # mean squared error of a camera, in its deviations, from which the calibration is taken to be off


@dataclass(frozen=True, eq=False)
class Evidence:
    """What a bundle may know besides its frames' colors: outlines of some frames, and colors known beforehand."""

    outlines: Outlines | None = None
    known: KnownColors | None = None


NO_EVIDENCE = Evidence()


@dataclass(frozen=True, eq=False)
class BundleOptions:
    """How a bundle is fitted.

    hold: (K,) information that ties the controls to where they began; ``align`` uses it, since one frame barely
    determines controls. stage: whose residuals take part. calibration: (C*8, C*8) prior information of the cameras'
    errors, None where the calibration is trusted.
    """

    iterations: int
    free_controls: bool = True
    hold: Tensor | None = None
    stage: str = BUNDLE
    calibration: Tensor | None = None


@dataclass(frozen=True, eq=False)
class BundleFit:
    """Poses of the M bundled frames, the agreed template, the matrix of the normal equations and the robust scale.

    A: (M*(K+6), M*(K+6)) float64 with priors, information units: its inverse is the covariance of all poses jointly,
    whatever the errors of the cameras are. errors: those found, None where the calibration was trusted; their
    deviation: (C, 8).
    """

    pose: Pose
    template: Template
    A: Tensor
    scale: Tensor
    errors: CameraErrors | None = None
    deviation: Tensor | None = None

    @property
    def errors_are_sure(self) -> bool:
        """Whether the errors found are larger, on the whole, than their own uncertainty."""
        if self.errors is None or self.deviation is None:
            return False
        return float((self.errors.values / self.deviation).square().mean()) > SURE


def bundle(
    problem: Problem,
    views: Views,
    pose: Pose,
    frames: Tensor,
    level: int,
    options: BundleOptions,
    evidence: Evidence = NO_EVIDENCE,
    errors: CameraErrors | None = None,
) -> BundleFit:
    """Levenberg-Marquardt on M frames jointly, which are the batch of ``views``. frames: (M,) take frame indices.

    evidence: what is known besides the footage's colors. errors: of the cameras, from which their fit begins. Where
    they are found, the cameras of ``views`` are as calibrated, and ``views.velocity`` is known.
    """
    anchor = None if options.hold is None else Anchor(pose.controls, options.hold)
    fit = _Fit(problem, views, frames, level, evidence, anchor, options)
    if options.calibration is not None and errors is None:
        errors = CameraErrors.none(len(problem.take.cameras), pose.head.device)
    # what others have written may wait for the device
    further = problem.residuals_of(options.stage)
    captured = uncaptured if further else problem.graphs.passing(options.iterations)
    end = levenberg_marquardt(
        fit,
        _State(pose, errors if options.calibration is not None else None),
        Options(
            options.iterations,
            FIRST_DAMPING,
            cost_tolerance=COST_TOLERANCE,
            step_tolerance=_step_tolerance(problem, len(frames), options.calibration),
            # a head has no bounds: one round is exact
            box_rounds=BOX_ROUNDS if options.free_controls else 1,
            waits=True,
        ),
        captured,
    )
    assert end.model.scale is not None
    count = len(frames) * len(problem.step_tolerance)
    A, deviation = _marginal(end.model.information, count)
    return BundleFit(end.state.pose, end.model.template, A, end.model.scale, end.state.errors, deviation)


def _step_tolerance(problem: Problem, frames: int, calibration: Tensor | None) -> Tensor:
    """(P,) steps too small to matter: of errors of cameras, a hundredth of what the calibration is good to."""
    of_frames = problem.step_tolerance.repeat(frames)
    return of_frames if calibration is None else torch.cat([of_frames, 0.01 * calibration.diagonal() ** -0.5])


def _marginal(information: Tensor, count: int) -> tuple[Tensor, Tensor | None]:
    """The information about the first ``count`` unknowns whatever the others are, and deviations (C, 8) of those."""
    if len(information) == count:
        return information, None
    own = regularized(information[count:, count:])
    side = information[:count, count:]
    kept = information[:count, :count] - side @ torch.linalg.solve(own, side.T)
    kept = (kept + kept.T) / 2
    across = torch.linalg.solve(regularized(information[:count, :count]), side)
    variance = torch.linalg.inv(regularized(own - side.T @ across)).diagonal()
    return kept, variance.clamp_min(0).sqrt().view(-1, UNKNOWNS)


@dataclass(frozen=True, eq=False)
class _State:
    """Where a bundle is: poses of M frames and the errors of the cameras, None where the calibration is trusted."""

    pose: Pose
    errors: CameraErrors | None


@dataclass(frozen=True, eq=False)
class JointModel(Linearized):
    """The joint cost of M frames around their poses, as one problem of M*(K+6) unknowns, and C*8 of the cameras.

    A = information - slack gives a step. It has the curvature of the robust loss, which is less than that of squares:
    A residual far out bends the cost little. information (P, P) is as if residuals were squares with the weights that
    they have now; it is the one whose inverse is a covariance. slack (P, P) is the difference, of the photometric part
    alone: priors are squares. template: agreed on.
    """

    information: Tensor
    slack: Tensor
    template: Template


@dataclass(frozen=True, eq=False)
class _Fit:
    """What M frames are fitted to. frames: (M,) take frame indices."""

    problem: Problem
    views: Views
    frames: Tensor
    level: int
    evidence: Evidence
    anchor: Anchor | None
    options: BundleOptions

    def linearize(self, state: _State, scale: Tensor | None) -> JointModel:
        problem, pose, controls = self.problem, state.pose, state.pose.controls
        joint = joint_model(problem, self.views, pose, self.level, scale, self.evidence.known, state.errors)
        prior = problem.prior.quadratic(problem, self.frames, pose)
        others = [prior if self.anchor is None else prior.plus([self.anchor.quadratic(controls)])]
        if self.evidence.outlines is not None:
            others.insert(0, self.evidence.outlines.quadratic(problem, self.frames, pose))
        others += [each.quadratic(problem, self.frames, pose) for each in problem.residuals_of(self.options.stage)]
        joint = _with(joint, others, *controls.shape)
        if state.errors is None or self.options.calibration is None:
            return joint
        return _with_calibration(joint, state.errors, self.options.calibration)

    def stepped(self, state: _State, step: Tensor) -> _State:
        count = state.pose.controls.shape[0] * (state.pose.controls.shape[1] + 6)
        pose = state.pose.stepped(step[:count].view(len(state.pose.controls), -1))
        return _State(pose, None if state.errors is None else state.errors.stepped(step[count:]))

    def bounds(self, state: _State) -> tuple[Tensor, Tensor]:
        lower, upper = self.problem.box(state.pose, self.frames, self.options.free_controls)
        lower, upper = lower.reshape(-1), upper.reshape(-1)
        if state.errors is not None:
            free = torch.full_like(state.errors.values, torch.inf).flatten()
            lower, upper = torch.cat([lower, -free]), torch.cat([upper, free])
        return lower, upper


def joint_model(
    problem: Problem,
    views: Views,
    pose: Pose,
    level: int,
    scale: Tensor | None,
    known: KnownColors | None = None,
    errors: CameraErrors | None = None,
) -> JointModel:
    """What all M frames say about their poses with the template eliminated, without priors. scale: () robust scale.

    errors: of the cameras of ``views``, which are then unknowns, too.
    """
    if errors is not None:
        assert views.velocity is not None
        views = errors.seen(views, views.velocity)
    everything = observe(problem.samples, problem.model, pose.controls, pose.head, views)
    template, weights, scale = agree(everything, views.edges, scale, known)
    residual = everything.values - template.values
    noise = problem.noise_variance(scale, level)
    covectors = template_covectors(template.slopes, everything.rays, views.edges)
    equations = SampleEquations.of(covectors, weights, residual, template.weights)
    A, b = eliminated_normal_equations(everything.placed, equations)
    if errors is not None:
        assert views.velocity is not None
        of_cameras = eliminated_camera_equations(
            everything.placed,
            error_columns(everything.cameras, views.seen_at(everything.points), covectors, views.velocity),
            covectors,
            weights,
            residual,
            template.weights,
        )
        side = of_cameras.frames
        A = torch.cat([torch.cat([A, side], 1), torch.cat([side.T, of_cameras.own], 1)])
        b = torch.cat([b, of_cameras.b])
    A = A / noise
    visibility_weights = everything.weights * (template.weights > 0)
    whole = (1, 1, -1)
    robust = robust_sum(residual.reshape(whole), visibility_weights.reshape(whole), scale[None])
    cost = robust.cost[0].double() / noise
    if known is not None:
        off = known.template.values - template.values
        cost = cost + (known.votes * robust_loss(off, scale)).sum().double() / noise
    slack = (1 - robust.curvature[0]) * A
    return JointModel(A - slack, b / noise, cost, scale, A, slack, template)


def _with(joint: JointModel, quadratics: Sequence[Quadratic], frames: int, controls: int) -> JointModel:
    """The joint model with what is said about single frames added."""
    width = controls + 6
    size = frames * width
    information, b, cost = joint.information.clone(), joint.b.clone(), joint.cost
    # (K+6, K+6, M): the cameras come after the frames
    of_frames = information[:size, :size].unflatten(1, (frames, width)).unflatten(0, (frames, width))
    of_frames = of_frames.diagonal(dim1=0, dim2=2)
    for each in quadratics:
        count = each.b.shape[1]
        of_frames[:count, :count] += each.A.permute(1, 2, 0)
        b[:size].view(frames, width)[:, :count] += each.b
        cost = cost + each.cost.sum()
    return JointModel(information - joint.slack, b, cost, joint.scale, information, joint.slack, joint.template)


def _with_calibration(joint: JointModel, errors: CameraErrors, calibration: Tensor) -> JointModel:
    """The joint model with what the calibration says about the errors of the cameras added."""
    values = errors.values.flatten()
    own = slice(-len(values), None)
    information, b = joint.information.clone(), joint.b.clone()
    information[own, own] += calibration
    pull = calibration @ values
    b[own] -= pull
    cost = joint.cost + 0.5 * values @ pull
    return JointModel(information - joint.slack, b, cost, joint.scale, information, joint.slack, joint.template)
