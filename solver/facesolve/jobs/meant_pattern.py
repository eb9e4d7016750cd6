"""What a person may have meant with a footage pattern that names no images: a folder, or one image of a sequence."""

from __future__ import annotations

import re
from pathlib import Path

from facesolve.take import FootageError, TakeError

_NUMBERED = re.compile(r"^(.*?)(\d+)(\.[A-Za-z]+)$")
IMAGES = (".jpg", ".jpeg", ".png", ".exr", ".tif", ".tiff", ".dpx", ".bmp", ".tga", ".webp")


def check_pattern(pattern: str, cameras: int) -> None:
    """Raises TakeError where all of several cameras would show the same files."""
    if cameras > 1 and "{camera}" not in pattern:
        raise TakeError(
            f"footage: '{pattern}' would be the same for all {cameras} cameras; write {{camera}} where their names are."
        )


def check_images(camera: str, path: str) -> None:
    """Raises FootageError with the pattern that was meant where ``path`` is a folder, or one image of a sequence."""
    there = Path(path)
    if there.is_dir():
        meant = sequence_in(there, camera)
        instead = f"write '{meant}'" if meant else "give a pattern of its images, such as 'FOLDER/{camera}_####.jpg'"
        raise FootageError(f"footage of camera '{camera}': '{path}' is a folder; {instead}.")
    if there.suffix.lower() in IMAGES and there.is_file():
        sequence = _numbered(there)
        instead = f"for the sequence that it belongs to, write '{_with_camera(sequence, camera)}'" if sequence else ""
        instead = instead or "give its number as #### in the pattern"
        raise FootageError(f"footage of camera '{camera}': '{path}' is one image; {instead}.")


def sequence_in(folder: Path, camera: str) -> str:
    """The pattern of the first numbered images in a folder, with {camera}; empty where there are none."""
    images = sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGES)
    found = next(filter(None, map(_numbered, images)), "")
    return _with_camera(found, camera)


def _numbered(image: Path) -> str:
    """The pattern of the sequence that an image belongs to, empty for a name without a number."""
    parts = _NUMBERED.match(image.name)
    if parts is None:
        return ""
    return (image.parent / f"{parts[1]}{'#' * len(parts[2])}{parts[3]}").as_posix()


def _with_camera(pattern: str, camera: str) -> str:
    """The pattern with {camera} where its file, or the folder of that, has the camera's name by itself."""
    if not pattern:
        return ""
    *above, folder, name = pattern.split("/")
    alone = rf"(?<![A-Za-z0-9]){re.escape(camera)}(?![A-Za-z0-9])"
    return "/".join([*above, *(re.sub(alone, "{camera}", part) for part in (folder, name))])
