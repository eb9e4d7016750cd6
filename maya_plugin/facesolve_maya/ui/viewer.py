"""The pictures of the solution that is shown, drawn by a process of its own. Knows neither Qt nor maya."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Dict, Optional, Tuple

import numpy as np

from facesolve.take import Solution
from facesolve.take.errors import FacesolveError
from facesolve.take.events import Error, Picture
from facesolve.take.frame_pictures import FOLDER, LAYERS, FramePicture, shown_in
from facesolve.take.requests import Draw
from facesolve_maya.run import Interpreter, ServeTask

from .bulletin import PICTURE, STATE, Bulletin


class Viewer:
    """Which pictures there are of one solution, and how far drawing is. The process starts when they are looked at."""

    def __init__(self, bulletin: Bulletin, find_interpreter: Callable[[], Interpreter]) -> None:
        self._bulletin, self._find_interpreter = bulletin, find_interpreter
        self._task: Optional[ServeTask] = None
        self._paths: Dict[FramePicture, Path] = {}
        self._frames = np.zeros(0, int)
        self._times = np.zeros(0)
        self.cameras: Tuple[str, ...] = ()
        self._wanted = 0  # take frame number that was asked for last
        self.problem = ""  # why no pictures come
        self.folder: Optional[Path] = None

    @property
    def busy(self) -> bool:
        """True while pictures are being drawn."""
        return self._task is not None

    @property
    def share(self) -> float:
        """0..1: part of the pictures that are there."""
        wanted = len(self._frames) * len(self.cameras) * len(LAYERS)
        return len(self._paths) / float(wanted) if wanted else 0.0

    def show(self, folder: Optional[Path], solution: Optional[Solution]) -> None:
        """Takes up the solution in ``folder``; None for none."""
        if folder == self.folder:
            return
        self.close()
        self.folder, self._paths, self.problem = folder, {}, ""
        if folder is None or solution is None:
            self.cameras, self._frames, self._times = (), np.zeros(0, int), np.zeros(0)
        else:
            self.cameras, self._frames, self._times = solution.camera_names, solution.frames, solution.scene_times
            for path in (folder / FOLDER).glob("*.jpg"):
                self._take(path)
        self._bulletin.tell(PICTURE)

    def look_at(self, time: float) -> None:
        """The frame at this scene time is wanted; starts the drawing unless all is drawn."""
        if self.folder is None or not len(self._times) or self.problem or self.share >= 1.0:
            return
        frame, begins = self._frame_at(time), self._task is None
        try:
            if self._task is None:
                self._task = ServeTask(self.folder, self._find_interpreter())
        except FacesolveError as error:
            self.problem = str(error)
            self._bulletin.tell(PICTURE)
            return
        if begins or frame != self._wanted:
            self._wanted = frame
            self._task.ask(Draw(frame))
        if begins:
            self._bulletin.tell(STATE)

    def picture(self, camera: int, time: float, layer: str) -> str:
        """Path of a picture at the frame nearest to a scene time, empty while it is not drawn."""
        if not len(self._times):
            return ""
        path = self._paths.get(FramePicture(camera, self._frame_at(time), layer))
        return str(path) if path is not None else ""

    def tick(self) -> None:
        """Takes up what was drawn since; never blocks."""
        if self._task is None:
            return
        fresh = False
        for event in self._task.poll():
            if isinstance(event, Picture):
                fresh = self._take(Path(event.path)) or fresh
            elif isinstance(event, Error):
                self.problem, fresh = event.text, True
        if self._task.ended or self.share >= 1.0:
            if self.share < 1.0 and not self.problem:
                self.problem = "The solver stopped drawing; look at 'Messages of the solver'."
            self.close()
            fresh = True
        if fresh:
            self._bulletin.tell(PICTURE)

    def close(self) -> None:
        """Ends the drawing."""
        if self._task is not None:
            self._task.kill()
            self._task = None

    def _take(self, path: Path) -> bool:
        shown = shown_in(path)
        if shown is not None:
            self._paths[shown] = path
        return shown is not None

    def _frame_at(self, time: float) -> int:
        return int(self._frames[int(np.abs(self._times - time).argmin())])
