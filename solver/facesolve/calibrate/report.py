"""A calibration as JSON for programs and as tables for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from facesolve.take.finding import Finding
from facesolve.take.version import VERSION

from .calibrate import Calibration, Checked
from .geometry import board_tilt, coverage
from .lens import FX

_PARAMETER_NAMES = ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6")
REPORT_SCHEMA = 2  # from 2 on warnings as in take.finding


def rms(checked: Sequence[Checked], everything: bool = False) -> float | None:
    """Root mean square distance, pixels, of the points used, or of all detected points; None without any."""
    errors = [item.errors if everything else item.errors[item.used] for item in checked]
    joined = np.concatenate(errors) if errors else np.zeros(0)
    return float(np.sqrt((joined**2).mean())) if len(joined) else None


def calibration_record(calibration: Calibration, weaknesses: Sequence[Finding]) -> dict[str, Any]:
    """The report as JSON values. Errors in pixels, lengths in millimeters."""
    return {
        "schema": REPORT_SCHEMA,
        "kind": "facesolve calibration report",
        "facesolve": VERSION,
        "units": {"error": "pixels", "place": "mm", "tilt": "degrees", "deviation": "one standard deviation"},
        "origin": calibration.origin,
        "rms": rms(calibration.checked),
        "rms_with_rejected": rms(calibration.checked, everything=True),
        "noise": calibration.noise,
        "cameras": {lens.camera.name: _camera(calibration, index) for index, lens in enumerate(calibration.cameras)},
        "distances": [
            {"cameras": [a.camera.name, b.camera.name], "mm": 10 * float(np.linalg.norm(a.center - b.center))}
            for i, a in enumerate(calibration.cameras)
            for b in calibration.cameras[i + 1 :]
        ],
        "links": [{"cameras": [a, b], "views": count} for a, b, count in calibration.links],
        "boards": {view: pose.tolist() for view, pose in calibration.boards.items()},
        "warnings": [weakness.record() for weakness in weaknesses],
    }


def _camera(calibration: Calibration, index: int) -> dict[str, Any]:
    lens = calibration.cameras[index]
    checked = calibration.of_camera(lens.camera.name)
    used = [item for item in checked if item.used.any()]
    return {
        "lens": lens.model,
        "held": lens.held,
        "rms": rms(checked),
        "rms_with_rejected": rms(checked, everything=True),
        "images": calibration.session.images.get(lens.camera.name),
        "views": len(used),
        "coverage": coverage(lens, used),
        "parameters": dict(zip(_PARAMETER_NAMES, lens.parameters.tolist(), strict=True)),
        "deviation": dict(zip(_PARAMETER_NAMES, lens.deviation.tolist(), strict=True)),
        "place": (10 * lens.center).tolist(),
        "place_deviation": (10 * lens.center_deviation).tolist(),
        "per_view": {item.detection.view: _view(calibration, index, item) for item in checked},
    }


def _view(calibration: Calibration, index: int, item: Checked) -> dict[str, Any]:
    view = item.detection.view
    return {
        "rms": rms([item]),
        "largest": float(item.errors[item.used].max()) if item.used.any() else None,
        "points": len(item.used),
        "points_of_board": len(calibration.session.board.points),
        "rejected": int((~item.used).sum()),
        "tilt": board_tilt(calibration, calibration.cameras[index], view) if view in calibration.boards else None,
    }


def print_calibration(calibration: Calibration, weaknesses: Sequence[Finding], console: Console | None = None) -> None:
    """Prints cameras, then views, then warnings to ``console`` (stdout when None)."""
    console = Console() if console is None else console
    title = f"origin at the board of view {calibration.origin}"
    table = Table(title=title, title_justify="left")
    for heading in ("camera", "error, px", "views", "points", "focal, px", "position, mm", "± mm"):
        table.add_column(heading, justify="left" if heading == "camera" else "right", no_wrap=heading != "position, mm")
    for lens in calibration.cameras:
        checked = calibration.of_camera(lens.camera.name)
        focal = f"{lens.parameters[FX]:.2f}" + (" held" if lens.held else f" ± {lens.deviation[FX]:.2f}")
        table.add_row(
            lens.camera.name,
            _number(rms(checked)),
            str(sum(item.used.any() for item in checked)),
            f"{sum(int(item.used.sum()) for item in checked)} of {sum(len(item.used) for item in checked)}",
            focal,
            ", ".join(f"{10 * value:.1f}" for value in lens.center),
            f"{10 * np.linalg.norm(lens.center_deviation):.2f}",
        )
    table.add_section()
    table.add_row("all", _number(rms(calibration.checked)))
    console.print(table)
    console.print(_view_table(calibration))
    if len(calibration.cameras) == 2:
        a, b = calibration.cameras
        console.print(
            f"{a.camera.name} and {b.camera.name} are {10 * np.linalg.norm(a.center - b.center):.2f} mm apart."
        )
    for weakness in weaknesses:
        console.print(str(weakness), soft_wrap=True, markup=False)


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
        cells.setdefault(item.detection.view, {})[item.detection.camera] = text + (f" +{rejected}" if rejected else "")
    for view in sorted(cells):
        table.add_row(view, *(cells[view].get(name, "") for name in names))
    return table


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
