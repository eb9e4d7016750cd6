"""Finding the head in the footage of the first frame, and posing the rig as it was found. Knows no Qt, no maya."""

from __future__ import annotations

from pathlib import Path

from facesolve.take.errors import FacesolveError
from facesolve_maya.run import AlignTask, FoundHead, Interpreter

from .bulletin import PICTURE, PROGRESS, STATE
from .model import PanelSettings
from .search import Search

FOLDER = "find_head"  # below the scene's folder; each search replaces the one before


class HeadSearch(Search[FoundHead]):
    """The pose with its picture."""

    question = "Is this where the head is? Use it, or leave the pose as it is."
    topics = (STATE, PROGRESS, PICTURE)

    def begin(self, settings: PanelSettings, root: Path, interpreter: Interpreter, device: str) -> bool:
        """Exports the first frame and starts the search. Raises FacesolveError; nothing in the scene is changed."""
        if self._task is not None:
            return False
        take = root / FOLDER / "take"
        frame = self._scene.export_first(settings, take)
        self._begun(AlignTask(take, frame, interpreter, device), "Looking for the head in the first frame…")
        return True

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
