"""A solve as a job on disk: reads a take, checks it, solves it, writes the solution, its texture and a log."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from facesolve.appearance.bake import NoTexture, bake_texture
from facesolve.render.texture_files import write_texture
from facesolve.runtime.checkpoint import Checkpoint, check_out
from facesolve.runtime.devices import device_name
from facesolve.runtime.progress import Progress
from facesolve.runtime.stage_clock import StageClock
from facesolve.solve.pipeline import Solved, solve_take
from facesolve.solve.provenance import origin
from facesolve.solve.solution import make_solution
from facesolve.take import Solution, Take, read_take, write_solution
from facesolve.take.files import remove_stale, write_atomic
from facesolve.take.names import LIVE_PICTURE, LOG, TAKE, TEXTURE, UDIM
from facesolve.take.settings_record import SettingsChange, settings_record
from facesolve.take.version import VERSION

from .opened_take import open_take

TEXTURE_FRAMES = 6  # keyframes that the texture is baked from
TEXTURE_FILES = r"\d{4}".join(map(re.escape, TEXTURE.split(UDIM)))


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
) -> Solution:
    """Solves the take in ``take_folder`` and writes ``solution.npz``, ``solution.json``, texture and log into ``out``.

    device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``. frames: first and last, both included. resume: continue from the
    checkpoint in ``out``. settings: changes to the take's own, for this solve alone. beside: further devices, which
    share the refinement. pictures: write a picture of the solve at work into ``out`` now and then. Raises
    FacesolveError; nothing is written before the take is checked. A solution, or without ``resume`` an interrupted
    solve, that is in ``out`` already is an error unless ``overwrite``.
    """
    check_out(out, resume, overwrite)
    clock = StageClock(progress)
    opened = open_take(
        read_take(take_folder), device=device, progress=clock, frames=frames, settings=settings, others=beside
    )
    take, where, others = opened.take, opened.device, opened.others
    for other in others:
        clock.message(f"frames are also refined on {device_name(other)}")
    checkpoint = Checkpoint(out, _fingerprint(take, take_folder, where), resume)
    try:
        picture = out / LIVE_PICTURE if pictures else None
        solved = solve_take(take, where, clock, checkpoint, others, picture=picture)
        record = _write_texture(solved, out, clock)
        clock.close()
        if solved.found:
            record["start"] = list(solved.found)
        if others:
            record["also_refined_on"] = [device_name(other) for other in others]
        solution = make_solution(
            take, solved, {**origin(take, take_folder, out, where), "seconds": clock.seconds, **record}
        )
        write_solution(solution, out)
        remove_stale(out, TEXTURE_FILES, map(Path, record["texture"] or ()))
    finally:
        write_atomic(out / LOG, ("\n".join(clock.lines) + "\n").encode("utf-8"))
    checkpoint.remove()
    return solution


def _fingerprint(take: Take, take_folder: Path, device: torch.device) -> str:
    """Identifies what is solved: the take, the frames, the settings of this solve, the version and kind of device."""
    chosen = (VERSION, take.frames.tolist(), settings_record(take.settings), device.type)
    return hashlib.sha256((take_folder / TAKE).read_bytes() + json.dumps(chosen).encode()).hexdigest()


def _write_texture(solved: Solved, out: Path, clock: StageClock) -> dict[str, Any]:
    """Bakes the texture from a few keyframes and writes it; returns what the solution says about it."""
    clock.stage("bake the texture", 1)
    keyframes = solved.keyframes[:: max(1, len(solved.keyframes) // TEXTURE_FRAMES)]
    baked = bake_texture(solved.problem, solved.joint.pose.at(keyframes), keyframes)
    clock.advance()
    if isinstance(baked, NoTexture):
        clock.message(baked.reason)
        return {"texture": None}
    files = write_texture(baked.texture, out)
    return {"texture": [file.name for file in files], "camera_gains": baked.gains.cpu().numpy().round(5).tolist()}
