"""Speed and accuracy on a GPU, ours with either rasterizer and Adam's, in one run.

    python -m tests.bench.gpu --out results
    python -m tests.bench.gpu --rom ict_rom_take --rom-truth truth.npz --rom-region 0:6706 --adam 60 --out results

Writes ``results.json`` and ``results.md``. Time counts from decoded images in host memory to finished curves; the take
of files also decodes them. Ours is solved several times and the run of median time is reported. Peak memory is what
PyTorch had in use at most and what the other libraries hold.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from facesolve.baseline.first_order import Snapshot, solve_first_order
from facesolve.baseline.method import PRESETS, Budget
from facesolve.commands.words import several_devices
from facesolve.evaluate.evaluation import Truth, read_truth
from facesolve.footage.stream import TakeFootage
from facesolve.geometry.rig import RigModel, apply_head
from facesolve.geometry.surface_samples import PlacedSamples
from facesolve.optimize.levenberg_marquardt import Linearized, Options
from facesolve.optimize.robust import robust_weight
from facesolve.render import CHOICE, choose_backend
from facesolve.residuals.normal_equations import normal_equations
from facesolve.residuals.observation import observe
from facesolve.residuals.photometric import Photometric, sample_normals, template_covectors
from facesolve.residuals.residual import REFINE
from facesolve.runtime.checkpoint import NoCheckpoint
from facesolve.runtime.devices import choose_device, existing_device, make_current
from facesolve.runtime.progress import Silent
from facesolve.solve.pipeline import Solved, solve_take
from facesolve.stages.frame_fit import BOX_ROUNDS, with_priors
from facesolve.stages.refine import learn_template
from facesolve.take import Take, read_take
from facesolve.take.frame_range import parse_region

from .generated import PLACES, Filmed, film

GOAL = 0.25  # mm: seconds to reach it are compared
REPETITIONS = 20
MANY_FRAMES, MANY_CAMERAS, MANY_SIZE = 16, 3, (600, 800)  # of the takes with very many shapes


@dataclass(frozen=True)
class Row:
    """One solve: mean and largest frame's mean vertex error in mm, with the head and with it removed.

    curve: of a descent, seconds and mean errors on the way.
    """

    take: str
    method: str
    frames: int
    seconds: float
    error: float
    worst_frame: float
    head_removed: float
    weights: float
    peak_gib: float
    stages: dict[str, float] = field(default_factory=dict)
    to_goal: float | None = None
    curve: list[tuple[float, float]] = field(default_factory=list)

    @property
    def milliseconds(self) -> float:
        return 1000 * self.seconds / self.frames


class Stages(Silent):
    """Seconds of each stage of a solve, with the device's work done."""

    def __init__(self, device: torch.device) -> None:
        self.seconds: dict[str, float] = {}
        self._device, self._name, self._begun = device, "", 0.0

    def stage(self, name: str, total: int) -> None:
        self.end()
        self._name, self._begun = name, time.perf_counter()

    def end(self) -> None:
        _wait(self._device)
        if self._name:
            spent = time.perf_counter() - self._begun
            self.seconds[self._name] = self.seconds.get(self._name, 0.0) + spent
        self._name = ""


class Watched(NoCheckpoint):
    """Keeps when tracking ended and the controls and heads that it came to."""

    tracked: tuple[float, np.ndarray, np.ndarray] | None = None

    def put(self, name: str, part: Callable[[], Mapping[str, np.ndarray]], now: bool = False) -> None:
        """The last of the tracked ones is put at once."""
        if name == "track" and now:
            arrays = part()
            self.tracked = (time.perf_counter(), arrays["controls"], arrays["head"])


class Errors:
    """Measures poses of a take against its truth over the vertices that may drive a solve, or a region of them."""

    def __init__(self, take: Take, truth: Truth, region: tuple[int, int] | None, device: torch.device) -> None:
        self._model = RigModel(take.rig, device)
        weight = take.rig.photometric_weight
        everything = np.arange(take.rig.vertex_count) if weight is None else np.flatnonzero(weight)
        self._vertices = torch.as_tensor(everything if region is None else np.arange(*region), device=device)
        columns = [truth.names.index(name) for name in take.rig.control_names]
        self._controls = torch.as_tensor(truth.weights[:, columns], device=device, dtype=torch.float32)
        self._head = torch.as_tensor(truth.head, device=device, dtype=torch.float32)

    def of(self, controls: Tensor, head: Tensor) -> tuple[float, float, float, float]:
        """Mean error, that of the worst frame, mean with the head removed (mm), mean weight error."""
        controls, head = controls.to(self._controls), head.to(self._head)
        world, rig = [], []
        for frame in range(len(controls)):
            one = slice(frame, frame + 1)
            here, there = (self._model.vertices(c[one])[:, self._vertices] for c in (controls, self._controls))
            rig.append(10 * (here - there).norm(dim=-1).mean())
            apart = apply_head(head[one], here) - apply_head(self._head[one], there)
            world.append(10 * apart.norm(dim=-1).mean())
        of_frame = torch.stack(world)
        weights = (controls - self._controls).abs().mean()
        return float(of_frame.mean()), float(of_frame.max()), float(torch.stack(rig).mean()), float(weights)


def measure_ours(
    name: str,
    take: Take,
    errors: Errors,
    device: torch.device,
    rasterizer: str = "auto",
    beside: Sequence[torch.device] = (),
    times: int = 1,
) -> tuple[Row, Solved]:
    """The solve of median time of some, with a rasterizer, ``auto`` for what a user gets.

    beside: devices that share the refinement.
    """
    os.environ[CHOICE] = rasterizer
    runs = sorted((_solved(name, take, errors, device, beside) for _ in range(times)), key=lambda run: run[0].seconds)
    return runs[times // 2]


def _solved(
    name: str, take: Take, errors: Errors, device: torch.device, beside: Sequence[torch.device]
) -> tuple[Row, Solved]:
    stages = Stages(device)
    _forget(device)
    watched = Watched()
    begun = time.perf_counter()
    solved = solve_take(take, device, stages, watched, beside)
    stages.end()
    seconds = time.perf_counter() - begun
    peak = _peak(device)
    found = errors.of(solved.joint.pose.controls, solved.joint.pose.head)
    method = f"ours, {choose_backend(device).name}" + (f", {1 + len(beside)} devices" if beside else "")
    goal = seconds if found[0] <= GOAL else None
    if watched.tracked is not None:
        at, controls, head = watched.tracked
        goal = at - begun if errors.of(torch.as_tensor(controls), torch.as_tensor(head))[0] <= GOAL else goal
    return Row(name, method, take.frame_count, seconds, *found, peak, stages.seconds, goal), solved


def measure_adam(
    name: str,
    take: Take,
    errors: Errors,
    device: torch.device,
    preset: str,
    seconds: float,
) -> Row:
    """Adam for a number of seconds; when its mean error first was at the goal."""
    snapshots: list[tuple[float, float]] = []

    def watch(snapshot: Snapshot) -> None:
        error = errors.of(torch.as_tensor(snapshot.controls), torch.as_tensor(snapshot.head))[0]
        snapshots.append((snapshot.seconds, error))

    _forget(device)
    solution = solve_first_order(
        take,
        device,
        PRESETS[preset],
        Budget(seconds=seconds),
        observe=watch,
        every=500,
    )
    peak = _peak(device)
    found = errors.of(torch.as_tensor(solution.controls), torch.as_tensor(solution.head))
    reached = next((at for at, error in snapshots if error <= GOAL), None)
    method = f"Adam, {preset}, {choose_backend(device).name}"
    return Row(name, method, take.frame_count, snapshots[-1][0], *found, peak, {}, reached, snapshots)


def pieces_of_an_iteration(solved: Solved, filmed: Filmed, frames: int) -> dict[str, float]:
    """Milliseconds a frame of what one iteration at full resolution does, each recorded and replayed alone."""
    problem, pose = solved.problem, solved.joint.pose
    level, indices = problem.quality.finest, list(range(frames))
    some = pose.at(indices)
    with filmed.in_memory(), TakeFootage(filmed.take, problem.model.device) as footage:
        pixels = [image for _, image in footage.frames(indices, level)]
    index = torch.tensor(indices, device=problem.model.device)
    template = learn_template(problem, pixels, some, index, level)
    visibility = problem.views.visibility(problem.samples, level, indices, some.controls, some.head)
    views = problem.views.build(visibility, level, indices, pixels)
    quadratic, scale, _ = Photometric.of(template, views, level).judged(problem, some, None)
    full = with_priors(problem, quadratic, some, index, REFINE)
    model, box = Linearized(full.A, full.b, full.cost, scale), problem.box(some, index)
    damping = torch.full((frames,), 1e-4, dtype=torch.float64, device=index.device)

    def linearize() -> tuple[Tensor, Tensor, PlacedSamples]:
        seen = observe(problem.samples, problem.model, some.controls, some.head, views)
        residual = seen.values - template.values
        weights = seen.weights * (template.weights > 0) * robust_weight(residual, scale[:, None, None])
        covectors = template_covectors(template.slopes, seen.rays, views.edges)
        return (*sample_normals(covectors, weights, residual), seen.placed)

    information, force, placed = linearize()
    tasks: dict[str, Callable[[], Any]] = {
        "rasterization and visibility": lambda: problem.views.visibility(
            problem.samples, level, indices, some.controls, some.head
        ),
        "normalized images": lambda: problem.views.build(visibility, level, indices, pixels),
        "linearization": linearize,
        "accumulation": lambda: normal_equations(placed, information, force, exact=False),
        "bounded step": lambda: model.damped_step(damping, box, Options(1, box_rounds=BOX_ROUNDS)),
    }
    recorded = ("linearization", "accumulation", "bounded step")
    pieces = {name: _milliseconds(task, name in recorded) / frames for name, task in tasks.items()}
    with filmed.in_memory(), TakeFootage(filmed.take, problem.model.device) as footage:
        begun = time.perf_counter()
        for _ in footage.frames(range(len(filmed.images)), level, color=False):
            _wait(problem.model.device)
        pieces["input alone"] = 1000 * (time.perf_counter() - begun) / len(filmed.images)
    return pieces


def _milliseconds(task: Callable[[], Any], recorded: bool) -> float:
    task()
    torch.cuda.synchronize()
    run = task
    if recorded:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            task()
        run = graph.replay
    run()
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    begin.record()
    for _ in range(REPETITIONS):
        run()
    end.record()
    torch.cuda.synchronize()
    return begin.elapsed_time(end) / REPETITIONS


def _forget(device: torch.device) -> None:
    """Nothing of what came before counts as memory in use."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


def _peak(device: torch.device) -> float:
    """GiB of the device's memory."""
    if device.type != "cuda":
        return 0.0
    free, total = torch.cuda.mem_get_info(device)
    others = total - free - torch.cuda.memory_reserved(device)
    return (torch.cuda.max_memory_allocated(device) + others) / 2**30


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def markdown(record: dict[str, Any], rows: Sequence[Row]) -> str:
    """The results as a page."""
    lines = [
        f"{record['date']}, {record['device']}, PyTorch {record['torch']}, CUDA {record['cuda']}, "
        f"nvdiffrast {record['nvdiffrast']}, Python {record['python']}.",
        "",
        f"| take | method | frames | seconds | ms a frame | error, mm | worst frame, mm | head removed, mm | "
        f"weights | peak GiB | seconds to {GOAL} mm |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        goal = "not reached" if row.to_goal is None else f"{row.to_goal:.2f}"
        lines.append(
            f"| {row.take} | {row.method} | {row.frames} | {row.seconds:.2f} | {row.milliseconds:.1f} "
            f"| {row.error:.3f} | {row.worst_frame:.3f} | {row.head_removed:.3f} | {row.weights:.4f} "
            f"| {row.peak_gib:.1f} | {goal} |"
        )
    lines += ["", "| take | method | frames | " + " | ".join(_stage_names(rows)) + " |"]
    lines.append("|---|---|---:|" + "---:|" * len(_stage_names(rows)))
    for row in rows:
        if row.stages:
            spent = " | ".join(f"{row.stages.get(name, 0):.2f}" for name in _stage_names(rows))
            lines.append(f"| {row.take} | {row.method} | {row.frames} | {spent} |")
    if record["pieces"]:
        lines += ["", "| one iteration at full resolution, ms a frame | |", "|---|---:|"]
        lines += [f"| {name} | {spent:.3f} |" for name, spent in record["pieces"].items()]
    return "\n".join(lines) + "\n"


def _stage_names(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row.stages))


def main(arguments: Sequence[str] | None = None) -> int:
    chosen = _parser().parse_args(arguments)
    device = choose_device(chosen.device)
    several = [existing_device(name) for name in chosen.devices]
    rows: list[Row] = []
    record: dict[str, Any] = {
        "date": date.today().isoformat(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or "cpu",
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "nvdiffrast": _version_of_nvdiffrast(),
        "python": platform.python_version(),
        "pieces": {},
    }

    def keep(row: Row) -> None:
        rows.append(row)
        print(f"{row.take}, {row.method}: {row.frames} frames in {row.seconds:.2f} s, {row.error:.3f} mm", flush=True)
        chosen.out.mkdir(parents=True, exist_ok=True)
        record["rows"] = [{**asdict(each), "milliseconds": each.milliseconds} for each in rows]
        (chosen.out / "results.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        (chosen.out / "results.md").write_text(markdown(record, rows), encoding="utf-8")

    rasterizers = ["auto"] if record["nvdiffrast"] == "none" else ["nvdiffrast", "torch"]
    if chosen.rom is not None:
        take = read_take(chosen.rom)
        region = None if chosen.rom_region is None else parse_region(chosen.rom_region)
        errors = Errors(take, read_truth(chosen.rom_truth), region, device)
        measure_ours(take.name, take, errors, device)  # libraries set themselves up
        for rasterizer in rasterizers:
            keep(measure_ours(take.name, take, errors, device, rasterizer, times=chosen.times)[0])
    if chosen.frames:
        filmed = film(chosen.frames, device, chosen.width, chosen.height, chosen.cameras)
        _generated(filmed, device, rasterizers, chosen.lengths, chosen.times, record, keep)
        for shapes in chosen.shapes:
            _many_shapes(shapes, device, chosen.times, keep)
        if several:
            _over_devices(filmed, several, chosen.times, keep)
        _descents(filmed, device, rasterizers, chosen.adam, chosen.adam_briefly, keep)
    print(markdown(record, rows))
    return 0


def _generated(
    filmed: Filmed,
    device: torch.device,
    rasterizers: Sequence[str],
    lengths: Sequence[int],
    times: int,
    record: dict[str, Any],
    keep: Callable[[Row], None],
) -> None:
    errors = Errors(filmed.take, filmed.truth, None, device)
    with filmed.in_memory():
        measure_ours("generated", filmed.take, errors, device)
        for rasterizer in rasterizers:
            row, solved = measure_ours("generated", filmed.take, errors, device, rasterizer, times=times)
            if device.type == "cuda" and rasterizer != "torch":
                record["pieces"] = pieces_of_an_iteration(solved, filmed, min(4, len(filmed.images)))
            del solved
            keep(row)
    for length in lengths:
        other = filmed.prolonged(length)
        with other.in_memory():
            measured = Errors(other.take, other.truth, None, device)
            keep(measure_ours("generated", other.take, measured, device, times=times)[0])


def _many_shapes(shapes: int, device: torch.device, times: int, keep: Callable[[Row], None]) -> None:
    """A small take of a rig with very many shapes, strongly overlapping: what rounding does to large equations."""
    filmed = film(MANY_FRAMES, device, *MANY_SIZE, cameras=MANY_CAMERAS, shapes=shapes)
    errors = Errors(filmed.take, filmed.truth, None, device)
    with filmed.in_memory():
        keep(measure_ours(f"{shapes} shapes", filmed.take, errors, device, times=times)[0])


def _descents(
    filmed: Filmed,
    device: torch.device,
    rasterizers: Sequence[str],
    tuned: float,
    briefly: float,
    keep: Callable[[Row], None],
) -> None:
    """Adam tuned with the first rasterizer for ``tuned`` seconds; with the others, and at published rates, briefly."""
    errors = Errors(filmed.take, filmed.truth, None, device)
    tasks = [("thesis", rasterizers[0], briefly), *(("tuned", other, briefly) for other in rasterizers[1:])]
    with filmed.in_memory():
        for preset, rasterizer, seconds in [*tasks, ("tuned", rasterizers[0], tuned)]:
            if seconds:
                os.environ[CHOICE] = rasterizer
                keep(measure_adam("generated", filmed.take, errors, device, preset, seconds))


def _over_devices(filmed: Filmed, devices: Sequence[torch.device], times: int, keep: Callable[[Row], None]) -> None:
    """The same take with its refinement shared out; first once for the libraries of each device."""
    make_current(devices[0])
    errors = Errors(filmed.take, filmed.truth, None, devices[0])
    with filmed.in_memory():
        measure_ours("generated", filmed.take, errors, devices[0], beside=devices[1:])
        keep(measure_ours("generated", filmed.take, errors, devices[0], beside=devices[1:], times=times)[0])


def _version_of_nvdiffrast() -> str:
    try:
        import nvdiffrast
    except ImportError:
        return "none"
    return str(nvdiffrast.__version__)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.gpu", description=__doc__.split("\n\n")[0])
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="for results.json and results.md")
    parser.add_argument("--device", default="cuda", help="default: %(default)s")
    parser.add_argument(
        "--devices", type=several_devices, default=(), metavar="0,1", help="the generated take is solved over them, too"
    )
    parser.add_argument("--frames", type=int, default=120, help="of the generated take, 0 for none")
    parser.add_argument("--cameras", type=int, default=len(PLACES))
    parser.add_argument("--width", type=int, default=1200)
    parser.add_argument("--height", type=int, default=1600)
    parser.add_argument(
        "--lengths", type=int, nargs="*", default=[30, 480], metavar="N", help="solved too, there and back again"
    )
    parser.add_argument("--shapes", type=int, nargs="*", default=(), metavar="N", help="of rigs with very many shapes")
    parser.add_argument("--times", type=int, default=3, metavar="N", help="that ours is solved (default: %(default)s)")
    parser.add_argument("--adam", type=float, default=0.0, metavar="SECONDS", help="for Adam, tuned")
    parser.add_argument(
        "--adam-briefly", type=float, default=0.0, metavar="SECONDS", help="at published rates, and drawn otherwise"
    )
    parser.add_argument("--rom", type=Path, metavar="TAKE", help="a take of files, solved too")
    parser.add_argument("--rom-truth", type=Path)
    parser.add_argument("--rom-region", metavar="A:B")
    return parser


if __name__ == "__main__":
    sys.exit(main())
