"""Looking for the mistake that keeps the cameras of the scene from agreeing. Knows no Qt, no maya."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Optional, Tuple

from facesolve.take.finding import Finding
from facesolve_maya.run import InspectTask, Interpreter

from .bulletin import FINDINGS, STATE, Bulletin
from .model import PanelSettings

FOLDER = "look_for_mistakes"  # below the scene's folder; each search replaces the one before
FRAMES = 16  # from the first on: enough to see who is late
IN_SCENE = {
    "units": "Load the cameras again in this unit, or scale their places.",
    "axes": "Load the cameras again, with axes turned.",
    "swap": "Swap the footage of the two cameras.",
    "rotate": "Turn the images, or roll the camera.",
    "shift": "Move the frame offset of its image plane.",
    "scale": "Load the cameras again, calibrated at the size of the footage.",
    "focal": "Correct its focal length or its film back.",
    "center": "Correct its film offset.",
    "distortion": "Load the cameras again, with the other sign of the distortion.",
}


class MistakeSearch:
    """At most one search. told: is given what was found, for the scene."""

    def __init__(self, bulletin: Bulletin, scene: Any, told: Callable[[Tuple[Finding, ...]], None]) -> None:
        self._bulletin, self._scene, self._told = bulletin, scene, told
        self._task: Optional[InspectTask] = None

    @property
    def busy(self) -> bool:
        """True while it is looked for."""
        return self._task is not None

    def begin(self, settings: PanelSettings, root: Path, interpreter: Interpreter, device: str) -> bool:
        """Exports the first frames and starts the search. Raises FacesolveError; nothing in the scene is changed."""
        if self._task is not None:
            return False
        take = root / FOLDER / "take"
        self._scene.export_first(settings, take, FRAMES)
        self._task = InspectTask(take, interpreter, device)
        self._bulletin.tell_user("Looking for mistakes in the first frames…")
        self._bulletin.tell(STATE, FINDINGS)
        return True

    def tick(self) -> None:
        """Looks after the search; never blocks."""
        task = self._task
        if task is None:
            return
        task.poll()
        if task.error:
            self._task = None
            self._bulletin.tell_user(task.error, error=True)
            self._bulletin.tell(STATE, FINDINGS)
        elif task.findings is not None:
            self._task = None
            self._bulletin.tell_user("The search for mistakes is over; Checks say what was found.")
            self._told(tuple(in_scene(finding) for finding in task.findings))
            self._bulletin.tell(STATE)

    def close(self) -> None:
        """Ends the search."""
        if self._task is not None:
            self._task.kill()
            self._task = None


def in_scene(finding: Finding) -> Finding:
    """The finding with a remedy for the scene in place of one for a take on disk."""
    if finding.fix:
        return replace(finding, remedy="{} ({})".format(IN_SCENE[finding.fix.partition("=")[0]], finding.fix))
    return replace(finding, remedy="") if finding.offers else finding
