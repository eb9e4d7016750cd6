"""The page over a folder of solutions: draws the pictures that are lacking, writes the page."""

from __future__ import annotations

from datetime import datetime, timezone
from importlib import resources
from pathlib import Path

import cv2
import numpy as np

from facesolve.review.report.page import offline_page
from facesolve.runtime.progress import Progress
from facesolve.take import FacesolveError, TakeError, read_solution
from facesolve.take.files import check_file, check_new, write_atomic
from facesolve.take.names import SOLUTION, WORST_PICTURE
from facesolve.take.solved import find_take
from facesolve.take.version import VERSION

from .rows import index_record, take_folders, worst_row

HEIGHT = 150  # pixels of a picture
JPEG_QUALITY = 80


def write_index(
    folder: Path, path: Path, progress: Progress, *, device: str = "cpu", pictures: bool = True, overwrite: bool = False
) -> int:
    """Writes the page over the solutions in ``folder`` to ``path``, whole or not at all; returns how many there are.

    pictures: draw the worst frame of takes that have no picture of it yet, on ``device``, and keep it beside the
    solution. A picture that cannot be drawn is left out, and ``progress`` hears why. Raises TakeError where there is no
    solution.
    """
    check_file(path)
    check_new(path, overwrite)
    if not folder.is_dir():
        raise TakeError(f"index: the folder '{folder}' does not exist.")
    places = take_folders(folder)
    if not places:
        raise TakeError(f"index: no folder in '{folder}' holds a solution; solve takes into it first.")
    progress.stage("draw the worst frames", len(places))
    for place in places:
        if pictures and _lacks_picture(place):
            try:
                _draw_worst(place, device)
            except FacesolveError as error:
                progress.message(f"{place.name}: no picture: {error}")
        progress.advance()
    written = {"facesolve": VERSION, "date": datetime.now(timezone.utc).isoformat(timespec="seconds")}
    record = {**index_record(folder, path), "written": written}
    write_atomic(path, offline_page(asset("index.html"), asset("index.css"), asset("index.js"), folder.name, record))
    return len(places)


def _lacks_picture(place: Path) -> bool:
    if not (place / SOLUTION).exists():
        return False
    picture = place / WORST_PICTURE
    return not picture.exists() or picture.stat().st_mtime < (place / SOLUTION).stat().st_mtime


def _draw_worst(place: Path, device: str) -> None:
    """The frame with the largest error as the camera that is worst there sees it, with the mesh's edges."""
    from facesolve.review.panels import Look, edges
    from facesolve.review.scene import SolvedTake
    from facesolve.review.shots import Shots

    solution = read_solution(place)
    take = find_take(solution, place)
    row = worst_row(solution)
    residual = solution.residual[row]
    name = solution.camera_names[int(np.nanargmax(residual)) if np.isfinite(residual).any() else 0]
    camera = [one.name for one in take.cameras].index(name)
    lens = take.cameras[camera]
    size = (max(1, round(lens.width * HEIGHT / lens.height)), HEIGHT)
    with Shots(SolvedTake.of(solution, take, device=device), [camera], [row], True, False) as shots:
        ((shot,),) = shots.of([row], [size])
        picture = edges(shot, Look())[0]
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(picture[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    write_atomic(place / WORST_PICTURE, data.tobytes())


def asset(name: str) -> str:
    return resources.files(__package__).joinpath("page", name).read_text(encoding="utf-8")
