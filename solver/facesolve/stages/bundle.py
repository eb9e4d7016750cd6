"""Several frames at once with the surface's colour eliminated: what tells a true pose from one that a texture absorbs.

A texture made from a misaligned frame reproduces that frame perfectly, so no tracker can undo the misalignment. Here no
texture is fixed: the residual of an observation is its difference from the mean over all cameras and frames, and the
derivative is centred the same way (variable projection, Golub & Pereyra 1973). What is left is what only the true pose
explains: all cameras, at all frames, agree about every point of the surface.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from facesolve.geometry.pose import Pose
from facesolve.optimize.box import finished, solve_box
from facesolve.optimize.robust import robust_loss, robust_sum
from facesolve.residuals.contour import ContourPoints, contour_quadratic
from facesolve.residuals.normal_equations import normal_equations, step_jacobian, tall_product, to_controls
from facesolve.residuals.observation import Views, observe
from facesolve.residuals.photometric import Template, sample_normals, template_covectors
from facesolve.residuals.template import KNOWN_WEIGHT, agree
from facesolve.runtime.cuda_graphs import chosen

from .frame_fit import BOX_ROUNDS
from .problem import Problem, converged

FIRST_DAMPING = 1e-8
DAMPING_UP, DAMPING_DOWN = 10.0, 0.3
# the step follows the template's noise-free slopes; near the optimum it may raise the cost by what fits the noise
COST_TOLERANCE = 1e-3


@dataclass(frozen=True, eq=False)
class Outlines:
    """Outlines of R frames of a bundle, rows: (R,) int64."""

    rows: Tensor
    points: ContourPoints


@dataclass(frozen=True, eq=False)
class Evidence:
    """What a bundle may know besides the footage's colours: outlines of some frames, and the rig's own texture."""

    outlines: Outlines | None = None
    known: Template | None = None


NO_EVIDENCE = Evidence()


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
    iterations: int,
    free_controls: bool = True,
    hold: Tensor | None = None,
    evidence: Evidence = NO_EVIDENCE,
) -> BundleFit:
    """Levenberg-Marquardt on M frames jointly, which are the batch of ``views``. frames: (M,) take frame indices.

    hold: (K,) information that ties the controls to where they began, for a single frame, which alone says little
    about them. evidence: what is known besides the footage's colours.
    """
    begun = pose.controls
    given = _Given(views, frames, begun, hold, evidence)

    def begin(given: _Given, now: _Iterate) -> _Iterate:
        joint, scale = _linearise(problem, given.views, now.joint.pose, level, None, given.evidence)
        return replace(now, joint=_with_priors(problem, joint, given.begun, given.hold), scale=scale)

    def step(given: _Given, now: _Iterate) -> _Iterate:
        return _iterate(problem, given, now, level, free_controls)

    end = problem.recordings.repeat(
        None, step, given, _blank(problem, pose), iterations, lambda now: bool(now.done), ask=True, begin=begin
    )
    return BundleFit(end.joint.pose, end.joint.template, end.joint.A, end.scale)


@dataclass(frozen=True, eq=False)
class _Given:
    """What a bundle is made from."""

    views: Views
    frames: Tensor
    begun: Tensor
    hold: Tensor | None
    evidence: Evidence


@dataclass(frozen=True, eq=False)
class _Iterate:
    """Where a bundle is: the model at the best pose so far, robust scale (), damping (), done () bool."""

    joint: _Joint
    scale: Tensor
    damping: Tensor
    done: Tensor


def _blank(problem: Problem, pose: Pose) -> _Iterate:
    """Before anything was seen."""
    size = len(pose.controls) * (pose.controls.shape[1] + 6)
    zero = pose.controls.new_zeros
    sample = torch.zeros_like(problem.samples.weight)
    template = Template(sample, sample[:, None].expand(-1, 2).clone(), sample)
    joint = _Joint(pose, zero(size, size), zero(size), zero(()), template, zero(size, size))
    return _Iterate(joint, sample.new_zeros(()), torch.full_like(joint.cost, FIRST_DAMPING), joint.cost > 0)


def _iterate(problem: Problem, given: _Given, now: _Iterate, level: int, free_controls: bool) -> _Iterate:
    """One step of ``bundle``."""
    step = _step(problem, now.joint, given.frames, now.damping, free_controls)
    done = now.done | converged(step).all()
    if finished(done):
        return replace(now, done=done)
    trial, _ = _linearise(problem, given.views, now.joint.pose.moved(step), level, now.scale, given.evidence)
    trial = _with_priors(problem, trial, given.begun, given.hold)
    better = ~done & (trial.cost <= now.joint.cost * (1 + COST_TOLERANCE))
    damping = now.damping * torch.where(better, DAMPING_DOWN, DAMPING_UP)
    return _Iterate(chosen(now.joint, trial, better), now.scale, damping, done)


@dataclass(frozen=True, eq=False)
class _Joint:
    """The model of the joint cost at a pose: A (M*(K+6), M*(K+6)), b (M*(K+6),), cost, and the agreed template.

    slack: (M*(K+6), M*(K+6)) by which A exceeds the cost's own curvature, as ``Quadratic.relaxed`` takes it off.
    """

    pose: Pose
    A: Tensor
    b: Tensor
    cost: Tensor
    template: Template
    slack: Tensor


def _linearise(
    problem: Problem, views: Views, pose: Pose, level: int, scale: Tensor | None, evidence: Evidence = NO_EVIDENCE
) -> tuple[_Joint, Tensor]:
    """Normal equations of all M frames jointly with the template eliminated, without priors; and the robust scale."""
    everything = observe(problem.samples, problem.model, pose.controls, pose.head, views)
    template, weights, scale = agree(everything, views.edges, scale, evidence.known)
    residual = everything.values - template.values
    noise = problem.noise_variance(scale, level)
    covectors = template_covectors(template.slopes, everything.rays, views.edges)
    information, force = sample_normals(covectors, weights, residual)
    A_frames, b_frames = normal_equations(problem.samples, information, force, everything.points)
    jacobian = everything.J_activation_control
    A_frames, b_frames = to_controls(A_frames, b_frames, jacobian)
    mean_covectors = torch.einsum("bcn,bcni->bni", weights, covectors)
    of_colour = _information_of_colour(problem, mean_covectors, everything.points, jacobian, template)
    A = (torch.block_diag(*A_frames) - of_colour) / noise
    b = b_frames.reshape(-1) / noise
    seen = everything.weights * (template.weights > 0)
    whole = (1, 1, -1)
    robust = robust_sum(residual.reshape(whole), seen.reshape(whole), scale[None])
    slack = (1 - robust.curvature[0]) * A
    cost = robust.cost[0].double() / noise
    if evidence.known is not None:
        own = KNOWN_WEIGHT * (evidence.known.weights > 0)
        cost = cost + (own * robust_loss(evidence.known.values - template.values, scale)).sum().double() / noise
    if evidence.outlines is not None:
        rows, points = evidence.outlines.rows, evidence.outlines.points
        some = pose.at(rows)
        A_contour, b_contour, cost_contour = contour_quadratic(problem.model, points, some.controls, some.head)
        shape = (len(pose.controls), A_contour.shape[1])
        A.view(*shape, *shape).diagonal(dim1=0, dim2=2).index_add_(2, rows, A_contour.permute(1, 2, 0))
        b.view(shape).index_add_(0, rows, b_contour)
        cost = cost + cost_contour.sum()
    return _Joint(pose, A, b, cost, template, slack), scale


def _information_of_colour(
    problem: Problem, mean_covectors: Tensor, points: Tensor, J_activation_control: Tensor, template: Template
) -> Tensor:
    """What eliminating the colour takes from the normal equations: (M*(K+6), M*(K+6)) float64.

    The square of the derivative of each sample's agreed colour, times the root of its weight. mean_covectors, points:
    (M, N, 3).
    """
    root = torch.where(template.weights > 0, template.weights, torch.inf).rsqrt()
    weighted = mean_covectors * root[:, None]
    turning = torch.linalg.cross(points, weighted)
    shapes = weighted.transpose(0, 1) @ problem.samples.basis  # (N, M, S)
    rows = torch.cat([shapes, turning.transpose(0, 1), weighted.transpose(0, 1)], 2)
    count, width = rows.shape[1:]
    square = tall_product(rows.flatten(1), rows.flatten(1)).view(count, width, count, width)
    J = step_jacobian(J_activation_control)
    square = J.mT[:, None] @ square.transpose(1, 2) @ J[None]  # (M, M, K+6, K+6)
    return square.transpose(1, 2).flatten(2).flatten(0, 1)


def _with_priors(problem: Problem, joint: _Joint, begun: Tensor, hold: Tensor | None) -> _Joint:
    controls = joint.pose.controls
    frames, count = controls.shape
    prior_A, prior_b = problem.prior.normal_equations(controls)
    cost = joint.cost + problem.prior.cost(controls).sum()
    if hold is not None:
        prior_A = prior_A + torch.diag_embed(hold)
        prior_b = prior_b - hold * (controls - begun)
        cost = cost + 0.5 * (hold * (controls - begun) ** 2).sum()
    width = count + 6
    A, b = joint.A.clone(), joint.b.clone().reshape(frames, width)
    b[:, :count] += prior_b
    of_frames = A.view(frames, width, frames, width).diagonal(dim1=0, dim2=2)  # (K+6, K+6, M)
    of_frames[:count, :count] += prior_A.permute(1, 2, 0)
    return replace(joint, A=A, b=b.reshape(-1), cost=cost)


def _step(problem: Problem, joint: _Joint, frames: Tensor, damping: Tensor, free_controls: bool) -> Tensor:
    lower, upper = problem.box(joint.pose, frames, free_controls)
    relaxed = joint.A - joint.slack
    diagonal = relaxed.diagonal()
    raised = damping * diagonal + 1e-9 * diagonal.max() + 1e-9
    A = relaxed + torch.diag(raised)
    flat = (lower.reshape(1, -1), upper.reshape(1, -1))
    # a head has no bounds: one round is exact
    return solve_box(A[None], joint.b[None], *flat, BOX_ROUNDS if free_controls else 1).reshape(len(frames), -1)
