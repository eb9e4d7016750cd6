"""From what a solve found to a ``Solution``: standard deviations, confused controls, residuals."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from facesolve.optimize.levenberg_marquardt import factor_of, regularized
from facesolve.residuals.residual import JOINT
from facesolve.stages.believed_frames import belief
from facesolve.stages.bundle import BundleFit
from facesolve.stages.frame_fit import with_priors
from facesolve.take import ConfusedPair, Solution, Take
from facesolve.verdict.expected_error import expected_error
from facesolve.verdict.from_start import NO_START_POSE, FromStart, from_start
from facesolve.verdict.judge import Judged, judge
from facesolve.verdict.off_calibration import off_calibration

from .pipeline import Solved

CONFUSED_ABOVE = 0.9  # correlation of two controls' errors from which they are reported
MOST_CONFUSED = 30
FRAMES_TOGETHER = 64  # whose matrices are added up at once
MOST_LOST = 16  # frames that show nothing, at which the surface is expected


def make_solution(take: Take, solved: Solved, provenance: dict[str, Any]) -> Solution:
    """The solution of a take. Standard deviations add what all frames share (the bundle's) and what each has alone."""
    pose, count = solved.joint.pose, len(take.rig.controls)
    free = solved.joint.variance > 0
    variance = solved.joint.variance + shared_variance(solved.bundled, count + 6) * free
    deviation = variance.sqrt().cpu().numpy()
    verdict = judge(
        Judged(
            cameras=tuple(camera.name for camera in take.cameras),
            frames=take.frames.tolist(),
            agreement=solved.agreement,
            correlation=solved.seen.correlation.cpu().numpy(),
            error_mm=math.hypot(_expected_error(solved, variance), solved.apart.placement_mm),
            off_calibration=off_calibration(solved.problem, solved.bundled.errors, pose.head[0, :3, 3]),
            hidden=solved.seen.hidden.double().cpu().numpy(),
            size=solved.size,
            apart=solved.apart,
            from_start=_from_start(take, solved),
            stiffness=max(take.settings.stiffness, take.settings.sparsity),
        )
    )
    return Solution(
        frames=take.frames,
        scene_times=take.scene_times,
        fps=take.fps,
        control_names=tuple(take.rig.control_names),
        controls=pose.controls.cpu().numpy(),
        head=pose.head.cpu().numpy(),
        control_std=deviation[:, :count],
        head_std=deviation[:, count:],
        camera_names=tuple(camera.name for camera in take.cameras),
        residual=solved.seen.residual.cpu().numpy(),
        say=solved.say.cpu().numpy(),
        confused=confused_pairs(take, solved),
        provenance={
            **provenance,
            "keyframes": take.frames[solved.keyframes.cpu().numpy()].tolist(),
            **_camera_errors(take, solved.bundled),
        },
        verdict=verdict,
        repeat_times=take.repeat_times,
        repeat_frames=take.repeat_frames,
        actor=solved.actor,
    )


def _from_start(take: Take, solved: Solved) -> FromStart:
    """From the take's start pose; nothing where it was looked for, or posed at a frame before a part of a take."""
    if take.start is None or not take.start.posed:
        return NO_START_POSE
    return from_start(solved.problem, take.start, solved.joint.pose)


def _expected_error(solved: Solved, variance: Tensor) -> float:
    """Of the surface, mm, at the keyframes and in frames that show nothing of it. variance: (F, K+6) of all frames."""
    trust = belief(solved.seen).to(solved.photometric.b)

    def expected(rows: Tensor) -> float:
        pose = solved.joint.pose.at(rows)
        said = solved.photometric.at(rows).scaled(trust[rows])
        alone = with_priors(solved.problem, said, pose, rows, JOINT).A
        return expected_error(solved.problem, pose, alone, variance[rows])

    lost = (trust == 0).nonzero()[:, 0]
    of_keys = expected(solved.keyframes)
    if not len(lost):
        return of_keys
    part = len(lost) / len(trust)
    return (1 - part) * of_keys + part * expected(lost[:: -(-len(lost) // MOST_LOST)])


def _camera_errors(take: Take, bundled: BundleFit) -> dict[str, Any]:
    """What provenance says about the cameras; nothing where the calibration holds."""
    if bundled.errors is None:
        return {}
    return {"camera_errors": bundled.errors.described([camera.name for camera in take.cameras])}


def shared_variance(bundled: BundleFit, width: int) -> Tensor:
    """(K+6,) variance of the error that all frames share: that of the mean over the keyframes, from the joint matrix.

    A misfit of the agreed template moves all frames alike; fits of single frames cannot see it. What the cameras see
    otherwise than each other in all frames does not average out, and counts as often as it is there.
    """
    A = bundled.A
    frames = len(A) // width
    mean = torch.eye(width, dtype=A.dtype, device=A.device).repeat(frames, 1) / frames  # (M*(K+6), K+6)
    return bundled.common * (mean * torch.cholesky_solve(mean, factor_of(A))).sum(0)


def _mean_information(solved: Solved) -> Tensor:
    """(K+6, K+6) over all frames, some at a time."""
    pose = solved.joint.pose
    frames = torch.arange(len(pose.controls), device=pose.controls.device)
    total = None
    for rows in frames.split(FRAMES_TOGETHER):
        said = with_priors(solved.problem, solved.photometric.at(rows), pose.at(rows), rows, JOINT).A.sum(0)
        total = said if total is None else total + said
    assert total is not None
    return total / len(frames)


def confused_pairs(take: Take, solved: Solved) -> tuple[ConfusedPair, ...]:
    """Pairs of free controls whose errors the footage couples, from the take's mean information, strongest first."""
    mean = _mean_information(solved)
    free = (solved.joint.variance[:, : len(take.rig.controls)] > 0).all(0)
    covariance = torch.linalg.inv(regularized(mean))
    deviation = covariance.diagonal().sqrt()
    correlation = covariance / deviation[:, None] / deviation
    names = take.rig.control_names
    pairs = [
        ConfusedPair(names[i], names[j], round(float(correlation[i, j]), 4))
        for i in range(len(names))
        for j in range(i + 1, len(names))
        if free[i] and free[j] and abs(correlation[i, j]) > CONFUSED_ABOVE
    ]
    return tuple(sorted(pairs, key=lambda pair: -abs(pair.correlation))[:MOST_CONFUSED])
