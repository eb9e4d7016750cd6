"""Which footage in a folder belongs to which camera, by name. Knows no scene."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Dict, List, Optional, Sequence

IMAGES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".exr", ".dpx", ".bmp", ".tga")
DEPTH = 2  # levels below the folder
_NUMBER = re.compile(r"\d+(?=\.[^.]+$)")
_FOLDER, _FILE = range(2)


def first_images(folder: Path, cameras: Sequence[str]) -> Dict[str, str]:
    """Camera name -> first image of its footage below ``folder``; cameras whose name nothing there has are left out.

    A folder called like the camera goes before a file whose name holds it, then the longer sequence.
    """
    sequences = _sequences(folder)
    found = {}
    for camera in cameras:
        ranked = []
        for pattern, images in sequences.items():
            rank = _rank(camera.lower(), Path(pattern).relative_to(folder))
            if rank is not None:
                ranked.append((rank, -len(images), pattern))
        if ranked:
            found[camera] = min(sequences[min(ranked)[2]], key=lambda path: int(_NUMBER.findall(path)[0]))
    return found


def _sequences(folder: Path) -> Dict[str, List[str]]:
    """Path with its number replaced by ``#`` -> paths of the numbered images."""
    sequences: Dict[str, List[str]] = {}
    for place, folders, files in os.walk(str(folder)):
        if len(Path(place).relative_to(folder).parts) >= DEPTH:
            folders.clear()
        for name in files:
            if name.lower().endswith(IMAGES) and _NUMBER.search(name):
                pattern = Path(place, _NUMBER.sub("#", name)).as_posix()
                sequences.setdefault(pattern, []).append(Path(place, name).as_posix())
    return sequences


def _rank(camera: str, pattern: Path) -> Optional[int]:
    if camera in [part.lower() for part in pattern.parent.parts]:
        return _FOLDER
    word = r"(?<![a-z0-9]){}(?![a-z0-9])".format(re.escape(camera))
    return _FILE if re.search(word, pattern.stem.lower()) else None
