"""Which images belong to which camera and view, from a pattern, a folder or one file. Reads directories, no images."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from facesolve.take import FootageError

from .session import BoardImage

SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".exr", ".bmp")
_FIELD = re.compile(r"(\{camera\}|\{view\}|\*)")


def find_images(source: str, cameras: Sequence[str] = ()) -> tuple[BoardImage, ...]:
    """The board images of ``source``, sorted by camera and view.

    source: a pattern with ``{view}`` and, for several cameras, ``{camera}`` (``*`` stands for anything in a name); or
    a folder: of folders, one for each camera, or of images named ``left01.jpg``, ``right01.jpg`` ..., or of the images
    of a single camera; or one image. Where ``{view}`` follows ``{camera}`` at once, it is the digits at the end.
    cameras: take only these, in this order. Raises FootageError when nothing fits.
    """
    if "{" in source or "*" in source:
        images = _of_pattern(source, cameras)
    else:
        path = Path(source)
        if path.is_dir():
            images = _of_folder(path)
        elif path.is_file():
            images = [BoardImage("camera", path.stem, path)]
        else:
            raise FootageError(f"images: '{source}' does not exist; give a folder, or a pattern with {{view}}.")
    if cameras:
        found = {image.camera for image in images}
        missing = [name for name in cameras if name not in found]
        if missing:
            there = f"there are {', '.join(sorted(found))}" if found else "nothing matches"
            raise FootageError(f"images: '{source}' has no camera '{missing[0]}'; {there}.")
        images = [image for image in images if image.camera in cameras]
    if not images and Path(source).is_dir():
        raise FootageError(f"images: '{source}' and the folders in it hold no {', '.join(SUFFIXES)} images.")
    if not images:
        raise FootageError(f"images: nothing matches '{source}'; check the pattern ({{camera}} and {{view}}).")
    order = list(cameras) or sorted({image.camera for image in images})
    images.sort(key=lambda image: (order.index(image.camera), image.view))
    _check_single(images)
    return tuple(images)


def _of_pattern(pattern: str, cameras: Sequence[str]) -> list[BoardImage]:
    text = pattern.replace("\\", "/") if os.sep == "\\" else pattern
    parts = text.split("/")
    if "{view}" not in text:
        raise FootageError(f"images: pattern '{pattern}' has no {{view}}; write it as '{{camera}}/{{view}}.png'.")
    if re.search(r"[{}]", _FIELD.sub("", text)):
        raise FootageError(f"images: pattern '{pattern}' may hold {{camera}}, {{view}} and * only.")
    alone = _FIELD.sub("", Path(parts[-1]).stem).strip("_-. ") or "camera"
    return [
        BoardImage(match.groupdict().get("camera", alone), match["view"], path)
        for path, match in matching_files(text, cameras)
        if path.suffix.lower() in SUFFIXES
    ]


def matching_files(pattern: str, cameras: Sequence[str]) -> list[tuple[Path, re.Match[str]]]:
    """Files that fit a pattern with ``{camera}``, ``{view}`` and ``*``, sorted, and what its fields are there."""
    parts = pattern.split("/")
    first = next(index for index, part in enumerate(parts) if _FIELD.search(part))
    root = Path("/".join(parts[:first]) or ("/" if pattern.startswith("/") else "."))
    expression = _expression("/".join(parts[first:]), cameras)
    found = []
    for path in _files(root, len(parts) - first):
        match = expression.fullmatch(path.relative_to(root).as_posix())
        if match:
            found.append((path, match))
    return found


def _expression(pattern: str, cameras: Sequence[str]) -> re.Pattern[str]:
    """The regular expression of a pattern; a field that comes again must hold the same."""
    name = "|".join(re.escape(camera) for camera in sorted(cameras, key=len, reverse=True)) or r"[^/]+?"
    adjacent = "{camera}{view}" in pattern
    fields: set[str] = set()
    text = ""
    for piece in _FIELD.split(pattern):
        if piece == "*":
            text += r"[^/]*"
        elif not _FIELD.fullmatch(piece):
            text += re.escape(piece)
        elif piece in fields:
            text += f"(?P={piece[1:-1]})"
        elif piece == "{camera}":
            text += rf"(?P<camera>{name})"
        else:
            text += r"(?P<view>\d+)" if adjacent else r"(?P<view>[^/]+)"
        fields.add(piece)
    return re.compile(text)


def _files(root: Path, depth: int) -> list[Path]:
    """Files exactly ``depth`` names below ``root``."""
    level = [root]
    for _ in range(depth):
        level = [entry for folder in level if folder.is_dir() for entry in sorted(folder.iterdir())]
    return [path for path in level if path.is_file()]


def _of_folder(folder: Path) -> list[BoardImage]:
    inside = {entry.name: _images_in(entry) for entry in sorted(folder.iterdir()) if entry.is_dir()}
    inside = {name: paths for name, paths in inside.items() if paths}
    own = _images_in(folder)
    if own:
        return _of_names(own) or [BoardImage(folder.resolve().name, path.stem, path) for path in own]
    images = []
    for camera, paths in inside.items():
        for path in paths:
            view = path.stem.removeprefix(camera).lstrip("_-. ") or path.stem
            images.append(BoardImage(camera, view, path))
    return images


def _of_names(paths: Sequence[Path]) -> list[BoardImage]:
    """Cameras from names that end in a number, ``left01`` and ``right01``; none unless cameras share views."""
    images = []
    for path in paths:
        match = re.fullmatch(r"(.*?\D)(\d+)", path.stem)
        if match:
            images.append(BoardImage(match[1].rstrip("_-. ") or match[1], match[2], path))
    cameras = {image.camera for image in images}
    views = {image.view for image in images}
    return images if len(cameras) > 1 and len(images) > len(views) else []


def _images_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())


def _check_single(images: Sequence[BoardImage]) -> None:
    for one, other in pairwise(images):
        if (one.camera, one.view) == (other.camera, other.view):
            raise FootageError(
                f"images: '{one.path}' and '{other.path}' are both view '{one.view}' of camera '{one.camera}'."
            )
