"""What a solve found the cameras to be off by, held against what their calibration is said to be good to.

Knows no limits and no sentences.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from facesolve.residuals.camera_errors import FOCAL, ROTATION, TRANSLATION, CameraErrors
from facesolve.stages.problem import Problem

OF_THREE = 1.6  # the usual length of three numbers of deviation 1
DIRECTION, PLACE, FOCAL_LENGTH = "direction", "place", "focal length"
WHAT = (DIRECTION, PLACE, FOCAL_LENGTH)
MILLIMETERS = 10.0  # in a centimeter


@dataclass(frozen=True)
class OffCalibration:
    """Of one camera: how many deviations of its calibration it is off by in what (one of WHAT) it is off by most.

    amount: degrees, mm or a part of the focal length. late: frames.
    """

    deviations: float = 0.0
    late: float = 0.0
    what: str = DIRECTION
    amount: float = 0.0


def off_calibration(problem: Problem, errors: CameraErrors | None, head: Tensor) -> tuple[OffCalibration, ...]:
    """For each camera. head: (3,) where it is, world, cm. Empty where the calibration holds."""
    allowed = problem.take.settings.calibration_error
    if errors is None or not allowed:
        return ()
    cameras = problem.views.cameras(0, [0])
    focal, depth = cameras.intrinsics[0, :, 0, 0].double(), (cameras.centers[0].double() - head).norm(dim=1)
    diagonal = torch.stack([cameras.widths, cameras.heights], 1).double().norm(dim=1)
    turn, shift = errors.values[:, ROTATION].norm(dim=1), errors.values[:, TRANSLATION].norm(dim=1)
    longer = errors.values[:, FOCAL][:, 0]
    amounts = torch.stack([torch.rad2deg(turn), MILLIMETERS * shift, longer], 1)
    pixels = torch.stack([turn * focal / OF_THREE, shift / depth * focal / OF_THREE, longer.abs() * diagonal], 1)
    deviations, which = (pixels / allowed).max(1)
    return tuple(
        OffCalibration(float(deviations[row]), float(errors.delay[row]), WHAT[most], float(amounts[row, most]))
        for row, most in enumerate(which.tolist())
    )
