"""Does the score that needs no truth rank solves as their true errors do? Rigs, paint and spoiled takes.

    FACESOLVE_DATA=DATA python -m tests.bench.without_truth [--frames 4] [--quality draft] [--rows NAME ...]

Each row, of ``ict_stage``, is solved and scored at half size; the true error is that of the face vertices after one
rigid placement of all frames. Prints a table, sorted by the true error, and each figure's rank correlation with it.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

import facesolve
from facesolve.jobs.score_without_truth import WithoutTruth, scored
from facesolve.runtime.progress import Silent
from facesolve.take import Solution, Take
from facesolve.take.settings import QUALITIES
from facesolve.take.solved import fitted_take

from .mistakes import MISTAKES, stage

FACE = 6706  # vertices of the face come first
WITH_HEAD = 0.99  # how far a vertex moves with the head, from which on it counts


@dataclass(frozen=True)
class Row:
    """A rig of ``ict_stage``, whether its weight is what a person painted, and a mistake of ``mistakes``."""

    rig: str
    painted: bool = False
    mistake: str = "none"


ROWS = {
    "the studio's rig": Row("rig.npz"),
    "the studio's rig, painted": Row("rig.npz", painted=True),
    "the actor's rig, painted": Row("rig_actor.npz", painted=True),
    "camera 0 late by two frames": Row("rig.npz", mistake="late 2"),
    "one focal length 2 % short": Row("rig.npz", mistake="focal 0.98, one"),
    "one image cropped by 2 %": Row("rig.npz", mistake="crop 0.02, one"),
}


def figures(score: WithoutTruth) -> dict[str, float]:
    """What may rank solves: the larger, the worse."""
    cameras = score.cameras.values()
    return {
        "1 - correlation predicted (the score)": 1 - score.predicted_correlation,
        "jackknife, mm": score.jackknife_mm,
        "predicted, mm": score.predicted_mm,
        "as solved, mm": float(np.mean([camera.seen.off_mm for camera in cameras])),
        "1 - correlation as solved": 1 - float(np.mean([camera.seen.correlation for camera in cameras])),
    }


def prepared(data: Path, row: Row, frames: int, quality: str) -> Take:
    """The take of a row, at half size."""
    take = MISTAKES[row.mistake](stage(data, 0, frames, True, row.rig))
    if row.painted:
        with np.load(data / "ict_stage" / "photometric_weight.npz") as arrays:
            weight = arrays[arrays.files[0]]
        take = replace(take, rig=replace(take.rig, photometric_weight=weight))
    return replace(take, settings=replace(take.settings, quality=quality))


def true_error(data: Path, solution: Solution, take: Take) -> float:
    """Millimeters, mean over the face, after one rigid placement of all frames."""
    with np.load(data / "ict_stage" / "truth.npz") as arrays:
        vertices, head = arrays["vertices"][solution.frames].astype(np.float64), arrays["head_weight"]
    face = np.flatnonzero((np.arange(vertices.shape[1]) < FACE) & (head > WITH_HEAD))
    one, other = solution.vertices(take.rig)[:, face].reshape(-1, 3), vertices[:, face].reshape(-1, 3)
    a, b = one - one.mean(0), other - other.mean(0)
    left, _, right = np.linalg.svd(a.T @ b)
    turn = left @ np.diag([1.0, 1.0, np.linalg.det(left @ right)]) @ right
    return 10 * float(np.linalg.norm(a @ turn - b, axis=1).mean())


def rank_correlation(one: Sequence[float], other: Sequence[float]) -> float:
    """Spearman's, of values without ties."""
    apart = np.argsort(np.argsort(one)) - np.argsort(np.argsort(other))
    return 1 - 6 * float(apart @ apart) / (len(one) * (len(one) ** 2 - 1))


def main(words: Sequence[str] | None = None) -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=4)
    parser.add_argument("--quality", choices=QUALITIES, default="draft")
    parser.add_argument("--rows", nargs="+", choices=list(ROWS), default=list(ROWS))
    options = parser.parse_args(words)
    data, found = Path(os.environ["FACESOLVE_DATA"]), {}
    for name in options.rows:
        take = prepared(data, ROWS[name], options.frames, options.quality)
        solution = facesolve.solve(take, device="cpu")
        score = scored(solution, fitted_take(take, solution), torch.device("cpu"), Silent())
        found[name] = (true_error(data, solution, take), figures(score))
    ordered = sorted(found, key=lambda name: found[name][0])
    names = list(found[ordered[0]][1])
    table = Table()
    for heading in ("", "true error, mm", *names):
        table.add_column(heading, justify="right" if heading else "left")
    for name in ordered:
        error, values = found[name]
        table.add_row(name, f"{error:.2f}", *(f"{values[figure]:.3f}" for figure in names))
    true = [found[name][0] for name in ordered]
    ranks = [rank_correlation(true, [found[name][1][figure] for name in ordered]) for figure in names]
    table.add_row("rank correlation", "", *(f"{rank:+.2f}" for rank in ranks))
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
