"""What correctives gain on a head that its rig cannot make, and that they cost nothing on one that it can.

    python -m tests.bench.off_rig [--quality draft] [--height 0.3] [--out DIR]

Films the demo's take twice, as the rig has it and with a fuller cheek and a bulge that comes with the smile, solves
both with the same rig, finds correctives, and prints mean errors against the vertices that were filmed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from facesolve.correctives.apply import applied
from facesolve.correctives.search import Search
from facesolve.demo.film import Stage
from facesolve.demo.head import build_head, build_rig
from facesolve.demo.skin import paint
from facesolve.evaluate.evaluation import read_truth
from facesolve.evaluate.vertex_errors import MILLIMETERS
from facesolve.geometry.rig import RigModel, apply_head
from facesolve.jobs.demo_take import TRUTH, film_take
from facesolve.jobs.find_correctives import find_correctives
from facesolve.jobs.solve_folder import solve_take_folder
from facesolve.runtime.progress import Silent
from facesolve.take import (
    Driver,
    Rig,
    Shape,
    Solution,
    Take,
    Target,
    read_correctives,
    read_solution,
    read_take,
    write_take,
)
from facesolve.take.settings import QUALITIES
from facesolve.take.settings_record import SettingsChange

CHEEK = ((3.6, -2.5, 6.6), 1.6)  # where and how wide, centimeters
BULGE = ((-3.4, -3.4, 6.6), 1.3)
WITH = "mouthSmile_L"  # the control that brings the bulge with it
MOVED = 0.03  # cm off the rig from which a vertex is counted as deformed


def real_rig(rig: Rig, height: float) -> Rig:
    """``rig`` as the actor really is: ``height`` cm fuller at one cheek, and a bulge on the other with the smile."""
    bulge = Shape.from_dense(height * _push(rig, *BULGE), 1.0, 1e-4)
    driver = Driver.identity(rig.control_names.index(WITH), len(rig.targets))
    return replace(
        rig,
        neutral=rig.neutral + height * _push(rig, *CHEEK),
        targets=(*rig.targets, Target("off_rig", (bulge,))),
        drivers=(*rig.drivers, driver),
    )


def film_off_rig(folder: Path, height: float, frames: int = 16) -> tuple[Take, Rig]:
    """Writes the take into ``folder``; returns it, with the rig that lacks the deformation, and the real rig."""
    head = build_head()
    rig = build_rig(head)
    real = real_rig(rig, height)
    film_take(Stage.of(RigModel(real), paint(head, RigModel(rig))), folder, frames)
    write_take(replace(read_take(folder), rig=rig), folder)
    return read_take(folder), real


@dataclass(frozen=True)
class Errors:
    """Mean errors in mm over all frames: of the face's vertices in the world and along the true surface's normals, and
    the same where the head is off its rig (NaN where it is not)."""

    face: float
    face_normal: float
    region: float
    region_normal: float


def errors(take: Take, solution: Solution, real: Rig, truth: Path) -> Errors:
    """Of a solution on the rig of ``take``, which may have correctives, against the real rig's vertices."""
    known = read_truth(truth)
    order = [known.names.index(name) for name in real.control_names]
    true = RigModel(real, dtype=torch.float64)
    model = RigModel(take.rig, dtype=torch.float64)
    head, true_head = torch.from_numpy(solution.head), torch.from_numpy(known.head)
    filmed = apply_head(true_head, true.vertices(torch.from_numpy(known.weights[:, order])))
    difference = apply_head(head, model.vertices(torch.from_numpy(solution.controls))) - filmed
    normal = (difference * true.vertex_normals(filmed)).sum(-1).abs() * MILLIMETERS
    distance = difference.norm(dim=-1) * MILLIMETERS
    plain = RigModel(replace(real, targets=real.targets[:-1], drivers=real.drivers[:-1]), dtype=torch.float64)
    face = plain.moving_vertices()
    off = torch.from_numpy(np.linalg.norm(real.neutral - build_rig(build_head()).neutral, axis=1) > MOVED)
    off |= true.deltas[-1].norm(dim=1) > MOVED

    def mean(values: Tensor, where: Tensor) -> float:
        return float(values[:, where].mean())

    return Errors(mean(distance, face), mean(normal, face), mean(distance, off), mean(normal, off))


def measure(folder: Path, height: float, quality: str) -> tuple[Errors, Errors, int]:
    """Films and solves in ``folder``; errors before and after correctives, and how many there are."""
    _, real = film_off_rig(folder / "take", height)
    out = folder / "solution"
    solve_take_folder(
        folder / "take",
        out,
        device="auto",
        settings=SettingsChange(values={"quality": quality}),
        frames=None,
        resume=False,
        overwrite=True,
        progress=Silent(),
    )
    take, solution, truth = read_take(folder / "take"), read_solution(out), folder / "take" / TRUTH
    before = errors(take, solution, real, truth)
    result = find_correctives(out, search=Search(), take_folder=None, mask=None, device="auto", progress=Silent())
    if result.correctives is None:
        return before, before, 0
    corrected_take, corrected = applied(take, solution, read_correctives(out))
    return before, errors(corrected_take, corrected, real, truth), len(result.correctives.targets)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.off_rig", description="What correctives gain.")
    parser.add_argument("--height", type=float, default=0.3, help="of the deformation, centimeters")
    parser.add_argument("--quality", choices=QUALITIES, default="standard")
    parser.add_argument("--out", type=Path, metavar="DIR", help="keep takes and solutions")
    chosen = parser.parse_args(arguments)
    table = Table(title="mean errors, mm: solved, and with correctives on top", title_justify="left")
    for heading in ("head", "correctives", "face", "along normals", "off-rig part", "along normals"):
        table.add_column(heading, justify="left" if heading == "head" else "right")
    with tempfile.TemporaryDirectory() as scratch:
        for name, height in (("as its rig", 0.0), (f"off its rig by {10 * chosen.height:g} mm", chosen.height)):
            folder = (Path(scratch) if chosen.out is None else chosen.out) / name.replace(" ", "_")
            before, after, count = measure(folder, height, chosen.quality)
            pairs = [
                f"{getattr(before, field):.3f} > {getattr(after, field):.3f}"
                for field in ("face", "face_normal", "region", "region_normal")
            ]
            table.add_row(name, str(count), *(pairs if height else [*pairs[:2], "", ""]))
    Console().print(table)
    return 0


def _push(rig: Rig, place: tuple[float, ...], width: float) -> np.ndarray:
    """(V, 3) along the normals, 1 high at the skin's vertex nearest to ``place``."""
    skin = rig.meshes[0].vertex_count
    center = rig.neutral[np.argmin(((rig.neutral[:skin] - np.array(place)) ** 2).sum(1))]
    fade = np.exp(-0.5 * ((rig.neutral - center) ** 2).sum(1) / width**2)
    fade[skin:] = 0
    model = RigModel(rig, dtype=torch.float64)
    return fade[:, None] * model.vertex_normals(model.neutral[None])[0].numpy()


if __name__ == "__main__":
    sys.exit(main())
