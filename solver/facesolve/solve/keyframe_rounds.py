"""The keyframes solved jointly, from coarse to fine: their poses, errors of the cameras, and the actor's neutral."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from facesolve.actor.constant import ConstantPrior
from facesolve.footage.stream import FramePixels
from facesolve.geometry.pose import Pose
from facesolve.residuals.camera_errors import CameraErrors
from facesolve.runtime.run import Run
from facesolve.stages.align import gather_evidence, outline_level
from facesolve.stages.anchors import StartAnchor
from facesolve.stages.bundle import BundleFit, BundleOptions, Evidence, bundle
from facesolve.stages.gaze import fit_gaze
from facesolve.stages.neutral import NeutralPrior, expected_neutral, with_neutral
from facesolve.stages.problem import Problem
from facesolve.stages.reliability import Reliability, reliability

Show = Callable[[int, FramePixels, Pose], None]  # a take frame index, its pixels, and the pose (B = 1) found for it

# pyramid level, most samples, most iterations; the views are made anew for each. A joint step costs as many times more
# than a frame's as there are keyframes, so most of the way is gone with few samples
ROUNDS = ((1, 10_000, 12), (0, 20_000, 12), (0, 40_000, 5))
JUDGED = 4  # every so many samples tell how far the last round's residuals are the same in all frames


@dataclass(frozen=True, eq=False)
class FoundNeutral:
    """How the neutral differs from that of the rig that was solved with. offset: (V, 3) cm; deviation: (V,) cm."""

    offset: Tensor
    deviation: Tensor


@dataclass(frozen=True, eq=False)
class BundledKeyframes:
    """The last round's fit; the problem for all that follows; and the neutral, None where the rig's was believed."""

    fit: BundleFit
    problem: Problem
    neutral: FoundNeutral | None


@dataclass(frozen=True, eq=False)
class KeyframeRounds:
    """M keyframes, take frame indices, with their pixels and the poses to which all F frames were tracked.

    posed: those of them whose controls a person has told. anchor: colors of the start frame that vote, unless the
    neutral is found to differ: the surface was elsewhere. start: what the start pose says about controls. show: is
    given what was found.
    """

    run: Run
    problem: Problem
    pixels: Sequence[FramePixels]
    tracked: Pose
    keyframes: Tensor
    posed: Sequence[int]
    anchor: StartAnchor | None
    start: tuple[ConstantPrior, ...]
    show: Show

    def bundled(self) -> BundledKeyframes:
        """After the first round it is known what of the surface disagrees everywhere, and has less of a say from then
        on, and whether the cameras are where the calibration has them; before the last one, whether the neutral is
        that of the rig."""
        problem, keyframes = self.problem, self.keyframes
        rounds = [each for each in ROUNDS if each[0] >= problem.quality.finest]
        stage = self.run.stage("bundle", "bundle the keyframes", len(rounds))
        pose, done = self.tracked.at(keyframes), 0
        errors = CameraErrors.none(len(problem.take.cameras), pose.head.device)
        calibration = problem.calibration(pose.at([0]), int(keyframes[0]))
        expected: NeutralPrior | None = None
        offset: Tensor | None = None
        common, steady = 1.0, torch.ones_like(problem.samples.weight)
        if stage.saved is not None:  # a round is saved before it is done: the last one also gives the normal equations
            done, pose = int(stage.saved["done"]), _pose(stage.saved, pose)
            errors = CameraErrors(torch.as_tensor(stage.saved["errors"]).to(errors.values))
            calibration = calibration if bool(stage.saved["errors_are_sure"]) else None
            problem = problem.weighted(torch.as_tensor(stage.saved["weight"]).to(problem.samples.weight))
            expected, offset = self._saved_neutral(stage.saved)
            common, steady = float(stage.saved["common"]), torch.as_tensor(stage.saved["steady"]).to(steady)
        elif self.start:
            common = self._reliability(problem, pose, errors, ROUNDS[0][0]).common(len(keyframes))
        stage.advance(done)
        asked_at = max(0, len(rounds) - 2)
        for turn, (level, most, iterations) in enumerate(rounds[done:], done):
            state = (problem, pose, errors, calibration is not None, expected, offset, common, steady, turn)
            stage.save(partial(_arrays, *state), now=True)
            every = max(1, len(problem.samples.weight) // most)
            some = problem.with_samples(problem.samples.thinned(every))
            # an outline is only as sharp as its matte: at full resolution the colors decide alone
            outlines = max(level, outline_level(problem)) if level > 0 else None
            views, evidence, _ = gather_evidence(some, self.pixels, pose, keyframes, level, outlines)
            views = replace(views, velocity=some.velocity(self.tracked, keyframes))
            some = self._with_openings(some, pose, level)
            free = None if expected is None else expected.free(some)
            told = (
                () if free is not None else tuple(replace(each, counted=each.counted * common) for each in self.start)
            )
            options = BundleOptions(iterations, calibration=calibration, neutral=free, constant=told)
            known = evidence if free is not None else self._anchored(some, evidence, level)
            # a neutral that may differ explains what lasts, too
            judged = some if free is not None else some.weighted(some.samples.weight * steady[::every])
            fit = bundle(judged, views, pose, keyframes, level, options, known, errors, offset)
            if calibration is not None and turn == 0 and not fit.errors_are_sure:
                calibration = None
                if turn + 1 == len(rounds):  # no later round takes out what the cameras' freedom has put into the poses
                    trusted = replace(options, calibration=None)
                    fit = bundle(judged, views, pose, keyframes, level, trusted, known)
            if turn == asked_at:
                expected = expected_neutral(some, views, fit, keyframes, level, evidence, calibration, self.posed)
                if expected is not None:
                    options = BundleOptions(iterations, calibration=calibration, neutral=expected.free(some))
                    fit = bundle(some, views, fit.pose, keyframes, level, options, evidence, fit.errors)
            pose, offset = fit.pose, fit.offset
            self._show(turn, pose)
            errors = errors if fit.errors is None or calibration is None else fit.errors
            if turn == 0:
                reliable = self._reliability(problem, pose, errors, level)
                problem = problem.weighted(problem.samples.weight * reliable.trust)
                common, steady = reliable.common(len(keyframes)), reliable.steady(len(keyframes))
            stage.advance()
        fit = fit if calibration is not None else replace(fit, errors=None, deviation=None)
        self._say_errors(fit)
        gazing = fit_gaze(problem, self.pixels, fit.pose, keyframes, fit.errors, self.tracked)
        found = self._with_neutral(replace(fit, pose=gazing), problem, expected)
        few = found.problem.with_samples(found.problem.samples.thinned(JUDGED))
        common = self._reliability(few, pose, errors, rounds[-1][0]).common(len(keyframes))
        return replace(found, fit=replace(found.fit, common=common))

    def _with_neutral(self, fit: BundleFit, problem: Problem, expected: NeutralPrior | None) -> BundledKeyframes:
        if expected is None or fit.offset is None or fit.covariance is None:
            return BundledKeyframes(fit, problem, None)
        offset = expected.space.offsets(fit.offset)
        found = FoundNeutral(offset, expected.space.deviations(fit.covariance))
        covered = offset.norm(dim=1) > 0
        size = 10 * float(offset[covered].square().sum(1).mean().sqrt())
        self.run.progress.message(
            f"the face that was filmed differs from the rig's neutral by {size:.2f} mm (root mean square across the "
            "surface); what was learned is kept as the actor's profile"
        )
        return BundledKeyframes(fit, with_neutral(problem, offset), found)

    def _anchored(self, problem: Problem, evidence: Evidence, level: int) -> Evidence:
        """What is known at a level, the colors of the start frame with it where they may vote."""
        if self.anchor is None or evidence.known is not None:
            return evidence
        shown = self.pixels[self.keyframes.tolist().index(self.anchor.frame)]
        return replace(evidence, known=self.anchor.colors(problem, shown, level))

    def _with_openings(self, problem: Problem, pose: Pose, level: int) -> Problem:
        """The problem with how far eyes are open as one more residual, where the start frame tells."""
        if self.anchor is None:
            return problem
        openings = self.anchor.openings(problem, self.pixels, pose, self.keyframes, level)
        return replace(problem, residuals=(*problem.residuals, *openings))

    def _saved_neutral(self, saved: Mapping[str, np.ndarray]) -> tuple[NeutralPrior | None, Tensor | None]:
        if "offset" not in saved:
            return None, None
        device = self.tracked.head.device
        usable, deviation = torch.as_tensor(saved["usable"]).to(device), float(saved["deviation"])
        expected = NeutralPrior.restored(self.problem, usable, deviation, self.posed)
        return expected, torch.as_tensor(saved["offset"]).to(device)

    def _say_errors(self, fit: BundleFit) -> None:
        if fit.errors is None:
            return
        for name, error in fit.errors.described([camera.name for camera in self.problem.take.cameras]).items():
            self.run.progress.message(
                f"camera '{name}' is off its calibration by {error['rotation_degrees']:.3f} degrees, "
                f"{error['translation_mm']:.2f} mm and {error['focal_percent']:+.3f} % of its focal length, "
                f"and late by {error['late_frames']:+.2f} frames"
            )

    def _show(self, turn: int, pose: Pose) -> None:
        row = turn % len(self.keyframes)
        self.show(int(self.keyframes[row]), self.pixels[row], pose.at([row]))

    def _reliability(self, problem: Problem, pose: Pose, errors: CameraErrors, level: int) -> Reliability:
        """Of each sample, from every other keyframe (M) posed at ``pose``."""
        some = slice(None, None, 2)
        pose, frames = Pose(pose.controls[some], pose.head[some]), self.keyframes[some]
        views, _, _ = gather_evidence(problem, self.pixels[some], pose, frames, level, None)
        return reliability(problem, errors.seen(views, problem.velocity(self.tracked, frames)), pose)


def _arrays(
    problem: Problem,
    pose: Pose,
    errors: CameraErrors,
    errors_are_sure: bool,
    expected: NeutralPrior | None,
    offset: Tensor | None,
    common: float,
    steady: Tensor,
    done: int,
) -> dict[str, np.ndarray]:
    neutral = {}
    if expected is not None and offset is not None:
        neutral = {
            "usable": expected.usable,
            "deviation": torch.tensor(expected.deviation, dtype=torch.float64),
            "offset": offset,
        }
    return {
        **{name: value.cpu().numpy() for name, value in neutral.items()},
        # copies: a pose may be filled in place after it was put
        "controls": pose.controls.cpu().numpy().copy(),
        "head": pose.head.cpu().numpy().copy(),
        "errors": errors.values.cpu().numpy(),
        "errors_are_sure": np.array(errors_are_sure),
        "weight": problem.samples.weight.cpu().numpy(),
        "common": np.array(common),
        "steady": steady.cpu().numpy(),
        "done": np.array(done),
    }


def _pose(saved: dict[str, np.ndarray], like: Pose) -> Pose:
    return Pose(torch.as_tensor(saved["controls"]).to(like.controls), torch.as_tensor(saved["head"]).to(like.head))
