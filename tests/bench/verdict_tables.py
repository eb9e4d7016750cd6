"""The two tables of docs/method/verdict.md: takes with a mistake, found and repaired, and takes spoiled midway.

    python -m tests.bench.verdict_tables --out rows.jsonl [--only NAME ...]   makes what the file does not have yet
    python -m tests.bench.verdict_tables --table rows.jsonl                   prints the tables

Frames of ``ict_rom`` at half size, draft quality: three with one mistake each, twenty with something else in
the middle. Names as in ``MISTAKES`` and ``SPOILED``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from facesolve.evaluate import evaluate
from facesolve.geometry.rigid import step_of
from facesolve.mistakes.find import find_mistakes
from facesolve.mistakes.repairs import repaired
from facesolve.runtime.checkpoint import NoCheckpoint
from facesolve.runtime.progress import Silent
from facesolve.solve.pipeline import solve_take
from facesolve.solve.solution import make_solution
from facesolve.take import FacesolveError, Settings, Take
from facesolve.take.expected_error import expected_errors
from facesolve.take.solved import take_rows

from . import mistakes
from .mistakes import Mistake, Sound, late, mirrored, rom, spoiled, swapped

SHORT = (
    "none",
    "unit mm",
    "axes OpenGL",
    "swapped",
    "upside down, one",
    "half resolution",
    "focal 0.95, all",
    "focal 1.05, all",
    "focal 0.9, all",
    "focal 0.95, one",
    "crop 0.05, all",
    "late 1",
    "pose 25/6",
    "footage of another time",
)
SPOILED: dict[str, tuple[Mistake, slice]] = {
    "clean": (lambda sound: sound.take, slice(10, 16)),
    "noise in frames 10 to 15": (spoiled(slice(10, 16), "noise"), slice(10, 16)),
    "another person in frames 10 to 15": (spoiled(slice(10, 16), "person"), slice(10, 16)),
    "a hand over half of the face in frames 8 to 15": (spoiled(slice(8, 16), "hand"), slice(8, 16)),
    "a black rectangle over half of the face in frames 8 to 15": (spoiled(slice(8, 16), "black"), slice(8, 16)),
    "noise in one camera in frames 6 to 15": (spoiled(slice(6, 16), "noise", 1), slice(6, 16)),
    "two cameras swapped": (swapped, slice(0, 20)),
    "one camera 5 frames late": (late(5), slice(0, 20)),
    "one camera 2 frames late": (late(2), slice(0, 20)),
    "all images mirrored": (mirrored(None), slice(0, 20)),
    "brightness flickers by 30 %": (spoiled(slice(None), "flicker"), slice(0, 20)),
}


@cache
def sound(first: int, frames: int) -> Sound:
    return rom(Path(os.environ["FACESOLVE_DATA"]), first, frames)


def solved(take: Take, given: Sound, device: torch.device) -> dict[str, Any]:
    """One solve: error of the face in millimeters by frame, coverage by frame, what the verdict says; CPU seconds."""
    begun = time.process_time()
    try:
        solution = make_solution(take, solve_take(take, device, Silent(), NoCheckpoint()), {})
    except FacesolveError as problem:
        return {"refused": str(problem), "seconds": time.process_time() - begun}
    seconds = time.process_time() - begun
    rows = [int(frame - given.take.frames[0]) for frame in take.frames]
    truth = replace(given.truth, weights=given.truth.weights[rows], head=given.truth.head[rows])
    error = evaluate(solution, take, truth).regions[0]
    verdict = solution.verdict
    assert verdict is not None
    assert solution.control_std is not None
    columns = [truth.names.index(name) for name in solution.control_names]
    off = np.abs(solution.controls - truth.weights[take_rows(solution, take)][:, columns])
    shown = (solution.control_std > 0) & (solution.control_std < 0.25)
    ratio = np.where(shown, off / np.where(shown, solution.control_std, 1.0), np.nan)
    steps = step_of(torch.from_numpy(np.linalg.inv(solution.head) @ truth.head)).numpy()
    away = np.abs(steps) / np.maximum(solution.head_std, 1e-12)
    return {
        "seconds": round(seconds, 1),
        "mm": [round(float(value), 3) for value in error.frame_world_mean],
        "in rig": [round(float(value), 3) for value in error.frame_rig_mean],
        "within": [[round(float(np.nanmean(row < most)), 3) for most in (1, 2)] for row in ratio],
        "head within": [[round(float((row < most).mean()), 3) for most in (1, 2)] for row in away],
        "expected in rig": [round(float(value), 3) for value in expected_errors(solution, take.rig)],
        "expected": round(verdict.error_mm, 3),
        "verdict": verdict.verdict,
        "reason": verdict.reason,
        "frames": list(verdict.frames),
    }


def mistaken(name: str, first: int, frames: int, device: torch.device) -> dict[str, Any]:
    """A take with a mistake: solved, looked for, and solved as repaired."""
    given = sound(first, frames)
    row: dict[str, Any] = {"said": "", "fix": ""}
    try:
        take = replace(mistakes.MISTAKES[name](given), settings=Settings(quality="draft"))
    except FacesolveError as problem:
        return {"refused": str(problem)}
    row.update(solved(take, given, device))
    begun = time.process_time()
    found = find_mistakes(take, "TAKE", Silent(), device)[0]
    row["deep seconds"] = round(time.process_time() - begun, 1)
    row["said"] = f"{found.subject}: {found.sentence}"
    if "--fix " in found.remedy:
        row["fix"] = found.remedy.split("--fix ")[1].split(" ")[0]
        row["repaired"] = solved(repaired(take, row["fix"]), given, device)
    return row


def midway(name: str, device: torch.device) -> dict[str, Any]:
    given = sound(0, 20)
    return solved(replace(SPOILED[name][0](given), settings=Settings(quality="draft")), given, device)


def rows(first: int, frames: int, device: torch.device) -> dict[str, Callable[[], dict[str, Any]]]:
    """What makes each row, by its name."""
    found: dict[str, Callable[[], dict[str, Any]]] = {
        name: lambda name=name: mistaken(name, first, frames, device) for name in mistakes.MISTAKES
    }
    return {**found, **{name: lambda name=name: midway(name, device) for name in SPOILED}}


def tables(file: Path) -> str:
    made = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        made[row["name"]] = row
    lines = [
        "| mistake | error, mm | verdict | `--deep` says | seconds | repaired, mm |",
        "|---|---:|---|---|---:|---:|",
    ]
    for name, row in made.items():
        if name in SPOILED:
            continue
        after = row.get("repaired", {})
        said = row.get("refused") or f"{row['verdict']}: {row['reason']}"
        lines.append(
            f"| {name} | {_mean(row)} | {said} | {row.get('said', '')} {row.get('fix', '')} | "
            f"{row.get('deep seconds', '-')} | {_mean(after)} |"
        )
    lines += [
        "",
        "| spoiled | error, mm (worst frame) | there | frames after | controls within 1, 2 deviations there | head | "
        "expected by true error there | said |",
        "|---|---|---:|---|---|---|---|---|",
    ]
    for name, row in made.items():
        if name not in SPOILED:
            continue
        there = SPOILED[name][1]
        error = np.array(row["mm"])
        within = np.array(row["within"])[there].mean(0)
        of_head = np.array(row["head within"])[there].mean(0)
        expected = np.array(row["expected in rig"])[there].mean() / np.array(row["in rig"])[there].mean()
        after = ", ".join(f"{value:.2f}" for value in error[16:])
        lines.append(
            f"| {name} | {error.mean():.2f} ({error.max():.2f}) | {error[there].mean():.2f} | {after} | "
            f"{within[0]:.0%}, {within[1]:.0%} | {of_head[0]:.0%}, {of_head[1]:.0%} | {expected:.2f} | "
            f"{row['verdict']}: {row['reason']} |"
        )
    return "\n".join(lines)


def _mean(row: dict[str, Any]) -> str:
    return f"{np.mean(row['mm']):.3f}" if "mm" in row else "-"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--out", type=Path)
    what.add_argument("--table", type=Path)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--first", type=int, default=0, help="take frame at which takes with a mistake begin")
    parser.add_argument("--frames", type=int, default=3, help="of takes with a mistake")
    parser.add_argument("--device", default="cpu")
    chosen = parser.parse_args(arguments)
    if chosen.table is not None:
        print(tables(chosen.table))
        return 0
    done = set()
    if chosen.out.exists():
        done = {json.loads(line)["name"] for line in chosen.out.read_text(encoding="utf-8").splitlines()}
    make = rows(chosen.first, chosen.frames, torch.device(chosen.device))
    for name in chosen.only or [*SHORT, *SPOILED]:
        if name in done:
            continue
        row = {"name": name, **make[name]()}
        with chosen.out.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row) + "\n")
        print(name, _mean(row), row.get("verdict"), row.get("reason"), row.get("said"), row.get("fix"), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
