"""The demo from beginning to end: make a take, solve it, measure it, draw it."""

from __future__ import annotations

from pathlib import Path

from facesolve.evaluate import evaluate
from facesolve.evaluate.evaluation import Evaluation, read_truth
from facesolve.review.curves import draw_curves
from facesolve.review.video import VideoRequest, baked_texture, render_video
from facesolve.runtime.progress import Progress, Silent

from .demo_take import TRUTH, build_stage, check_length, film_take

OVERLAY_AT = 0.5  # part of the take: the open, pursed mouth


def run_demo(folder: Path, *, frames: int, device: str, progress: Progress) -> Evaluation:
    """Writes ``take``, ``solution``, ``curves.png`` and ``overlay_CAMERA.png`` into ``folder``; returns the errors.

    device: ``auto``, ``cpu`` or ``cuda``. Raises FacesolveError.
    """
    from .solve_folder import solve_take_folder  # the demo's own modules must import without the solve

    check_length(frames)
    stage = build_stage()
    take = film_take(stage, folder / "take", frames, progress)
    solution = solve_take_folder(
        folder / "take",
        folder / "solution",
        device=device,
        quality="draft",
        frames=None,
        resume=False,
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
        request = VideoRequest("grid", cameras=(camera.name,), frames=(shown, shown), scale=1.0)
        render_video(solution, take, request, path, Silent(), texture)
        progress.advance()
        progress.picture(path)
    return evaluate(solution, take, truth)
