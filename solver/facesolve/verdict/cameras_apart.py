"""Whether the cameras stand to each other as their calibration has them. Knows no limits and no sentences.

A principal point that is off, or a camera that was moved, shifts what a camera shows of the head. Most of it looks like
another pose: three cameras leave three figures to tell it by, two cameras one. Where these are off, what cannot be seen
is likely off by as much, and it moves the head.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from facesolve.residuals.camera_errors import UNKNOWNS
from facesolve.stages.bundle import BundleOptions, bundle

from .expected_error import mean_distance
from .giving_way import GivenWay, Keyframes

VISIBLE = 0.3  # pixels: deviation of a combination of shifts below which it can be seen
SUSPECT = 2.5  # deviations from which a misfit is asked again, by steps
STEPS = 8
ALLOWED = 1.5  # pixels that cameras may then be off by
MILLIMETERS = 10.0  # in a centimeter


@dataclass(frozen=True)
class CamerasApart:
    """mm, pixels: the largest shift of cameras' images at the face that no pose explains, 0 where none can be seen.

    placement_mm: how far the surface is likely to be off where all cameras are off by as much as shows.
    """

    mm: float = 0.0
    pixels: float = 0.0
    placement_mm: float = 0.0


TOGETHER = CamerasApart()


def cameras_apart(keyframes: Keyframes, about: GivenWay) -> CamerasApart:
    """From the keyframes where their solve ended. about: ``keyframes.about()``."""
    shifts = _shifts(keyframes)
    shift, deviation = _visible(about, shifts, keyframes)
    if keyframes.errors is None and bool((shift.abs() > SUSPECT * deviation).any()):
        free = _by_steps(keyframes)
        shift, deviation = _visible(free.about(), shifts, free)
    if not len(shift):
        return TOGETHER
    usual = float((shift.square() - deviation.square()).mean().clamp_min(0).sqrt())
    pixels = float(shift.abs().max())
    return CamerasApart(
        mm=MILLIMETERS * pixels / keyframes.problem.pixels_per_cm,
        pixels=pixels,
        placement_mm=usual * mean_distance(keyframes.problem, keyframes.pose, about.of(shifts).steps),
    )


def _shifts(keyframes: Keyframes) -> Tensor:
    """(C * 9, C * 2) float64: the unknowns of cameras whose images are shifted by a pixel, right or down: a turn."""
    cameras = keyframes.problem.views.cameras(0, keyframes.frames[:1].tolist())
    count = keyframes.cameras
    shifts = torch.zeros(count, UNKNOWNS + 1, count, 2, dtype=torch.float64, device=keyframes.pose.head.device)
    each = torch.arange(count)
    shifts[each, 1, each, 0] = 1 / cameras.intrinsics[0, :, 0, 0].double()
    shifts[each, 0, each, 1] = -1 / cameras.intrinsics[0, :, 1, 1].double()
    return shifts.flatten(2).flatten(0, 1)


def _visible(about: GivenWay, shifts: Tensor, keyframes: Keyframes) -> tuple[Tensor, Tensor]:
    """Those combinations of shifts (n,) that can be seen whatever the poses are, pixels, and their deviations (n,).

    What is left at the poses, and what the errors of the cameras have taken already.
    """
    force = about.force
    if keyframes.errors is not None:
        taken = torch.zeros(keyframes.cameras, UNKNOWNS + 1).to(force)
        taken[:, :UNKNOWNS] = keyframes.errors.values
        force = force + about.information @ taken.flatten()
    of_shifts = about.of(shifts)
    information, ways = torch.linalg.eigh(of_shifts.information)
    seen = information > VISIBLE**-2
    information, ways = information[seen], ways[:, seen]
    return ways.T @ (shifts.T @ force) / information, information**-0.5


def _by_steps(keyframes: Keyframes) -> Keyframes:
    """The keyframes posed anew with cameras that may be off by more: a misfit of pixels is not found in one step."""
    problem = keyframes.problem
    allowed = problem.with_settings(replace(problem.take.settings, calibration_error=ALLOWED))
    calibration = allowed.calibration(keyframes.pose.at([0]), int(keyframes.frames[0]))
    fit = bundle(
        problem,
        keyframes.views,
        keyframes.pose,
        keyframes.frames,
        keyframes.level,
        BundleOptions(STEPS, calibration=calibration),
    )
    return replace(keyframes, pose=fit.pose, errors=fit.errors)
