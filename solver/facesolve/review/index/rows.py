"""A folder of solutions as rows of numbers and words: one a take, and what stands out across takes. Knows no HTML."""

from __future__ import annotations

import base64
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from facesolve.runtime.sole_writer import has_writer
from facesolve.take import FacesolveError, Solution, read_solution
from facesolve.take.files import relative_path
from facesolve.take.in_words import stretches_in_words
from facesolve.take.names import CHECKPOINT, LOG, REPORT, SOLUTION, WORST_PICTURE
from facesolve.take.provenance import Provenance, read_provenance
from facesolve.take.review import APPROVED, NOTED, REJECTED, read_review
from facesolve.take.settings import SCALARS
from facesolve.take.summary import error_of_frames, usual_error_of_frames
from facesolve.take.verdict import DOES_NOT_FIT, DOUBTFUL, FITS, Verdict

SPARKS = 80  # points of a take's line of errors
WEAK_CAMERA = 1.3  # times the median error of the take's cameras
SHOWN = 4  # controls and cameras that are named
COMMON = 0.3  # of the takes: from there on a fault is no single take's
ALWAYS = 0.9  # of them: what is so in nearly every take is the rig's and needs no figure
UNSOLVED, RUNNING = "not solved", "being solved"
TROUBLE = {DOES_NOT_FIT: 100.0, DOUBTFUL: 50.0, FITS: 0.0}  # the order in which takes need somebody
REJECTED_TROUBLE = 60.0  # more than doubt: somebody has looked
STANDS_OUT = 2.0  # times the usual error of the take's frames, or of the night's takes
MOST_EXCESS = 20.0  # beyond it one is as bad as another
TREND = 2.0  # times the scatter around it that a drift must exceed
LEAST_DRIFT = {"degrees": 0.01, "mm": 0.1}


def take_folders(folder: Path) -> list[Path]:
    """The folders in ``folder`` that hold a solution, or one that was begun."""
    names = (SOLUTION, CHECKPOINT, LOG)
    return sorted(
        place for place in folder.iterdir() if place.is_dir() and any((place / name).exists() for name in names)
    )


def index_record(folder: Path, page: Path) -> dict[str, Any]:
    """Everything that the page, a file at ``page``, shows of the solutions in ``folder``."""
    rows = [_row(place, page.parent) for place in take_folders(folder)]
    usual = _usual_settings(rows)
    _hold_against_each_other(rows)
    for row in rows:
        row["differs"] = [
            f"{name} {_said(value)}" for name, value in row.pop("settings").items() if value != usual.get(name)
        ]
    return {"folder": folder.resolve().as_posix(), "rows": rows, "across": _across(rows)}


def worst_row(solution: Solution) -> int:
    """The frame (0-based) whose error is largest against the usual error of its kind; one that nobody saw is last."""
    excess = error_of_frames(solution) / np.maximum(usual_error_of_frames(solution), 1e-12)
    return int(np.nanargmax(excess)) if np.isfinite(excess).any() else 0


def _row(place: Path, beside: Path) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": place.name,
        "verdict": "",
        "reason": "",
        "seen": "",
        "next": "",
        "trouble": 200.0,
        "error": None,
        "frames": 0,
        "seconds": None,
        "date": "",
        "sparks": [],
        "worst": None,
        "picture": _picture(place / WORST_PICTURE),
        "cameras": [],
        "uncertain": [],
        "camera_errors": {},
        "settings": {},
        "report": relative_path(str(place / REPORT), beside) if (place / REPORT).exists() else "",
        "review": "",
    }
    try:
        solution = read_solution(place)
    except FacesolveError as error:
        if has_writer(place):
            return {**row, "verdict": RUNNING, "reason": f"{_last_words(place)}.", "trouble": -1.0}
        return {**row, "verdict": UNSOLVED, "reason": _unsolved(place, error)}
    made = read_provenance(solution.provenance)
    row.update(_figures(solution), **_judged(solution.verdict, row))
    row["cameras"] = _weak_cameras(solution)
    row["uncertain"] = [control.name for control in solution.uncertain_controls()[:SHOWN]]
    row["seconds"] = round(sum(made.seconds.values()), 1) or None
    row["date"], row["camera_errors"] = made.date, _off(made, solution.verdict)
    row["settings"] = _settings(made)
    row["review"] = _reviewed(place)
    return row


def _hold_against_each_other(rows: Sequence[dict[str, Any]]) -> None:
    """Adds to each row's trouble what is unusual about it, and says why in ``why``; what a person decided counts most.

    Takes that fit are ordered, too, so that the five to look at first are five on a good night as well.
    """
    errors = [row["error"] for row in rows if row["error"] is not None]
    usual = float(np.median(errors)) if errors else 0.0
    for row in rows:
        why, worst = [], max((value for value in row["sparks"] if value is not None), default=0.0)
        if row["review"] == REJECTED:
            why.append("a person rejected it.")
            row["trouble"] = max(row["trouble"], REJECTED_TROUBLE)
        if row["error"] is not None:
            excess = row["error"] / usual if usual > 0 else 1.0
            row["trouble"] += min(excess, MOST_EXCESS) / 4
            if excess > STANDS_OUT and row["verdict"] in (FITS, ""):  # else it is one more word for the reason
                why.append(f"expected error {excess:.1f} times that of the others.")
        if worst > STANDS_OUT:
            row["trouble"] += min(worst, MOST_EXCESS) / 4
            why.append(f"frame {row['worst']} has {worst:.1f} times its usual error.")
        if row["cameras"]:
            row["trouble"] += 1.0
            why.append(f"cameras: {', '.join(row['cameras'])}.")
        if row["review"] == APPROVED:
            row["trouble"] = 0.0
        row["why"] = why
        row["trouble"] = round(row["trouble"], 3)


def _off(made: Provenance, verdict: Verdict | None) -> dict[str, dict[str, float]]:
    """By camera what its calibration is off by: degrees, where the solve looked for it, and mm on the face."""
    found = {name: {"degrees": errors.get("rotation_degrees", 0.0)} for name, errors in made.camera_errors.items()}
    for name, camera in (verdict.cameras if verdict is not None else {}).items():
        if np.isfinite(camera.off_mm):
            found.setdefault(name, {})["mm"] = float(camera.off_mm)
    return found


def _reviewed(place: Path) -> str:
    """What a person has decided, in one word or two."""
    try:
        marks = read_review(place)
    except FacesolveError:
        return "cannot be read"
    decided = {mark.mark for mark in marks}
    return next((mark for mark in (REJECTED, APPROVED, NOTED) if mark in decided), "")


def _unsolved(place: Path, error: FacesolveError) -> str:
    if not (place / SOLUTION).exists():
        last = _last_words(place)
        begun = "was begun and is not finished" if (place / CHECKPOINT).exists() else "could not be solved"
        return f"{begun}; its log ends: {last}." if last else f"{begun}."
    return str(error)


def _last_words(place: Path) -> str:
    """The last line of its log."""
    lines = _lines(place / LOG)
    return lines[-1].strip() if lines else ""


def _judged(verdict: Verdict | None, row: dict[str, Any]) -> dict[str, Any]:
    if verdict is None:
        return {"verdict": "", "reason": "its solve gave no verdict.", "trouble": 20.0}
    error = round(verdict.error_mm, 3) if np.isfinite(verdict.error_mm) else None
    trouble = TROUBLE[verdict.verdict] + 10.0 * bool(verdict.frames)
    return {
        "verdict": verdict.verdict,
        "reason": verdict.reason,
        "seen": _seen(verdict),
        "next": verdict.next_step,
        "error": error,
        "trouble": trouble,
    }


def _seen(verdict: Verdict) -> str:
    """The frames of a doubt, where its reason does not name them itself."""
    words = stretches_in_words(verdict.frames) if verdict.frames else ""
    return f"seen in {words}." if words and not any(str(frame) in verdict.reason for frame in verdict.frames) else ""


def _figures(solution: Solution) -> dict[str, Any]:
    error = error_of_frames(solution)
    usual = float(np.nanmedian(error)) if np.isfinite(error).any() else 1.0
    parts = np.array_split(error / max(usual, 1e-12), min(SPARKS, len(error)))
    sparks = [round(float(np.nanmax(part)), 2) if np.isfinite(part).any() else None for part in parts]
    return {"frames": len(error), "sparks": sparks, "worst": int(solution.frames[worst_row(solution)])}


def _weak_cameras(solution: Solution) -> list[str]:
    """Cameras whose error is well above the others', or that are blind, with their figures."""
    with np.errstate(all="ignore"):
        each = np.array([np.nanmedian(c) if np.isfinite(c).any() else np.nan for c in solution.residual.T])
    usual = np.nanmedian(each) if np.isfinite(each).any() else np.nan
    found = []
    for name, error in zip(solution.camera_names, each.tolist(), strict=True):
        if not np.isfinite(error):
            found.append(f"{name} (sees nothing)")
        elif len(each) > 1 and error > WEAK_CAMERA * usual:
            found.append(f"{name} ({error / usual:.1f} times)")
    return found


def _settings(made: Provenance) -> dict[str, Any]:
    scalars = {name: made.settings[name] for name in SCALARS if name in made.settings}
    counts = {name: len(made.settings.get(name) or ()) for name in ("controls", "pins", "head_pins")}
    return {**scalars, **{f"{name} set": count for name, count in counts.items() if count}, "version": made.facesolve}


def _usual_settings(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The value of each setting that most takes have."""
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        for name, value in row["settings"].items():
            seen[name][json.dumps(value)] += 1
    return {name: json.loads(values.most_common(1)[0][0]) for name, values in seen.items()}


def _said(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _across(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What is no single take's fault: cameras and controls that are bad in many, and cameras that drift."""
    solved = [row for row in rows if row["frames"]]
    cameras = Counter(name.split(" (")[0] for row in solved for name in row["cameras"])
    common = _common(Counter(name for row in solved for name in row["uncertain"]), len(solved))
    return {
        "cameras": _common(cameras, len(solved)),
        "controls": [one for one in common if one[1] < ALWAYS * len(solved)],
        "always": [name for name, count in common if count >= ALWAYS * len(solved)],
        "drift": _drifts(sorted(solved, key=lambda row: str(row["date"]))),
    }


def _drifts(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each camera's errors of calibration in the order of the solves, those that grow first.

    rise: what a straight line through them climbs; grows: whether that is more than their scatter.
    """
    found = []
    for name in sorted({name for row in rows for name in row["camera_errors"]}):
        for unit, least in LEAST_DRIFT.items():
            points = [
                [row["name"], row["date"], round(row["camera_errors"][name][unit], 4)]
                for row in rows
                if unit in row["camera_errors"].get(name, {})
            ]
            if len(points) < 2:
                continue
            values, time = np.array([value for *_, value in points]), np.arange(len(points))
            slope, start = np.polyfit(time, values, 1)
            rise, scatter = slope * (len(points) - 1), float(np.std(values - start - slope * time))
            grows = len(points) > 2 and rise > max(TREND * scatter, least)
            found.append({"camera": name, "unit": unit, "points": points, "rise": round(rise, 4), "grows": bool(grows)})
            break
    return sorted(found, key=lambda one: (not one["grows"], -one["rise"] / LEAST_DRIFT[one["unit"]]))


def _common(counts: Counter[str], takes: int) -> list[list[Any]]:
    often: Iterable[tuple[str, int]] = counts.most_common(12)
    return [[name, count] for name, count in often if count >= 2 and count >= COMMON * takes]


def _picture(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode("ascii") if path.is_file() else ""


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        return []
    return [line for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
