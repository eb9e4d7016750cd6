"""Small pictures of a solution's frames: what they are called, where they lie, what they show. Draws none."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple, Optional

FOLDER = "pictures"  # in the folder of the solution
FOOTAGE, RENDER, EDGES = "footage", "render", "edges"
LAYERS = (FOOTAGE, RENDER, EDGES)  # the footage; the textured mesh over it; the mesh's visible edges over it
_NAME = re.compile(r"camera(\d+)\.(-?\d+)\.({})\.jpg".format("|".join(LAYERS)))


class FramePicture(NamedTuple):
    """What one picture shows. camera: index into the solution's; frame: take frame number; layer: one of LAYERS."""

    camera: int
    frame: int
    layer: str


def picture_path(solution: Path, picture: FramePicture) -> Path:
    """Where ``picture`` lies in the folder of a solution. Cameras have numbers: their names may be no file names."""
    return solution / FOLDER / "camera{}.{}.{}.jpg".format(*picture)


def shown_in(path: Path) -> Optional[FramePicture]:
    """What the picture in ``path`` shows; None for other files."""
    match = _NAME.fullmatch(path.name)
    return FramePicture(int(match.group(1)), int(match.group(2)), match.group(3)) if match is not None else None
