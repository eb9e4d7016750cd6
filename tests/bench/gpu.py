"""Speed and accuracy on a GPU, ours by fused kernels, with either rasterizer, and Adam's, in one run.

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
from facesolve.geometry.rig import RigModel, apply_head
from facesolve.render import CHOICE, choose_backend
from facesolve.runtime.checkpoint import NoCheckpoint
from facesolve.runtime.devices import choose_device, existing_device, make_current
from facesolve.runtime.kernels import CHOICE as KERNELS
from facesolve.runtime.kernels import choose_kernels
from facesolve.runtime.progress import Silent
from facesolve.solve.pipeline import Solved, solve_take
from facesolve.take import SolveError, Take, read_take
from facesolve.take.frame_range import parse_region

from .generated import PLACES, Filmed, film
from .gpu_pieces import differences, pieces_of_an_iteration

GOAL = 0.25  # mm: seconds to reach it are compared
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


def choose(method: str) -> None:
    """What runs from now on: ``triton`` for fused kernels, a rasterizer's name for plain PyTorch around it, ``auto``
    for what a user gets."""
    os.environ[KERNELS] = "triton" if method == "triton" else "torch"
    os.environ[CHOICE] = method if method in ("nvdiffrast", "torch") else "auto"


def measure_ours(
    name: str,
    take: Take,
    errors: Errors,
    device: torch.device,
    method: str = "auto",
    beside: Sequence[torch.device] = (),
    times: int = 1,
) -> tuple[Row, Solved]:
    """The solve of median time of some, by a method of ``choose``.

    beside: devices that share the refinement.
    """
    choose(method)
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
    drawn = "Triton" if choose_kernels(device).fused else choose_backend(device).name
    method = f"ours, {drawn}" + (f", {1 + len(beside)} devices" if beside else "")
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
        columns = list(record["pieces"])
        lines += ["", f"| one iteration at full resolution, ms a frame | {' | '.join(columns)} |"]
        lines += ["|---|" + "---:|" * len(columns)]
        for piece in record["pieces"][columns[0]]:
            spent = " | ".join(f"{record['pieces'][column][piece]:.3f}" for column in columns)
            lines.append(f"| {piece} | {spent} |")
    if record["differences"]:
        lines += ["", "| fused kernels against plain PyTorch | largest difference |", "|---|---:|"]
        lines += [f"| {name} | {value:.1e} |" for name, value in record["differences"].items()]
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
        "differences": {},
    }

    def keep(row: Row) -> None:
        rows.append(row)
        print(f"{row.take}, {row.method}: {row.frames} frames in {row.seconds:.2f} s, {row.error:.3f} mm", flush=True)
        chosen.out.mkdir(parents=True, exist_ok=True)
        record["rows"] = [{**asdict(each), "milliseconds": each.milliseconds} for each in rows]
        (chosen.out / "results.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        (chosen.out / "results.md").write_text(markdown(record, rows), encoding="utf-8")

    methods = chosen.methods or _methods(device, record)
    if chosen.rom is not None:
        take = read_take(chosen.rom)
        region = None if chosen.rom_region is None else parse_region(chosen.rom_region)
        errors = Errors(take, read_truth(chosen.rom_truth), region, device)
        measure_ours(take.name, take, errors, device)  # libraries set themselves up
        for method in methods:
            keep(measure_ours(take.name, take, errors, device, method, times=chosen.times)[0])
    if chosen.frames:
        filmed = film(chosen.frames, device, chosen.width, chosen.height, chosen.cameras)
        _generated(filmed, device, methods, chosen.lengths, chosen.times, record, keep)
        for shapes in chosen.shapes:
            _many_shapes(shapes, device, chosen.times, keep)
        if several:
            _over_devices(filmed, several, chosen.times, keep)
        rasterizers = [method for method in methods if method != "triton"] or ["auto"]
        _descents(filmed, device, rasterizers, chosen.adam, chosen.adam_briefly, keep)
    print(markdown(record, rows))
    return 0


def _generated(
    filmed: Filmed,
    device: torch.device,
    methods: Sequence[str],
    lengths: Sequence[int],
    times: int,
    record: dict[str, Any],
    keep: Callable[[Row], None],
) -> None:
    errors = Errors(filmed.take, filmed.truth, None, device)
    with filmed.in_memory():
        measure_ours("generated", filmed.take, errors, device)
        for method in methods:
            row, solved = measure_ours("generated", filmed.take, errors, device, method, times=times)
            if device.type == "cuda":
                few = min(4, len(filmed.images))
                record["pieces"][method] = pieces_of_an_iteration(solved, filmed, few)
                if method == "triton":
                    record["differences"] = differences(solved, filmed, few)
            del solved
            keep(row)
    lenses = [("generated, through lenses", filmed.distorted())]
    for name, other in [("generated", filmed.prolonged(length)) for length in lengths] + lenses:
        with other.in_memory():
            measured = Errors(other.take, other.truth, None, device)
            keep(measure_ours(name, other.take, measured, device, methods[0], times=times)[0])


def _methods(device: torch.device, record: Mapping[str, Any]) -> list[str]:
    """All that can run here, the fastest first."""
    rasterizers = ["auto"] if record["nvdiffrast"] == "none" else ["nvdiffrast", "torch"]
    choose("triton")
    try:
        choose_kernels(device)
    except SolveError as missing:
        print(missing)
        return rasterizers
    return ["triton", *rasterizers]


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
                choose(rasterizer)
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
    parser.add_argument(
        "--methods", nargs="*", default=(), metavar="NAME", help="of triton, nvdiffrast, torch, auto; default: all"
    )
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
