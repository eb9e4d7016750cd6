"""Error against seconds of the second-order solve and of Adam, on the same take, in one run on one machine.

    python -m tests.bench.versus_adam                                   the demo's take
    python -m tests.bench.versus_adam TAKE --truth truth.npz --region 0:6706 --out results

Both read the footage from disk and begin at the take's start pose; Adam gets the second-order solve's seconds (or
``--budget``), and decays its learning rates to be at rest when they are over. With ``--out`` a picture and a JSON file
are written beside the second-order solution.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from facesolve.baseline.first_order import Snapshot, solve_first_order
from facesolve.baseline.method import PRESETS, Budget
from facesolve.evaluate import evaluate
from facesolve.evaluate.evaluation import Truth, read_truth
from facesolve.evaluate.vertex_errors import RegionErrors
from facesolve.jobs.demo_take import TRUTH, make_take
from facesolve.jobs.solve_folder import solve_take_folder
from facesolve.runtime.devices import choose_device, device_name
from facesolve.runtime.progress import Silent
from facesolve.take import FacesolveError, Solution, Take, TakeError, read_take
from facesolve.take.frame_range import parse_region
from facesolve.take.settings import QUALITIES
from facesolve.take.settings_record import SettingsChange

CLAIM = 5.0  # times the second-order error that Adam still has when the second-order solve ends
EVALUATED = 12  # points of each of Adam's curves
EVERY = 10  # steps between snapshots
SECOND_ORDER = "second order"
COLORS = ("#1f6f8b", "#e07a3f", "#8b5fa3", "#5aa469")


@dataclass(frozen=True)
class Point:
    """Mean face vertex errors after ``seconds``, mm: world, and rig with the head transform removed. steps: Adam's."""

    seconds: float
    steps: int
    world: float
    rig: float


@dataclass(frozen=True)
class Comparison:
    """Curves by method, each in order of time, all from the start pose.

    budget: seconds that Adam had. processor: by method, seconds of processor time, all threads; where they are a
    smaller part of the seconds for one method than for another, something else kept the machine busy.
    """

    region: str
    frames: int
    device: str
    budget: float
    curves: dict[str, list[Point]]
    processor: dict[str, float]

    @property
    def second_order(self) -> Point:
        """The end of the second-order solve."""
        return self.curves[SECOND_ORDER][-1]

    def ratios(self) -> dict[str, float]:
        """Each first-order method's error at the end of the second-order solve, divided by the second-order one's.

        Its first state from then on counts, its last when it ended before.
        """
        end, ratios = self.second_order, {}
        for name, curve in self.curves.items():
            if name != SECOND_ORDER:
                ratios[name] = curve[_first_from([point.seconds for point in curve], end.seconds)].world / end.world
        return ratios


def compare(
    folder: Path,
    truth: Truth,
    out: Path,
    *,
    region: tuple[int, int] | None,
    budget: float | None,
    device: str,
    quality: str | None,
) -> Comparison:
    """Solves the take in ``folder`` by all methods. budget: seconds for Adam, None for what the other one took."""
    take = read_take(folder)
    begun, worked = time.perf_counter(), time.process_time()
    solution = solve_take_folder(
        folder,
        out / "second_order",
        device=device,
        settings=SettingsChange(values={} if quality is None else {"quality": quality}),
        frames=None,
        resume=False,
        overwrite=True,
        progress=Silent(),
    )
    seconds = time.perf_counter() - begun
    processor = {SECOND_ORDER: time.process_time() - worked}

    def measured(solution: Solution) -> RegionErrors:
        return evaluate(solution, take, truth, region).regions[-1]

    start, end = measured(_at_start(solution, take)), measured(solution)
    curves = {SECOND_ORDER: [_point(0.0, 0, start), _point(seconds, 0, end)]}
    budget = seconds if budget is None else budget
    where = choose_device(device)
    for name, method in PRESETS.items():
        snapshots: list[Snapshot] = []
        worked = time.process_time()
        last = solve_first_order(take, where, method, Budget(seconds=budget), observe=snapshots.append, every=EVERY)
        processor[f"Adam, {name}"] = time.process_time() - worked
        chosen = {round(i) for i in np.linspace(0, len(snapshots) - 1, EVALUATED)}
        chosen.add(_first_from([snapshot.seconds for snapshot in snapshots], seconds))
        curves[f"Adam, {name}"] = [
            _point(s.seconds, s.steps, measured(replace(last, controls=s.controls, head=s.head)))
            for s in (snapshots[i] for i in sorted(chosen))
        ]
    return Comparison(end.name, take.frame_count, device_name(where), budget, curves, processor)


def _first_from(times: Sequence[float], seconds: float) -> int:
    """Index of the first of ``times`` at or after ``seconds``, of the last when all are before."""
    return next((i for i, reached in enumerate(times) if reached >= seconds), len(times) - 1)


def print_comparison(comparison: Comparison, console: Console) -> None:
    """The curves as one table, and the ratios at the end of the second-order solve."""
    table = Table(
        title=f"mean vertex error of {comparison.region}, mm; {comparison.frames} frames, {comparison.device}",
        title_justify="left",
    )
    for heading in ("method", "seconds", "steps", "error, mm", "head removed, mm"):
        table.add_column(heading, justify="left" if heading == "method" else "right")
    for name, curve in comparison.curves.items():
        for point in curve:
            steps = "" if name == SECOND_ORDER else str(point.steps)
            table.add_row(name, f"{point.seconds:.1f}", steps, f"{point.world:.3f}", f"{point.rig:.3f}")
        table.add_section()
    console.print(table)
    worked = (
        f"{name} {seconds:.0f} of {comparison.curves[name][-1].seconds:.0f}"
        for name, seconds in comparison.processor.items()
    )
    console.print(f"processor seconds: {'; '.join(worked)}; a fair run has alike shares", highlight=False)
    for name, ratio in comparison.ratios().items():
        verdict = "holds" if ratio >= CLAIM else "does not hold"
        console.print(
            f"when the second-order solve ends, after {comparison.second_order.seconds:.1f} s, {name} has "
            f"{ratio:.1f} times its error: at least {CLAIM:g} times {verdict}",
            highlight=False,
        )


def comparison_record(comparison: Comparison) -> dict[str, object]:
    """As JSON values."""
    return {
        "region": comparison.region,
        "frames": comparison.frames,
        "device": comparison.device,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "processor_seconds": comparison.processor,
        "adam_budget_seconds": comparison.budget,
        "methods": {name: asdict(method) for name, method in PRESETS.items()},
        "curves": {name: [asdict(point) for point in curve] for name, curve in comparison.curves.items()},
        "ratio_at_end_of_second_order": comparison.ratios(),
    }


def draw_comparison(comparison: Comparison, path: Path) -> None:
    """A PNG of error against seconds, both logarithmic; the second-order solve shows only its start and its end."""
    figure = Figure(figsize=(7.5, 4.6), dpi=120, facecolor="white", layout="constrained")
    panel = figure.subplots()
    first = min(point.seconds for curve in comparison.curves.values() for point in curve if point.seconds > 0)
    for (name, curve), color in zip(comparison.curves.items(), COLORS, strict=False):
        seconds = [max(point.seconds, first / 2) for point in curve]  # the start has no place on a logarithmic axis
        style = "--" if name == SECOND_ORDER else "-"
        panel.plot(seconds, [point.world for point in curve], style, marker="o", markersize=4, color=color, label=name)
        panel.annotate(f"{curve[-1].world:.2f}", (seconds[-1], curve[-1].world), (6, -3), textcoords="offset points")
    panel.set_xscale("log")
    panel.set_yscale("log")
    panel.set_xlabel("seconds, reading the footage included")
    panel.set_ylabel(f"mean vertex error of {comparison.region}, mm")
    panel.set_title(f"{comparison.frames} frames, {comparison.device}", loc="left", fontsize=10)
    panel.grid(color="#d9dee2", which="both", linewidth=0.6)
    panel.legend(frameon=False)
    for side in ("top", "right"):
        panel.spines[side].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 when the claim holds for every preset, 1 when it does not, 2 for bad input."""
    chosen = _parser().parse_args(arguments)
    if chosen.threads is not None:
        torch.set_num_threads(chosen.threads)
    console = Console()
    try:
        with tempfile.TemporaryDirectory() as scratch:
            out = Path(scratch) if chosen.out is None else chosen.out
            comparison = _run(chosen, out)
            print_comparison(comparison, console)
            if chosen.out is not None:
                draw_comparison(comparison, out / "versus_adam.png")
                record = json.dumps(comparison_record(comparison), indent=1)
                (out / "versus_adam.json").write_text(record + "\n", encoding="utf-8")
                console.print(f"written: {out / 'versus_adam.png'}, {out / 'versus_adam.json'}", highlight=False)
    except FacesolveError as error:
        print(f"versus_adam: error: {error}", file=sys.stderr)
        return 2
    return 0 if min(comparison.ratios().values()) >= CLAIM else 1


def _run(chosen: argparse.Namespace, out: Path) -> Comparison:
    folder, truth = chosen.take, chosen.truth
    if folder is None:
        folder = out / "demo_take"
        make_take(folder)
        truth = folder / TRUTH
    elif truth is None:
        raise TakeError("the errors of a take of your own need its truth; give it with --truth.")
    return compare(
        folder,
        read_truth(truth),
        out,
        region=None if chosen.region is None else parse_region(chosen.region),
        budget=None if chosen.budget == "auto" else _seconds(chosen.budget),
        device=chosen.device,
        quality=chosen.quality,
    )


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise TakeError(f"budget: '{text}' is neither 'auto' nor a number of seconds above 0.")
    return seconds


def _at_start(solution: Solution, take: Take) -> Solution:
    """The start pose at every frame, in the shape of ``solution``."""
    assert take.start is not None  # the solve has refused such a take
    controls = np.tile(take.start.controls, (take.frame_count, 1))
    return replace(solution, controls=controls, head=np.tile(take.start.head, (take.frame_count, 1, 1)))


def _point(seconds: float, steps: int, errors: RegionErrors) -> Point:
    return Point(seconds, steps, errors.world_mean, errors.rig_mean)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.versus_adam",
        description="Error against seconds of the second-order solve and of Adam on the same take.",
    )
    parser.add_argument("take", type=Path, nargs="?", metavar="TAKE", help="default: the demo's take")
    parser.add_argument("--truth", type=Path, help="truth .npz of TAKE")
    parser.add_argument("--region", metavar="A:B", help="measure vertices A to B - 1")
    parser.add_argument("--budget", default="auto", metavar="SECONDS", help="for Adam; auto: what the solve took")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--quality", choices=QUALITIES, help="of the second-order solve, instead of the take's")
    parser.add_argument("--threads", type=int, help="of PyTorch, for all methods")
    parser.add_argument("--out", type=Path, metavar="DIR", help="for the solution, versus_adam.png and .json")
    return parser


if __name__ == "__main__":
    sys.exit(main())
