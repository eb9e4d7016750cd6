"""Along the take, a window of frames at a time, coarse to fine, against a template that grows on the way.

Its only aim is to stay near. At the coarsest level the frames of a window begin together at the last known pose; frames
that do not match the template are restarted from the last settled frame. The finer levels take all at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from facesolve.footage.stream import FramePixels
from facesolve.geometry.pose import Pose, joined
from facesolve.geometry.rig import apply_head
from facesolve.geometry.rigid import inverse
from facesolve.geometry.surface_samples import SurfaceSamples
from facesolve.optimize.nested import chosen
from facesolve.residuals.observation import Observation, Views, observe
from facesolve.residuals.photometric import Template
from facesolve.residuals.residual import TRACK
from facesolve.residuals.template import TemplateMemory
from facesolve.residuals.visibility import Visibility
from facesolve.runtime.devices import indices_on

from .batching import split, together
from .frame_fit import Anchor, FrameFit, FrameFitOptions, fit_frames
from .known_template import known_template
from .problem import Problem
from .stuck_controls import SampleValues, reconsider

WINDOW = 16  # frames: the template learns between windows, and what it has learned keeps the next ones near
OPTIONS = FrameFitOptions(4, template_share=0.5, box_rounds=2, stage=TRACK)  # near is enough
SAMPLES = 5_000
PREDICTION_DEVIATION = 0.1  # of a control's range, around its prediction for the next frame
DISAGREEMENT = 0.5  # a residual, in local deviations of the image, that is half a disagreement
WORTHWHILE = 0.97  # of the disagreement: a new beginning must lead below
MOST_MOVED = 4.0  # pixels of the coarsest level: nearer to where it was found, visibility is about the same
BELIEVED, LOST = (
    0.6,
    0.35,
)  # correlation with the memory: of a frame that is learned from, and of one that shows nothing
BETTER = 0.03  # correlation that another beginning must gain
AS_WELL = 1.15  # times the last settled frame's disagreement, below which a frame is not lost


class Tracker:
    """Tracks windows of frames one after the other.

    ``memory``: TemplateMemory of each pyramid level, and ``shown``, what frames had in common with it: all its state.
    """

    def __init__(self, problem: Problem) -> None:
        finest = min(max(problem.rough_level, 1), problem.coarsest)  # never full size
        self.levels = list(range(problem.coarsest, finest - 1, -1))
        base = problem.samples.thinned(max(1, len(problem.samples.weight) // SAMPLES))
        self._moving_cameras = any(camera.moving for camera in problem.take.cameras)
        self._stride = {level: _stride(base, problem.pixels_per_cm, level) for level in self.levels}
        self._at = {level: problem.with_samples(base.thinned(self._stride[level])) for level in self.levels}
        self.shown: dict[int, float] = {}  # of each tracked frame, its correlation with the memory
        self.memory = {
            level: TemplateMemory(len(part.samples.weight), part.samples.neutral) for level, part in self._at.items()
        }

    def believed(self) -> Tensor:
        """(F,) bool: frames that show what the memory knows, as far as they are tracked."""
        count = self._at[self.levels[0]].take.frame_count
        return torch.tensor([self.shown.get(frame, 1.0) >= BELIEVED for frame in range(count)])

    def state(self) -> dict[str, np.ndarray]:
        """The memory as arrays, for a checkpoint."""
        arrays = {}
        for level, memory in self.memory.items():
            arrays[f"sums{level}"] = memory.sums.cpu().numpy().copy()
            arrays[f"weights{level}"] = memory.weights.cpu().numpy().copy()
        arrays["shown"] = np.array(list(self.shown.items()), np.float64).reshape(-1, 2)
        return arrays

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Takes the memory back from ``state``."""
        for level, memory in self.memory.items():
            memory.sums = torch.tensor(arrays[f"sums{level}"]).to(memory.sums)
            memory.weights = torch.tensor(arrays[f"weights{level}"]).to(memory.weights)
        self.shown = {int(frame): float(value) for frame, value in arrays["shown"]}

    def start(self, frame: int, pixels: FramePixels, pose: Pose) -> None:
        """Takes the template from take frame index ``frame`` at a pose (B = 1) that is believed."""
        for level, problem in self._at.items():
            if problem.texture is not None:
                frames = torch.tensor([frame], device=pose.head.device)
                self.memory[level].trust(known_template(problem, problem.texture, pose, frames, level))
        self._learn(self._observe(_Window([frame], [pixels]), pose))

    def follow(self, frames: Sequence[int], pixels: Sequence[FramePixels], last: Pose, before: Pose | None) -> Pose:
        """Poses (W) of the next take frame indices, in the order of going, which are then learned from.

        last, before: poses (B = 1) of the frame from which they go on and of the one before it, if any.
        """
        window, before = _Window(frames, pixels), before or last
        anchor = self._prediction(len(frames), last, before)
        pose = self._approach(window, last, before, anchor)
        pose, scale = self._fit(window, pose, self.levels[1:] or self.levels, anchor)
        finest, observed = self.levels[-1], self._observe(window, pose)
        pose, changed = reconsider(
            self._at[finest],
            pose,
            frames,
            observed=_sample_values([part[finest][0] for part in observed]),
            observe=lambda rows, poses: self._sample_values_at(window.rows(rows), poses, finest),
            fit=lambda rows, poses: self._fit(window.rows(rows), poses, self.levels[-2:], self._anchor(poses.controls))[
                0
            ],
            template=self.memory[finest].template(),
            scale=scale,
        )
        observed = self._observe(window, pose) if changed else observed
        shown = self._shown(observed, len(frames))
        if min(shown) < BELIEVED:
            pose, shown = self._found_again(window, pose, shown, last)
            observed = self._observe(window, pose)
        self.shown.update(zip(frames, shown, strict=True))
        self._learn(observed, [value >= BELIEVED for value in shown])
        return pose

    def _shown(self, observed: Sequence[Mapping[int, tuple[Observation, Views]]], count: int) -> list[float]:
        """How much each frame of a window has in common with the memory: a correlation, 1 where nothing is seen."""
        template = self.memory[self.levels[-1]].template()
        found = []
        for part in observed:
            observation, _ = part[self.levels[-1]]
            weights = observation.weights * (template.weights > 0)
            shared = (weights * observation.values * template.values).sum((1, 2))
            power = (weights * observation.values**2).sum((1, 2)) * (weights * template.values**2).sum((1, 2))
            found.append(torch.where(weights.sum((1, 2)) > 0, shared / power.sqrt().clamp_min(1e-9), 1.0))
        return [float(value) for value in torch.cat(found)[:count].tolist()]

    def _found_again(self, window: _Window, pose: Pose, shown: list[float], last: Pose) -> tuple[Pose, list[float]]:
        """Frames that show little of the memory, tried again from the nearest on either side that show it.

        What shows nothing even then stays where the last frame was that did: the next ones begin there.
        """
        count = len(shown)
        low = [row for row in range(count) if shown[row] < BELIEVED]
        good = [row for row in range(count) if shown[row] >= BELIEVED]
        for side in (-1, 1):
            path = joined([pose, last])  # the last one before the window comes after all of its frames
            begin = path.at([_nearest(good, row, side, count) for row in low])
            part = window.rows(low)
            found, _ = self._fit(part, begin, self.levels, self._anchor(begin.controls))
            reached = self._shown(self._observe(part, found), len(low))
            for place, row in enumerate(low):
                if reached[place] > shown[row] + BETTER:
                    pose.controls[row], pose.head[row], shown[row] = (
                        found.controls[place],
                        found.head[place],
                        reached[place],
                    )
        held = last
        for row in range(count):
            if shown[row] >= BELIEVED:
                held = pose.at([row])
            elif shown[row] < LOST:
                pose.controls[row], pose.head[row] = held.controls[0], held.head[0]
        return pose, shown

    def _prediction(self, count: int, last: Pose, before: Pose) -> Anchor:
        """What is expected of the controls of the next frames: less is known the farther they are ahead."""
        ahead = torch.arange(1, count + 1, device=last.head.device)[:, None]
        controls = predict(last, before).controls.expand(count, -1)
        return Anchor(controls, self._anchor(controls).information / ahead**2)

    def _anchor(self, controls: Tensor) -> Anchor:
        """A pull of controls (n, K) to these values."""
        span = self._at[self.levels[0]].prior.span
        return Anchor(controls, (1 / (PREDICTION_DEVIATION * span) ** 2).expand_as(controls))

    def _approach(self, window: _Window, last: Pose, before: Pose, anchor: Anchor) -> Pose:
        """Poses of the window's frames at the coarsest level, wherever in it the motion went.

        Frames are settled in the order of going; ``settled`` counts them. Before the first round none is, and the last
        settled frame is ``last``, outside of the window. Each round

        1. fits all frames that are not settled, from the pose of the last settled one; the next frame alone begins
           where the motion was going (constant velocity);
        2. keeps for each of them the better of what it had and what it got, by disagreement with the template;
        3. settles the next frame, whatever it got, and then every frame after it that disagrees less than ``AS_WELL``
           times as much. The first that disagrees more ends the round: it is the next frame of the round after.

        Each round settles one frame at least, so there are at most as many rounds as frames, and one where all frames
        match about as well.

        ``path`` holds ``before``, ``last`` and the window's frames, so that the last settled frame is always at
        ``settled + 1`` and the one before it at ``settled``. Visibility is made anew only once the pose has moved far.
        """
        count = len(window.frames)
        pose, disagreement = last.at([0] * count), torch.full_like(last.head[:, 0, 0], torch.inf).repeat(count)
        views: dict[int, Views] = {}
        seen_from, settled = last, 0
        while settled < count:
            path = joined([before, last, pose])
            there, going = path.at(slice(settled + 1, settled + 2)), path.at(slice(settled, settled + 1))
            begin = Pose(there.controls.repeat(count, 1), there.head.repeat(count, 1, 1))
            ahead = predict(there, going)
            begin.controls[settled], begin.head[settled] = ahead.controls[0], ahead.head[0]
            if views and self._moved(seen_from, there) > MOST_MOVED:
                views, seen_from = {}, there
            found, reached = self._coarse_round(window, begin, anchor, settled, views, seen_from)
            rest = slice(settled, count)
            better = reached < WORTHWHILE * disagreement[rest]
            taken = chosen(pose.at(rest), found, better)
            pose.controls[rest], pose.head[rest] = taken.controls, taken.head
            disagreement[rest] = torch.where(better, reached.to(disagreement), disagreement[rest])
            values = disagreement.tolist()
            good = AS_WELL * values[settled]
            settled += 1
            while settled < count and values[settled] < good:
                settled += 1
        return pose

    def _coarse_round(
        self, window: _Window, begin: Pose, anchor: Anchor, settled: int, views: dict[int, Views], seen_from: Pose
    ) -> tuple[Pose, Tensor]:
        """Poses of the window's frames from ``settled`` on, fitted at the coarsest level, and how far what is seen
        there disagrees with the memory (n,).

        views: of the window's parts by their numbers, with the visibility of pose ``seen_from``; missing ones are made.
        """
        poses, told = [], []
        for number, rows in enumerate(self._parts(window, self.levels[0])):
            if rows[-1] < settled:
                continue
            part = window.rows(rows)
            if number not in views:
                views[number] = self._coarse_views(part, seen_from)
            found, reached = self._coarse_fit(part, views[number], begin.at(rows), anchor.at(rows))
            wanted = slice(max(settled - rows[0], 0), rows[-1] - rows[0] + 1)
            poses.append(found.at(wanted))
            told.append(reached[wanted])
        return joined(poses), torch.cat(told)

    def _coarse_views(self, window: _Window, there: Pose) -> Views:
        """What frames show at the coarsest level, with the visibility of one pose (B = 1) for all."""
        level, count = self.levels[0], len(window.frames)
        if self._moving_cameras:
            everywhere = Pose(there.controls.repeat(count, 1), there.head.repeat(count, 1, 1))
            visibility = self._visibility(window, everywhere, [level])[level]
        else:
            visibility = self._visibility(window.rows([0]), there, [level])[level].repeated(count)
        return self._at[level].views.build(visibility, level, window.frames, window.pixels)

    def _coarse_fit(self, window: _Window, views: Views, begin: Pose, anchor: Anchor) -> tuple[Pose, Tensor]:
        """Poses fitted to the memory at the coarsest level, and how far what is seen there disagrees with it (n,)."""
        level = self.levels[0]
        fit = self._fit_level(window, views, begin, level, anchor)
        problem, pose = self._at[level], fit.pose
        observation = observe(problem.samples, problem.model, pose.controls, pose.head, views)
        return pose, _disagreement(observation, self.memory[level].template())

    def _moved(self, one: Pose, other: Pose) -> float:
        """Mean distance in pixels of the coarsest level, at the scale of the surface, between two poses (B = 1)."""
        problem, dtype = self._at[self.levels[0]], one.head.dtype
        both = problem.model.deformation(torch.cat([one.controls, other.controls]).to(problem.model.dtype))
        world = apply_head(torch.cat([one.head, other.head]), problem.samples.positions(both).to(dtype))
        return float((world[0] - world[1]).norm(dim=1).mean()) * problem.pixels_per_cm / 2 ** self.levels[0]

    def _fit(self, window: _Window, begin: Pose, levels: Sequence[int], anchor: Anchor) -> tuple[Pose, Tensor]:
        """Poses fitted to the memory over pyramid levels; and robust scales."""
        poses, scales = [], []
        for rows in self._parts(window, levels[-1]):
            part, pose, held = window.rows(rows), begin.at(rows), anchor.at(rows)
            visibility = self._visibility(part, pose, levels)
            for level in levels:
                views = self._at[level].views.build(visibility[level], level, part.frames, part.pixels)
                fit = self._fit_level(part, views, pose, level, held)
                pose = fit.pose
            poses.append(pose)
            scales.append(fit.scale)
        some = slice(0, len(window.frames))
        return joined(poses).at(some), torch.cat(scales)[some]

    def _fit_level(self, window: _Window, views: Views, begin: Pose, level: int, anchor: Anchor) -> FrameFit:
        """Frames fitted to the memory at one pyramid level."""
        problem, template = self._at[level], self.memory[level].template()
        frames = indices_on(begin.head.device, window.frames)
        begin = problem.held(begin, frames)
        return fit_frames(problem, template, views, begin, frames, level, OPTIONS, anchor)

    def _parts(self, window: _Window, level: int) -> list[list[int]]:
        """Rows of the window in parts of one size, so that what is recorded of one serves all; the last is filled up
        with repetitions of its last row."""
        count = len(window.frames)
        size = min(WINDOW, together(self._at[level], level))
        return [[min(row, count - 1) for row in range(begin, begin + size)] for begin in range(0, count, size)]

    def _sample_values_at(self, window: _Window, pose: Pose, level: int) -> SampleValues:
        """What the window's frames see at their poses at a level."""
        count = len(window.frames)
        if pose.head.device.type != "cpu":  # a GPU prefers batches of few different sizes
            rows = [min(row, count - 1) for row in range(_few_sizes(count))]
            window, pose = window.rows(rows), pose.at(rows)
        return _sample_values([part[level][0] for part in self._observe(window, pose, [level])]).at(slice(count))

    def _learn(
        self, observed: Sequence[Mapping[int, tuple[Observation, Views]]], believed: Sequence[bool] | None = None
    ) -> None:
        """Adds what frames saw to the memory; believed: those to learn from, all if None."""
        keep = None
        if believed is not None and not all(believed):
            keep = torch.tensor(believed, device=observed[0][self.levels[0]][0].weights.device)
        for level, memory in self.memory.items():
            begin, parts = 0, []
            for observation, views in (part[level] for part in observed):
                end = begin + len(observation.weights)
                if keep is not None:
                    observation = replace(observation, weights=observation.weights * keep[begin:end, None, None])
                parts.append((observation, views.edges))
                begin = end
            memory.add(parts)

    def _visibility(self, window: _Window, pose: Pose, levels: Sequence[int]) -> dict[int, Visibility]:
        """What is seen at a pose of the samples of some levels, as drawn at the finest of them."""
        finest = min(levels)
        problem = self._at[finest]
        visibility = problem.views.visibility(problem.samples, finest, window.frames, pose.controls, pose.head)
        return {level: visibility.thinned(self._stride[level] // self._stride[finest]) for level in levels}

    def _observe(
        self, window: _Window, pose: Pose, levels: Sequence[int] = ()
    ) -> list[dict[int, tuple[Observation, Views]]]:
        """What the window's frames see at their poses at some levels, or all, in parts that fit the memory."""
        levels = levels or self.levels
        parts = []
        for rows in split(len(window.frames), together(self._at[levels[-1]], levels[-1])):
            part, there = window.part(rows), pose.at(rows)
            visibility = self._visibility(part, there, levels)
            of_level = {}
            for level in levels:
                problem = self._at[level]
                views = problem.views.build(visibility[level], level, part.frames, part.pixels)
                of_level[level] = observe(problem.samples, problem.model, there.controls, there.head, views), views
            parts.append(of_level)
        return parts


@dataclass(frozen=True, eq=False)
class _Window:
    """Take frame indices and their pixels, in the order of going."""

    frames: Sequence[int]
    pixels: Sequence[FramePixels]

    def rows(self, rows: Sequence[int]) -> _Window:
        return _Window([self.frames[row] for row in rows], [self.pixels[row] for row in rows])

    def part(self, rows: slice) -> _Window:
        return _Window(self.frames[rows], self.pixels[rows])


def _nearest(rows: Sequence[int], row: int, side: int, otherwise: int) -> int:
    """That of some rows which is nearest to ``row`` on one side (-1, 1), else another."""
    there = [other for other in rows if (other - row) * side > 0]
    return min(there, key=lambda other: abs(other - row), default=otherwise)


def _few_sizes(count: int) -> int:
    """The next power of two, or multiple of ``WINDOW``."""
    if count > WINDOW:
        return -(-count // WINDOW) * WINDOW
    return int(min(2 ** math.ceil(math.log2(count)), WINDOW))


def _sample_values(observations: Sequence[Observation]) -> SampleValues:
    """What several parts of a window see."""
    return SampleValues(
        torch.cat([each.values for each in observations]), torch.cat([each.weights for each in observations])
    )


def _disagreement(observation: Observation, template: Template) -> Tensor:
    """Mean over what each of B frames sees, (B,) in 0..1; 1 for a frame that sees nothing."""
    square = ((observation.values - template.values) / DISAGREEMENT) ** 2
    weights = observation.weights * (template.weights > 0)
    return ((weights * square / (1 + square)).sum((1, 2)) / weights.sum((1, 2))).nan_to_num(nan=1.0)


def predict(last: Pose, before: Pose) -> Pose:
    """Where B poses go on to at constant velocity, from the last two frames of each."""
    return Pose(2 * last.controls - before.controls, last.head @ inverse(before.head) @ last.head)


def _stride(samples: SurfaceSamples, pixels_per_cm: float, level: int) -> int:
    """The power of two by which to thin samples that share the pixels of a pyramid level."""
    crowd = (2**level / (samples.spacing * pixels_per_cm)) ** 2
    return 2 ** max(0, math.floor(math.log2(crowd)))
