"""Along the take, a window of frames at a time, coarse to fine, against a template that grows on the way.

Its only aim is to stay near. The frames of a window begin together at the last known pose; at the coarsest level each
is then tried from where its predecessors came to, until none gets better. The finer levels take all frames at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .consensus import TemplateMemory
from .known_texture import known_template
from .optimize.gauss_newton import Anchor, fit_frames
from .problem import Pose, Problem, joined, split, together
from .reconsider import Seen, reconsider
from .residuals.photometric import Observation, Views, observe
from .surface import SurfaceSamples
from .views import FramePixels, Visibility

WINDOW = 12  # frames
FINEST = 1  # tracking stops here: what is left is the bundle's and the refinement's
ITERATIONS = 5
TEMPLATE_SHARE = 0.5
SAMPLES = 10_000
PREDICTION_DEVIATION = 0.1  # of a control's range, around where a fit begins
DISAGREEMENT = 0.5  # a residual, in local deviations of the image, that is half a disagreement
WORTHWHILE = 0.97  # of the disagreement: a new beginning must lead below


class Tracker:
    """Tracks windows of frames one after the other. ``memory``: TemplateMemory of each pyramid level, all its state."""

    def __init__(self, problem: Problem) -> None:
        self.levels = list(range(problem.coarsest, min(FINEST, problem.coarsest) - 1, -1))
        base = problem.samples.thinned(max(1, len(problem.samples.weight) // SAMPLES))
        self._stride = {level: _stride(base, problem.pixels_per_cm, level) for level in self.levels}
        self._at = {level: problem.with_samples(base.thinned(self._stride[level])) for level in self.levels}
        self._information = 1 / (PREDICTION_DEVIATION * problem.prior.span) ** 2
        self.memory = {
            level: TemplateMemory(len(part.samples.weight), part.samples.neutral) for level, part in self._at.items()
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
        for level, problem in self._at.items():
            if problem.texture is not None:
                frames = torch.tensor([frame], device=pose.head.device)
                self.memory[level].trust(known_template(problem, problem.texture, pose, frames, level))
        self._learn(_Window([frame], [pixels]), pose)

    def follow(self, frames: Sequence[int], pixels: Sequence[FramePixels], last: Pose, before: Pose | None) -> Pose:
        """Poses (W) of the next take frame indices, in the order of going, which are then learnt from.

        last, before: poses (B = 1) of the frame from which they go on and of the one before it, if any.
        """
        window = _Window(frames, pixels)
        pose = self._approach(window, last, before or last)
        pose, scale = self._fit(window, pose, self.levels[1:] or self.levels)
        finest = self.levels[-1]
        pose = reconsider(
            self._at[finest],
            pose,
            frames,
            look=lambda rows, poses: self._look(window.rows(rows), poses, finest),
            fit=lambda rows, poses: self._fit(window.rows(rows), poses, self.levels[-2:])[0],
            template=self.memory[finest].template(),
            scale=scale,
        )
        self._learn(window, pose)
        return pose

    def _approach(self, window: _Window, last: Pose, before: Pose) -> Pose:
        """Poses of the window's frames at the coarsest level, wherever in it the motion went."""
        count = len(window.frames)
        pose, disagreement = self._try(window, last.at([0] * count))
        rows = list(range(count))
        while rows:
            # all are tried from their predecessors once, then those whose predecessors have come to another place
            path = joined([before, last, pose])
            found, reached = self._try(window.rows(rows), predict(path.at([r + 1 for r in rows]), path.at(rows)))
            better = (reached < WORTHWHILE * disagreement[rows]).tolist()
            taken = [row for row, good in zip(rows, better, strict=True) if good]
            pose.controls[taken], pose.head[taken] = found.controls[better], found.head[better]
            disagreement[taken] = reached[better]
            rows = sorted({row + ahead for row in taken for ahead in (1, 2) if row + ahead < count})
        return pose

    def _try(self, window: _Window, begin: Pose) -> tuple[Pose, Tensor]:
        """Poses fitted at the coarsest level, and how far what is seen there disagrees with the template, (n,) 0..1."""
        level = self.levels[0]
        pose, _ = self._fit(window, begin, [level], level)
        seen = self._look(window, pose, level)
        template = self.memory[level].template()
        square = ((seen.values - template.values) / DISAGREEMENT) ** 2
        weights = seen.weights * (template.weights > 0)
        disagreement = (weights * square / (1 + square)).sum((1, 2)) / weights.sum((1, 2))
        return pose, disagreement.nan_to_num(nan=1.0)

    def _fit(self, window: _Window, begin: Pose, levels: Sequence[int], drawn_at: int = FINEST) -> tuple[Pose, Tensor]:
        """Poses fitted to the memory over pyramid levels, the controls anchored to where they begin; robust scales."""
        poses, scales = [], []
        for rows in self._parts(window, levels[-1]):
            part, pose = window.rows(rows), begin.at(rows)
            frames = torch.tensor(part.frames, device=pose.head.device)
            pose = self._at[levels[0]].held(pose, frames)
            anchor = Anchor(pose.controls, self._information)
            seen = self._visibility(part, pose, levels, drawn_at)
            for level in levels:
                problem = self._at[level]
                views = problem.views.build(seen[level], level, part.frames, part.pixels)
                template = self.memory[level].template()
                fit = fit_frames(problem, template, views, pose, frames, level, ITERATIONS, anchor, TEMPLATE_SHARE)
                pose = fit.pose
            poses.append(pose)
            scales.append(fit.scale)
        count = len(window.frames)
        return joined(poses).at(slice(0, count)), torch.cat(scales)[:count]

    def _parts(self, window: _Window, level: int) -> list[list[int]]:
        """Rows of the window in parts of one size, so that what is recorded of one serves all; the last is filled up
        with repetitions of its last row."""
        count = len(window.frames)
        size = min(WINDOW, together(self._at[level], level))
        return [[min(row, count - 1) for row in range(begin, begin + size)] for begin in range(0, count, size)]

    def _look(self, window: _Window, pose: Pose, level: int) -> Seen:
        """What the window's frames see at their poses at a level."""
        seen = []
        for rows in split(len(window.frames), together(self._at[level], level)):
            observation, _ = self._observe(window.part(rows), pose.at(rows), [level])[level]
            seen.append(observation)
        return Seen(torch.cat([each.values for each in seen]), torch.cat([each.weights for each in seen]))

    def _learn(self, window: _Window, pose: Pose) -> None:
        finest = self.levels[-1]
        for rows in split(len(window.frames), together(self._at[finest], finest)):
            for level, (observation, views) in self._observe(window.part(rows), pose.at(rows), self.levels).items():
                self.memory[level].add(observation, views.edges)

    def _visibility(self, window: _Window, pose: Pose, levels: Sequence[int], drawn_at: int) -> dict[int, Visibility]:
        """What is seen at a pose of the samples of some levels, as drawn at pyramid level ``drawn_at``."""
        finest = min(levels)
        problem = self._at[finest]
        seen = problem.views.visibility(problem.samples, drawn_at, window.frames, pose.controls, pose.head)
        return {level: seen.thinned(self._stride[level] // self._stride[finest]) for level in levels}

    def _observe(self, window: _Window, pose: Pose, levels: Sequence[int]) -> dict[int, tuple[Observation, Views]]:
        seen = self._visibility(window, pose, levels, min(levels))
        result = {}
        for level in levels:
            problem = self._at[level]
            views = problem.views.build(seen[level], level, window.frames, window.pixels)
            result[level] = observe(problem.samples, problem.model, pose.controls, pose.head, views), views
        return result


@dataclass(frozen=True, eq=False)
class _Window:
    """Take frame indices and their pixels, in the order of going."""

    frames: Sequence[int]
    pixels: Sequence[FramePixels]

    def rows(self, rows: Sequence[int]) -> _Window:
        return _Window([self.frames[row] for row in rows], [self.pixels[row] for row in rows])

    def part(self, rows: slice) -> _Window:
        return _Window(self.frames[rows], self.pixels[rows])


def predict(last: Pose, before: Pose) -> Pose:
    """Where B poses go on to at constant velocity, from the last two frames of each."""
    return Pose(2 * last.controls - before.controls, last.head @ torch.linalg.inv(before.head) @ last.head)


def _stride(samples: SurfaceSamples, pixels_per_cm: float, level: int) -> int:
    """The power of two by which to thin samples that share the pixels of a pyramid level."""
    crowd = (2**level / (samples.spacing * pixels_per_cm)) ** 2
    return 2 ** max(0, math.floor(math.log2(crowd)))
