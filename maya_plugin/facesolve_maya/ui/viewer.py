"""The solution that is shown, kept ready by a process of its own, which draws it and answers edits. No Qt, no maya."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Dict, Optional, Tuple

import numpy as np

from facesolve.take import Solution
from facesolve.take.errors import FacesolveError
from facesolve.take.events import Done, Error, Picture
from facesolve.take.files import remove_stale
from facesolve.take.frame_pictures import FOLDER, LAYERS, FramePicture, shown_in
from facesolve.take.names import STATE
from facesolve.take.requests import Draw, Solve
from facesolve.take.retime import timeline
from facesolve_maya.run import Interpreter, ServeTask

from . import bulletin as topics
from .bulletin import PICTURE, Bulletin


class Viewer:
    """Which pictures there are of one solution. The process starts when they are looked at, or at the first edit."""

    def __init__(
        self,
        bulletin: Bulletin,
        find_interpreter: Callable[[], Interpreter],
        device: Callable[[], str],
        on_answer: Callable[[Path], None] = lambda folder: None,
    ) -> None:
        """``on_answer`` gets the folder of the solution that answers an edit."""
        self._bulletin, self._find_interpreter, self._device = bulletin, find_interpreter, device
        self._on_answer = on_answer
        self._awaited: Optional[Path] = None  # the answer to an edit that is under way
        self._task: Optional[ServeTask] = None
        self._paths: Dict[FramePicture, Path] = {}
        self._frames = np.zeros(0, int)
        self._times = np.zeros(0)
        self.cameras: Tuple[str, ...] = ()
        self._wanted: Optional[int] = None  # take frame number that was asked for last
        self.problem = ""  # why no pictures come
        self.folder: Optional[Path] = None

    @property
    def busy(self) -> bool:
        """True while pictures are being drawn, or an edit is answered."""
        return self._task is not None and (self.share < 1.0 or self.answering)

    @property
    def answering(self) -> bool:
        """True while the frames around an edit are solved."""
        return self._awaited is not None

    @property
    def can_answer(self) -> bool:
        """True when the solve that is shown kept what edits are answered from."""
        return self.folder is not None and (self.folder / STATE).is_file()

    @property
    def share(self) -> float:
        """0..1: part of the pictures that are there."""
        wanted = len(np.unique(self._frames)) * len(self.cameras) * len(LAYERS)
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
            self._times, rows = timeline(solution)
            self.cameras, self._frames = solution.camera_names, solution.frames[rows]
            for path in (folder / FOLDER).glob("*.jpg"):
                self._take(path)
        self._bulletin.tell(PICTURE)

    def look_at(self, time: float) -> None:
        """The frame at this scene time is wanted; starts the drawing unless all is drawn."""
        if self.folder is None or not len(self._times) or self.problem or self.share >= 1.0:
            return
        if not self._begin():
            return
        frame = self._frame_at(time)
        if self._task is not None and frame != self._wanted:
            self._wanted = frame
            self._task.ask(Draw(frame))

    def answer(self, request: Solve) -> bool:
        """Has the frames around edits solved; ``on_answer`` hears of it. False, with a notice, when it cannot start."""
        if self.answering or not self._begin() or self._task is None:
            return self._bulletin.refuse(self.problem or "The last edit is still being answered.")
        self._awaited = Path(request.out)
        self._task.ask(request)
        self._bulletin.tell(topics.STATE)
        return True

    def _begin(self) -> bool:
        """Starts the process unless it runs; False when that is not possible, ``problem`` says why."""
        if self._task is not None or self.folder is None:
            return self._task is not None
        try:
            self._task, self._wanted = ServeTask(self.folder, self._find_interpreter(), self._device()), None
        except FacesolveError as error:
            self.problem = str(error)
            self._bulletin.tell(PICTURE)
            return False
        self._bulletin.tell(topics.STATE)
        return True

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
        fresh, answered = False, None
        for event in self._task.poll():
            if isinstance(event, Picture):
                fresh = self._take(Path(event.path)) or fresh
            elif isinstance(event, Done) and self._awaited is not None:
                answered, self._awaited = self._awaited, None
            elif isinstance(event, Error) and self._awaited is not None:
                self._awaited = None
                self._bulletin.refuse(event.text)
            elif isinstance(event, Error):
                self.problem, fresh = event.text, True
        if self._task.ended or (self.share >= 1.0 and not self.can_answer):
            if self.share < 1.0 and not self.problem:
                self.problem = "The solver stopped drawing; look at 'Messages of the solver'."
            if self.answering:
                self._bulletin.refuse("The solver ended before it had answered. Press 'Solve around edits' again.")
            self.close()
            fresh = True
        if fresh:
            self._bulletin.tell(PICTURE)
        if answered is not None:
            self._on_answer(answered)

    def close(self) -> None:
        """Ends the drawing; a picture that was being written is no more."""
        if self._task is not None:
            self._task.kill()
            self._task = None
            if self.folder is not None:
                remove_stale(self.folder / FOLDER, r".*\.part", ())
        self._awaited = None

    def _take(self, path: Path) -> bool:
        shown = shown_in(path)
        if shown is not None:
            self._paths[shown] = path
        return shown is not None

    def _frame_at(self, time: float) -> int:
        return int(self._frames[int(np.abs(self._times - time).argmin())])
