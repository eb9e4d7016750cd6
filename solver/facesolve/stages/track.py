"""Along the take, a window of frames at a time, coarse to fine, against a template that grows on the way.

Its only aim is to stay near. At the coarsest level the frames of a window begin together at the last known pose; frames
that do not match the template are restarted from the last settled frame. The finer levels take all at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from facesolve.footage.stream import FramePixels
from facesolve.geometry.pose import Pose, joined
from facesolve.geometry.rig import apply_head
from facesolve.geometry.rigid import inverse
from facesolve.optimize.nested import chosen
from facesolve.residuals.observation import Observation, Views, observe
from facesolve.runtime.memory import halving
from facesolve.runtime.threads import each_on_a_thread

from .found_again import BELIEVED, FoundAgain
from .frame_fit import Anchor
from .known_template import known_template
from .problem import Problem
from .stuck_controls import SampleValues, reconsider
from .windows import WINDOW, Window, WindowFits, disagreement

WORTHWHILE = 0.97  # of the disagreement: a new beginning must lead below
MOST_MOVED = 4.0  # pixels of the coarsest level: nearer to where it was found, visibility is about the same
AS_WELL = 1.15  # times the last settled frame's disagreement, below which a frame is not lost


class Tracker:
    """Tracks windows of frames one after the other.

    ``memory``: TemplateMemory of each pyramid level, what is ``usual`` of each, ``shown``, what frames had in common
    with it, and ``partly``: all its state.
    """

    def __init__(self, problem: Problem) -> None:
        self.fits = WindowFits(problem)
        self.levels, self.memory = self.fits.levels, self.fits.memory
        self._moving_cameras = any(camera.moving for camera in problem.take.cameras)
        self.shown: dict[int, float] = {}  # of each tracked frame, its correlation with the memory over the usual
        self.partly: set[int] = set()  # frames that something covers in part, and which the rest has posed

    def believed(self) -> Tensor:
        """(F,) bool: frames that show what the memory knows, as far as they are tracked."""
        count = self.fits.at[self.levels[0]].take.frame_count
        return torch.tensor([self.shown.get(frame, 1.0) >= BELIEVED for frame in range(count)])

    def posed(self) -> Tensor:
        """(F,) bool: the frames of ``believed``, and those of which a part shows what the memory knows."""
        believed = self.believed()
        believed[list(self.partly)] = True
        return believed

    def state(self) -> dict[str, np.ndarray]:
        """The memory as arrays, for a checkpoint."""
        arrays = {}
        for level, memory in self.memory.items():
            arrays[f"sums{level}"] = memory.sums.cpu().numpy().copy()
            arrays[f"weights{level}"] = memory.weights.cpu().numpy().copy()
            arrays[f"usual{level}"] = np.array(self.fits.usual[level])
        arrays["shown"] = np.array(list(self.shown.items()), np.float64).reshape(-1, 2)
        arrays["partly"] = np.array(sorted(self.partly), np.int64)
        return arrays

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Takes the memory back from ``state``."""
        for level, memory in self.memory.items():
            memory.sums = torch.tensor(arrays[f"sums{level}"]).to(memory.sums)
            memory.weights = torch.tensor(arrays[f"weights{level}"]).to(memory.weights)
            self.fits.usual[level] = float(arrays[f"usual{level}"])
        self.shown = {int(frame): float(value) for frame, value in arrays["shown"]}
        self.partly = {int(frame) for frame in arrays["partly"]}

    def start(self, frame: int, pixels: FramePixels, pose: Pose) -> None:
        """Takes the template from take frame index ``frame`` at a pose (B = 1) that is believed."""
        for level, problem in self.fits.at.items():
            if problem.texture is not None:
                frames = torch.tensor([frame], device=pose.head.device)
                self.memory[level].trust(known_template(problem, problem.texture, pose, frames, level))
        observed = self.fits.observe(Window([frame], [pixels]), pose)
        self.fits.expect(observed[0])
        self._learn(observed)

    def follow(self, frames: Sequence[int], pixels: Sequence[FramePixels], last: Pose, before: Pose | None) -> Pose:
        """Poses (W) of the next take frame indices, in the order of going, which are then learned from.

        last, before: poses (B = 1) of the frame from which they go on and of the one before it, if any. When the device
        runs out of memory they are followed again, fewer of them at once.
        """
        problem = self.fits.at[self.levels[-1]]
        known = {level: (memory.sums, memory.weights) for level, memory in self.memory.items()}

        def work(most: int) -> Pose:
            for level, sums in known.items():
                self.memory[level].sums, self.memory[level].weights = sums
            return self._followed(frames, pixels, last, before)

        together_at_most = len(self.fits.parts(Window(frames, pixels), self.levels[-1])[0])
        return halving(together_at_most, problem.limit, problem.graphs.forget, work)

    def _followed(self, frames: Sequence[int], pixels: Sequence[FramePixels], last: Pose, before: Pose | None) -> Pose:
        """As ``follow``, as many at once as the memory is thought to hold."""
        window, before = Window(frames, pixels), before or last
        anchor = self._prediction(len(frames), last, before)
        pose = self._approach(window, last, before, anchor)
        pose, scale = self.fits.fit(window, pose, self.levels[1:] or self.levels, anchor)
        finest, observed = self.levels[-1], self.fits.observe(window, pose)
        pose, changed = reconsider(
            self.fits.at[finest],
            pose,
            frames,
            observed=_sample_values([part[finest][0] for part in observed]),
            observe=lambda rows, poses: self._sample_values_at(window.rows(rows), poses, finest),
            fit=lambda rows, poses: self._improved(window.rows(rows), poses),
            template=self.memory[finest].template(),
            scale=scale,
        )
        observed = self.fits.observe(window, pose) if changed else observed
        shown = self.fits.shown(observed, len(frames))
        if min(shown) < BELIEVED or self._gap(frames[0]):
            again = FoundAgain(self.fits, window, pose, shown, last, self._gap(frames[0]))
            again.look()
            self.partly.update(frames[row] for row in again.partly)
            observed = self.fits.observe(window, pose)
        self.shown.update(zip(frames, shown, strict=True))
        self._learn(observed, [value >= BELIEVED for value in shown])
        return pose

    def _improved(self, window: Window, pose: Pose) -> Pose:
        """Frames fitted locally."""
        return self.fits.fit(window, pose, self.levels[-2:], self.fits.anchor(pose.controls))[0]

    def _gap(self, frame: int) -> int:
        """How many frames without a pose were tracked last before ``frame``."""
        step = -1 if frame - 1 in self.shown else 1
        count, frame = 0, frame + step
        while frame in self.shown and self.shown[frame] < BELIEVED and frame not in self.partly:
            count, frame = count + 1, frame + step
        return count

    def _prediction(self, count: int, last: Pose, before: Pose) -> Anchor:
        """What is expected of the controls of the next frames: less is known the farther they are ahead."""
        ahead = torch.arange(1, count + 1, device=last.head.device)[:, None]
        controls = predict(last, before).controls.expand(count, -1)
        return Anchor(controls, self.fits.anchor(controls).information / ahead**2)

    def _approach(self, window: Window, last: Pose, before: Pose, anchor: Anchor) -> Pose:
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
        self, window: Window, begin: Pose, anchor: Anchor, settled: int, views: dict[int, Views], seen_from: Pose
    ) -> tuple[Pose, Tensor]:
        """Poses of the window's frames from ``settled`` on, fitted at the coarsest level, and how far what is seen
        there disagrees with the memory (n,).

        views: of the window's parts by their numbers, with the visibility of pose ``seen_from``; missing ones are made.
        """

        def fitted(part: tuple[int, list[int]]) -> tuple[Pose, Tensor]:
            number, rows = part
            some = window.rows(rows)
            if number not in views:
                views[number] = self._coarse_views(some, seen_from)
            found, reached = self._coarse_fit(some, views[number], begin.at(rows), anchor.at(rows))
            wanted = slice(max(settled - rows[0], 0), rows[-1] - rows[0] + 1)
            return found.at(wanted), reached[wanted]

        parts = [(number, rows) for number, rows in enumerate(self.fits.parts(window, self.levels[0]))]
        found = each_on_a_thread(fitted, [part for part in parts if part[1][-1] >= settled], begin.head.device)
        return joined([pose for pose, _ in found]), torch.cat([reached for _, reached in found])

    def _coarse_views(self, window: Window, there: Pose) -> Views:
        """What frames show at the coarsest level, with the visibility of one pose (B = 1) for all."""
        level, count = self.levels[0], len(window.frames)
        if self._moving_cameras:
            everywhere = Pose(there.controls.repeat(count, 1), there.head.repeat(count, 1, 1))
            visibility = self.fits.visibility(window, everywhere, [level])[level]
        else:
            visibility = self.fits.visibility(window.rows([0]), there, [level])[level].repeated(count)
        return self.fits.at[level].views.build(visibility, level, window.frames, window.pixels)

    def _coarse_fit(self, window: Window, views: Views, begin: Pose, anchor: Anchor) -> tuple[Pose, Tensor]:
        """Poses fitted to the memory at the coarsest level, and how far what is seen there disagrees with it (n,)."""
        level = self.levels[0]
        fit = self.fits.fit_level(window, views, begin, level, anchor)
        problem, pose = self.fits.at[level], fit.pose
        observation = observe(problem.samples, problem.model, pose.controls, pose.head, views)
        return pose, disagreement(observation, self.memory[level].template())

    def _moved(self, one: Pose, other: Pose) -> float:
        """Mean distance in pixels of the coarsest level, at the scale of the surface, between two poses (B = 1)."""
        problem, dtype = self.fits.at[self.levels[0]], one.head.dtype
        both = problem.model.deformation(torch.cat([one.controls, other.controls]).to(problem.model.dtype))
        world = apply_head(torch.cat([one.head, other.head]), problem.samples.positions(both).to(dtype))
        return float((world[0] - world[1]).norm(dim=1).mean()) * problem.pixels_per_cm / 2 ** self.levels[0]

    def _sample_values_at(self, window: Window, pose: Pose, level: int) -> SampleValues:
        """What the window's frames see at their poses at a level."""
        count = len(window.frames)
        if pose.head.device.type != "cpu":  # a GPU prefers batches of few different sizes
            rows = [min(row, count - 1) for row in range(_few_sizes(count))]
            window, pose = window.rows(rows), pose.at(rows)
        return _sample_values([part[level][0] for part in self.fits.observe(window, pose, [level])]).at(slice(count))

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


def predict(last: Pose, before: Pose) -> Pose:
    """Where B poses go on to at constant velocity, from the last two frames of each."""
    return Pose(2 * last.controls - before.controls, last.head @ inverse(before.head) @ last.head)
