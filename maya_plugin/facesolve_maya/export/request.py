"""The request of an export. The panel, the commands and batch all fill this in. Knows no scene."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, Tuple

from facesolve.take import Settings

FREE = "free"
PINNED = "pinned"
LOCKED = "locked"


@dataclass(frozen=True, eq=False)
class ExportRequest:
    """Everything the export needs to know.

    meshes: mesh shapes or transforms, or one blendShape node (all its geometries).
    head: the transform that carries the head's motion. cameras: camera transforms or shapes.
    frames: scene times in frames, increasing; may be fractional.
    footage: camera name -> pattern with ``{frame}``, first image or video, where not the image plane's.
    footage_folders: searched for footage whose path does not exist here.
    keys: control name -> ``pinned`` or ``locked``: how the solve respects keys that are in the scene already.
    sampled_controls: plugs to move one by one while the mesh is recorded, for rigs that cannot be read.
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
    on_bad_frame: str = "stop"
    settings: Settings = field(default_factory=Settings)
