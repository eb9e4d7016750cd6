"""Finding the head in the footage of the first frame, and posing the rig as it was found. Knows no Qt, no maya."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional

from facesolve.take.errors import FacesolveError
from facesolve_maya.run import AlignTask, FoundHead, Interpreter

from .bulletin import PICTURE, PROGRESS, STATE, Bulletin
from .model import PanelSettings
from .runs import RunStatus

FOLDER = "find_head"  # below the scene's folder; each search replaces the one before


class HeadSearch:
    """At most one search. ``found``: the pose with its picture, until it is taken or turned down."""

    def __init__(self, bulletin: Bulletin, scene: Any) -> None:
        self._bulletin, self._scene = bulletin, scene
        self._task: Optional[AlignTask] = None
        self.found: Optional[FoundHead] = None
        self.run: Optional[RunStatus] = None

    @property
    def busy(self) -> bool:
        """True while it is looked for."""
        return self._task is not None

    def begin(self, settings: PanelSettings, root: Path, interpreter: Interpreter, device: str) -> bool:
        """Exports the first frame and starts the search. Raises FacesolveError; nothing in the scene is changed."""
        if self._task is not None:
            return False
        take = root / FOLDER / "take"
        frame = self._scene.export_first(settings, take)
        self._task, self.found, self.run = AlignTask(take, frame, interpreter, device), None, RunStatus.begin()
        self._bulletin.tell_user("Looking for the head in the first frame…")
        self._bulletin.tell(STATE, PROGRESS, PICTURE)
        return True

    def tick(self) -> None:
        """Looks after the search; never blocks."""
        task = self._task
        if task is None or self.run is None:
            return
        self.run.take(task.poll())
        self._bulletin.tell(PROGRESS)
        if task.found is not None or task.error:
            self._task, self.found = None, task.found
            text = task.error or "Is this where the head is? Use it, or leave the pose as it is."
            self._bulletin.tell_user(text, error=bool(task.error))
            self._bulletin.tell(STATE, PROGRESS, PICTURE)

    def take(self, settings: PanelSettings) -> bool:
        """Poses the scene as it was found; returns False and leaves a notice when that fails."""
        if self.found is None:
            return self._bulletin.refuse("The head has not been found yet.")
        try:
            text = self._scene.pose_head(self.found, settings)
        except FacesolveError as error:
            return self._bulletin.refuse(str(error))
        self.turn_down(text)
        return True

    def turn_down(self, notice: str = "The pose was left as it is.") -> None:
        """Forgets what was found."""
        self.found = None
        self._bulletin.tell_user(notice)
        self._bulletin.tell(STATE, PICTURE)

    def close(self) -> None:
        """Ends the search."""
        self.found = None
        if self._task is not None:
            self._task.kill()
            self._task = None
