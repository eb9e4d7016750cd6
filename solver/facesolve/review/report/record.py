"""A solution as the numbers and words of a report page: JSON values, arrays packed as base64. Knows no HTML."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from facesolve.review.motion import head_motion
from facesolve.take import Solution, Take
from facesolve.take.finding import Finding, Show
from facesolve.take.regions import REGIONS, region_of
from facesolve.take.summary import frame_errors, keyframe_mask, usual_errors

from .activity import activity
from .findings import find
from .limits import Limits, control_limits


def report_record(solution: Solution, take: Take | None) -> dict[str, Any]:
    """What the page shows of ``solution``; ranges, plugs and the findings on the footage need its ``take``.

    Arrays are little-endian float32 in base64, NaN where a number is unknown: one row for each control, axis or camera,
    a column for each frame. Angles in degrees, lengths in millimeters.
    """
    limits = control_limits(solution, take)
    motion = head_motion(solution.head, solution.head_std, solution.head[0])
    return {
        "frames": solution.frames.tolist(),
        "scene_times": solution.scene_times.tolist(),
        "fps": float(solution.fps),
        "cameras": list(solution.camera_names),
        "regions": list(REGIONS),
        "controls": [_control(solution, limits, k) for k in range(len(solution.control_names))],
        "has_deviations": limits.has_deviations,
        "values": packed(solution.controls.T),
        "deviations": packed(solution.control_std.T),
        "rotation": packed(motion.rotation.T),
        "rotation_deviations": packed(motion.rotation_std.T),
        "translation": packed(motion.translation.T),
        "translation_deviations": packed(motion.translation_std.T),
        "error": packed(solution.residual.T),
        "usual_error": packed(_middle_of_cameras(usual_errors(solution))[None]),
        "levels": [frame.level for frame in frame_errors(solution)],
        "keyframes": np.flatnonzero(keyframe_mask(solution)).tolist(),
        "uncertain": _uncertain(solution, limits),
        "confused": _confused(solution),
        "activity": activity(solution, take, limits),
        "findings": [_finding(solution, finding) for finding in find(solution, take, limits, motion)],
    }


def packed(rows: np.ndarray) -> str:
    """``rows`` (N, F) as base64 of little-endian float32."""
    return base64.b64encode(np.ascontiguousarray(rows, "<f4").tobytes()).decode("ascii")


def _middle_of_cameras(usual: np.ndarray) -> np.ndarray:
    """(F,) the median camera's usual error, so that a weak camera shows beside the others; NaN where there is none."""
    known = np.isfinite(usual).any(axis=1)
    middle = np.full(len(usual), np.nan)
    middle[known] = np.nanmedian(usual[known], axis=1)
    return middle


def _control(solution: Solution, limits: Limits, k: int) -> dict[str, Any]:
    name = solution.control_names[k]
    return {
        "name": name,
        "region": region_of(name),
        "minimum": float(limits.minimum[k]),
        "maximum": float(limits.maximum[k]),
        "range_known": bool(limits.known[k]),
        "plug": limits.plugs[k],
        "held": limits.held[k],
        "pins": [[pin.index, pin.value] for pin in limits.pins if pin.control == k],
    }


def _uncertain(solution: Solution, limits: Limits) -> list[dict[str, Any]]:
    """Every control that the solve was free to move, least certain first; std as a part of its range."""
    ranges = dict(zip(solution.control_names, limits.span.tolist(), strict=True))
    places = {name: k for k, name in enumerate(solution.control_names)}
    rows = []
    for row in solution.uncertain_controls(ranges) if limits.has_deviations else ():
        k = places[row.name]
        if not limits.held[k]:
            worst = int(np.nanargmax(solution.control_std[:, k]))
            rows.append({"control": k, "std": row.std, "frame": worst})
    return rows


def _confused(solution: Solution) -> list[dict[str, Any]]:
    places = {name: k for k, name in enumerate(solution.control_names)}
    return [
        {"first": places[pair.first], "second": places[pair.second], "correlation": pair.correlation}
        for pair in solution.confused
        if pair.first in places and pair.second in places
    ]


def _finding(solution: Solution, finding: Finding) -> dict[str, Any]:
    """The finding as the page shows it: frames and controls by their 0-based places in the solution."""
    shown = Show() if finding.action is None else finding.action
    places = {frame: index for index, frame in enumerate(solution.frames.tolist())}
    return {
        "severity": finding.severity,
        "subject": finding.subject,
        "sentence": finding.sentence,
        "remedy": finding.remedy,
        "frames": [places[frame] for frame in shown.frames if frame in places],
        "controls": [solution.control_names.index(name) for name in shown.controls],
    }
