"""Edits of a solved take answered at once: only frames with new pins are refined, then all frames are joined anew.

What led there (keyframes, template, errors of the cameras) stays as the solve left it, as in a solve of the whole take
that names these frames as edited.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from facesolve.footage.stream import TakeFootage
from facesolve.geometry.pose import Pose
from facesolve.residuals.photometric import Template
from facesolve.stages.gaze import learn_eyes
from facesolve.stages.problem import Problem
from facesolve.stages.refine import JointFit, LearnedTemplate, Seen, Target, joint_pass, learn_template
from facesolve.stages.refine_on_devices import RefinedFrames, gathered, refined_batches
from facesolve.take import HeadPin, Pin

from .pipeline import Solved

ROUNDS = 2  # of refining the frames with new pins


@dataclass(frozen=True, eq=False)
class Edited:
    """All frames after an edit. changed: take frame indices, rising, in which something moved."""

    joint: JointFit
    seen: Seen
    changed: list[int]


class EditableSolve:
    """A solve that is ready for edits. footage: of its take, open as long as edits may come."""

    def __init__(self, solved: Solved, footage: TakeFootage) -> None:
        self._solved, self._footage = solved, footage
        self._template, self._eyes = self._learn()
        self._refined = solved.refined  # with the pins of the edits so far
        self._pinned: dict[int, frozenset[object]] = {}  # take frame number -> its pins
        self._joint = solved.joint

    def edit(self, pins: Sequence[Pin], head_pins: Sequence[HeadPin]) -> Edited:
        """All frames with these pins besides the take's own. Frames whose pins are those of the last edit are kept."""
        take = self._solved.problem.take
        own = take.settings
        settings = replace(own, pins=(*own.pins, *pins), head_pins=(*own.head_pins, *head_pins))
        problem = self._solved.problem.with_settings(settings)
        present = _by_frame(pins, head_pins)
        stale = {frame for frame in {*present, *self._pinned} if present.get(frame) != self._pinned.get(frame)}
        rows = sorted(int(np.flatnonzero(take.frames == frame)[0]) for frame in stale)
        if rows:
            self._refined = self._refine(problem, rows)
            self._pinned = present
        before = self._joint.pose
        self._joint = joint_pass(problem, self._refined.pose, self._refined.quadratic)
        return Edited(self._joint, self._refined.seen, _moved(before, self._joint.pose, problem))

    def _refine(self, problem: Problem, rows: list[int]) -> RefinedFrames:
        solved, device = self._solved, self._solved.carried.head.device
        kept = [row for row, frame in enumerate(self._refined.frames) if frame not in rows]
        index = torch.tensor(kept, dtype=torch.long, device=device)
        rest = RefinedFrames(
            frames=[self._refined.frames[row] for row in kept],
            pose=self._refined.pose.at(index),
            quadratic=self._refined.quadratic.some(index),
            seen=self._refined.seen.at(index),
        )
        # The other controls give way by what the frames' quadratics say, so that refining begins near where it ends.
        begin = joint_pass(problem, self._refined.pose, self._refined.quadratic).pose
        for _ in range(ROUNDS):
            target = Target(self._template, problem.quality.finest, begin, solved.bundled.errors, self._eyes)
            with closing(refined_batches(problem, self._footage, target, rows)) as batches:
                found = gathered([rest, *batches], device)
            begin = found.pose
        return found

    def _learn(self) -> tuple[LearnedTemplate, Template | None]:
        """What the surface looks like, and what the eyes do."""
        solved, carried, errors = self._solved, self._solved.carried, self._solved.bundled.errors
        keys, problem = solved.keyframes, solved.problem
        pixels = [frame for _, frame in self._footage.frames(keys.tolist())]
        velocity, pose = problem.velocity(carried, keys), solved.bundled.pose
        template = learn_template(problem, pixels, pose, keys, problem.quality.finest, errors, velocity)
        return template, learn_eyes(problem, pixels, pose, keys, errors, carried)


def _by_frame(pins: Sequence[Pin], head_pins: Sequence[HeadPin]) -> dict[int, frozenset[object]]:
    found: dict[int, set[object]] = {}
    for pin in pins:
        found.setdefault(pin.frame, set()).add((pin.control, pin.value))
    for head in head_pins:
        found.setdefault(head.frame, set()).add(head.head.tobytes())
    return {frame: frozenset(values) for frame, values in found.items()}


def _moved(before: Pose, after: Pose, problem: Problem) -> list[int]:
    """Frames in which something moved by more than what is too small to matter."""
    tolerance = problem.step_tolerance
    count = before.controls.shape[1]
    controls: Tensor = ((after.controls - before.controls).abs() > tolerance[:count]).any(1)
    heads = ((after.head - before.head).abs() > tolerance[-1]).flatten(1).any(1)
    return torch.nonzero(controls | heads)[:, 0].tolist()
