"""Evaluations and comparisons as tables for people and as JSON for programs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from facesolve.evaluate.evaluation import ACTIVE_WEIGHT, Evaluation
from facesolve.evaluate.vertex_errors import RegionErrors

from .comparison import Comparison

WORST_CONTROLS = 5
WORST_COMPARED = 10


def print_evaluation(evaluation: Evaluation, console: Console | None = None) -> None:
    """Prints the measures of ``evaluation`` to ``console`` (stdout when None)."""
    console = Console() if console is None else console
    table = Table(title=f"{len(evaluation.frames)} frames against the truth", title_justify="left")
    for heading in ("vertex error, mm", "mean", "95 %", "max"):
        table.add_column(heading, justify="left" if heading.startswith("vertex") else "right")
    for region in evaluation.regions:
        _add_region(table, region)
    console.print(table)
    others = Table(show_header=False)
    rotation = evaluation.head_rotation
    others.add_row("head rotation error, degrees", f"mean {rotation.mean():.3f}, max {rotation.max():.3f}")
    others.add_row("weight error, mean absolute", f"{evaluation.weight_error.mean():.4f}")
    worst = sorted(evaluation.control_error.items(), key=lambda item: -item[1])[:WORST_CONTROLS]
    others.add_row("largest for", ", ".join(f"{name} {error:.3f}" for name, error in worst))
    others.add_row(
        f"active controls a frame (above {ACTIVE_WEIGHT})",
        f"{evaluation.active.mean():.1f}, truth {evaluation.active_truth.mean():.1f}",
    )
    if evaluation.within is not None:
        one, two = evaluation.within
        others.add_row("true controls within 1, 2 standard deviations", f"{one:.0%}, {two:.0%}")
    if math.isfinite(evaluation.roughness):
        rough, truth = 100 * evaluation.roughness, 100 * evaluation.roughness_truth
        others.add_row("roughness of the controls, % of range", f"{rough:.2f}, truth {truth:.2f}")
    if math.isfinite(evaluation.jitter):
        others.add_row("jitter where the pose is held, mm a frame", f"{evaluation.jitter:.3f}")
    if evaluation.gaze is not None:
        open_eyes = evaluation.gaze.of_open_eyes()
        said = f"mean {open_eyes.mean():.2f}, max {open_eyes.max():.2f}" if len(open_eyes) else "no eye is open"
        others.add_row("gaze error of open eyes, degrees", said)
    if math.isfinite(evaluation.jerk):
        others.add_row("vertex jerk, m/s³", f"{evaluation.jerk:.1f}, truth {evaluation.jerk_truth:.1f}")
    console.print(others)


def print_without_truth(record: Mapping[str, Any], console: Console | None = None) -> None:
    """Prints ``jobs.score_without_truth.WithoutTruth.record()`` to ``console`` (stdout when None)."""
    console = Console() if console is None else console
    frames = record["frames"]
    title = f"frames {frames[0]} to {frames[-1]} solved again, each time without one camera"
    table = Table(title=title, title_justify="left")
    table.add_column("camera", no_wrap=True)
    for heading in ("predicted: correlation", "off, mm", "as solved: correlation", "off, mm", "surface moved, mm"):
        table.add_column(heading, justify="right")
    for name, camera in record["cameras"].items():
        each = [camera[part][figure] for part in ("predicted", "seen") for figure in ("correlation", "off_mm")]
        table.add_row(name, *(_or_dash(value) for value in (*each, camera["moved_mm"])))
    console.print(table)
    rows = Table(show_header=False)
    rows.add_row("score: correlation of predicted cameras", _or_dash(record["predicted_correlation"]))
    rows.add_row("predicted cameras are off by, mm", _or_dash(record["predicted_mm"]))
    rows.add_row("standard error of the surface (jackknife), mm", _or_dash(record["jackknife_mm"]))
    if record["halves_mm"] is not None:
        rows.add_row("two halves of the cameras differ by, mm", _or_dash(record["halves_mm"]))
    console.print(rows)


def _or_dash(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def print_comparison(comparison: Comparison, console: Console | None = None) -> None:
    """Prints how solution B differs from A to ``console`` (stdout when None)."""
    console = Console() if console is None else console
    frames, vertices = comparison.frames, comparison.vertices
    table = Table(title=f"B against A on {len(frames)} common frames", title_justify="left")
    for heading in ("distance of vertices, mm", "mean", "95 %", "max"):
        table.add_column(heading, justify="left" if heading.startswith("distance") else "right")
    for region in vertices.regions:
        _add_region(table, region)
    console.print(table)
    head = Table(show_header=False)
    head.add_row("face, largest mean of a frame, mm", _largest(vertices.regions[0].frame_world_mean, frames))
    head.add_row("head rotation, degrees", _mean_and_largest(comparison.head_rotation, frames))
    head.add_row("head shift at the face, mm", _mean_and_largest(comparison.head_shift, frames))
    if all(map(math.isfinite, vertices.jerks)):
        head.add_row("vertex jerk, m/s³", "A {:.1f}, B {:.1f}".format(*vertices.jerks))
    console.print(head)
    controls = Table(title="B minus A; σ: absolute, in standard deviations", title_justify="left")
    controls.add_column("control", no_wrap=True)
    for heading in ("mean", "absolute", "largest", "frame", "σ"):
        controls.add_column(heading, justify="right", no_wrap=True)
    for k in comparison.most_different()[:WORST_COMPARED]:
        difference, deviation = comparison.difference[:, k], comparison.deviation[:, k]
        size, known = np.abs(difference), deviation > 0
        numbers = f"{difference.mean():+.3f}", f"{size.mean():.3f}", f"{size.max():.3f}", f"{frames[size.argmax()]}"
        sigma = f"{np.mean(size[known] / deviation[known]):.1f}" if known.any() else "-"
        controls.add_row(comparison.controls[k], *numbers, sigma)
    console.print(controls)
    for note in comparison.notes:
        console.print(note, markup=False, highlight=False)


def _mean_and_largest(values: np.ndarray, frames: np.ndarray) -> str:
    return f"mean {values.mean():.3f}, max {_largest(values, frames)}"


def _largest(values: np.ndarray, frames: np.ndarray) -> str:
    return f"{values.max():.3f} at frame {frames[values.argmax()]}"


def _add_region(table: Table, region: RegionErrors) -> None:
    name = f"{region.name} ({region.vertex_count} vertices)"
    in_world = (region.world_mean, region.world_p95, region.world_max)
    in_rig = (region.rig_mean, region.rig_p95, region.rig_max)
    for label, values in ((name, in_world), ("  head transform removed", in_rig)):
        table.add_row(label, *(f"{value:.3f}" for value in values))


def evaluation_record(evaluation: Evaluation) -> dict[str, Any]:
    """``evaluation`` as JSON values: a summary of numbers, and lists with one entry for each frame."""
    return {
        "units": {
            "vertex_error": "mm",
            "head_rotation": "degrees",
            "jerk": "m/s^3, mean over face vertices",
            "roughness": "parts of the controls' ranges",
            "jitter": "mm a frame",
            "gaze": "degrees, where the true eye is open",
        },
        "regions": {region.name: _region_record(region) for region in evaluation.regions},
        "head_rotation": {"mean": float(evaluation.head_rotation.mean()), "max": float(evaluation.head_rotation.max())},
        "weight_error": float(evaluation.weight_error.mean()),
        "active_controls": {"solved": float(evaluation.active.mean()), "truth": float(evaluation.active_truth.mean())},
        "within_deviations": None
        if evaluation.within is None
        else dict(zip(("1", "2"), evaluation.within, strict=True)),
        "roughness": {"solved": _finite(evaluation.roughness), "truth": _finite(evaluation.roughness_truth)},
        "jitter": _finite(evaluation.jitter),
        "gaze": None if evaluation.gaze is None else _mean_and_max(evaluation.gaze.of_open_eyes()),
        "jerk": {"solved": _finite(evaluation.jerk), "truth": _finite(evaluation.jerk_truth)},
        "control_error": evaluation.control_error,
        "per_frame": {
            "frame": evaluation.frames.tolist(),
            "head_rotation": evaluation.head_rotation.tolist(),
            "weight_error": evaluation.weight_error.tolist(),
            "active_controls": evaluation.active.tolist(),
            "active_controls_truth": evaluation.active_truth.tolist(),
        },
    }


def _mean_and_max(values: np.ndarray) -> dict[str, float] | None:
    """None where there is nothing to take the mean of."""
    return {"mean": float(values.mean()), "max": float(values.max())} if len(values) else None


def comparison_record(comparison: Comparison) -> dict[str, Any]:
    """``comparison`` as JSON values: a summary of numbers, and lists with one entry for each common frame."""
    size = np.abs(comparison.difference)
    return {
        "units": {"vertices": "mm", "head_rotation": "degrees", "head_shift": "mm", "controls": "B minus A"},
        "frames": comparison.frames.tolist(),
        "notes": list(comparison.notes),
        "regions": {region.name: _region_record(region) for region in comparison.vertices.regions},
        "head_rotation": _summary(comparison.head_rotation),
        "head_shift": _summary(comparison.head_shift),
        "jerk": dict(zip("ab", map(_finite, comparison.vertices.jerks), strict=True)),
        "controls": {
            name: {
                "mean_absolute": float(size[:, k].mean()),
                "largest": float(size[:, k].max()),
                "at_frame": int(comparison.frames[size[:, k].argmax()]),
                "per_frame": comparison.difference[:, k].tolist(),
            }
            for k, name in enumerate(comparison.controls)
        },
    }


def _summary(values: np.ndarray) -> dict[str, Any]:
    return {"mean": float(values.mean()), "max": float(values.max()), "per_frame": values.tolist()}


def _region_record(region: RegionErrors) -> dict[str, Any]:
    return {
        "vertices": region.vertex_count,
        "mean": region.world_mean,
        "p95": region.world_p95,
        "max": region.world_max,
        "head_removed": {"mean": region.rig_mean, "p95": region.rig_p95, "max": region.rig_max},
        "per_frame": {
            "mean": region.frame_world_mean.tolist(),
            "max": region.frame_world_max.tolist(),
            "head_removed_mean": region.frame_rig_mean.tolist(),
            "head_removed_max": region.frame_rig_max.tolist(),
        },
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
