"""How lively the curves of a solution are: controls that are on, roughness, and motion where the face holds still."""

from __future__ import annotations

import math

import numpy as np

from facesolve.evaluate.evaluation import ACTIVE_WEIGHT, roughness
from facesolve.evaluate.vertex_errors import MILLIMETERS
from facesolve.take import Solution, Take
from facesolve.take.rig_evaluation import RigEvaluator, control_columns

from .limits import Limits

PAIRS = 24  # of frames that follow one another, at which the face's motion is looked at
STILL = 10  # percent of them in which it moves least: a pose is never held more quietly than it jitters


def activity(solution: Solution, take: Take | None, limits: Limits) -> dict[str, str]:
    """What the report's page says, by its name there."""
    active = (np.abs(solution.controls) > ACTIVE_WEIGHT).sum(axis=1)
    said = {f"Controls above {ACTIVE_WEIGHT} in a frame": f"{active.mean():.1f} of {len(solution.control_names)}"}
    rough = roughness(solution.controls, limits.span, solution.frames)
    if math.isfinite(rough):
        said["Roughness of the controls"] = f"{100 * rough:.2f} % of their ranges"
    still = math.nan if take is None else _stillness(solution, take)
    if math.isfinite(still):
        said["Motion where the face is stillest"] = f"{still:.3f} mm a frame"
    return said


def _stillness(solution: Solution, take: Take) -> float:
    """Mean motion of the face in its quietest frames, without the head, mm; NaN where no two frames are neighbors."""
    follow = np.flatnonzero(np.diff(solution.frames) == 1)
    if not len(follow):
        return math.nan
    evaluator = RigEvaluator(solution.fitted_rig(take.rig))
    controls = control_columns(solution.controls, solution.control_names, take.rig, "solution")
    face = evaluator.moving_vertices()
    if not face.any():
        return math.nan
    some = follow[np.unique(np.linspace(0, len(follow) - 1, PAIRS).round().astype(int))]
    pairs = (evaluator.vertices(controls[first : first + 2])[:, face] for first in some.tolist())
    return MILLIMETERS * float(np.percentile([np.linalg.norm(b - a, axis=1).mean() for a, b in pairs], STILL))
