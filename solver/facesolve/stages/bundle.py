"""Several frames at once with the surface's colour eliminated: what tells a true pose from one that a texture absorbs.

A texture made from a misaligned frame reproduces that frame perfectly, so no tracker can undo the misalignment. Here no
texture is fixed: the residual of an observation is its difference from the mean over all cameras and frames, and the
derivative is centred the same way (variable projection, Golub & Pereyra 1973). What is left is what only the true pose
explains: all cameras, at all frames, agree about every point of the surface.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from facesolve.geometry.pose import Pose
from facesolve.optimize.levenberg_marquardt import Linearized, Options, levenberg_marquardt, uncaptured
from facesolve.optimize.robust import robust_loss, robust_sum
from facesolve.residuals.color_elimination import SampleEquations, eliminated_normal_equations
from facesolve.residuals.contour import Outlines
from facesolve.residuals.observation import Views, observe
from facesolve.residuals.photometric import Template, template_covectors
from facesolve.residuals.quadratic import Quadratic
from facesolve.residuals.residual import BUNDLE
from facesolve.residuals.template import KNOWN_WEIGHT, agree

from .frame_fit import BOX_ROUNDS, COST_TOLERANCE, Anchor
from .problem import Problem

FIRST_DAMPING = 1e-8


@dataclass(frozen=True, eq=False)
class Evidence:
    """What a bundle may know besides the footage's colours: outlines of some frames, and the rig's own texture."""

    outlines: Outlines | None = None
    known: Template | None = None


NO_EVIDENCE = Evidence()


@dataclass(frozen=True, eq=False)
class BundleOptions:
    """How a bundle is fitted.

    hold: (K,) information that ties the controls to where they began, for a single frame, which alone says little
    about them. stage: whose residuals take part.
    """

    iterations: int
    free_controls: bool = True
    hold: Tensor | None = None
    stage: str = BUNDLE


@dataclass(frozen=True, eq=False)
class BundleFit:
    """Poses of the M bundled frames, the agreed template, the matrix of the normal equations and the robust scale.

    A: (M*(K+6), M*(K+6)) float64 with priors, information units: its inverse is the covariance of all poses jointly.
    """

    pose: Pose
    template: Template
    A: Tensor
    scale: Tensor


def bundle(
    problem: Problem,
    views: Views,
    pose: Pose,
    frames: Tensor,
    level: int,
    options: BundleOptions,
    evidence: Evidence = NO_EVIDENCE,
) -> BundleFit:
    """Levenberg-Marquardt on M frames jointly, which are the batch of ``views``. frames: (M,) take frame indices.

    evidence: what is known besides the footage's colours.
    """
    anchor = None if options.hold is None else Anchor(pose.controls, options.hold)
    fit = _Fit(problem, views, frames, level, evidence, anchor, options.free_controls, options.stage)
    # what others have written may wait for the device
    further = problem.residuals_of(options.stage)
    captured = uncaptured if further else problem.graphs.passing(options.iterations)
    end = levenberg_marquardt(
        fit,
        pose,
        Options(
            options.iterations,
            FIRST_DAMPING,
            cost_tolerance=COST_TOLERANCE,
            step_tolerance=problem.step_tolerance.repeat(len(frames)),
            # a head has no bounds: one round is exact
            box_rounds=BOX_ROUNDS if options.free_controls else 1,
            waits=True,
        ),
        captured,
    )
    assert end.model.scale is not None
    return BundleFit(end.state, end.model.template, end.model.information, end.model.scale)


@dataclass(frozen=True, eq=False)
class JointModel(Linearized):
    """The joint cost of M frames around their poses, as one problem of M*(K+6) unknowns.

    A: with the cost's own curvature, for a step; information: (M*(K+6), M*(K+6)) without; slack: by which that exceeds
    A. template: agreed on.
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
    free_controls: bool
    stage: str

    def linearize(self, pose: Pose, scale: Tensor | None) -> JointModel:
        problem, controls = self.problem, pose.controls
        joint = joint_model(problem, self.views, pose, self.level, scale, self.evidence.known)
        prior = problem.prior.quadratic(problem, self.frames, pose)
        others = [prior if self.anchor is None else prior.plus([self.anchor.quadratic(controls)])]
        if self.evidence.outlines is not None:
            others.insert(0, self.evidence.outlines.quadratic(problem, self.frames, pose))
        others += [each.quadratic(problem, self.frames, pose) for each in problem.residuals_of(self.stage)]
        return _with(joint, others, *controls.shape)

    def stepped(self, pose: Pose, step: Tensor) -> Pose:
        return pose.stepped(step.view(len(pose.controls), -1))

    def bounds(self, pose: Pose) -> tuple[Tensor, Tensor]:
        lower, upper = self.problem.box(pose, self.frames, self.free_controls)
        return lower.reshape(-1), upper.reshape(-1)


def joint_model(
    problem: Problem, views: Views, pose: Pose, level: int, scale: Tensor | None, known: Template | None = None
) -> JointModel:
    """What all M frames say about their poses with the template eliminated, without priors. scale: () robust scale."""
    everything = observe(problem.samples, problem.model, pose.controls, pose.head, views)
    template, weights, scale = agree(everything, views.edges, scale, known)
    residual = everything.values - template.values
    noise = problem.noise_variance(scale, level)
    covectors = template_covectors(template.slopes, everything.rays, views.edges)
    equations = SampleEquations.of(covectors, weights, residual, template.weights)
    A, b = eliminated_normal_equations(problem.samples, equations, everything.points, everything.J_activation_control)
    A = A / noise
    seen = everything.weights * (template.weights > 0)
    whole = (1, 1, -1)
    robust = robust_sum(residual.reshape(whole), seen.reshape(whole), scale[None])
    cost = robust.cost[0].double() / noise
    if known is not None:
        own = KNOWN_WEIGHT * (known.weights > 0)
        cost = cost + (own * robust_loss(known.values - template.values, scale)).sum().double() / noise
    slack = (1 - robust.curvature[0]) * A
    return JointModel(A - slack, b / noise, cost, scale, A, slack, template)


def _with(joint: JointModel, quadratics: Sequence[Quadratic], frames: int, controls: int) -> JointModel:
    """The joint model with what is said about single frames added."""
    width = controls + 6
    information, b, cost = joint.information.clone(), joint.b.clone(), joint.cost
    of_frames = information.view(frames, width, frames, width).diagonal(dim1=0, dim2=2)  # (K+6, K+6, M)
    for each in quadratics:
        count = each.b.shape[1]
        of_frames[:count, :count] += each.A.permute(1, 2, 0)
        b.view(frames, width)[:, :count] += each.b
        cost = cost + each.cost.sum()
    return JointModel(information - joint.slack, b, cost, joint.scale, information, joint.slack, joint.template)
