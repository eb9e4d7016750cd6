"""The request of an export. The panel, the commands and batch all fill this in. Knows no scene."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Dict, Optional, Tuple

from facesolve.take import Rig, Settings
from facesolve.take.character import Character
from facesolve.take.character_rig import rig_of_character
from facesolve.take.settings_record import SettingsChange

if TYPE_CHECKING:
    from .sampling import Recordings


@dataclass(frozen=True, eq=False)
class ExportRequest:
    """Everything the export needs to know.

    meshes: mesh shapes or transforms, or one blendShape node (all its geometries).
    head: the transform that carries the head's motion. cameras: camera transforms or shapes.
    frames: scene times in frames, increasing; may be fractional.
    footage: camera name -> pattern with ``{frame}``, first image or video, where not the image plane's.
    footage_folders: searched for footage whose path does not exist here.
    keys: control name -> ``pinned`` or ``locked``: how the solve respects keys that are in the scene already; ``over``:
    it solves what the scene drives unreadably, to be keyed over that.
    actor: file of the actor's profile, or none; neutral: scene times at which the face is neutral.
    sampled_controls: plugs to move one by one while the mesh is recorded, for rigs that cannot be read; recordings:
    what was recorded so already.
    character: set-up of the character in the file character_path, whose ranges, masks and settings count; change: what
    goes over its settings.
    """

    meshes: Tuple[str, ...]
    head: str
    cameras: Tuple[str, ...]
    frames: Tuple[float, ...]
    name: str = "take"
    footage: Dict[str, str] = field(default_factory=dict)
    footage_folders: Tuple[str, ...] = ()
    keys: Dict[str, str] = field(default_factory=dict)
    sampled_controls: Tuple[str, ...] = ()
    recordings: Optional[Recordings] = None
    on_bad_frame: str = "stop"
    actor: str = ""
    neutral: Tuple[float, ...] = ()
    settings: Settings = field(default_factory=Settings)
    character: Optional[Character] = None
    character_path: Path = Path()
    change: SettingsChange = field(default_factory=SettingsChange)

    def with_character(self, rig: Rig) -> Tuple[Rig, Settings]:
        """``rig`` and the settings as the character wants them. Raises TakeError for what does not fit."""
        if self.character is None:
            return rig, self.settings
        decided = replace(self.character, meshes=())  # meshes are chosen already
        settings = self.change.over(decided.settings(rig.control_names, self.settings))
        return rig_of_character(rig, decided, self.character_path), settings
