"""A solve from beginning to end: the stages in reading order. Open this file to learn how the product works.

0. ``find``     a take without a start pose: the head is looked for in the first frame, and in two later ones if that
                leaves doubt (``facesolve.start``). The frame of the pose is the start frame.
1. ``align``    the start pose is moved until all cameras agree about the surface's colors at the start frame.
2. ``track``    the pose is carried from frame to frame, coarse to fine, against a template that grows on the way.
3. ``bundle``   a few keyframes are solved jointly with the color eliminated, which undoes what a template from a
                misaligned frame has baked in (``facesolve.solve.keyframe_rounds``). Errors of the cameras and the
                actor's neutral are found along with them, and what of the surface disagrees everywhere gets less of a
                say.
4. ``refine``   every frame is fitted to the template that the keyframes agree on.
5. ``joint``    all frames at once, with smoothness over time; standard deviations.
6. ``agreement`` each camera is held against all others, which tells whether the result can be believed
                (``facesolve.verdict``).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from facesolve.footage.stream import FramePixels, TakeFootage
from facesolve.geometry.pose import Pose
from facesolve.residuals.quadratic import PackedQuadratics
from facesolve.residuals.residual import Residual
from facesolve.runtime.checkpoint import Checkpoint
from facesolve.runtime.memory import told_of_device
from facesolve.runtime.progress import Progress
from facesolve.runtime.run import Run, Stage
from facesolve.stages.align import align
from facesolve.stages.anchors import StartAnchor, start_controls
from facesolve.stages.believed_frames import interpolated, through_shut_eyes, without_strangers
from facesolve.stages.bundle import BundleFit
from facesolve.stages.gaze import learn_eyes
from facesolve.stages.keyframes import choose_keyframes, posed_frames
from facesolve.stages.problem import Problem
from facesolve.stages.refine import JointFit, Seen, carry_correction, joint_pass, learn_template
from facesolve.stages.refine_on_devices import (
    Assistants,
    RefinedFrames,
    Target,
    gathered,
    refined_arrays,
    refined_batches,
    refined_from_arrays,
)
from facesolve.stages.reliability import say_of_vertices
from facesolve.stages.setup import check_solvable, prepare
from facesolve.stages.track import Tracker
from facesolve.stages.windows import WINDOW
from facesolve.take import SolveError, StartPose, Take
from facesolve.take.actor import ActorProfile, read_actor
from facesolve.take.version import VERSION
from facesolve.verdict.agreement import Agreement, agreement
from facesolve.verdict.cameras_apart import CamerasApart, cameras_apart
from facesolve.verdict.giving_way import Keyframes
from facesolve.verdict.size import size_error

from .keyframe_rounds import FoundNeutral, KeyframeRounds, Show
from .live_picture import LivePicture

JUDGED_FRAMES = 6  # at most, at which the cameras are held against each other


@dataclass(frozen=True, eq=False)
class Solved:
    """Everything a solve found: the joint fit of all frames, what led to it, and what cameras make of it.

    say: (V,) 0..1 how far each vertex drove the solve. seen: of all frames (F, C). agreement: of the cameras at some of
    the keyframes. size: by which part of its size the head is larger than the rig, and the deviation of that. apart:
    how far the cameras are from where their calibration has them. carried: all frames before they were refined. actor:
    how the neutral differs from the take's rig, None where it was believed. found: how the start pose was found and how
    surely, sentences; empty when the take had one.
    """

    problem: Problem
    joint: JointFit
    photometric: PackedQuadratics
    keyframes: Tensor
    bundled: BundleFit
    say: Tensor
    seen: Seen
    agreement: Agreement
    size: tuple[float, float]
    apart: CamerasApart
    carried: Pose
    refined: RefinedFrames
    actor: ActorProfile | None = None
    found: tuple[str, ...] = ()


def solve_take(
    take: Take,
    device: torch.device,
    progress: Progress,
    checkpoint: Checkpoint,
    beside: Sequence[torch.device] = (),
    residuals: Sequence[Residual] = (),
    picture: Path | None = None,
) -> Solved:
    """Solves ``take`` on ``device``. Raises SolveError or FootageError with one sentence.

    beside: further devices, which take a share of ``refine``; what is found is that of one device up to rounding.
    residuals: what poses are held against besides the product's own residuals. picture: file for pictures of the solve
    at work, None for none.
    """
    check_solvable(take)
    if device.type == "cuda":
        torch.cuda.empty_cache()  # recordings of earlier solves leave theirs behind, and new ones cannot ask for it
    run = Run(progress, checkpoint)
    with told_of_device(device), ExitStack() as opened:
        footage = opened.enter_context(TakeFootage(take, device))
        plain = take
        profile = None if take.actor is None else read_actor(take.actor)
        if profile is not None:
            take = replace(take, rig=profile.applied(take.rig), actor=None)
        take, found = _find(take, footage, device, run)
        problem, start, first = prepare(take, device, residuals=residuals)
        show = show_nothing if picture is None else LivePicture(problem, picture, progress).show
        # edits hold in their own frames alone: with their pins, keyframes would take all others along
        unedited = problem.with_settings(take.settings.without_edits()) if take.settings.edited else problem
        stages = Stages(run, unedited, footage, opened.enter_context(Assistants(problem, beside)), show)
        aligned = stages.align(start, first)
        tracked, believed = stages.track(aligned, first)
        posed = posed_frames(plain, first) if plain.start is not None or plain.settings.neutral else []
        keyframes = choose_keyframes(problem, tracked, sorted({first, *posed}), believed)
        pixels = [frame for _, frame in footage.frames(keyframes.tolist())]
        everywhere = problem.samples.weight
        # a pose that was looked for is no more than what alignment makes of it
        anchor = None if found else StartAnchor.of(problem, start, aligned, first)
        told = () if found else start_controls(unedited, start, first)
        found_keys = KeyframeRounds(run, unedited, pixels, tracked, keyframes, posed, anchor, told, show).bundled()
        bundled, problem = found_keys.fit, found_keys.problem
        if take.settings.edited:
            problem = problem.with_settings(take.settings)
        stages = replace(stages, problem=problem)
        carried = carry_correction(tracked, keyframes, bundled.pose)
        refined = stages.refine(pixels, bundled, keyframes, carried)
        joint = stages.join(refined)
        show(int(keyframes[0]), pixels[0], joint.pose.at(keyframes[:1]))
        agreed, size, apart = stages.hold_against_each_other(pixels, joint.pose, keyframes, bundled)
        say = say_of_vertices(problem, problem.samples.weight / everywhere)
        return Solved(
            problem=problem,
            joint=joint,
            photometric=refined.quadratic,
            keyframes=keyframes,
            bundled=bundled,
            say=say,
            seen=refined.seen,
            agreement=agreed,
            size=size,
            apart=apart,
            carried=carried,
            refined=refined,
            actor=_actor(plain, profile, found_keys.neutral),
            found=found,
        )


def _find(take: Take, footage: TakeFootage, device: torch.device, run: Run) -> tuple[Take, tuple[str, ...]]:
    """The take with a start pose, and what is to be said about it when it had none."""
    if take.start is not None:
        return take, ()
    from facesolve.start.find import find_start  # it builds on the stages below
    from facesolve.start.found import HOPELESS

    stage, progress = Stage(run, "find"), run.progress  # the search announces stages of its own
    if stage.saved is not None:
        start = StartPose(int(stage.saved["frame"]), stage.saved["controls"], stage.saved["head"])
        return replace(take, start=start), tuple(str(sentence) for sentence in stage.saved["sentences"])
    progress.message(f"take '{take.name}' has no start pose: the head is looked for in the footage")
    found = find_start(take, footage, device, progress)
    sentences = tuple(found.sentences())
    for sentence in sentences:
        progress.message(sentence)
    if found.confidence < HOPELESS:
        raise SolveError(
            f"take '{take.name}' has no start pose, and none was found with confidence ({found.confidence:.0%}); "
            "'facesolve align' shows the best guess, or pose the rig on a frame and pack the take with --start."
        )
    start = found.start
    arrays = {"frame": np.array(start.frame), "controls": start.controls, "head": start.head}
    stage.save(lambda: {**arrays, "sentences": np.array(sentences)}, now=True)
    return replace(take, start=start), sentences


def _actor(take: Take, profile: ActorProfile | None, found: FoundNeutral | None) -> ActorProfile | None:
    """The profile that was given, with what was found on top of it. take: with its own rig."""
    if found is None:
        return profile
    offset, deviation = found.offset.cpu().numpy(), found.deviation.cpu().numpy()
    provenance = {"facesolve": VERSION, "takes": [take.name], "frames": take.frame_count}
    if profile is not None:
        offset = profile.offset + offset
        before = profile.deviation
        deviation = np.where(
            (before > 0) & (deviation > 0), np.minimum(before, deviation), np.maximum(before, deviation)
        )
        provenance["takes"] = [*map(str, profile.provenance.get("takes", [])), take.name]
    return ActorProfile(offset, deviation, take.rig.meshes, provenance)


def show_nothing(index: int, pixels: FramePixels, pose: Pose) -> None:
    """For who wants no pictures."""


@dataclass(frozen=True, eq=False)
class Stages:
    """The stages of one run of a solve, each from what the one before it found. show: is given what was found."""

    run: Run
    problem: Problem
    footage: TakeFootage
    assistants: Assistants
    show: Show

    def align(self, start: Pose, first: int) -> Pose:
        """The start pose (B = 1) on which all cameras agree."""
        stage = self.run.stage("align", "align the start pose", 1)
        if stage.saved is not None:
            aligned = _pose(stage.saved, start)
        else:
            ((_, pixels),) = self.footage.frames([first])
            self.show(first, pixels, start)
            aligned = align(self.problem, pixels, start, first)
            stage.save(partial(_arrays, aligned), now=True)
        stage.advance()
        return aligned

    def track(self, aligned: Pose, first: int) -> tuple[Pose, Tensor]:
        """Poses of all F frames: from the start frame to the end, then from the start frame back to the beginning.

        And which frames (F,) bool show the face.
        """
        count = self.problem.take.frame_count
        tracker = Tracker(self.problem)
        pose = Pose(aligned.controls.repeat(count, 1), aligned.head.repeat(count, 1, 1))
        order = [*range(first, count), *range(first - 1, -1, -1)]
        done = 0
        stage = self.run.stage("track", "track", count)
        if stage.saved is not None:
            done = int(stage.saved["done"])
            pose = _pose(stage.saved, aligned)
            tracker.restore(stage.saved)
        stage.advance(done)
        finest = tracker.levels[-1]
        if not done:
            ((_, pixels),) = self.footage.frames([first], finest, color=False)
            tracker.start(first, pixels, aligned)
            done = 1
            stage.advance()
        for window, images in self.footage.batches(_windows(order, first, done), finest):
            back = 1 if window[0] > first else -1
            last = window[0] - back
            # from a frame that showed nothing to one that did is no velocity
            going = last != first and bool(tracker.posed()[[last, last - back]].all())
            found = tracker.follow(window, images, pose.at([last]), pose.at([last - back]) if going else None)
            pose.controls[window], pose.head[window] = found.controls, found.head
            self.show(window[-1], images[-1], found.at([len(window) - 1]))
            done += len(window)
            stage.advance(len(window))
            stage.save(partial(_track_arrays, pose, tracker, done), now=done == count)
        return interpolated(pose, ~tracker.posed().to(pose.head.device)), tracker.believed().to(pose.head.device)

    def refine(
        self, key_pixels: list[FramePixels], bundled: BundleFit, keyframes: Tensor, carried: Pose
    ) -> RefinedFrames:
        """All frames against what the keyframes agree on, from where they were carried to."""
        problem, count, finest = self.problem, self.problem.take.frame_count, self.problem.quality.finest
        stage = self.run.stage("refined", "refine", count)
        errors, velocity = bundled.errors, problem.velocity(carried, keyframes)
        learned = learn_template(problem, key_pixels, bundled.pose, keyframes, finest, errors, velocity)
        parts = [] if stage.saved is None else [refined_from_arrays(stage.saved, carried.head.device)]
        done = sum(len(part.frames) for part in parts)
        stage.advance(done)
        rest = sorted(set(range(count)).difference(*(part.frames for part in parts)))
        eyes = learn_eyes(problem, key_pixels, bundled.pose, keyframes, errors, carried)
        target = Target(learned, finest, carried, errors, eyes)
        with closing(refined_batches(problem, self.footage, target, rest, self.assistants)) as batches:
            for part in batches:
                parts.append(part)
                done += len(part.frames)
                self._show_key(part, key_pixels, keyframes)
                stage.advance(len(part.frames))
                stage.save(partial(refined_arrays, parts), now=done == count)
        return gathered(parts, carried.head.device)

    def _show_key(self, part: RefinedFrames, key_pixels: list[FramePixels], keyframes: Tensor) -> None:
        """Shows the first keyframe of a part: others' pixels are gone."""
        for pixels, key in zip(key_pixels, keyframes.tolist(), strict=True):
            if key in part.frames:
                self.show(key, pixels, part.pose.at([list(part.frames).index(key)]))
                return

    def join(self, refined: RefinedFrames) -> JointFit:
        """All frames at once."""
        stage = self.run.stage("joint", "join all frames", 1)
        pose, quadratic = without_strangers(refined.pose, refined.quadratic, refined.seen)
        joint = joint_pass(self.problem, *through_shut_eyes(self.problem, pose, quadratic))
        stage.advance()
        return joint

    def hold_against_each_other(
        self, key_pixels: list[FramePixels], pose: Pose, keyframes: Tensor, bundled: BundleFit
    ) -> tuple[Agreement, tuple[float, float], CamerasApart]:
        """How well the cameras agree about the surface at some of the keyframes, and at all of them about its size and
        with their calibration.

        pose: of all F frames.
        """
        stage = self.run.stage("agreement", "hold the cameras against each other", 1)
        every = -(-len(keyframes) // JUDGED_FRAMES)
        frames = keyframes[::every]
        found = agreement(
            self.problem,
            key_pixels[::every],
            pose.at(frames),
            frames,
            self.problem.rough_level,
            bundled.errors,
            self.problem.velocity(pose, frames),
        )
        velocity = self.problem.velocity(pose, keyframes)
        again = Keyframes.seen(self.problem, key_pixels, bundled, keyframes, velocity)
        about = again.about()
        size, apart = size_error(again, about), cameras_apart(again, about)
        stage.advance()
        return found, size, apart


def _windows(order: list[int], first: int, done: int) -> list[list[int]]:
    """The take frame indices ``order[done:]`` in windows; none reaches across ``first``."""
    rest = order[done:]
    sides = ([index for index in rest if index > first], [index for index in rest if index < first])
    return [side[begin : begin + WINDOW] for side in sides for begin in range(0, len(side), WINDOW)]


def _arrays(pose: Pose) -> dict[str, np.ndarray]:
    # copies: a pose may be filled in place after it was put
    return {"controls": pose.controls.cpu().numpy().copy(), "head": pose.head.cpu().numpy().copy()}


def _track_arrays(pose: Pose, tracker: Tracker, done: int) -> dict[str, np.ndarray]:
    return {**_arrays(pose), **tracker.state(), "done": np.array(done)}


def _pose(saved: dict[str, np.ndarray], like: Pose) -> Pose:
    return Pose(torch.as_tensor(saved["controls"]).to(like.controls), torch.as_tensor(saved["head"]).to(like.head))
