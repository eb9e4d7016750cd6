"""A solve as a job on disk: reads a take, checks it, solves it, writes the solution, its texture and a log."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from facesolve import __version__
from facesolve.appearance.bake import NoTexture, bake_texture
from facesolve.footage.check import check_images
from facesolve.render import choose_backend
from facesolve.render.texture_files import write_texture
from facesolve.runtime.checkpoint import Checkpoint
from facesolve.runtime.devices import choose_device, device_name, existing_device
from facesolve.runtime.progress import Progress
from facesolve.runtime.stage_clock import StageClock
from facesolve.solve.pipeline import Solved, solve_take
from facesolve.solve.provenance import origin
from facesolve.solve.solution import make_solution
from facesolve.take import Solution, read_take, write_solution
from facesolve.take.files import write_atomic
from facesolve.take.frame_range import part_of_take
from facesolve.take.names import LOG, TAKE

TEXTURE_FRAMES = 6  # keyframes that the texture is baked from


def solve_take_folder(
    take_folder: Path,
    out: Path,
    *,
    device: str,
    quality: str | None,
    frames: tuple[int, int] | None,
    resume: bool,
    progress: Progress,
    beside: Sequence[str] = (),
) -> Solution:
    """Solves the take in ``take_folder`` and writes ``solution.npz``, ``solution.json``, texture and log into ``out``.

    device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``. quality: instead of the take's own. frames: first and last, both
    included. resume: go on from the checkpoint in ``out``. beside: further devices, which share the refinement.
    Raises FacesolveError; nothing is written before the take is checked.
    """
    take = read_take(take_folder)
    if frames is not None:
        take = part_of_take(take, *frames)
    if quality is not None:
        take = replace(take, settings=replace(take.settings, quality=quality))
    where, others = choose_device(device), [existing_device(name) for name in beside]
    check_images(take)
    clock = StageClock(progress)
    clock.message(f"facesolve {__version__}, torch {torch.__version__} on {device_name(where)}")
    for other in others:
        clock.message(f"frames are refined on {device_name(other)}, too")
    clock.message(f"rasterizer: {choose_backend(where).reason}")
    identity = (take_folder / TAKE).read_bytes() + repr((__version__, quality, frames, where.type)).encode()
    checkpoint = Checkpoint(out, hashlib.sha256(identity).hexdigest(), resume)
    try:
        solved = solve_take(take, where, clock, checkpoint, others)
        look = _write_texture(solved, out, clock)
        clock.close()
        if solved.found:
            look["start"] = list(solved.found)
        if others:
            look["refined_beside_on"] = [device_name(other) for other in others]
        solution = make_solution(
            take, solved, {**origin(take, take_folder, out, where), "seconds": clock.seconds, **look}
        )
        write_solution(solution, out)
    finally:
        write_atomic(out / LOG, ("\n".join(clock.lines) + "\n").encode("utf-8"))
    checkpoint.remove()
    return solution


def _write_texture(solved: Solved, out: Path, clock: StageClock) -> dict[str, object]:
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
