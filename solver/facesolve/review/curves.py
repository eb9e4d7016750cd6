"""Control curves and head motion as one picture of small panels: solved, how sure, and the truth where it is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from facesolve.evaluate.evaluation import Truth
from facesolve.take import Solution

from .motion import MILLIMETERS, head_motion

SOLVED, TRUE, GRID = "#1f6f8b", "#e07a3f", "#d9dee2"
COLUMNS = 5
SIGNIFICANT = 0.02  # controls that never leave their first value by more than this are left out


def draw_curves(solution: Solution, path: Path, truth: Truth | None = None) -> None:
    """Writes a PNG with a panel for each control that moves, and three for the head (rotation, translation, residual).

    Bands are two standard deviations. ``truth`` has one row for each frame of ``solution``.
    """
    shown = [k for k in range(len(solution.control_names)) if _moves(solution, truth, k)]
    rows = -(-(len(shown) + 3) // COLUMNS)
    figure = Figure(figsize=(3.1 * COLUMNS, 1.75 * rows + 0.7), dpi=110, facecolor="white", layout="constrained")
    panels = figure.subplots(rows, COLUMNS, squeeze=False).flatten()
    for panel, k in zip(panels, shown, strict=False):
        name = solution.control_names[k]
        true = None if truth is None else truth.weights[:, truth.names.index(name)]
        draw_band(panel, solution.frames, solution.controls[:, k], solution.control_std[:, k], SOLVED)
        if true is not None:
            panel.plot(solution.frames, true, color=TRUE, linewidth=1.6, linestyle=(0, (3, 2)))
            error = np.abs(solution.controls[:, k] - true).mean()
            panel.text(0.98, 0.93, f"{error:.3f}", transform=panel.transAxes, ha="right", va="top", fontsize=7)
        panel.set_ylim(-0.08, 1.08)
        dress(panel, name)
    head_panels = panels[len(shown) : len(shown) + 3]
    _draw_head(head_panels, solution, truth)
    for panel in panels[len(shown) + 3 :]:
        panel.set_visible(False)
    title = "solved curves with ±2 standard deviations"
    if truth is not None:
        title += ", truth dashed; the number is the mean absolute error"
    figure.suptitle(title, fontsize=11, color="#333333", ha="left", x=0.01)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def _moves(solution: Solution, truth: Truth | None, k: int) -> bool:
    curves = [solution.controls[:, k]]
    if truth is not None:
        curves.append(truth.weights[:, truth.names.index(solution.control_names[k])])
    return any(np.ptp(curve) > SIGNIFICANT for curve in curves)


def draw_band(panel: Axes, frames: np.ndarray, values: np.ndarray, deviation: np.ndarray, color: str) -> None:
    """A curve (F,) with a band of two standard deviations (F,)."""
    panel.fill_between(frames, values - 2 * deviation, values + 2 * deviation, color=color, alpha=0.22, linewidth=0)
    panel.plot(frames, values, color=color, linewidth=1.8)


def _draw_head(panels: np.ndarray, solution: Solution, truth: Truth | None) -> None:
    """Head rotation from the first frame in degrees, translation in centimeters, and the residual of each camera."""
    shades = ("#1f6f8b", "#5aa469", "#8b5fa3")
    heads = [(solution.head, "-", 1.8)] + ([] if truth is None else [(truth.head, (0, (3, 2)), 1.4)])
    origin = heads[-1][0][0]
    for head, style, width in heads:
        motion = head_motion(head, np.full((len(head), 6), np.nan), origin)
        turned, moved = motion.rotation, motion.translation / MILLIMETERS
        for axis, shade in enumerate(shades):
            color = shade if style == "-" else TRUE
            panels[0].plot(solution.frames, turned[:, axis], color=color, linestyle=style, linewidth=width)
            panels[1].plot(solution.frames, moved[:, axis], color=color, linestyle=style, linewidth=width)
            if style == "-":
                panels[0].annotate("xyz"[axis], (solution.frames[-1], turned[-1, axis]), color=shade, fontsize=8)
                panels[1].annotate("xyz"[axis], (solution.frames[-1], moved[-1, axis]), color=shade, fontsize=8)
    for camera, name in enumerate(solution.camera_names):
        panels[2].plot(solution.frames, solution.residual[:, camera], linewidth=1.4, label=name)
    panels[2].legend(fontsize=6, frameon=False, ncols=3, loc="lower left")
    panels[2].set_ylim(bottom=0.0)
    for panel, title in zip(
        panels, ("head rotation xyz, degrees", "head translation xyz, cm", "residual"), strict=True
    ):
        dress(panel, title)


def dress(panel: Axes, title: str) -> None:
    """The look of every panel: a small title, a faint grid, no frame."""
    panel.set_title(title, fontsize=8.5, loc="left", color="#333333", pad=3)
    panel.grid(color=GRID, linewidth=0.6)
    panel.tick_params(labelsize=6.5, length=0, colors="#777777")
    for side in ("top", "right", "left", "bottom"):
        panel.spines[side].set_visible(False)
