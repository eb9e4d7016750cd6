"""Draws the small pictures of a solution's frames that a player shows (``take.frame_pictures``), one frame a call."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from facesolve.take import Solution, Take
from facesolve.take.files import write_atomic
from facesolve.take.frame_pictures import EDGES, FOOTAGE, LAYERS, RENDER, FramePicture, picture_path
from facesolve.take.names import SOLUTION

from .panels import Look
from .request import VideoRequest
from .scene import SolvedTake
from .sheet import PANELS, Sheet
from .shots import Shots
from .video import baked_texture

HEIGHT = 540  # pixels of the highest picture
JPEG_QUALITY = 85
DRAWN = {FOOTAGE: "footage", RENDER: "blend", EDGES: "edges"}  # by names of PANELS
LOOK = Look(opacity=1.0)


class FrameArtist:
    """Draws into the folder of a solution. ``undrawn``: its frames (0-based) whose pictures are not there yet."""

    def __init__(self, solution: Solution, take: Take, folder: Path) -> None:
        self._scene = SolvedTake.of(solution, take, baked_texture(folder, solution))
        self._folder = folder
        cameras = [camera.name for camera in take.cameras]
        self._cameras = [cameras.index(name) for name in solution.camera_names]
        since = (folder / SOLUTION).stat().st_mtime
        self.undrawn = [row for row in range(len(solution.frames)) if not self._is_drawn(row, since)]

    def draw(self, row: int) -> Iterator[Path]:
        """Draws all cameras at one of the solution's frames; gives the path of each picture when it is written."""
        scene = self._scene
        highest = max(scene.take.cameras[camera].height for camera in self._cameras)
        request = VideoRequest(what="overlay", scale=min(1.0, HEIGHT / highest), labels=False)
        with Shots(scene, self._cameras, [row], footage=True, stabilize=False) as shots:
            sizes = Sheet(shots, request, tuple(DRAWN.values()), [row]).picture_sizes
            for some in shots.of([row], sizes):
                for number, shot in enumerate(some):
                    for layer in LAYERS:
                        path = self._path(number, row, layer)
                        _write_jpeg(path, PANELS[DRAWN[layer]](shot, LOOK)[0])
                        yield path
        self.undrawn.remove(row)

    def _is_drawn(self, row: int, since: float) -> bool:
        paths = [self._path(number, row, layer) for number in range(len(self._cameras)) for layer in LAYERS]
        return all(path.is_file() and path.stat().st_mtime >= since for path in paths)

    def _path(self, number: int, row: int, layer: str) -> Path:
        return picture_path(self._folder, FramePicture(number, int(self._scene.solution.frames[row]), layer))


def _write_jpeg(path: Path, image: np.ndarray) -> None:
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(image[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    write_atomic(path, data.tobytes())
