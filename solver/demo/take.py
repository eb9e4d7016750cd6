"""Makes the demo's take: the head, a filmed performance, its truth, and a start pose that is slightly off."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np

from solver.progress import Progress, Silent
from solver.rig import RigModel
from solver.take import Footage, StartPose, Take, TakeError, read_take, write_take
from solver.take.files import write_atomic

from .film import Stage, develop
from .head import build_head, build_rig
from .performance import cameras, control_curves, disturbed, head_transforms
from .skin import paint

FIRST_FRAME = 1
FPS = 24.0
PATTERN = "footage/{camera}/{camera}_{{frame:04d}}.png"
TRUTH = "truth.npz"
START_ERROR = 0.06  # added to and taken from control values in the start pose


def make_take(folder: Path, frames: int = 16, progress: Progress | None = None) -> Take:
    """Writes a take of ``frames`` frames with footage (PNG) and ``truth.npz`` into ``folder``; returns it as read back.

    The same on every run: geometry, texture, performance and noise are computed. Raises TakeError for fewer than two
    frames.
    """
    if frames < 2:
        raise TakeError(f"demo: {frames} frames are too few; give at least 2.")
    progress = Silent() if progress is None else progress
    head = build_head()
    rig = build_rig(head)
    model = RigModel(rig)
    stage = Stage.of(model, paint(head, model))
    lenses = cameras()
    controls, transforms = control_curves(rig.control_names, frames), head_transforms(frames)
    random = np.random.default_rng(7)
    progress.stage("film the performance", frames * len(lenses))
    for index in range(frames):
        for camera in lenses:
            image = develop(stage.render(controls[index], transforms[index], camera), random)
            path = folder / PATTERN.format(camera=camera.name).format(frame=FIRST_FRAME + index)
            _write_png(path, image)
            progress.advance()
    _write_truth(folder / TRUTH, controls, rig.control_names, transforms)
    guess = np.clip(controls[0] + START_ERROR * np.cos(3.0 * np.arange(len(rig.controls))), 0.0, 1.0)
    take = Take(
        name="demo",
        rig=rig,
        cameras=lenses,
        footage=tuple(
            Footage(camera.name, (folder / PATTERN.format(camera=camera.name)).as_posix()) for camera in lenses
        ),
        frames=np.arange(FIRST_FRAME, FIRST_FRAME + frames),
        fps=FPS,
        start=StartPose(FIRST_FRAME, guess, disturbed(transforms[0])),
    )
    write_take(take, folder)
    return read_take(folder)


def _write_png(path: Path, image: np.ndarray) -> None:
    """image: (H, W, 3) uint8 RGB."""
    written, data = cv2.imencode(".png", image[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 2])
    assert written, "an 8-bit image always encodes as PNG"
    write_atomic(path, data.tobytes())


def _write_truth(path: Path, controls: np.ndarray, names: list[str], head: np.ndarray) -> None:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, weights=controls, names=np.array(names), head=head, fps=FPS)
    write_atomic(path, buffer.getvalue())
