"""Makes the demo's take: the head, a filmed performance, its truth, and a start pose that is slightly off."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch

from facesolve.demo.film import Stage, develop
from facesolve.demo.head import build_head, build_rig
from facesolve.demo.performance import cameras, control_curves, disturbed, head_transforms
from facesolve.demo.skin import paint
from facesolve.geometry.rig import RigModel
from facesolve.review.pictures import write_picture
from facesolve.runtime.progress import Progress, Silent
from facesolve.take import Footage, StartPose, Take, TakeError, read_take, write_take
from facesolve.take.files import remove_stale, write_atomic

FIRST_FRAME = 1
FPS = 24.0
TRUTH = "truth.npz"
START_ERROR = 0.06  # added to and taken from control values in the start pose


def build_stage() -> Stage:
    """The head, its skin and the light."""
    head = build_head()
    model = RigModel(build_rig(head))
    return Stage.of(model, paint(head, model))


def make_take(folder: Path, frames: int = 16, progress: Progress | None = None) -> Take:
    """Writes the demo's take into ``folder``: ``film_take`` on the stage of ``build_stage``."""
    check_length(frames)
    return film_take(build_stage(), folder, frames, progress)


def check_length(frames: int) -> None:
    """Raises TakeError when a take of ``frames`` frames would be too short to show motion."""
    if frames < 2:
        raise TakeError(f"demo: {frames} frames are too few; give at least 2.")


def film_take(
    stage: Stage, folder: Path, frames: int = 16, progress: Progress | None = None, curves: np.ndarray | None = None
) -> Take:
    """Writes a take of ``frames`` frames with footage (PNG) and ``truth.npz`` into ``folder``; returns it as read back.

    The same on every run: geometry, texture, performance and noise are computed. curves: (frames, K) what the controls
    do, if not what they do in the demo. Raises TakeError for fewer than two
    frames.
    """
    check_length(frames)
    progress = Silent() if progress is None else progress
    rig, lenses = stage.model.rig, cameras()
    controls = control_curves(rig.control_names, frames) if curves is None else curves
    transforms = head_transforms(frames)
    patterns = [folder / "footage" / lens.name / f"{lens.name}_{{frame:04d}}.png" for lens in lenses]
    footage = tuple(Footage(lens.name, pattern.as_posix()) for lens, pattern in zip(lenses, patterns, strict=True))

    def shoot(shot: tuple[int, int]) -> None:
        index, camera = shot
        image = develop(stage.render(controls[index], transforms[index], lenses[camera]), np.random.default_rng(shot))
        write_picture(Path(footage[camera].image_path(FIRST_FRAME + index)), image)

    shots = [(index, camera) for index in range(frames) for camera in range(len(lenses))]
    progress.stage("film the performance", len(shots))
    _in_parallel(shoot, shots, progress)
    shown = {Path(footage[camera].image_path(FIRST_FRAME + index)) for index, camera in shots}
    remove_stale(folder / "footage", r"([^/]+)/\1_\d{4}\.png", [path.relative_to(folder / "footage") for path in shown])
    _write_truth(folder / TRUTH, controls, rig.control_names, transforms)
    lower, upper = rig.bounds.T
    guess = controls[0] + START_ERROR * (upper - lower) * np.cos(3.0 * np.arange(len(rig.controls)))
    take = Take(
        name="demo",
        rig=rig,
        cameras=lenses,
        footage=footage,
        frames=np.arange(FIRST_FRAME, FIRST_FRAME + frames),
        fps=FPS,
        start=StartPose(FIRST_FRAME, np.clip(guess, lower, upper), disturbed(transforms[0])),
    )
    write_take(take, folder)
    return read_take(folder)


def _in_parallel(task: Callable[[tuple[int, int]], None], shots: list[tuple[int, int]], progress: Progress) -> None:
    """Runs ``task`` on all cores, one thread each: quicker than PyTorch's own threads on images of this size."""
    threads = torch.get_num_threads()
    workers = ThreadPoolExecutor(min(8, os.cpu_count() or 1), "film", torch.set_num_threads, (1,))
    try:
        for _ in workers.map(task, shots):
            progress.advance()
    finally:
        workers.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)


def _write_truth(path: Path, controls: np.ndarray, names: list[str], head: np.ndarray) -> None:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, weights=controls, names=np.array(names), head=head, fps=FPS)
    write_atomic(path, buffer.getvalue())
