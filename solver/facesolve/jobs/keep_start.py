"""What becomes of a found start pose: a take that has it, a ``start.json`` for ``facesolve pack``, a picture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from facesolve.review.request import VideoRequest
from facesolve.review.video import render_video
from facesolve.runtime.progress import Silent
from facesolve.take import Solution, StartPose, Take, TakeError, write_take
from facesolve.take.files import write_json

PICTURE = "start.png"


def check_free(take: Take, overwrite: bool) -> None:
    """TakeError when ``take`` has a start pose that would be lost without the user's consent."""
    if take.start is not None and not overwrite:
        raise TakeError(
            f"take '{take.name}' has a start pose at frame {take.start.frame}; give --overwrite to replace it, or "
            "--out for a new take."
        )


def check_first(take: Take, frame: int) -> None:
    """TakeError when a start pose at ``frame`` cannot be written for ``facesolve pack --start``."""
    if frame != take.frames[0]:
        raise TakeError(
            f"start pose: it is at frame {frame}, but a start pose file can only hold one for the first frame, "
            f"{take.frames[0]}; use --out or --write."
        )


def write_with_start(take: Take, start: StartPose, folder: Path) -> None:
    """Writes ``take`` with this start pose into ``folder``."""
    write_take(replace(take, start=start), folder)


def write_start(take: Take, start: StartPose, path: Path) -> None:
    """Writes ``start`` as ``facesolve pack --start`` reads it. Raises TakeError unless it is at the first frame."""
    check_first(take, start.frame)
    weights = dict(zip(take.rig.control_names, start.controls.tolist(), strict=True))
    write_json(path, {"frame": float(take.scene_times[0]), "weights": weights, "head": start.head.tolist()})


def write_picture_of_start(take: Take, start: StartPose, path: Path) -> None:
    """Writes a PNG: the footage of every camera at the start frame, beside it the posed mesh over it."""
    row, count = int(np.searchsorted(take.frames, start.frame)), len(take.rig.controls)
    shown = Solution(
        frames=take.frames[row : row + 1],
        scene_times=take.scene_times[row : row + 1],
        fps=take.fps,
        control_names=tuple(take.rig.control_names),
        controls=start.controls[None],
        head=start.head[None],
        control_std=np.zeros((1, count)),
        head_std=np.zeros((1, 6)),
        camera_names=tuple(camera.name for camera in take.cameras),
        residual=np.full((1, len(take.cameras)), np.nan),
    )
    render_video(shown, take, VideoRequest(what="overlay"), path, Silent())
