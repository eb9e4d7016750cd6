"""From the images of a reconstruction, which programs list, to the cameras that made them. Knows no format."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np

from facesolve.take import TakeError
from facesolve.take.calibration import CalibratedCamera

from .reading import PosedImage

_SAME_PLACE = 0.01  # of the distance between cameras: a tripod's images are apart by less
_SAME_TURN = 0.01  # radians


def cameras_of_images(
    images: Sequence[PosedImage], pattern: str | None, path: Path
) -> tuple[tuple[CalibratedCamera, ...], tuple[str, ...]]:
    """A camera for each group of images, and notes about what was left out.

    pattern: of the images' names, with ``{camera}``; ``{frame}``, ``#`` and ``*`` stand for anything. Without it each
    folder of images is one camera, named like the folder, where all in it were made from one place; else each image is
    a camera, named like its file. Raises TakeError when there is none, or one moves.
    """
    if not images:
        raise TakeError(f"calibration: '{path}' holds no image with a place; align the images first.")
    if pattern is not None:
        groups = _matching(images, pattern)
        if not groups:
            raise TakeError(
                f"calibration: no image in '{path}' is named like '{pattern}'; the first is '{images[0].name}'."
            )
        used = sum(len(group) for group in groups.values())
        note = f"{len(images) - used} of {len(images)} images are not named like '{pattern}' and left out."
        notes = (note,) if used < len(images) else ()
        return _cameras(groups, path), notes
    folders: dict[str, list[PosedImage]] = {}
    for image in images:
        folders.setdefault(_path(image).parent.as_posix(), []).append(image)
    still = all(_apart(group, _extent(images)) is None for group in folders.values())
    if len(folders) > 1 and still and len({PurePosixPath(folder).name for folder in folders}) == len(folders):
        return _cameras({PurePosixPath(folder).name: group for folder, group in folders.items()}, path), ()
    stems: dict[str, list[PosedImage]] = {}
    for image in images:
        stems.setdefault(_path(image).stem, []).append(image)
    return _cameras(stems, path), ()


def _path(image: PosedImage) -> PurePosixPath:
    return PurePosixPath(image.name.replace("\\", "/"))


def _matching(images: Sequence[PosedImage], pattern: str) -> dict[str, list[PosedImage]]:
    if "{camera}" not in pattern:
        raise TakeError(f"camera images: '{pattern}' has no {{camera}}, for example {{camera}}_*.jpg.")
    parts = re.split(r"(\{camera\}|\{frame[^}]*\}|#+|\*|%0?\d*d)", pattern)
    written, named = "", False
    for part in parts:
        if part == "{camera}":
            written += "(?P=camera)" if named else "(?P<camera>[^/]+?)"
            named = True
        elif re.fullmatch(r"\{frame[^}]*\}|#+|%0?\d*d", part):
            written += r"\d+"
        else:
            written += ".*" if part == "*" else re.escape(part)
    expression = re.compile(rf"(?:.*/)?{written}")
    groups: dict[str, list[PosedImage]] = {}
    for image in images:
        match = expression.fullmatch(_path(image).as_posix())
        if match is not None:
            groups.setdefault(match["camera"], []).append(image)
    return groups


def _cameras(groups: dict[str, list[PosedImage]], path: Path) -> tuple[CalibratedCamera, ...]:
    extent = _extent([image for group in groups.values() for image in group])
    cameras = []
    for name, group in groups.items():
        moved = _apart(group, extent)
        if moved is not None:
            raise TakeError(
                f"calibration: images '{group[0].name}' and '{moved.name}' in '{path}' would both be camera '{name}', "
                "but were made from different places; say which images are which camera with --camera-images, for "
                "example '{camera}_*.jpg'."
            )
        cameras.append(replace(group[0].camera, name=name))
    return tuple(sorted(cameras, key=lambda camera: camera.name))


def _center(image: PosedImage) -> np.ndarray:
    return -image.camera.rotation.T @ image.camera.translation


def _extent(images: Sequence[PosedImage]) -> float:
    centers = np.array([_center(image) for image in images])
    return float(np.linalg.norm(np.ptp(centers, axis=0)))


def _apart(group: Sequence[PosedImage], extent: float) -> PosedImage | None:
    """The first image of the group that was not made as its first one was."""
    first = group[0]
    for image in group[1:]:
        turn = np.arccos(np.clip((np.trace(image.camera.rotation @ first.camera.rotation.T) - 1) / 2, -1, 1))
        if np.linalg.norm(_center(image) - _center(first)) > _SAME_PLACE * extent or turn > _SAME_TURN:
            return image
    return None
