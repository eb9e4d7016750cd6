"""Several frames at once with the surface's color eliminated: what tells a true pose from one that a texture absorbs.

A texture made from a misaligned frame reproduces that frame perfectly, so no tracker can undo the misalignment. Here no
texture is fixed: the residual of an observation is its difference from the mean over all cameras and frames, and the
derivative is centered the same way (variable projection, Golub & Pereyra 1973). What is left is what only the true pose
explains: all cameras, at all frames, agree about every point of the surface.

Neither calibrations nor rigs are ever exact. What all frames have in common shows it, so errors of the cameras
(``facesolve.residuals.camera_errors``) and a smooth offset of the neutral (``facesolve.actor``) are found along with
the poses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from facesolve.actor.constant import ConstantPrior
from facesolve.actor.equations import offset_and_cameras, offset_equations
from facesolve.actor.modes import SampleModes
from facesolve.actor.offset import SampleOffset
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
SMALL_OFFSET_STEP = 1e-4  # cm
AT_BOUND = 1e-6
SURE = 2.0  # mean squared error of a camera, in its deviations, from which the calibration is taken to be off


@dataclass(frozen=True, eq=False)
class Evidence:
    """What a bundle may know besides its frames' colors: outlines of some frames, and colors known beforehand."""

    outlines: Outlines | None = None
    known: KnownColors | None = None

    def thinned(self, stride: int) -> Evidence:
        """For every ``stride``-th sample, as ``SurfaceSamples.thinned`` takes them."""
        if self.known is None:
            return self
        colors, some = self.known.template, slice(None, None, stride)
        template = Template(colors.values[some], colors.slopes[some], colors.weights[some])
        return replace(self, known=KnownColors(template, self.known.votes[some]))


NO_EVIDENCE = Evidence()


@dataclass(frozen=True, eq=False)
class BundleOptions:
    """How a bundle is fitted.

    hold: (K,) information that ties the controls to where they began; ``align`` uses it, since one frame barely
    determines controls. stage: whose residuals take part. calibration: (C*8, C*8) prior information of the cameras'
    errors, None where the calibration is trusted. neutral: how the neutral may differ from the rig's, None where the
    rig is trusted. cost_tolerance: share by which a step may raise the cost and still be kept. constant: what is known
    of the constant part of the controls in any case.
    """

    iterations: int
    free_controls: bool = True
    hold: Tensor | None = None
    stage: str = BUNDLE
    calibration: Tensor | None = None
    neutral: FreeNeutral | None = None
    cost_tolerance: float = COST_TOLERANCE
    constant: tuple[ConstantPrior, ...] = ()


@dataclass(frozen=True, eq=False)
class FreeNeutral:
    """How the neutral of the rig may differ: an offset of the samples, with prior information (m, m) of its
    coefficients, and what keeps controls from standing in for it. center: (m,) coefficients that the rig's neutral has
    already, None for none."""

    offset: SampleOffset | SampleModes
    information: Tensor
    constant: tuple[ConstantPrior, ...]
    center: Tensor | None = None


@dataclass(frozen=True, eq=False)
class BundleFit:
    """Poses of the M bundled frames, the agreed template, the matrix of the normal equations and the robust scale.

    A: (M*(K+6), M*(K+6)) float64 with priors, information units: its inverse is the covariance of all poses jointly,
    whatever the errors of the cameras and the offset of the neutral are. errors: those found, None where the
    calibration was trusted; their deviation: (C, 8). offset: (m,) coefficients, None where the rig was trusted; their
    covariance: (m, m). common: times that the variance of what all frames share is larger than A has it, because some
    of the residuals are the same in all of them.
    """

    pose: Pose
    template: Template
    A: Tensor
    scale: Tensor
    errors: CameraErrors | None = None
    deviation: Tensor | None = None
    offset: Tensor | None = None
    covariance: Tensor | None = None
    common: float = 1.0

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
    offset: Tensor | None = None,
) -> BundleFit:
    """Levenberg-Marquardt on M frames jointly, which are the batch of ``views``. frames: (M,) take frame indices.

    evidence: what is known besides the footage's colors. errors: of the cameras, from which their fit begins. Where
    they are found, the cameras of ``views`` are as calibrated, and ``views.velocity`` is known. offset: (m,) of the
    neutral, from which its fit begins.
    """
    anchor = None if options.hold is None else Anchor(pose.controls, options.hold)
    fit = _Fit(problem, views, frames, level, evidence, anchor, options)
    if options.calibration is not None and errors is None:
        errors = CameraErrors.none(len(problem.take.cameras), pose.head.device)
    if options.neutral is not None and offset is None:
        offset = pose.controls.new_zeros(len(options.neutral.information))
    # what others have written may wait for the device; an offset's matrices are sparse
    further = problem.residuals_of(options.stage)
    captured = uncaptured if further or options.neutral else problem.graphs.passing(options.iterations)
    end = levenberg_marquardt(
        fit,
        _State(pose, errors if options.calibration is not None else None, offset if options.neutral else None),
        Options(
            options.iterations,
            FIRST_DAMPING,
            cost_tolerance=options.cost_tolerance,
            step_tolerance=_step_tolerance(problem, len(frames), options),
            # a head has no bounds: one round is exact
            box_rounds=BOX_ROUNDS if options.free_controls else 1,
            waits=True,
        ),
        captured,
    )
    assert end.model.scale is not None
    count = len(frames) * len(problem.step_tolerance)
    A, covariance = _marginal(end.model.information, count)
    found = BundleFit(end.state.pose, end.model.template, A, end.model.scale, end.state.errors, offset=end.state.offset)
    if covariance is None:
        return found
    of_cameras = 0 if end.state.errors is None else end.state.errors.values.numel()
    deviation = covariance.diagonal()[:of_cameras].clamp_min(0).sqrt().view(-1, UNKNOWNS)
    of_offset = None if options.neutral is None else covariance[of_cameras:, of_cameras:]
    return replace(found, deviation=deviation if of_cameras else None, covariance=of_offset)


def offset_information(
    problem: Problem,
    views: Views,
    fit: BundleFit,
    frames: Tensor,
    level: int,
    options: BundleOptions,
    evidence: Evidence,
) -> list[tuple[Tensor, Tensor]]:
    """Information (m, m) and force (m,) on the offset's coefficients at the end of a fit without, whatever else gives
    way: first what the footage says alone, then with what is known of the constant part of the controls.

    options: with the neutral free and nothing expected of the offset itself.
    """
    assert options.neutral is not None
    count = len(options.neutral.information)
    errors = None if options.calibration is None else fit.errors
    state = _State(fit.pose, errors, fit.pose.controls.new_zeros(count))
    alone = replace(options, neutral=replace(options.neutral, constant=()))
    around = _Fit(problem, views, frames, level, evidence, None, alone)
    model = around.linearize(state, None)
    lower, upper = around.bounds(state)
    free = torch.nonzero((lower[:-count] < -AT_BOUND) & (upper[:-count] > AT_BOUND))[:, 0]
    together = model
    for constant in options.neutral.constant:
        together = _with_constant(together, constant, frames, fit.pose.controls)
    return [_about_last(each, free, count) for each in (model, together)]


def _about_last(model: JointModel, free: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Information and force on the last ``count`` unknowns, whatever those others are that are ``free``."""
    side = model.information[free, -count:]
    rest = torch.cat([side, model.b[free, None]], 1)
    across = torch.linalg.solve(regularized(model.information[free][:, free]), rest)
    information = model.information[-count:, -count:] - side.T @ across[:, :-1]
    return (information + information.T) / 2, model.b[-count:] - side.T @ across[:, -1]


def _step_tolerance(problem: Problem, frames: int, options: BundleOptions) -> Tensor:
    """(P,) steps too small to matter: of errors of cameras, a hundredth of what the calibration is good to."""
    parts = [problem.step_tolerance.repeat(frames)]
    if options.calibration is not None:
        parts.append(0.01 * options.calibration.diagonal() ** -0.5)
    if options.neutral is not None:
        parts.append(torch.full_like(options.neutral.information[0], SMALL_OFFSET_STEP))
    return torch.cat(parts)


def _marginal(information: Tensor, count: int) -> tuple[Tensor, Tensor | None]:
    """The information about the first ``count`` unknowns whatever the others are, and the covariance of those."""
    if len(information) == count:
        return information, None
    own = regularized(information[count:, count:])
    side = information[:count, count:]
    kept = information[:count, :count] - side @ torch.linalg.solve(own, side.T)
    kept = (kept + kept.T) / 2
    across = torch.linalg.solve(regularized(information[:count, :count]), side)
    return kept, torch.linalg.inv(regularized(own - side.T @ across))


@dataclass(frozen=True, eq=False)
class _State:
    """Where a bundle is: poses of M frames, errors of the cameras and offset (m,) of the neutral, None where they are
    trusted."""

    pose: Pose
    errors: CameraErrors | None
    offset: Tensor | None


@dataclass(frozen=True, eq=False)
class JointModel(Linearized):
    """The joint cost of M frames around their poses, as one problem of M*(K+6) unknowns, C*8 of the cameras and m of
    the neutral.

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
        neutral = self.options.neutral
        offset = None if neutral is None or state.offset is None else (neutral.offset, state.offset)
        joint = joint_model(problem, self.views, pose, self.level, scale, self.evidence.known, state.errors, offset)
        prior = problem.prior.quadratic(problem, self.frames, pose)
        others = [prior if self.anchor is None else prior.plus([self.anchor.quadratic(controls)])]
        if self.evidence.outlines is not None:
            others.insert(0, self.evidence.outlines.quadratic(problem, self.frames, pose))
        others += [each.quadratic(problem, self.frames, pose) for each in problem.residuals_of(self.options.stage)]
        joint = _with(joint, others, *controls.shape)
        size = controls.shape[0] * (controls.shape[1] + 6)
        if state.errors is not None and self.options.calibration is not None:
            values = state.errors.values.flatten()
            joint = _held(joint, slice(size, size + len(values)), self.options.calibration, values)
        if neutral is not None and state.offset is not None:
            joint = _held(joint, slice(-len(state.offset), None), neutral.information, state.offset, neutral.center)
        known = self.options.constant if neutral is None else (*self.options.constant, *neutral.constant)
        for constant in known:
            joint = _with_constant(joint, constant, self.frames, controls)
        return joint

    def stepped(self, state: _State, step: Tensor) -> _State:
        count = state.pose.controls.shape[0] * (state.pose.controls.shape[1] + 6)
        pose, rest = state.pose.stepped(step[:count].view(len(state.pose.controls), -1)), step[count:]
        errors = state.errors
        if errors is not None:
            errors, rest = errors.stepped(rest[: errors.values.numel()]), rest[errors.values.numel() :]
        return _State(pose, errors, None if state.offset is None else state.offset + rest)

    def bounds(self, state: _State) -> tuple[Tensor, Tensor]:
        lower, upper = self.problem.box(state.pose, self.frames, self.options.free_controls)
        lower, upper = lower.reshape(-1), upper.reshape(-1)
        shared = [] if state.errors is None else [state.errors.values.flatten()]
        shared += [] if state.offset is None else [state.offset]
        free = [torch.full_like(each, torch.inf) for each in shared]
        return torch.cat([lower, *(-each for each in free)]), torch.cat([upper, *free])


def joint_model(
    problem: Problem,
    views: Views,
    pose: Pose,
    level: int,
    scale: Tensor | None,
    known: KnownColors | None = None,
    errors: CameraErrors | None = None,
    offset: tuple[SampleOffset | SampleModes, Tensor] | None = None,
) -> JointModel:
    """What all M frames say about their poses with the template eliminated, without priors. scale: () robust scale.

    errors: of the cameras of ``views``, which are then unknowns, too, as are the coefficients (m,) of ``offset``.
    """
    if errors is not None:
        assert views.velocity is not None
        views = errors.seen(views, views.velocity)
    displaced = None if offset is None else partial(offset[0].displaced, coefficients=offset[1])
    everything = observe(problem.samples, problem.model, pose.controls, pose.head, views, displaced)
    template, weights, scale = agree(everything, views.edges, scale, known)
    residual = everything.values - template.values
    noise = problem.noise_variance(scale, level)
    covectors = template_covectors(template.slopes, everything.rays, views.edges)
    equations = SampleEquations.of(covectors, weights, residual, template.weights)
    A, b = eliminated_normal_equations(everything.placed, equations)
    columns = None
    if errors is not None:
        assert views.velocity is not None
        columns = error_columns(everything.cameras, views.seen_at(everything.points), covectors, views.velocity)
        of_cameras = eliminated_camera_equations(
            everything.placed, columns, covectors, weights, residual, template.weights
        )
        A, b = _bordered(A, of_cameras.frames, of_cameras.own), torch.cat([b, of_cameras.b])
    if offset is not None:
        unknown, given = offset[0], (covectors, weights, template.weights)
        if isinstance(unknown, SampleModes):
            of_offset = unknown.equations(everything.placed, equations)
            across = None if columns is None else unknown.with_cameras(everything.placed, columns, *given)
        else:
            of_offset = offset_equations(everything.placed, unknown, equations)
            across = None if columns is None else offset_and_cameras(everything.placed, unknown, columns, *given)
        side = of_offset.frames if across is None else torch.cat([of_offset.frames, across])
        A, b = _bordered(A, side, of_offset.own), torch.cat([b, of_offset.b])
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


def _bordered(A: Tensor, side: Tensor, own: Tensor) -> Tensor:
    """A matrix with further unknowns after its own."""
    return torch.cat([torch.cat([A, side], 1), torch.cat([side.T, own], 1)])


def _held(joint: JointModel, own: slice, prior: Tensor, values: Tensor, center: Tensor | None = None) -> JointModel:
    """The joint model with prior information about unknowns that have some values and should have 0, or -center."""
    values = values if center is None else values + center
    information, b = joint.information.clone(), joint.b.clone()
    information[own, own] += prior
    pull = prior @ values
    b[own] -= pull
    cost = joint.cost + 0.5 * values @ pull
    return JointModel(information - joint.slack, b, cost, joint.scale, information, joint.slack, joint.template)


def _with_constant(joint: JointModel, constant: ConstantPrior, frames: Tensor, controls: Tensor) -> JointModel:
    """The joint model with what is known about the constant part of controls (M, K) added."""
    count, width = controls.shape[0], controls.shape[1] + 6
    size = count * width
    information, b = joint.information.clone(), joint.b.clone()
    blocks = information[:size, :size].unflatten(1, (count, width)).unflatten(0, (count, width))
    cost = constant.add_to(blocks, b[:size].view(count, width), frames, controls)
    return JointModel(
        information - joint.slack, b, joint.cost + cost, joint.scale, information, joint.slack, joint.template
    )
