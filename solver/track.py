"""From frame to frame, coarse to fine, against a template that grows on the way. Its only aim is to stay near."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from .consensus import TemplateMemory
from .known_texture import known_template
from .optimize.gauss_newton import Anchor, FrameFit, fit_frames
from .problem import Pose, Problem
from .reconsider import reconsider
from .residuals.photometric import Observation, Views, observe
from .views import FramePixels, Visibility

FINEST = 1  # tracking stops here: what is left is the bundle's and the refinement's
ITERATIONS = 5
TEMPLATE_SHARE = 0.5
SAMPLES = 10_000
PREDICTION_DEVIATION = 0.1  # of a control's range, around its constant-velocity prediction


class Tracker:
    """Tracks frames one after the other. ``memory`` maps pyramid level to TemplateMemory and is all its state."""

    def __init__(self, problem: Problem) -> None:
        problem = problem.with_samples(problem.samples.thinned(max(1, len(problem.samples.weight) // SAMPLES)))
        self._problem = problem
        self.levels = list(range(problem.coarsest, min(FINEST, problem.coarsest) - 1, -1))
        self.memory = {
            level: TemplateMemory(len(problem.samples.weight), problem.samples.neutral) for level in self.levels
        }

    def state(self) -> dict[str, np.ndarray]:
        """The memory as arrays, for a checkpoint."""
        arrays = {}
        for level, memory in self.memory.items():
            arrays[f"sums{level}"] = memory.sums.cpu().numpy().copy()
            arrays[f"weights{level}"] = memory.weights.cpu().numpy().copy()
        return arrays

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Takes the memory back from ``state``."""
        for level, memory in self.memory.items():
            memory.sums = torch.tensor(arrays[f"sums{level}"]).to(memory.sums)
            memory.weights = torch.tensor(arrays[f"weights{level}"]).to(memory.weights)

    def start(self, frame: int, pixels: FramePixels, pose: Pose) -> None:
        """Takes the template from take frame index ``frame`` at a pose (B = 1) that is believed."""
        visibility = self._visibility(frame, pose)
        for level in self.levels:
            if self._problem.texture is not None:
                frames = torch.tensor([frame], device=pose.head.device)
                known = known_template(self._problem, self._problem.texture, pose, frames, level)
                self.memory[level].trust(known)
            self._learn(self._problem.views.build(visibility, level, [frame], [pixels]), pose, level)

    def step(self, frame: int, pixels: FramePixels, predicted: Pose) -> Pose:
        """Pose (B = 1) of the next frame, which is then learnt from."""
        problem = self._problem
        frames = torch.tensor([frame], device=predicted.head.device)
        predicted = problem.held(predicted, frames)
        fit = self._fit(frame, pixels, predicted, self.levels)

        def look(pose: Pose) -> Observation:
            views = problem.views.build(self._visibility(frame, pose), self.levels[-1], [frame], [pixels])
            return observe(problem.samples, problem.model, pose.controls, pose.head, views)

        template = self.memory[self.levels[-1]].template()
        pose = reconsider(
            problem,
            fit.pose,
            frame,
            look,
            lambda candidate: self._fit(frame, pixels, candidate, self.levels[-2:]).pose,
            template,
            fit.scale,
        )
        visibility = self._visibility(frame, pose)
        for level in self.levels:
            self._learn(problem.views.build(visibility, level, [frame], [pixels]), pose, level)
        return pose

    def _fit(self, frame: int, pixels: FramePixels, pose: Pose, levels: list[int]) -> FrameFit:
        """The frame fitted to the memory over pyramid levels, the controls anchored to where they begin."""
        problem = self._problem
        frames = torch.tensor([frame], device=pose.head.device)
        anchor = Anchor(pose.controls, 1 / (PREDICTION_DEVIATION * problem.prior.span) ** 2)
        visibility = self._visibility(frame, pose)
        for level in levels:
            views = problem.views.build(visibility, level, [frame], [pixels])
            template = self.memory[level].template()
            fit = fit_frames(problem, template, views, pose, frames, level, ITERATIONS, anchor, TEMPLATE_SHARE)
            pose = fit.pose
        return fit

    def _visibility(self, frame: int, pose: Pose) -> Visibility:
        problem = self._problem
        return problem.views.visibility(problem.samples, FINEST, [frame], pose.controls, pose.head)

    def _learn(self, views: Views, pose: Pose, level: int) -> None:
        observation = observe(self._problem.samples, self._problem.model, pose.controls, pose.head, views)
        self.memory[level].add(observation, views.edges)


def predict(last: Pose, before: Pose | None) -> Pose:
    """Constant-velocity prediction (B = 1) from the last two frames, or the last one alone."""
    if before is None:
        return last
    head = last.head @ torch.linalg.inv(before.head) @ last.head
    return Pose(2 * last.controls - before.controls, head)
