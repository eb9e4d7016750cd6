"""Windows of frames fitted to what the tracker remembers of the surface, and how much of it they show.

Knows neither the order of the frames nor what becomes of those that show little.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from facesolve.footage.stream import FramePixels
from facesolve.geometry.pose import Pose, joined
from facesolve.geometry.surface_samples import SurfaceSamples
from facesolve.residuals.observation import Observation, Views, observe
from facesolve.residuals.photometric import Template
from facesolve.residuals.residual import TRACK
from facesolve.residuals.template import TemplateMemory
from facesolve.residuals.visibility import Visibility
from facesolve.runtime.devices import indices_on
from facesolve.runtime.threads import each_on_a_thread

from .batching import split, together
from .covered import Cover, cover, usual_correlation
from .frame_fit import Anchor, FrameFit, FrameFitOptions, fit_frames
from .problem import Problem

WINDOW = 16  # frames: the template learns between windows, and what it has learned keeps the next ones near
OPTIONS = FrameFitOptions(4, template_share=0.5, box_rounds=2, stage=TRACK)  # near is enough
SAMPLES = 5_000
PREDICTION_DEVIATION = 0.1  # of a control's range, around its prediction for the next frame
DISAGREEMENT = 0.5  # a residual, in local deviations of the image, that is half a disagreement


@dataclass(frozen=True, eq=False)
class Window:
    """Take frame indices and their pixels, in the order of going."""

    frames: Sequence[int]
    pixels: Sequence[FramePixels]

    def rows(self, rows: Sequence[int]) -> Window:
        return Window([self.frames[row] for row in rows], [self.pixels[row] for row in rows])

    def part(self, rows: slice) -> Window:
        return Window(self.frames[rows], self.pixels[rows])


class WindowFits:
    """Fits windows to ``memory``, the TemplateMemory of each pyramid level; levels: coarse to fine, ``at``: the problem
    with the samples of each, ``usual``: how much a look at the face has in common with others (usual_correlation)."""

    def __init__(self, problem: Problem) -> None:
        finest = min(max(problem.rough_level, 1), problem.coarsest)  # never full size
        self.levels = list(range(problem.coarsest, finest - 1, -1))
        base = problem.samples.thinned(max(1, len(problem.samples.weight) // SAMPLES))
        self.stride = {level: _stride(base, problem.pixels_per_cm, level) for level in self.levels}
        self.at = {level: problem.with_samples(base.thinned(self.stride[level])) for level in self.levels}
        self.memory = {
            level: TemplateMemory(len(part.samples.weight), part.samples.neutral) for level, part in self.at.items()
        }
        self.usual = dict.fromkeys(self.levels, 1.0)

    def expect(self, observed: Mapping[int, tuple[Observation, Views]]) -> None:
        """Takes what is usual from what a frame shows at a pose that is believed."""
        self.usual = {level: usual_correlation(observation) for level, (observation, _) in observed.items()}

    def cover(self, observation: Observation, level: int) -> Cover:
        """What frames show of the face at a level."""
        return cover(self.at[level], observation, self.memory[level].template(), self.usual[level])

    def shown(self, observed: Sequence[Mapping[int, tuple[Observation, Views]]], count: int) -> list[float]:
        """How much each frame of a window has in common with the memory: a correlation in parts of the usual one, 1
        where nothing is seen."""
        usual = self.usual[self.levels[-1]]
        template = self.memory[self.levels[-1]].template()
        found = []
        for part in observed:
            observation, _ = part[self.levels[-1]]
            weights = observation.weights * (template.weights > 0)
            shared = (weights * observation.values * template.values).sum((1, 2))
            power = (weights * observation.values**2).sum((1, 2)) * (weights * template.values**2).sum((1, 2))
            found.append(torch.where(weights.sum((1, 2)) > 0, shared / power.sqrt().clamp_min(1e-9) / usual, 1.0))
        return [float(value) for value in torch.cat(found)[:count].tolist()]

    def anchor(self, controls: Tensor, ahead: int = 1) -> Anchor:
        """A pull of controls (n, K) to these values, which are those of so many frames before."""
        span = self.at[self.levels[0]].prior.span
        return Anchor(controls, (1 / (PREDICTION_DEVIATION * ahead * span) ** 2).expand_as(controls))

    def fit(self, window: Window, begin: Pose, levels: Sequence[int], anchor: Anchor) -> tuple[Pose, Tensor]:
        """Poses fitted to the memory over pyramid levels; and robust scales."""

        def fitted(rows: list[int]) -> tuple[Pose, Tensor]:
            part, pose, held = window.rows(rows), begin.at(rows), anchor.at(rows)
            visibility = self.visibility(part, pose, levels)
            for level in levels:
                views = self.at[level].views.build(visibility[level], level, part.frames, part.pixels)
                fit = self.fit_level(part, views, pose, level, held)
                pose = fit.pose
            return pose, fit.scale

        found = each_on_a_thread(fitted, self.parts(window, levels[-1]), begin.head.device)
        some = slice(0, len(window.frames))
        return joined([pose for pose, _ in found]).at(some), torch.cat([scale for _, scale in found])[some]

    def fit_level(self, window: Window, views: Views, begin: Pose, level: int, anchor: Anchor) -> FrameFit:
        """Frames fitted to the memory at one pyramid level."""
        problem, template = self.at[level], self.memory[level].template()
        frames = indices_on(begin.head.device, window.frames)
        begin = problem.held(begin, frames)
        return fit_frames(problem, template, views, begin, frames, level, OPTIONS, anchor)

    def parts(self, window: Window, level: int) -> list[list[int]]:
        """Rows of the window in parts of one size, so that what is recorded of one serves all; the last is filled up
        with repetitions of its last row."""
        count = len(window.frames)
        size = min(WINDOW, together(self.at[level], level))
        return [[min(row, count - 1) for row in range(begin, begin + size)] for begin in range(0, count, size)]

    def visibility(self, window: Window, pose: Pose, levels: Sequence[int]) -> dict[int, Visibility]:
        """What is seen at a pose of the samples of some levels, as drawn at the finest of them."""
        finest = min(levels)
        problem = self.at[finest]
        visibility = problem.views.visibility(problem.samples, finest, window.frames, pose.controls, pose.head)
        return {level: visibility.thinned(self.stride[level] // self.stride[finest]) for level in levels}

    def observe(
        self, window: Window, pose: Pose, levels: Sequence[int] = ()
    ) -> list[dict[int, tuple[Observation, Views]]]:
        """What the window's frames see at their poses at some levels, or all, in parts that fit the memory."""
        levels = levels or self.levels

        def seen(rows: slice) -> dict[int, tuple[Observation, Views]]:
            part, there = window.part(rows), pose.at(rows)
            visibility = self.visibility(part, there, levels)
            of_level = {}
            for level in levels:
                problem = self.at[level]
                views = problem.views.build(visibility[level], level, part.frames, part.pixels)
                of_level[level] = observe(problem.samples, problem.model, there.controls, there.head, views), views
            return of_level

        parts = split(len(window.frames), together(self.at[levels[-1]], levels[-1]))
        return each_on_a_thread(seen, parts, pose.head.device)


def disagreement(observation: Observation, template: Template) -> Tensor:
    """Mean over what each of B frames sees, (B,) in 0..1; 1 for a frame that sees nothing."""
    square = ((observation.values - template.values) / DISAGREEMENT) ** 2
    weights = observation.weights * (template.weights > 0)
    return ((weights * square / (1 + square)).sum((1, 2)) / weights.sum((1, 2))).nan_to_num(nan=1.0)


def _stride(samples: SurfaceSamples, pixels_per_cm: float, level: int) -> int:
    """The power of two by which to thin samples that share the pixels of a pyramid level."""
    crowd = (2**level / (samples.spacing * pixels_per_cm)) ** 2
    return 2 ** max(0, math.floor(math.log2(crowd)))
