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
EXPLAINED, AS_WELL = 0.8, 0.5  # of the squared misfit: what one camera must explain, and what all others must not
MILLIMETERS = 10.0  # in a centimeter


@dataclass(frozen=True)
class CamerasApart:
    """mm, pixels: the largest shift of cameras' images at the face that no pose explains, 0 where none can be seen.

    placement_mm: how far the surface is likely to be off where all cameras are off by as much as shows. camera: number
    of the only one whose own shift explains it; None where another may as well be the one.
    """

    mm: float = 0.0
    pixels: float = 0.0
    placement_mm: float = 0.0
    camera: int | None = None


TOGETHER = CamerasApart()


def cameras_apart(keyframes: Keyframes, about: GivenWay) -> CamerasApart:
    """From the keyframes where their solve ended. about: ``keyframes.about()``."""
    shifts = _shifts(keyframes)
    shift, deviation, ways = _visible(about, shifts, keyframes)
    if keyframes.errors is None and bool((shift.abs() > SUSPECT * deviation).any()):
        free = _by_steps(keyframes)
        shift, deviation, ways = _visible(free.about(), shifts, free)
    if not len(shift):
        return TOGETHER
    usual = float((shift.square() - deviation.square()).mean().clamp_min(0).sqrt())
    pixels = float(shift.abs().max())
    return CamerasApart(
        mm=MILLIMETERS * pixels / keyframes.problem.pixels_per_cm,
        pixels=pixels,
        placement_mm=usual * mean_distance(keyframes.problem, keyframes.pose, about.of(shifts).steps),
        camera=_camera(shift / deviation, ways / deviation),
    )


def _camera(misfit: Tensor, ways: Tensor) -> int | None:
    """The one whose shift alone explains a misfit (n,), in deviations. ways: (C * 2, n) of one pixel of each."""
    ours = ways.T.reshape(len(misfit), -1, 2).transpose(0, 1)  # (C, n, 2)
    explained = (ours @ torch.linalg.pinv(ours) @ misfit).square().sum(1) / misfit.square().sum().clamp_min(1e-12)
    order = explained.argsort(descending=True)
    sure = len(order) > 1 and bool(explained[order[0]] > EXPLAINED) and bool(explained[order[1]] < AS_WELL)
    return int(order[0]) if sure else None


def _shifts(keyframes: Keyframes) -> Tensor:
    """(C * 9, C * 2) float64: the unknowns of cameras whose images are shifted by a pixel, right or down: a turn."""
    cameras = keyframes.problem.views.cameras(0, keyframes.frames[:1].tolist())
    count = keyframes.cameras
    shifts = torch.zeros(count, UNKNOWNS + 1, count, 2, dtype=torch.float64, device=keyframes.pose.head.device)
    each = torch.arange(count)
    shifts[each, 1, each, 0] = 1 / cameras.intrinsics[0, :, 0, 0].double()
    shifts[each, 0, each, 1] = -1 / cameras.intrinsics[0, :, 1, 1].double()
    return shifts.flatten(2).flatten(0, 1)


def _visible(about: GivenWay, shifts: Tensor, keyframes: Keyframes) -> tuple[Tensor, Tensor, Tensor]:
    """Those combinations of shifts (n,) that can be seen whatever the poses are, pixels, and their deviations (n,).

    And of what they are combined, (C * 2, n). They are what is left at the poses, and what the errors of the cameras
    have taken already.
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
    return ways.T @ (shifts.T @ force) / information, information**-0.5, ways


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
