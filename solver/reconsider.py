"""Second thoughts on a tracked frame: a control that is stuck in a local minimum is tried at other values.

A lid that has closed and opened again, or lips that have met, hide the very samples that would pull them back: those
that are seen disagree, count as outliers and stop pulling. The outliers tell what a step along a gradient cannot.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from .problem import Pose, Problem
from .residuals.photometric import Observation, Template, robust_loss

SUSPECT_SHARE = 0.4  # share of outliers, among what a control moves, from which it is suspected
SUSPECT_RATIO = 1.8  # ... and times the share on the whole surface
MOST_SUSPECTS = 4  # a frame
TRIED = (0.0, 0.5, 1.0)  # places in the control's range
TYPICAL_LOSS = 0.0787  # of a residual that is only noise, in squares of the robust scale
GAIN_NEEDED = 0.1  # of the outliers' cost: a change must explain this much of it
LEAST_CHANGE = 0.25  # of the range: nearer values are the local fit's affair


def reconsider(
    problem: Problem,
    pose: Pose,
    frame: int,
    look: Callable[[Pose], Observation],
    fit: Callable[[Pose], Pose],
    template: Template,
    scale: Tensor,
) -> Pose:
    """``pose`` (B = 1) of take frame index ``frame``, or a better one with suspected controls elsewhere in their range.

    look: observes the footage at a pose, with the visibility of that pose. fit: improves a pose locally. scale: robust
    scale of the frame. Locked controls stay.
    """
    observation = look(pose)
    lower, upper = problem.prior.lower[frame], problem.prior.upper[frame]
    share, moved = _outlier_shares(problem, observation, template, scale, pose)
    for control in suspects(observation, template, scale, share):
        span = upper[control] - lower[control]
        cost = _surprise(observation, template, scale, moved[:, control])
        needed = GAIN_NEEDED * _outlier_cost(observation, template, scale, moved[:, control])
        for place in TRIED if span > 0 else ():
            value = lower[control] + place * span
            if abs(value - pose.controls[0, control]) < LEAST_CHANGE * span:
                continue
            controls = pose.controls.clone()
            controls[0, control] = value
            candidate = fit(Pose(controls, pose.head))
            seen = look(candidate)
            candidate_cost = _surprise(seen, template, scale, moved[:, control])
            if candidate_cost < cost - needed:
                pose, observation, cost = candidate, seen, candidate_cost
    return pose


def suspects(observation: Observation, template: Template, scale: Tensor, share: Tensor) -> list[int]:
    """Indices of the controls whose surface disagrees with the template most, worst first. share: (K,)."""
    seen = (observation.weights * (template.weights > 0))[0]
    overall = (seen * _outlierness(observation, template, scale)).sum() / seen.sum().clamp_min(1e-6)
    worst = torch.argsort(share, descending=True)[:MOST_SUSPECTS].tolist()
    return [k for k in worst if share[k] > SUSPECT_SHARE and share[k] > SUSPECT_RATIO * overall]


def _outlier_shares(
    problem: Problem, observation: Observation, template: Template, scale: Tensor, pose: Pose
) -> tuple[Tensor, Tensor]:
    """(K,) share of outliers on what each control moves, and (N, K) in 0..1 how far it moves each sample."""
    seen = (observation.weights * (template.weights > 0))[0]  # (C, N)
    _, jacobian = problem.model.activations(pose.controls.to(problem.model.neutral.dtype))
    motion = torch.linalg.vector_norm(problem.samples.basis @ jacobian[0], dim=1)  # (N, K) cm
    moved = (motion / motion.amax(0).clamp_min(1e-6)).square()  # a control is judged by what it moves most
    outliers = (seen * _outlierness(observation, template, scale)).sum(0)
    return (outliers @ moved) / (seen.sum(0) @ moved).clamp_min(1e-6), moved


def _outlierness(observation: Observation, template: Template, scale: Tensor) -> Tensor:
    """(C, N) in 0..1: 0 agrees with the template, 1 has nothing to do with it."""
    square = ((observation.values[0] - template.values) / scale) ** 2
    return square / (1 + square)


def _surprise(observation: Observation, template: Template, scale: Tensor, moved: Tensor) -> Tensor:
    """Cost of what is seen beyond noise where ``moved`` (N,): a hidden sample costs as much as one that agrees."""
    seen = (observation.weights * (template.weights > 0))[0] * moved
    loss = robust_loss(observation.values[0] - template.values, scale)
    return (seen * (loss - TYPICAL_LOSS * scale**2)).sum()


def _outlier_cost(observation: Observation, template: Template, scale: Tensor, moved: Tensor) -> Tensor:
    """What the clear outliers (beyond the robust scale) cost where ``moved`` (N,)."""
    seen = (observation.weights * (template.weights > 0))[0] * moved
    clear = _outlierness(observation, template, scale) > 0.5
    return (seen * clear * robust_loss(observation.values[0] - template.values, scale)).sum()
