"""Whether the head in the footage is as large as the rig. Knows no limits and no sentences.

Cameras whose focal lengths are all wrong by one factor agree with each other, and so do cameras whose places are in
another unit by little, or that film somebody else's head: about a surface that is larger or smaller than the rig's.
Poses and controls of a solve give way to it in part. What they cannot take up is found as one more unknown.
"""

from __future__ import annotations

import torch

from facesolve.residuals.camera_errors import FOCAL, UNKNOWNS
from facesolve.stages.bundle import BundleOptions, bundle

from .giving_way import SIZE, GivenWay, Keyframes

SUSPECT, SURE = 1.0, 2.5  # deviations of a size between which it is asked again, by steps
STEPS = 6
COMMON, OWN = 0.1, 2e-4  # deviations of what focal lengths have in common, and of each alone, when asked again
HELD = 1e-5  # of everything else that a camera may be off by


def size_error(keyframes: Keyframes, about: GivenWay) -> tuple[float, float]:
    """By which part of its size the head is larger than the rig (-0.05: 5 % smaller), and the deviation of that.

    about: ``keyframes.about()``. What all focal lengths were found to be off by counts as well. NaN where nothing can
    be told.
    """
    together = torch.zeros(keyframes.cameras, UNKNOWNS + 1).to(about.force)
    together[:, SIZE] = 1
    growth = about.of(together.view(-1, 1))
    information = float(growth.information)
    if not information > 0:
        return float("nan"), float("nan")
    larger, deviation = float(growth.force) / information, information**-0.5
    if keyframes.errors is not None:
        return larger + float(keyframes.errors.values[:, FOCAL].mean()), deviation
    return _by_steps(keyframes) if SUSPECT < abs(larger) / deviation < SURE else (larger, deviation)


def _by_steps(keyframes: Keyframes) -> tuple[float, float]:
    """The same from the focal lengths that make the cameras agree best: a size far off is not found in one step."""
    problem, cameras = keyframes.problem, keyframes.cameras
    each = torch.eye(cameras, dtype=torch.float64)
    held = torch.full((cameras, UNKNOWNS), HELD**-2, dtype=torch.float64).flatten().diag()
    focal = torch.arange(cameras) * UNKNOWNS + FOCAL.start
    held[focal[:, None], focal] = (each - 1 / cameras) / OWN**2 + 1 / (cameras * COMMON**2)
    options = BundleOptions(STEPS, calibration=held.to(keyframes.pose.head.device))
    fit = bundle(problem, keyframes.views, keyframes.pose, keyframes.frames, keyframes.level, options)
    assert fit.errors is not None
    assert fit.deviation is not None
    return float(fit.errors.values[:, FOCAL].mean()), float(fit.deviation[:, FOCAL].mean())
