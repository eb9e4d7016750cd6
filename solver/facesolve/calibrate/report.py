"""A calibration as JSON for programs and as tables for people."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from facesolve.take.finding import Finding
from facesolve.take.version import VERSION

from .calibrate import CalibratedLens, Calibration, Checked
from .geometry import board_tilt, coverage
from .lens import CX, CY, FX
from .next_view import NextView
from .trust import at_the_head, distance, orientation

_PARAMETER_NAMES = ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6")
FEWEST_VIEWS = 3  # of which one can be left out
MOST_PAIRS = 15  # in the console
REPORT_SCHEMA = 3  # from 3 on how sure cameras are of each other, and errors of views left out


def rms(checked: Sequence[Checked], everything: bool = False) -> float | None:
    """Root mean square distance, pixels, of the points used, or of all detected points; None without any."""
    errors = [item.errors if everything else item.errors[item.used] for item in checked]
    joined = np.concatenate(errors) if errors else np.zeros(0)
    return float(np.sqrt((joined**2).mean())) if len(joined) else None


def calibration_record(
    calibration: Calibration, weaknesses: Sequence[Finding], advice: NextView | None
) -> dict[str, Any]:
    """The report as JSON values. Errors in pixels, lengths in millimeters, angles in degrees."""
    head = at_the_head(calibration.sure)
    return {
        "schema": REPORT_SCHEMA,
        "kind": "facesolve calibration report",
        "facesolve": VERSION,
        "units": {"error": "pixels", "place": "mm", "tilt": "degrees", "deviation": "one standard deviation"},
        "origin": calibration.origin,
        "board_shapes": [shape.record() for shape in calibration.shapes],
        "rms": rms(calibration.checked),
        "rms_with_rejected": rms(calibration.checked, everything=True),
        "held_out": {"rms": held_out_rms(calibration), "p95": held_out_p95(calibration)},
        "noise": calibration.noise,
        "head": {
            "place": (10 * calibration.sure.head).tolist(),
            "deviation": None if head is None else 10 * head,
        },
        "next_view": None if advice is None else advice.record(),
        "cameras": {lens.camera.name: _camera(calibration, index) for index, lens in enumerate(calibration.cameras)},
        "pairs": [_pair(calibration, a, b) for a, b in combinations(range(len(calibration.cameras)), 2)],
        "links": [{"cameras": [a, b], "views": count} for a, b, count in calibration.links],
        "boards": {view: pose.tolist() for view, pose in calibration.boards.items()},
        "warnings": [weakness.record() for weakness in weaknesses],
    }


def held_out_rms(calibration: Calibration) -> float | None:
    """Root mean square error, pixels, of views that were left out; None where there are too few to do without one."""
    few = len(calibration.boards) < FEWEST_VIEWS
    return None if few else float(np.sqrt((calibration.foretold**2).mean()))


def held_out_p95(calibration: Calibration) -> float | None:
    """Pixels that 95 of 100 points of views left out stay below; None as of ``held_out_rms``."""
    few = len(calibration.boards) < FEWEST_VIEWS
    return None if few else float(np.percentile(calibration.foretold, 95))


def _pair(calibration: Calibration, a: int, b: int) -> dict[str, Any]:
    """How two cameras stand to each other, with one standard deviation."""
    turn, (apart, length) = orientation(calibration.sure, a, b), distance(calibration.sure, a, b)
    names = [calibration.cameras[index].camera.name for index in (a, b)]
    return {
        "cameras": names,
        "mm": 10 * apart,
        "mm_deviation": 10 * length,
        "degrees": turn.angle,
        "degrees_deviation": turn.deviation,
        "turn_deviation": turn.whole,
    }


def _camera(calibration: Calibration, index: int) -> dict[str, Any]:
    lens = calibration.cameras[index]
    checked = calibration.of_camera(lens.camera.name)
    used = [item for item in checked if item.used.any()]
    return {
        "lens": lens.model,
        "tried": {name: error for name, error in lens.tried.items()},
        "held": lens.held,
        "rms": rms(checked),
        "rms_with_rejected": rms(checked, everything=True),
        "images": calibration.session.images.get(lens.camera.name),
        "views": len(used),
        "coverage": coverage(lens, used),
        "parameters": dict(zip(_PARAMETER_NAMES, lens.parameters.tolist(), strict=True)),
        "deviation": dict(zip(_PARAMETER_NAMES, lens.deviation.tolist(), strict=True)),
        "place": (10 * lens.center).tolist(),
        "place_deviation": None if lens.center_deviation is None else (10 * lens.center_deviation).tolist(),
        "world_deviation": (10 * lens.world_deviation).tolist(),
        "per_view": {item.detection.pose: _view(calibration, index, item) for item in checked},
    }


def _view(calibration: Calibration, index: int, item: Checked) -> dict[str, Any]:
    view = item.detection.pose
    return {
        "rms": rms([item]),
        "largest": float(item.errors[item.used].max()) if item.used.any() else None,
        "points": len(item.used),
        "points_of_board": len(calibration.session.board_of(item.detection).points),
        "rejected": int((~item.used).sum()),
        "tilt": board_tilt(calibration, calibration.cameras[index], view) if view in calibration.boards else None,
    }


def print_calibration(
    calibration: Calibration,
    weaknesses: Sequence[Finding],
    advice: NextView | None = None,
    console: Console | None = None,
) -> None:
    """Prints cameras, how sure they are of each other, views, warnings and advice to ``console`` (stdout when None)."""
    console = Console() if console is None else console
    console.print(_camera_table(calibration))
    if len(calibration.cameras) > 1:
        console.print(_pair_table(calibration))
    console.print(_view_table(calibration))
    if held_out_rms(calibration) is not None:
        foretold = f"{held_out_rms(calibration):.3f} px (RMS), 95 % below {held_out_p95(calibration):.3f} px"
        console.print(f"Views left out, each in turn, are met within {foretold}.", soft_wrap=True)
    head = at_the_head(calibration.sure)
    if head is not None:
        text = (
            f"A point of a head where the cameras look is certain to {10 * head:.2f} mm, the head's place left aside."
        )
        console.print(f"{text} Deviations are one standard deviation.", soft_wrap=True)
    for weakness in weaknesses:
        console.print(str(weakness), soft_wrap=True, markup=False)
    if advice is not None:
        console.print(advice.sentence, soft_wrap=True, markup=False)


def _place_deviation(lens: CalibratedLens) -> np.ndarray:
    """(3,) cm: seen from the head's place, of a single camera from the board."""
    return lens.world_deviation if lens.center_deviation is None else lens.center_deviation


def _camera_table(calibration: Calibration) -> Table:
    title = f"origin at the board of view {calibration.origin}"
    table = Table(title=title, title_justify="left")
    for heading in (
        "camera",
        "error, px",
        "views",
        "points",
        "lens",
        "focal, px",
        "center, px",
        "position, mm",
        "± mm",
    ):
        table.add_column(heading, justify="left" if heading in ("camera", "lens") else "right")
    for lens in calibration.cameras:
        checked = calibration.of_camera(lens.camera.name)
        focal = f"{lens.parameters[FX]:.1f}" + (" held" if lens.held else f" ± {lens.deviation[FX]:.1f}")
        table.add_row(
            lens.camera.name,
            _number(rms(checked)),
            str(sum(item.used.any() for item in checked)),
            f"{sum(int(item.used.sum()) for item in checked)} of {sum(len(item.used) for item in checked)}",
            lens.model,
            focal,
            f"{lens.parameters[CX]:.0f} {lens.parameters[CY]:.0f} ± {np.linalg.norm(lens.deviation[CX : CY + 1]):.1f}",
            ", ".join(f"{10 * value:.1f}" for value in lens.center),
            f"{10 * np.linalg.norm(_place_deviation(lens)):.2f}",
        )
    table.add_section()
    table.add_row("all", _number(rms(calibration.checked)))
    return table


def _pair_table(calibration: Calibration) -> Table:
    """Distances and angles of all pairs; of many cameras those of neighbors."""
    table = Table(title="cameras to each other", title_justify="left")
    for heading in ("cameras", "apart, mm", "angle of the axes, degrees", "turned, ± degrees"):
        table.add_column(heading, justify="left" if heading == "cameras" else "right")
    pairs = list(combinations(range(len(calibration.cameras)), 2))
    if len(pairs) > MOST_PAIRS:
        centers = np.stack([lens.center for lens in calibration.cameras])
        apart = np.linalg.norm(centers[:, None] - centers, axis=2) + 1e9 * np.eye(len(centers))
        pairs = sorted({(min(a, int(b)), max(a, int(b))) for a, b in enumerate(apart.argmin(1))})
    for a, b in pairs:
        pair = _pair(calibration, a, b)
        table.add_row(
            " and ".join(pair["cameras"]),
            f"{pair['mm']:.2f} ± {pair['mm_deviation']:.2f}",
            f"{pair['degrees']:.3f} ± {pair['degrees_deviation']:.3f}",
            f"{pair['turn_deviation']:.3f}",
        )
    return table


def _view_table(calibration: Calibration) -> Table:
    """Errors by view and camera; the number after a + counts the points rejected."""
    table = Table(title="error, px (+ rejected)", title_justify="left")
    table.add_column("view")
    names = [lens.camera.name for lens in calibration.cameras]
    for name in names:
        table.add_column(name, justify="right")
    cells: dict[str, dict[str, str]] = {}
    for item in calibration.checked:
        rejected = int((~item.used).sum())
        text = _number(rms([item])) if item.used.any() else "wrong"
        cells.setdefault(item.detection.pose, {})[item.detection.camera] = text + (f" +{rejected}" if rejected else "")
    for view in sorted(cells):
        table.add_row(view, *(cells[view].get(name, "") for name in names))
    return table


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
