"""Bringing the scene's rig to the actor, and offering the profile that was found. Knows no Qt, no maya."""

from __future__ import annotations

from pathlib import Path

from facesolve_maya.run import FoundActor, Interpreter, PersonalizeTask

from .bulletin import PROGRESS, STATE
from .model import PanelSettings
from .runs import spoken_time
from .search import Search

FOLDER = "actor"  # below the scene's folder
ACTOR = "actor_{:03d}.npz"  # one that a solve was given is never replaced


class Personalizing(Search[FoundActor]):
    """The profile of the actor."""

    question = "The actor's profile was found: use it, or leave the rig as it is."

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
        task = PersonalizeTask(take, out, interpreter, device, settings.identity, neutral)
        self._begun(task, "Bringing the rig to the actor…")
        return True

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


def _free_file(folder: Path) -> Path:
    number = 1
    while (folder / ACTOR.format(number)).exists():
        number += 1
    return folder / ACTOR.format(number)
