"""A few frames at which correctives are sought: what they disagree about with a set of shapes, and fits to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from facesolve.footage.stream import FramePixels
from facesolve.geometry.pose import Pose
from facesolve.residuals.visibility import Views
from facesolve.runtime.progress import Progress
from facesolve.stages.bundle import BundleOptions, bundle
from facesolve.stages.problem import Problem

from .apply import corrected_take, extended
from .quadratic import disagreement, robust_costs
from .shapes import ShapeSpace, fit_shapes, further_activations

FURTHER_AT = 2  # fits of the first shape alone, before others join it
POSE_ITERATIONS = 2
LEAST_DROP = 0.07  # part of the disagreement around a kernel that must go for it to count as explained
LEAST_GAIN = 10.0  # and how much, in squares of the robust scale: hardly seen surface gains nothing
NEIGHBOR = 0.3  # overlap from which a kernel belongs to an explaining one


@dataclass(frozen=True, eq=False)
class Found:
    """coefficients: (J, m) cm; activations: (M, J); pose: of the M keyframes."""

    coefficients: Tensor
    activations: Tensor
    pose: Pose


@dataclass(frozen=True, eq=False)
class Keyframes:
    """M frames (take frame indices ``frames``) with their pixels at full size."""

    problem: Problem
    pixels: Sequence[FramePixels]
    frames: Tensor
    space: ShapeSpace
    progress: Progress

    def fitted(self, begin: Found, levels: Sequence[int], allowed: Tensor, count: int) -> Found:
        """Shapes and activations, and then poses, fitted at one pyramid level after the other.

        allowed: (m,) bool, kernels that may take part. count: shapes; those that ``begin`` lacks join later.
        """
        found = begin
        for turn, level in enumerate(levels):
            shapes = self.space.shapes(found.coefficients)
            problem, pose, views = self._observed_views(shapes, found.activations, found.pose, level)
            at_samples = self.space.at_samples(shapes)
            present = torch.einsum("fj,jni->fni", found.activations, at_samples)
            change = disagreement(problem, views, pose, level)
            coefficients, activations = found.coefficients, found.activations
            if turn == FURTHER_AT and count > len(coefficients):
                more = further_activations(self.space, change, count - len(coefficients), allowed)
                activations = torch.cat([activations, more], 1)
                coefficients = torch.cat([coefficients, coefficients.new_zeros(more.shape[1], coefficients.shape[1])])
            model = change.recentered(present)
            coefficients, activations = fit_shapes(self.space, model, activations, coefficients, allowed)
            found = self.posed(Found(coefficients, activations, found.pose), level)
            self.progress.advance()
        return found

    def posed(self, found: Found, level: int) -> Found:
        """Controls, heads and activations solved again with the shapes held."""
        problem, full, views = self._observed_views(
            self.space.shapes(found.coefficients), found.activations, found.pose, level
        )
        fitted = bundle(problem, views, full, self.frames, level, BundleOptions(POSE_ITERATIONS)).pose
        count = len(found.coefficients)
        pose = Pose(fitted.controls[:, :-count], fitted.head)
        return replace(found, activations=fitted.controls[:, -count:], pose=pose)

    def explaining(self, before: Found, after: Found, level: int) -> Tensor:
        """(m,) bool: kernels around which the frames disagree markedly less after than before, and their neighbors."""
        costs, scale = self._costs(before, level, None)
        left, _ = self._costs(after, level, scale)
        whole = self.space.gathered_costs(costs)
        gain = whole - self.space.gathered_costs(left)
        used = after.coefficients.abs().amax(0) > 0
        explaining = used & (gain > LEAST_GAIN) & (gain > LEAST_DROP * whole)
        kernels = self.space.fields.kernels.to_dense()
        near = (kernels.T @ kernels) / (kernels**2).sum(0)
        return explaining | ((near > NEIGHBOR) & explaining[:, None]).any(0)

    def gain(self, before: Found, after: Found, level: int) -> float:
        """Share of all that the frames disagree about which ``after`` explains, 0..1."""
        costs, scale = self._costs(before, level, None)
        left, _ = self._costs(after, level, scale)
        return 1 - float(left.sum() / costs.sum().clamp_min(1e-9))

    def _costs(self, found: Found, level: int, scale: Tensor | None) -> tuple[Tensor, Tensor]:
        problem, pose, views = self._observed_views(
            self.space.shapes(found.coefficients), found.activations, found.pose, level
        )
        return robust_costs(problem, views, pose, scale)

    def _observed_views(
        self, shapes: Tensor, activations: Tensor, pose: Pose, level: int
    ) -> tuple[Problem, Pose, Views]:
        """The problem with shapes (J, V, 3) as further controls, the pose with them, and what the cameras see."""
        problem = extended(self.problem, corrected_take(self.problem.take, shapes.cpu().numpy()))
        full = Pose(torch.cat([pose.controls, activations.to(pose.controls)], 1), pose.head)
        frames = self.frames.tolist()
        views = problem.views.views(problem.samples, level, frames, self.pixels, full.controls, full.head)
        return problem, full, views
