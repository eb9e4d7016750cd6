"""The demo from beginning to end: make a take, solve it, measure it, draw it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from solver.evaluate import Evaluation, evaluate, read_truth
from solver.footage import linear_to_srgb, open_footage
from solver.progress import Progress
from solver.review.curves import draw_curves
from solver.review.pictures import beside, difference_map, enlarged, wireframe, write_picture
from solver.take import Solution, Take

from .film import Stage
from .take import TRUTH, build_stage, check_length, film_take

ENLARGEMENT = 2
OVERLAY_AT = 0.5  # part of the take: the open, pursed mouth


def run_demo(folder: Path, *, frames: int, device: str, progress: Progress) -> Evaluation:
    """Writes ``take``, ``solution``, ``curves.png`` and ``overlay_CAMERA.png`` into ``folder``; returns the errors.

    device: ``auto``, ``cpu`` or ``cuda``. Raises FacesolveError.
    """
    from solver.job import solve_take_folder  # the demo's own modules must import without the solve

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
    for camera in range(len(take.cameras)):
        path = folder / f"overlay_{take.cameras[camera].name}.png"
        write_picture(path, overlay(stage, take, solution, camera, int(OVERLAY_AT * take.frame_count)))
        progress.advance()
        progress.picture(path)
    return evaluate(solution, take, truth)


def overlay(stage: Stage, take: Take, solution: Solution, camera: int, index: int) -> np.ndarray:
    """Footage, solved wireframe and difference of one camera at the take's frame ``index``; (H, W, 3) uint8 RGB."""
    lens, frame = take.cameras[camera], int(take.frames[index])
    reader = open_footage(take.footage[camera], lens)
    try:
        footage = _encoded(reader.read(frame).pixels)
    finally:
        reader.close()
    controls, head = solution.controls[index], solution.head[index]
    rendered = _encoded(stage.render(controls, head, lens).numpy())
    large = enlarged(footage, ENLARGEMENT)
    return beside(
        [
            (f"{lens.name}, frame {frame}", large),
            ("solved mesh", wireframe(large, stage.model, controls, head, lens)),
            (
                "footage minus solved, black 0 to white 40 levels",
                enlarged(difference_map(footage, rendered), ENLARGEMENT),
            ),
        ]
    )


def _encoded(light: np.ndarray) -> np.ndarray:
    return np.asarray(np.rint(255.0 * linear_to_srgb(np.clip(light, 0.0, 1.0))), np.uint8)
