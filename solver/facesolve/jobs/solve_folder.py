"""A solve as a job on disk: reads a take, checks it, solves it, writes the solution and a log, and last the texture.

The solution is whole before its texture is baked: whatever ends the baking, nothing of the solution is lost.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from facesolve.appearance.bake import NoTexture, bake_texture
from facesolve.geometry.pose import Pose
from facesolve.mistakes.find import find_mistakes
from facesolve.render.texture_files import write_texture
from facesolve.runtime.checkpoint import Checkpoint, check_out
from facesolve.runtime.devices import device_name
from facesolve.runtime.memory import told_of_device
from facesolve.runtime.progress import Progress
from facesolve.runtime.sole_writer import sole_writer
from facesolve.runtime.stage_clock import StageClock
from facesolve.solve.pipeline import solve_take
from facesolve.solve.provenance import origin
from facesolve.solve.solution import make_solution
from facesolve.stages.problem import Problem
from facesolve.stages.setup import prepare
from facesolve.take import FacesolveError, Solution, StartPose, Take, read_solution, read_take, write_solution
from facesolve.take.files import check_new, remove_stale, write_atomic
from facesolve.take.finding import NOTE
from facesolve.take.names import CHECKPOINT, LIVE_PICTURE, LOG, SOLUTION, SOLUTION_ARRAYS, TEXTURE, UDIM
from facesolve.take.provenance import read_provenance
from facesolve.take.settings_record import SettingsChange
from facesolve.take.solved import fingerprint, fitted_take, is_solved
from facesolve.take.version import VERSION
from facesolve.verdict.judge import LOOK

from .opened_take import OpenedTake, open_take

NOTHING_FOUND = "No mistake was found that explains it: look at the overlay, and at calibration and footage."
TEXTURE_FRAMES = 6  # keyframes that the texture is baked from
TEXTURE_FILES = r"\d{4}".join(map(re.escape, TEXTURE.split(UDIM)))
# what a solve that was killed while it wrote has left behind
UNFINISHED = rf"(?:{'|'.join(map(re.escape, (SOLUTION, SOLUTION_ARRAYS, CHECKPOINT, LOG)))}|{TEXTURE_FILES})\.\w+\.part"


def _nothing_more(solution: Solution) -> None:
    """For who waits for the whole job."""


def solve_take_folder(
    take_folder: Path,
    out: Path,
    *,
    device: str,
    frames: tuple[int, int] | None,
    resume: bool,
    progress: Progress,
    settings: SettingsChange | None = None,
    overwrite: bool = False,
    beside: Sequence[str] = (),
    pictures: bool = False,
    keep_state: bool = False,
    texture: bool = True,
    ready: Callable[[Solution], None] = _nothing_more,
    actor: Path | None = None,
) -> Solution:
    """Solves the take in ``take_folder`` and writes ``solution.npz``, ``solution.json``, log and texture into ``out``.

    device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``. frames: first and last, both included. resume: leave a solution
    of the same in ``out`` as it is, and go on from a checkpoint that is there. settings: changes to the take's own, for
    this solve alone. beside: further devices, which share the refinement. pictures: write a picture of the solve at
    work into ``out`` now and then. keep_state: leave all that the solve knew, for ``facesolve serve`` to take up edits.
    texture: bake it, after all else; one that is missing in a folder that is resumed is baked, too. ready: is given the
    solution once it is whole in ``out``, before its texture is baked. actor: profile instead of the take's.
    Raises FacesolveError; nothing is written before the take is checked. Another
    solution, or without ``resume`` any solution or interrupted solve, that is in ``out`` already is an error unless
    ``overwrite``; so is another task that writes there.
    """
    check_out(out, resume, overwrite)
    clock = StageClock(progress)
    opened = open_take(
        read_take(take_folder),
        device=device,
        progress=clock,
        frames=frames,
        settings=settings,
        actor=actor,
        others=beside,
    )
    wanted = fingerprint(opened.take, take_folder)
    with sole_writer(out, clock.message), told_of_device(opened.device):
        check_out(out, resume, overwrite)  # another task may have solved it while this one waited
        if resume and is_solved(out, wanted):
            clock.message("is already solved")
            solution, problem = read_solution(out), None
        else:
            if not (out / CHECKPOINT).exists():
                check_new(out / SOLUTION, overwrite)
            remove_stale(out, UNFINISHED, ())
            checkpoint = Checkpoint(out, f"{wanted} {VERSION} {opened.device.type}", resume, overwrite)
            picture = out / LIVE_PICTURE if pictures else None
            solution, problem = _solve(opened, take_folder, out, wanted, checkpoint, clock, picture)
            # before the checkpoint goes: while it is there, the folder is not taken for solved
            remove_stale(out, TEXTURE_FILES, ())
            checkpoint.keep() if keep_state else checkpoint.remove()
        ready(solution)
        if not texture or "texture" in solution.provenance:
            return solution
        return _with_texture(opened, problem, solution, out, clock)


def sweep(folder: Path) -> None:
    """Removes what a task that was killed has left half-written in ``folder``, unless another task writes there."""
    with suppress(FacesolveError), sole_writer(folder, lambda text: None, wait=0.0):
        remove_stale(folder, UNFINISHED, ())


def _solve(
    opened: OpenedTake,
    take_folder: Path,
    out: Path,
    wanted: str,
    checkpoint: Checkpoint,
    clock: StageClock,
    picture: Path | None,
) -> tuple[Solution, Problem]:
    """Solves into ``out``, where nobody else writes. wanted: fingerprint of what is solved. picture: of the solve."""
    take, where, others = opened.take, opened.device, opened.others
    for other in others:
        clock.message(f"frames are also refined on {device_name(other)}")
    try:
        solved = solve_take(take, where, clock, checkpoint, others, picture=picture)
        record: dict[str, Any] = {"fingerprint": wanted}
        clock.close()
        if solved.found:
            record["start"] = list(solved.found)
        if others:
            record["also_refined_on"] = [device_name(other) for other in others]
        solution = make_solution(
            take, solved, {**origin(take, take_folder, out, where), "seconds": clock.seconds, **record}
        )
        write_solution(solution, out)
        solution = _explained(solution, take, take_folder, where, clock)
        if solution.verdict is not None:
            clock.message(f"verdict: {solution.verdict.text}")
        write_solution(solution, out)
    finally:
        _write_log(out, clock)
    return solution, solved.problem


def _write_log(out: Path, clock: StageClock) -> None:
    write_atomic(out / LOG, ("\n".join(clock.lines) + "\n").encode("utf-8"))


def _explained(solution: Solution, take: Take, folder: Path, device: torch.device, clock: StageClock) -> Solution:
    """The solution, and where it does not plainly fit, which mistake keeps it from that, if one is found."""
    verdict = solution.verdict
    if verdict is None or not verdict.asks or len(take.cameras) < 2:
        return solution
    take = _started(take, solution)
    try:
        command = f'"{folder}"' if " " in str(folder) else str(folder)
        gravest = find_mistakes(take, command, clock, device, avoid=verdict.frames)[0]
    except FacesolveError as problem:
        clock.message(f"no mistake was looked for: {problem}")
        return solution
    clock.close()
    if gravest.severity == NOTE:
        step = NOTHING_FOUND if verdict.next_step == LOOK else verdict.next_step
        return replace(solution, verdict=replace(verdict, next_step=step))
    reason = f"{verdict.reason.rstrip('.')}; {gravest.subject}: {gravest.sentence}"
    offer = gravest.offers[0].kind if gravest.offers else ""
    return replace(solution, verdict=replace(verdict, reason=reason, next_step=gravest.remedy, offer=offer))


def _started(take: Take, solution: Solution) -> Take:
    """The take with a start pose, its own or the one that was found."""
    if take.start is not None:
        return take
    return replace(take, start=StartPose(int(solution.frames[0]), solution.controls[0], solution.head[0]))


def _with_texture(
    opened: OpenedTake, problem: Problem | None, solution: Solution, out: Path, clock: StageClock
) -> Solution:
    """The solution with a texture baked from a few keyframes, which is written into ``out``. problem: made if None."""
    clock.stage("bake the texture", 1)
    if problem is None:
        problem, _, _ = prepare(_started(fitted_take(opened.take, solution), solution), opened.device)
    keyframes = read_provenance(solution.provenance).keyframes
    rows = np.searchsorted(solution.frames, keyframes[:: max(1, len(keyframes) // TEXTURE_FRAMES)])
    controls, head = (
        torch.as_tensor(array[rows], device=opened.device) for array in (solution.controls, solution.head)
    )
    baked = bake_texture(problem, Pose(controls, head), torch.as_tensor(rows, device=opened.device))
    clock.advance()
    record: dict[str, Any] = {"texture": None}
    if isinstance(baked, NoTexture):
        clock.message(baked.reason)
    else:
        files = [file.name for file in write_texture(baked.texture, out)]
        record = {"texture": files, "camera_gains": baked.gains.cpu().numpy().round(5).tolist()}
    clock.close()
    seconds = {**read_provenance(solution.provenance).seconds, **clock.seconds}
    solution = replace(solution, provenance={**solution.provenance, **record, "seconds": seconds})
    write_solution(solution, out)
    _write_log(out, clock)
    return solution
