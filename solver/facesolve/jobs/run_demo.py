"""The demo from beginning to end: make a take, solve it, measure it, draw it."""

from __future__ import annotations

from pathlib import Path

from facesolve.evaluate import evaluate
from facesolve.evaluate.evaluation import Evaluation, read_truth
from facesolve.review.curves import draw_curves
from facesolve.review.video import VideoRequest, baked_texture, render_video
from facesolve.runtime.progress import Progress, Silent
from facesolve.take.files import check_new
from facesolve.take.settings_record import SettingsChange

from .demo_take import TRUTH, build_stage, check_length, film_take

OVERLAY_AT = 0.5  # part of the take: the open, pursed mouth


def run_demo(folder: Path, *, frames: int, device: str, progress: Progress, overwrite: bool = False) -> Evaluation:
    """Writes ``take``, ``solution``, ``curves.png`` and ``overlay_CAMERA.png`` into ``folder``; returns the errors.

    device: ``auto``, ``cpu`` or ``cuda``. Raises FacesolveError, also when a demo is there already and ``overwrite`` is
    not given.
    """
    from .solve_folder import solve_take_folder  # the demo's own modules must import without the solve

    check_length(frames)
    check_new(folder / "take" / "take.json", overwrite)
    stage = build_stage()
    take = film_take(stage, folder / "take", frames, progress)
    solution = solve_take_folder(
        folder / "take",
        folder / "solution",
        device=device,
        settings=SettingsChange(values={"quality": "draft"}),
        frames=None,
        resume=False,
        overwrite=overwrite,
        progress=progress,
    )
    truth = read_truth(folder / "take" / TRUTH)
    progress.stage("draw the pictures", len(take.cameras) + 1)
    draw_curves(solution, folder / "curves.png", truth)
    progress.advance()
    progress.picture(folder / "curves.png")
    texture = baked_texture(folder / "solution", solution)
    shown = int(take.frames[int(OVERLAY_AT * take.frame_count)])
    for camera in take.cameras:
        path = folder / f"overlay_{camera.name}.png"
        request = VideoRequest("grid", only_cameras=(camera.name,), frames=(shown, shown), scale=1.0)
        render_video(solution, take, request, path, Silent(), texture)
        progress.advance()
        progress.picture(path)
    return evaluate(solution, take, truth)
