"""A rig brought to an actor: the neutral that a few frames show, from identity modes and a smooth offset on top.

Coarse to fine like an alignment, by second order: identity, heads and, on a short leash, expressions are found together
from what all cameras agree on, with the colors eliminated.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from facesolve.actor.modes import SampleModes
from facesolve.footage.stream import FramePixels, TakeFootage
from facesolve.geometry.pose import Pose
from facesolve.optimize.levenberg_marquardt import regularized
from facesolve.residuals.camera_errors import CameraErrors
from facesolve.residuals.observation import Views
from facesolve.runtime.checkpoint import NoCheckpoint
from facesolve.runtime.progress import Progress
from facesolve.runtime.run import Run
from facesolve.stages.align import gather_evidence, outline_level
from facesolve.stages.bundle import BundleOptions, Evidence, FreeNeutral, bundle
from facesolve.stages.keyframes import choose_keyframes, posed_frames
from facesolve.stages.neutral import constant_priors, expected_neutral, with_neutral
from facesolve.stages.problem import Problem
from facesolve.stages.refine_on_devices import Assistants
from facesolve.stages.reliability import reliability
from facesolve.stages.setup import check_solvable, prepare
from facesolve.take import Rig, SolveError, Take

from .pipeline import Stages, show_nothing

KEYFRAMES = 6  # at most, at which the identity is found
LEVELS = 3  # of the pyramid, from coarse to fine
ITERATIONS = 5
SAMPLES = 10_000
# at the finest level, where it matters how well noise is averaged; what is visible changes with the identity
FINEST_SAMPLES, FINEST_ROUNDS = 40_000, 4
# Share by which a step may raise the cost. The force is that of the agreed colors' slopes, without the noise of single
# images, while the cost changes with where between pixels samples lie, which a step of a whole head changes for all
NOISY_COST = 0.03


@dataclass(frozen=True, eq=False)
class Personalized:
    """rig: with the actor's neutral, which differs by offset (V, 3) cm, known to deviation (V,) cm, from the rig's.

    identity: (m,) in standard deviations. moved, smooth: root mean square in mm by which the driving surface was moved
    by identity, and by the smooth offset on top. frames: take frame numbers.
    """

    rig: Rig
    offset: np.ndarray
    deviation: np.ndarray
    identity: np.ndarray
    moved: float
    smooth: float
    frames: tuple[int, ...]


def personalize(take: Take, modes: np.ndarray | None, device: torch.device, progress: Progress) -> Personalized:
    """The take's rig as the actor in its neutral frames, or at its posed start frame.

    modes: (m, V, 3) cm of what people differ by, in standard deviations; None for a smooth offset alone. Raises
    FacesolveError.
    """
    check_solvable(take)
    if take.start is None:
        raise SolveError(f"take '{take.name}' has no start pose; pack it with --start, or see 'facesolve align'.")
    count = 0 if modes is None else len(modes)
    given = torch.as_tensor(np.zeros((0, *take.rig.neutral.shape)) if modes is None else modes, device=device).double()
    identity = torch.zeros(count, dtype=torch.float64, device=device)
    errors, deviation = CameraErrors.none(len(take.cameras), device), given.new_zeros(given.shape[1])
    fit, pose = _Fit.tracked(take, given, device, progress)
    finest = fit.problem.quality.finest
    rough = range(fit.coarsest, finest, -1)
    progress.stage("personalize", len(rough) + FINEST_ROUNDS)
    for level in rough if count else ():
        pose, identity, errors, _ = fit.improved(pose, identity, errors, level, SAMPLES)
        progress.advance()
    fit = fit.trusting(pose, identity, errors)
    for _ in range(FINEST_ROUNDS if count else 0):
        pose, identity, errors, known = fit.improved(pose, identity, errors, finest, FINEST_SAMPLES)
        deviation = _deviation(given, known)
        progress.advance()
    smooth, uncertain = fit.smooth(pose, identity, errors)
    by_identity = torch.einsum("m,mvi->vi", identity, given)
    weight = fit.problem.model.face_weight.double()

    def size(offset: Tensor) -> float:
        return 10 * float(((offset.square().sum(1) * weight).sum() / weight.sum()).sqrt())

    offset = (by_identity + smooth).float().cpu().numpy()
    rig = replace(take.rig, neutral=take.rig.neutral + offset)
    deviation = (deviation.square() + uncertain.square()).sqrt()
    numbers = tuple(int(take.frames[index]) for index in fit.frames.tolist())
    found = identity.cpu().numpy()
    return Personalized(rig, offset, deviation.cpu().numpy(), found, size(by_identity), size(smooth), numbers)


def _deviation(modes: Tensor, covariance: Tensor) -> Tensor:
    """(V,) cm of where modes (m, V, 3) put the vertices if their coefficients have a covariance (m, m)."""
    spread = torch.einsum("mn,nvi->mvi", torch.linalg.cholesky(regularized(covariance)).mT, modes)
    return spread.square().sum((0, 2)).sqrt()


@dataclass(frozen=True, eq=False)
class _Fit:
    """M frames (take frame indices) with their pixels, those of them whose controls are told, and modes (m, V, 3).

    poses: of all F frames, tracked with the rig as it is. calibration: (C*8, C*8) prior information of the cameras'
    errors, or None.
    """

    problem: Problem
    pixels: list[FramePixels]
    poses: Pose
    frames: Tensor
    posed: list[int]
    modes: Tensor
    calibration: Tensor | None

    @staticmethod
    def tracked(take: Take, modes: Tensor, device: torch.device, progress: Progress) -> tuple[_Fit, Pose]:
        """A fit and its M poses, from the take tracked with its rig."""
        problem, start, first = prepare(take, device)
        problem = replace(problem, quality=replace(problem.quality, keyframes=KEYFRAMES))
        with TakeFootage(take, device) as footage, Assistants(problem, ()) as alone:
            stages = Stages(Run(progress, NoCheckpoint()), problem, footage, alone, show_nothing)
            tracked, believed = stages.track(stages.align(start, first), first)
            posed = posed_frames(take, first)
            frames = choose_keyframes(problem, tracked, sorted({first, *posed}), believed)
            pixels = [image for _, image in footage.frames(frames.tolist())]
        pose = tracked.at(frames)
        calibration = problem.calibration(pose.at([0]), int(frames[0])) if len(frames) > 1 else None
        return _Fit(problem, pixels, tracked, frames, posed, modes, calibration), pose

    @property
    def coarsest(self) -> int:
        """The pyramid level at which a fit begins."""
        return min(self.problem.coarsest, self.problem.quality.finest + LEVELS - 1)

    def improved(
        self, pose: Pose, identity: Tensor, errors: CameraErrors, level: int, samples: int
    ) -> tuple[Pose, Tensor, CameraErrors, Tensor]:
        """Poses, identity (m,) and errors of the cameras improved at a pyramid level, with a number of samples, and the
        covariance (m, m) of the identity."""
        some = _thinned(self._moved(identity), samples)
        offset = SampleModes.of(self.modes, some.model, some.samples)
        unit = torch.eye(len(identity), dtype=torch.float64, device=identity.device)
        free = FreeNeutral(offset, unit, constant_priors(some, self.posed), identity)
        views, evidence = self._seen(some, pose, level)
        options = BundleOptions(ITERATIONS, calibration=self.calibration, neutral=free, cost_tolerance=NOISY_COST)
        fit = bundle(some, views, pose, self.frames, level, options, evidence, errors)
        assert fit.offset is not None
        assert fit.covariance is not None
        return fit.pose, identity + fit.offset, fit.errors or errors, fit.covariance

    def trusting(self, pose: Pose, identity: Tensor, errors: CameraErrors) -> _Fit:
        """The same, in which what of the surface disagrees everywhere has less of a say."""
        moved = self._moved(identity)
        views, _ = self._seen(moved, pose, max(self.problem.quality.finest, self.coarsest - 1))
        assert views.velocity is not None
        trust = reliability(moved, errors.seen(views, views.velocity), pose).trust
        return replace(self, problem=self.problem.weighted(self.problem.samples.weight * trust))

    def smooth(self, pose: Pose, identity: Tensor, errors: CameraErrors) -> tuple[Tensor, Tensor]:
        """(V, 3) cm: what the footage is sure of besides an identity (m,), and its deviation (V,) cm."""
        level = self.problem.quality.finest
        some = _thinned(self._moved(identity), FINEST_SAMPLES)
        views, evidence = self._seen(some, pose, level)
        plain = BundleOptions(ITERATIONS, calibration=self.calibration)
        fit = bundle(some, views, pose, self.frames, level, plain, evidence, errors)
        expected = expected_neutral(some, views, fit, self.frames, level, evidence, self.calibration, self.posed)
        if expected is None:
            nothing = torch.zeros_like(some.model.neutral, dtype=torch.float64)
            return nothing, nothing[:, 0]
        options = replace(plain, iterations=2 * ITERATIONS, neutral=expected.free(some))
        found = bundle(some, views, fit.pose, self.frames, level, options, evidence, fit.errors)
        assert found.offset is not None
        assert found.covariance is not None
        return expected.space.offsets(found.offset), expected.space.deviations(found.covariance)

    def _moved(self, identity: Tensor) -> Problem:
        return with_neutral(self.problem, torch.einsum("m,mvi->vi", identity, self.modes))

    def _seen(self, problem: Problem, pose: Pose, level: int) -> tuple[Views, Evidence]:
        outlines = level if level >= outline_level(problem) else None
        views, evidence, _ = gather_evidence(problem, self.pixels, pose, self.frames, level, outlines)
        return replace(views, velocity=problem.velocity(self.poses, self.frames)), evidence


def _thinned(problem: Problem, samples: int) -> Problem:
    return problem.with_samples(problem.samples.thinned(max(1, len(problem.samples.weight) // samples)))
