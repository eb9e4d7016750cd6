"""Bringing the scene's rig to the actor, and offering the profile that was found. Knows no Qt, no maya."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional

from facesolve_maya.run import FoundActor, Interpreter, PersonalizeTask

from .bulletin import PROGRESS, STATE, Bulletin
from .model import PanelSettings
from .runs import RunStatus, spoken_time

FOLDER = "actor"  # below the scene's folder
ACTOR = "actor_{:03d}.npz"  # one that a solve was given is never replaced


class Personalizing:
    """At most one run. ``found``: the profile, until it is used or turned down."""

    def __init__(self, bulletin: Bulletin, scene: Any) -> None:
        self._bulletin, self._scene = bulletin, scene
        self._task: Optional[PersonalizeTask] = None
        self.found: Optional[FoundActor] = None
        self.run: Optional[RunStatus] = None

    @property
    def busy(self) -> bool:
        """True while it runs."""
        return self._task is not None

    @property
    def words(self) -> str:
        """What it does now, or what it found; empty otherwise."""
        if self.found is not None:
            return "The actor differs from the rig by up to {:.1f} mm. Use it for this scene?".format(
                self.found.largest
            )
        if self._task is None or self.run is None:
            return ""
        return "{} ({})".format(self.run.doing, spoken_time(self.run.clock() - self.run.began))

    def begin(self, settings: PanelSettings, root: Path, interpreter: Interpreter, device: str) -> bool:
        """Exports the take and starts. Raises FacesolveError; nothing in the scene is changed."""
        if self._task is not None:
            return False
        take = root / FOLDER / "take"
        neutral = self._scene.export_actor(settings, take)
        out = _free_file(root / FOLDER)
        self._task = PersonalizeTask(take, out, interpreter, device, settings.identity, neutral)
        self.found, self.run = None, RunStatus.begin()
        self._bulletin.tell_user("Bringing the rig to the actor…")
        self._bulletin.tell(STATE, PROGRESS)
        return True

    def tick(self) -> None:
        """Looks after it; never blocks."""
        task = self._task
        if task is None or self.run is None:
            return
        self.run.take(task.poll())
        self._bulletin.tell(PROGRESS)
        if task.found is not None or task.error:
            self._task, self.found = None, task.found
            text = task.error or "The actor's profile was found: use it, or leave the rig as it is."
            self._bulletin.tell_user(text, error=bool(task.error))
            self._bulletin.tell(STATE, PROGRESS)

    def taken(self) -> str:
        """The profile's file, empty for none; it is no longer offered."""
        found, self.found = self.found, None
        self._bulletin.tell_user("" if found is None else "The next solves begin with the actor's neutral.")
        return "" if found is None else str(found.profile)

    def turn_down(self) -> None:
        """Forgets what was found, or ends the run; the file stays where it is."""
        self.close()
        self._bulletin.tell_user("The rig was left as it is.")
        self._bulletin.tell(STATE, PROGRESS)

    def close(self) -> None:
        """Ends the run."""
        self.found = None
        if self._task is not None:
            self._task.kill()
            self._task = None


def _free_file(folder: Path) -> Path:
    number = 1
    while (folder / ACTOR.format(number)).exists():
        number += 1
    return folder / ACTOR.format(number)
