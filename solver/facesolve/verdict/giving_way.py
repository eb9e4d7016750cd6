"""What further unknowns would explain of the keyframes, once poses and controls have given way to them.

An unknown that a solve does not have (a shift of a camera's images, another size of the head) is for the most part
taken up by what it has. What is left, and how surely it is known, is in the normal equations at the solved poses.
Knows no limits and no sentences.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from facesolve.footage.stream import FramePixels
from facesolve.geometry.pose import Pose
from facesolve.optimize.levenberg_marquardt import regularized
from facesolve.residuals.camera_errors import UNKNOWNS, CameraErrors, error_columns
from facesolve.residuals.color_elimination import (
    SampleEquations,
    eliminated_camera_equations,
    eliminated_normal_equations,
)
from facesolve.residuals.observation import Views, observe
from facesolve.residuals.photometric import template_covectors
from facesolve.residuals.template import agree
from facesolve.stages.bundle import BundleFit
from facesolve.stages.problem import Problem

SAMPLES = 5_000  # about
LEVEL = 1  # of the pyramid, at least: what is the same in all frames shows in coarse images, too
SIZE = UNKNOWNS  # what follows the errors of a camera: by which part of its size the head that it sees is larger


@dataclass(frozen=True, eq=False)
class GivenWay:
    """About R further unknowns: information (R, R) and force (R,), float64, once M poses have given way, and the steps
    (M, K+6, R) by which poses that know nothing of it give way to one unit of each."""

    information: Tensor
    force: Tensor
    steps: Tensor

    def of(self, combined: Tensor) -> GivenWay:
        """About Q combinations (R, Q) of the unknowns."""
        return GivenWay(combined.T @ self.information @ combined, combined.T @ self.force, self.steps @ combined)


@dataclass(frozen=True, eq=False)
class Keyframes:
    """The bundled frames of a solve (M,), take frame indices, seen once more with few samples, and where they ended.

    views: of cameras as they are calibrated, with the samples' velocity.
    """

    problem: Problem
    views: Views
    frames: Tensor
    level: int
    pose: Pose
    errors: CameraErrors | None

    @staticmethod
    def seen(
        problem: Problem,
        pixels: Sequence[FramePixels],
        bundled: BundleFit,
        frames: Tensor,
        velocity: Tensor,
    ) -> Keyframes:
        """pixels: of the bundled frames. velocity: as ``Problem.velocity``, of these frames."""
        stride, level = max(1, round(len(problem.samples.weight) / SAMPLES)), max(LEVEL, problem.quality.finest)
        some, pose = problem.with_samples(problem.samples.thinned(stride)), bundled.pose
        views = some.views.views(some.samples, level, frames.tolist(), pixels, pose.controls, pose.head)
        return Keyframes(some, replace(views, velocity=velocity[:, ::stride]), frames, level, pose, bundled.errors)

    @property
    def cameras(self) -> int:
        """C, how many there are."""
        return self.views.visibility.shape[1]

    def about(self) -> GivenWay:
        """About C * 9 unknowns, those of the first camera first: its errors, as in ``CameraErrors``, and SIZE."""
        problem, pose, views, velocity = self.problem, self.pose, self.views, self.views.velocity
        assert velocity is not None
        if self.errors is not None:
            views = self.errors.seen(views, velocity)
        seen = observe(problem.samples, problem.model, pose.controls, pose.head, views)
        template, weights, scale = agree(seen, views.edges)
        residual, covectors = seen.values - template.values, template_covectors(template.slopes, seen.rays, views.edges)
        of_poses = SampleEquations.of(covectors, weights, residual, template.weights)
        noise = problem.noise_variance(scale, self.level)
        A, b = eliminated_normal_equations(seen.placed, of_poses)
        A, b = self._with_priors(A / noise, b / noise)
        of_errors = error_columns(seen.cameras, views.seen_at(seen.points), covectors, velocity)
        middle = (seen.points * problem.samples.weight[:, None]).sum(1, keepdim=True) / problem.samples.weight.sum()
        growth = (covectors * (seen.points - middle)[:, None]).sum(-1, keepdim=True)
        columns = torch.cat([of_errors, growth], -1)
        further = eliminated_camera_equations(seen.placed, columns, covectors, weights, residual, template.weights)
        lower, upper = (bound.reshape(-1) for bound in problem.box(pose, self.frames))
        free = ~((lower >= 0) & (b < 0)) & ~((upper <= 0) & (b > 0))
        side = further.frames[free] / noise
        taken_up = torch.linalg.solve(regularized(A[free][:, free]), torch.cat([side, b[free, None]], 1))
        steps = further.frames.new_zeros(further.frames.shape)
        steps[free] = -taken_up[:, :-1]
        information = further.own / noise - side.T @ taken_up[:, :-1]
        return GivenWay(
            (information + information.T) / 2,
            further.b / noise - side.T @ taken_up[:, -1],
            steps.view(len(self.frames), -1, side.shape[1]),
        )

    def _with_priors(self, A: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """Equations of the frames jointly with what is known of the controls of each."""
        prior, count = self.problem.prior.quadratic(self.problem, self.frames, self.pose), len(self.frames)
        width = len(b) // count
        A, b = A.clone(), b.clone()
        blocks = A.view(count, width, count, width).diagonal(dim1=0, dim2=2)  # (K+6, K+6, M)
        known = prior.b.shape[1]
        blocks[:known, :known] += prior.A.permute(1, 2, 0)
        b.view(count, width)[:, :known] += prior.b
        return A, b
