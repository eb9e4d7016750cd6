"""Second thoughts on tracked frames: a control that is stuck in a local minimum is tried at other values.

A lid that has closed and opened again, or lips that have met, hide the very samples that would pull them back: those
that are seen disagree, count as outliers and stop pulling. The outliers tell what a step along a gradient cannot.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from facesolve.geometry.pose import Pose
from facesolve.optimize.robust import robust_loss
from facesolve.residuals.photometric import Template

from .problem import Problem

SUSPECT_SHARE = 0.4  # share of outliers, among what a control moves, from which it is suspected
SUSPECT_RATIO = 1.8  # ... and times the share on the whole surface
MOST_SUSPECTS = 4  # a frame
ROUNDS = 4  # controls that may change in one frame
TRIED = (0.0, 0.5, 1.0)  # places in the control's range
TYPICAL_LOSS = 0.0787  # of a residual that is only noise, in squares of the robust scale
GAIN_NEEDED = 0.1  # of the outliers' cost: a change must explain this much of it
LEAST_CHANGE = 0.25  # of the range: nearer values are the local fit's affair


@dataclass(frozen=True, eq=False)
class SampleValues:
    """What C cameras see of the samples in B frames: values (B, C, N) and weights (B, C, N)."""

    values: Tensor
    weights: Tensor

    def at(self, rows: Tensor | slice | Sequence[int]) -> SampleValues:
        """What some of the frames see."""
        return SampleValues(self.values[rows], self.weights[rows])


@dataclass(frozen=True)
class _Trial:
    """A control of one frame of the batch, set to a value."""

    row: int
    control: int
    value: float


def reconsider(
    problem: Problem,
    pose: Pose,
    frames: Sequence[int],
    observed: SampleValues,
    observe: Callable[[Sequence[int], Pose], SampleValues],
    fit: Callable[[Sequence[int], Pose], Pose],
    template: Template,
    scale: Tensor,
) -> tuple[Pose, set[int]]:
    """The poses (B) of take frame indices, or better ones with suspected controls elsewhere in their range; which rows.

    observed: values and weights at the poses. observe: observes the footage of rows of the batch at poses, with the
    visibility of those poses. fit: improves poses of rows locally. scale: robust scales (B,). Locked controls stay.

    A round finds the controls whose surface has too many outliers (``suspects``) and sets each, one at a time, to other
    places in its range: trials. The best trial of each frame is fitted if it gains at all as it is, and taken up if,
    once fitted, it explains enough of the outliers. Only frames that changed take part in the next round, and a control
    that changed is not tried again.
    """
    pose = Pose(pose.controls.clone(), pose.head.clone())
    rows = list(range(len(frames)))
    lower, upper = problem.prior.lower[frames].tolist(), problem.prior.upper[frames].tolist()
    settled: set[tuple[int, int]] = set()
    for _ in range(ROUNDS):
        share, influence = _outlier_shares(problem, observed, template, scale[rows], pose.at(rows))
        suspected = suspects(observed, template, scale[rows], share)
        present = pose.controls.tolist()
        trials = [
            _Trial(row, control, value)
            for row, controls in zip(rows, suspected, strict=True)
            for control in controls
            if (row, control) not in settled
            for value in _values(lower[row][control], upper[row][control], present[row][control])
        ]
        if not trials:
            break
        # judged as they are; the best one of each frame, if it gains at all, is then fitted and judged again
        begun = _tried(pose, trials)
        place = {row: position for position, row in enumerate(rows)}
        judge = _Judge(template, scale, observed, influence, place)
        promising = judge.best(trials, observe([trial.row for trial in trials], begun), 0.0)
        if not promising:
            break
        trials, begun = [trials[position] for position in promising], begun.at(promising)
        of_trial = [trial.row for trial in trials]
        fitted = fit(of_trial, begun)
        found = observe(of_trial, fitted)
        chosen = judge.best(trials, found, GAIN_NEEDED)
        if not chosen:
            break
        rows = [trials[position].row for position in chosen]
        pose.controls[rows], pose.head[rows] = fitted.controls[chosen], fitted.head[chosen]
        settled |= {(trials[position].row, trials[position].control) for position in chosen}
        observed = found.at(chosen)
    return pose, {row for row, _ in settled}


def _tried(pose: Pose, trials: Sequence[_Trial]) -> Pose:
    """The poses (n) of the trials."""
    rows, changed = [trial.row for trial in trials], [trial.control for trial in trials]
    controls = pose.controls[rows]
    controls[list(range(len(trials))), changed] = controls.new_tensor([trial.value for trial in trials])
    return Pose(controls, pose.head[rows])


@dataclass(frozen=True, eq=False)
class _Judge:
    """Compares trials with what is observed now. place: row -> its position in ``observed`` and ``influence``."""

    template: Template
    scale: Tensor
    observed: SampleValues
    influence: Tensor
    place: dict[int, int]

    def best(self, trials: Sequence[_Trial], found: SampleValues, needed: float) -> list[int]:
        """Positions of each row's best trial, where one gains more than a share ``needed`` of the outliers' cost."""
        rows = [trial.row for trial in trials]
        positions = [self.place[row] for row in rows]
        weight = self.influence[positions, :, [trial.control for trial in trials]]  # (n, N)
        here, scales = self.observed.at(positions), self.scale[rows]
        gain = _surprise(here, self.template, scales, weight) - _surprise(found, self.template, scales, weight)
        gain = gain - needed * _outlier_cost(here, self.template, scales, weight)
        best: dict[int, int] = {}
        gains = gain.tolist()
        for position, row in enumerate(rows):
            if gains[position] > 0 and (row not in best or gains[position] > gains[best[row]]):
                best[row] = position
        return list(best.values())


def suspects(observed: SampleValues, template: Template, scale: Tensor, share: Tensor) -> list[list[int]]:
    """For each frame the controls whose surface disagrees with the template most, worst first. share: (B, K)."""
    weights = observed.weights * (template.weights > 0)
    outliers = (weights * _outlierness(observed, template, scale)).sum((1, 2))
    overall = outliers / weights.sum((1, 2)).clamp_min(1e-6)
    shares, worst = share.sort(1, descending=True)
    suspicious = (shares > SUSPECT_SHARE) & (shares > SUSPECT_RATIO * overall[:, None])
    most = slice(0, MOST_SUSPECTS)
    return [
        [control for control, is_one in zip(controls[most], flags[most], strict=True) if is_one]
        for controls, flags in zip(worst.tolist(), suspicious.tolist(), strict=True)
    ]


def _values(lower: float, upper: float, value: float) -> list[float]:
    """Where else in its range a control may be."""
    places = [lower + place * (upper - lower) for place in TRIED]
    return [place for place in places if upper > lower and abs(place - value) >= LEAST_CHANGE * (upper - lower)]


def _outlier_shares(
    problem: Problem, observed: SampleValues, template: Template, scale: Tensor, pose: Pose
) -> tuple[Tensor, Tensor]:
    """(B, K) share of outliers on what each control moves, and (B, N, K) in 0..1 how far it moves each sample."""
    weights = observed.weights * (template.weights > 0)  # (B, C, N)
    placed = problem.samples.placed(problem.model.deformation(pose.controls.to(problem.model.neutral.dtype)))
    jacobian = placed.deformation.J_unknown_control
    motion = torch.stack([(placed.rows(f) @ J).square().sum(1) for f, J in enumerate(jacobian)])  # squares, cm
    # a control is judged by what it moves most
    influence = motion / motion.amax(1, keepdim=True).clamp_min(1e-12)
    outliers = (weights * _outlierness(observed, template, scale)).sum(1)[:, None]
    share = (outliers @ influence) / (weights.sum(1)[:, None] @ influence).clamp_min(1e-6)
    return share[:, 0], influence


def _outlierness(observed: SampleValues, template: Template, scale: Tensor) -> Tensor:
    """(B, C, N) in 0..1: 0 agrees with the template, 1 has nothing to do with it."""
    square = ((observed.values - template.values) / scale[:, None, None]) ** 2
    return square / (1 + square)


def _surprise(observed: SampleValues, template: Template, scale: Tensor, influence: Tensor) -> Tensor:
    """Cost (B,) of what is seen beyond noise where ``influence`` (B, N): what is hidden costs as if it agreed."""
    each = scale[:, None, None]
    weights = observed.weights * (template.weights > 0) * influence[:, None]
    return (weights * (robust_loss(observed.values - template.values, each) - TYPICAL_LOSS * each**2)).sum((1, 2))


def _outlier_cost(observed: SampleValues, template: Template, scale: Tensor, influence: Tensor) -> Tensor:
    """What the clear outliers (beyond the robust scale) cost where ``influence`` (B, N): (B,)."""
    weights = observed.weights * (template.weights > 0) * influence[:, None]
    clear = _outlierness(observed, template, scale) > 0.5
    return (weights * clear * robust_loss(observed.values - template.values, scale[:, None, None])).sum((1, 2))
