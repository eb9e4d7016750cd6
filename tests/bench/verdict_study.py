"""What verdicts say about many takes, sound ones and ones with a mistake: a line of JSON for each solve.

    python -m tests.bench.verdict_study --out study.jsonl [--only rom0 ...] [--mistakes none ...] [--device cuda]

Lines that the file has already are not made again. ``python -m tests.bench.verdict_study --table study.jsonl`` prints
the table of docs/method/verdict.md, ``--missed`` what the limits of today get wrong in it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from facesolve.evaluate import evaluate
from facesolve.runtime.checkpoint import NoCheckpoint
from facesolve.runtime.progress import Silent
from facesolve.solve.pipeline import Solved, solve_take
from facesolve.solve.solution import make_solution
from facesolve.take import FacesolveError, Settings, Solution, Take
from facesolve.take.verdict import FITS, VERDICTS, Verdict
from facesolve.verdict.agreement import LEAST_MOVE, SHIFT, Agreement
from facesolve.verdict.cameras_apart import CamerasApart
from facesolve.verdict.from_start import FromStart, from_start
from facesolve.verdict.judge import Judged, judge
from facesolve.verdict.off_calibration import OffCalibration, off_calibration

from .mistakes import MISTAKES, Sound, generated, rom, stage
from .sound_takes import flat_skin, jointed, plain, started_by_eye, with_hair

FIRST = ("rom0", "rom8 8 frames", "stage0", "generated1, 3 cameras")
GENERATED = 12
HARMLESS = ("none", "flicker")
COSTS_MM, COSTS_PART = 0.5, 0.25  # mm, and part of the error without it, from which on a mistake must be named


def takes(data: Path | None, device: torch.device) -> dict[str, Callable[[], Sound]]:
    """Sound takes by name."""
    found: dict[str, Callable[[], Sound]] = {}
    if data is not None:
        for first in (0, 8, 16, 24, 30):
            found[f"rom{first}"] = lambda first=first: rom(data, first)
            found[f"rom{first} 8 frames"] = lambda first=first: rom(data, first, 8)
        found["rom full size"] = lambda: rom(data, 12, 4, half=False)
        found["rom two cameras"] = lambda: rom(data, 5, 4, cameras=2)
        for first in (0, 5, 10):
            found[f"stage{first}"] = lambda first=first: stage(data, first)
            found[f"stage{first}, other rig"] = lambda first=first: stage(data, first, rig="rig.npz")
        found["stage two cameras"] = lambda: stage(data, 3, 4, cameras=2)
        for seed, first in enumerate((2, 12, 20, 26)):
            found[f"rom{first}, by eye"] = lambda f=first, s=seed: started_by_eye(rom(data, f, 4), s)
            found[f"stage{seed + 1}, by eye"] = lambda s=seed: started_by_eye(stage(data, s + 1, 4, rig="rig.npz"), s)
    for seed in range(GENERATED):
        count = (2, 3, 4, 9)[seed % 4]
        found[f"generated{seed}, {count} cameras"] = lambda s=seed, c=count: generated(s, device, 3 + s % 3, c)
        if seed % 3 == 1:
            found[f"generated{seed}, hair"] = lambda s=seed, c=count: with_hair(
                generated(s, device, 4, c), s, s % 2 > 0
            )
    for first in (2, 10):
        found[f"flat skin{first}"] = lambda f=first: flat_skin(device, f)
        found[f"jointed{first}"] = lambda f=first: jointed(device, f)
        found[f"demo{first}, hair"] = lambda f=first: with_hair(plain(device, f), f)
        found[f"demo{first}, by eye"] = lambda f=first: started_by_eye(plain(device, f), f)
    return found


def measure(sound: Sound, mistake: str, device: torch.device) -> dict[str, Any]:
    """One solve, its error and its figures."""
    begun = time.perf_counter()
    try:
        take = replace(MISTAKES[mistake](sound), settings=Settings(quality="draft"))
    except ValueError as problem:
        return {"skipped": str(problem)}
    except FacesolveError as problem:
        return {"refused": str(problem)}
    try:
        solved = solve_take(take, device, Silent(), NoCheckpoint())
        solution = make_solution(take, solved, {})
    except FacesolveError as problem:
        return {"refused": str(problem), "seconds": time.perf_counter() - begun}
    error = evaluate(solution, take, sound.truth).regions[0]
    return {
        "seconds": round(time.perf_counter() - begun, 2),
        "mm": round(float(error.world_mean), 4),
        "mm, worst": round(float(error.world_max), 4),
        "mm, in rig": round(float(error.rig_mean), 4),
        "verdict": None if solution.verdict is None else solution.verdict.record(),
        "figures": figures(take, solved, solution),
    }


def figures(take: Take, solved: Solved, solution: Solution) -> dict[str, Any]:
    """What verdicts are made from, so that limits can be tried without another solve."""
    found: dict[str, Any] = {"pixels_per_cm": solved.agreement.pixels_per_cm}
    for name in ("correlation", "of_patches", "best", "offset", "contrast", "weights"):
        found[name] = getattr(solved.agreement, name).double().cpu().numpy().round(3).tolist()
    found["frames"] = solved.seen.correlation.double().cpu().numpy().round(3).tolist()
    lower, upper = take.rig.bounds.T
    span = upper - lower
    moved = (solution.controls - take.rig.default_controls) / span
    found["moved"] = float(np.abs(moved).mean())
    found["at bounds"] = float(((solution.controls > upper - 1e-3 * span) | (solution.controls < lower - 0.01)).mean())
    found["size"] = list(solved.size)
    found["apart"] = asdict(solved.apart)
    if take.start is not None:
        found["from start"] = asdict(from_start(solved.problem, take.start, solved.joint.pose))
    found["hidden"] = solved.seen.hidden.double().cpu().numpy().round(3).tolist()
    found["error_mm"] = solution.verdict.error_mm
    found["control_std"] = float(np.median(solution.control_std))
    off = off_calibration(solved.problem, solved.bundled.errors, solved.joint.pose.head[0, :3, 3])
    found["off_calibration"] = [asdict(each) for each in off]
    found["camera_errors"] = dict(solution.provenance.get("camera_errors", {}))
    return found


def judged_again(record: dict[str, Any]) -> Verdict:
    """The verdict on a line of the study by the limits of today."""
    found, cameras = record["figures"], list(record["verdict"]["cameras"])
    names = ("correlation", "of_patches", "best", "offset", "contrast", "weights")
    tensors = {name: torch.tensor(found[name], dtype=torch.float32) for name in names}
    scale = found["pixels_per_cm"]
    agreed = Agreement(**tensors, pixels_per_cm=scale, moved=max(1.0, LEAST_MOVE / (SHIFT * scale)))
    return judge(
        Judged(
            cameras,
            range(len(found["frames"])),
            agreed,
            np.array(found["frames"], np.float64),
            found["error_mm"],
            off_calibration=[OffCalibration(**each) for each in found["off_calibration"]],
            hidden=np.array(found["hidden"]),
            size=tuple(found["size"]),
            apart=CamerasApart(**found["apart"]),
            from_start=FromStart(**found.get("from start", {})),
        )
    )


def read_study(study: Path) -> list[dict[str, Any]]:
    """Its lines, each take and mistake once, with the verdicts of today."""
    lines = [json.loads(line) for line in study.read_text(encoding="utf-8").splitlines()]
    records = list({(record["take"], record["mistake"]): record for record in lines}.values())
    for record in records:
        if "figures" in record:
            record["verdict"] = judged_again(record).record()
    return records


def missed(study: Path) -> str:
    """What the limits of today get wrong: sound takes that are doubted, and costly mistakes that are not."""
    records = read_study(study)
    clean = {record["take"]: record["mm"] for record in records if record["mistake"] == "none" and "mm" in record}
    lines = []
    for record in records:
        if "mm" not in record or record["take"] not in clean:
            continue
        usual, sound = clean[record["take"]], record["mistake"] in HARMLESS
        costs = record["mm"] - usual > max(COSTS_MM, COSTS_PART * usual)
        verdict = record["verdict"]
        if (sound and verdict["verdict"] != FITS) or (not sound and costs and verdict["verdict"] == FITS):
            said = verdict["reason"] if sound else ""
            lines.append(f"{record['take']}, {record['mistake']}: {record['mm']:.2f} mm ({usual:.2f} without) {said}")
    return "\n".join(lines)


def table(study: Path) -> str:
    """A row of Markdown for each mistake: errors over the takes, and how many got which verdict."""
    records = read_study(study)
    clean = {record["take"]: record["mm"] for record in records if record["mistake"] == "none" and "mm" in record}
    lines = [
        "| mistake | takes | error, mm | without it, mm | fits | doubtful | does not fit | refused |",
        "|---|---:|---|---|---:|---:|---:|---:|",
    ]
    for mistake in MISTAKES:
        some = [record for record in records if record["mistake"] == mistake and "skipped" not in record]
        solved = [record for record in some if "mm" in record]
        if not some:
            continue
        counts = [sum(record["verdict"]["verdict"] == verdict for record in solved) for verdict in VERDICTS]
        errors = _range([record["mm"] for record in solved])
        usual = _range([clean[record["take"]] for record in solved if record["take"] in clean])
        refused = len(some) - len(solved)
        lines.append(f"| {mistake} | {len(some)} | {errors} | {usual} | {' | '.join(map(str, counts))} | {refused} |")
    return "\n".join(lines)


def _range(values: Sequence[float]) -> str:
    if not values:
        return "-"
    low, high = f"{min(values):.2f}", f"{max(values):.2f}"
    return low if low == high else f"{low}-{high}"


def _in_order(names: Sequence[str], mistakes: Sequence[str]) -> list[tuple[str, str]]:
    """All pairs, so that those done first tell most: every sound take, then every mistake in a few takes."""
    few = [name for name in names if name in FIRST]
    pairs = [(name, "none") for name in names if "none" in mistakes]
    pairs += [(name, mistake) for name in few for mistake in mistakes]
    pairs += [(name, mistake) for mistake in mistakes for name in names]
    return list(dict.fromkeys(pairs))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--out", type=Path)
    what.add_argument("--table", type=Path)
    what.add_argument("--missed", type=Path)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--mistakes", nargs="*")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no solve after so many")
    chosen = parser.parse_args(arguments)
    if chosen.table is not None:
        print(table(chosen.table))
        return 0
    if chosen.missed is not None:
        print(missed(chosen.missed))
        return 0
    device = torch.device(chosen.device)
    data = os.environ.get("FACESOLVE_DATA")
    done = set()
    if chosen.out.exists():
        for line in chosen.out.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            done.add((record["take"], record["mistake"]))
    begun, sounds = time.monotonic(), {}
    everything = takes(None if data is None else Path(data), device)
    for name, mistake in _in_order(chosen.only or list(everything), chosen.mistakes or list(MISTAKES)):
        if (name, mistake) in done:
            continue
        if time.monotonic() - begun > chosen.seconds:
            break
        if name not in sounds:
            sounds[name] = everything[name]()
        record = {"take": name, "mistake": mistake, **measure(sounds[name], mistake, device)}
        with chosen.out.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(record) + "\n")
        print(name, mistake, record.get("mm"), record.get("seconds"), record.get("refused", ""), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
