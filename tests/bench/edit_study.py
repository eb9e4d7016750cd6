"""What an edit that is answered at once costs, and how far it is from solving the whole take again with the same pin.

    python -m tests.bench.edit_study TAKE OUT [--quality draft] [--by 0.1] [--same-keyframes]

Solves TAKE into OUT/whole, pins the control that moves most, off by ``--by`` of its range, at a frame that is no
keyframe, has that answered, and solves the take with the pin again into OUT/again. Prints seconds, seconds of
processors, and distances of the surface in millimeters, at the pinned frame and over all. A pin may change which
frames become keyframes, and with them what all frames are held against: with --same-keyframes the take is solved a
third time, with those of the first solve, which shows how far two full solves with the same pin are apart.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import torch

from facesolve.jobs.serve_solution import Editor
from facesolve.jobs.solve_folder import solve_take_folder
from facesolve.runtime.progress import Silent
from facesolve.take import Pin, Solution, Take, read_solution, read_take, write_take
from facesolve.take.provenance import read_provenance
from facesolve.take.requests import Solve
from facesolve.take.rig_evaluation import RigEvaluator
from facesolve.take.settings_record import SettingsChange


def solved(take: Path, out: Path, quality: str) -> Solution:
    """The solution in ``out``, solved first unless it is there."""
    change = SettingsChange(values={"quality": quality})
    return solve_take_folder(
        take, out, device="auto", frames=None, resume=True, progress=Silent(), settings=change, keep_state=True
    )


def solved_with(take: Path, out: Path, quality: str, of: Solution) -> Solution:
    """The same, with the keyframes of another solution."""
    keyframes = torch.tensor(np.searchsorted(of.frames, read_provenance(of.provenance).keyframes))
    pipeline = importlib.import_module("facesolve.solve.pipeline")
    with mock.patch.object(pipeline, "choose_keyframes", return_value=keyframes):
        return solved(take, out, quality)


def surface(take: Take, solution: Solution) -> np.ndarray:
    """(F, V, 3) of vertices that controls move, world space, millimeters."""
    evaluator = RigEvaluator(take.rig)
    points = evaluator.vertices(solution.controls)[:, evaluator.moving_vertices()]
    return 10 * (np.einsum("fij,fvj->fvi", solution.head[:, :3, :3], points) + solution.head[:, None, :3, 3])


def chosen_pin(take: Take, solution: Solution, by: float) -> Pin:
    """The control that moves most, at the middle one of the frames that are no keyframes."""
    ranges = np.array([control.maximum - control.minimum for control in take.rig.controls])
    column = int((np.ptp(solution.controls, axis=0) / ranges).argmax())
    keyframes = read_provenance(solution.provenance).keyframes
    free = [row for row, frame in enumerate(solution.frames) if frame not in keyframes]
    if not free:
        raise SystemExit("edit_study: every frame of this take is a keyframe; give a longer one.")
    row = free[len(free) // 2]
    control, value = take.rig.controls[column], solution.controls[row, column]
    step = by * ranges[column]
    value = value - step if value - step >= control.minimum else value + step
    return Pin(int(solution.frames[row]), control.name, float(value))


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("take", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--quality", default="draft")
    parser.add_argument("--by", type=float, default=0.1)
    parser.add_argument("--same-keyframes", action="store_true")
    options = parser.parse_args(arguments)
    whole, take = solved(options.take, options.out / "whole", options.quality), read_take(options.take)
    pin = chosen_pin(take, whole, options.by)
    print(
        f"{pin.control} {pin.value:.3f} at frame {pin.frame}; keyframes {read_provenance(whole.provenance).keyframes}"
    )
    began, processor = time.monotonic(), time.process_time()
    editor = Editor(options.out / "whole", whole, take, options.take, "auto")
    print(f"ready after {time.monotonic() - began:.1f} s ({time.process_time() - processor:.1f} s of processors)")
    began, processor = time.monotonic(), time.process_time()
    editor.answer(Solve(str(options.out / "edit"), ((pin.frame, pin.control, pin.value),)))
    print(f"answered after {time.monotonic() - began:.1f} s ({time.process_time() - processor:.1f} s of processors)")
    part = read_solution(options.out / "edit")
    rows = np.searchsorted(whole.frames, part.frames)
    edited = replace(whole, controls=whole.controls.copy(), head=whole.head.copy())
    edited.controls[rows], edited.head[rows] = part.controls, part.head
    pinned = replace(take, settings=replace(take.settings, pins=(*take.settings.pins, pin)))
    write_take(pinned, options.out / "pinned_take")
    again = solved(options.out / "pinned_take", options.out / "again", options.quality)
    row = int(np.flatnonzero(whole.frames == pin.frame)[0])
    before, at_once, full = (surface(take, solution) for solution in (whole, edited, again))
    pairs = [("edit to full", at_once, full), ("before to full", before, full)]
    if options.same_keyframes:
        third = solved_with(options.out / "pinned_take", options.out / "third", options.quality, whole)
        pairs += [("full to full", full, surface(take, third)), ("edit to third", at_once, surface(take, third))]
    for name, one, other in pairs:
        distance = np.linalg.norm(one - other, axis=2)
        print(f"{name}: {distance[row].mean():.4f} mm at the pin, {distance.mean():.4f} mm over all frames")
    print(f"frames answered: {part.frames[0]}-{part.frames[-1]}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
