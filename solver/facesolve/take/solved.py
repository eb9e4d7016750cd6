"""The take that a solution belongs to, which of its frames the solution holds, and whether a take is solved already."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from glob import escape
from pathlib import Path
from typing import Optional, Set, Tuple

import numpy as np

from . import Solution, Take, TakeError, read_take
from .actor import actor_key
from .footage import MEMORY
from .names import CHECKPOINT, SOLUTION, TAKE, UDIM
from .provenance import read_provenance
from .reading import read_json
from .settings_record import settings_record


def find_take(solution: Solution, solution_folder: Path, take_folder: Optional[Path] = None) -> Take:
    """The take that ``solution`` was made from. Raises TakeError as ``find_take_folder``, or when it cannot be read."""
    return read_take(find_take_folder(solution, solution_folder, take_folder))


def find_take_folder(solution: Solution, solution_folder: Path, take_folder: Optional[Path] = None) -> Path:
    """Where the take of ``solution`` lies: ``take_folder`` where the user names it, else by the solution's provenance.

    The path in the provenance is relative to ``solution_folder``. Raises TakeError when it leads to no take.
    """
    if take_folder is not None:
        return Path(take_folder)
    recorded = read_provenance(solution.provenance).take
    if not recorded:
        raise TakeError(f"solution: '{solution_folder}' does not record its take; give the take's folder with --take.")
    folder = Path(os.path.normpath(str(Path(solution_folder) / recorded)))
    if not (folder / TAKE).is_file():
        raise TakeError(f"solution: its take is not at '{folder}' any more; give the take's folder with --take.")
    return folder


def fitted_take(take: Take, solution: Solution) -> Take:
    """``take`` as ``solution`` found it: its rig has the neutral of the actor, which is not to be learned once more.

    Raises TakeError when the profile does not belong to the rig.
    """
    if solution.actor is None:
        return take
    settings = replace(take.settings, profile=False)
    return replace(take, rig=solution.fitted_rig(take.rig), actor=None, settings=settings)


def take_rows(solution: Solution, take: Take) -> np.ndarray:
    """(F,) 0-based take frame of each of the solution's frames. Raises TakeError for one that the take lacks."""
    strangers = sorted(set(solution.frames.tolist()) - set(take.frames.tolist()))
    if strangers:
        raise TakeError(f"solution: its frame {strangers[0]} is not one of the take's; is this the right take?")
    return np.searchsorted(take.frames, solution.frames)


def fingerprint(take: Take, folder: Path) -> str:
    """Identifies what is solved: the take in ``folder``, with the frames and settings of ``take``; hexadecimal.

    Footage counts by its paths, and by size and time of its files: images that were replaced by others of the same
    names are other footage.
    """
    actor = "" if take.actor is None else actor_key(take.actor)
    chosen = (take.frames.tolist(), settings_record(take.settings), actor, footage_key(take))
    return hashlib.sha256((folder / TAKE).read_bytes() + json.dumps(chosen).encode("utf-8")).hexdigest()


def footage_key(take: Take) -> str:
    """Tells the footage of the take's frames, its mattes and its texture from other files of the same names.

    By size and time of change in whole seconds, which a copy to another machine keeps; a file that is missing counts as
    such. Images in memory have none.
    """
    paths: Set[str] = set()
    for footage in take.footage:
        if footage.kind == MEMORY:
            continue
        for frame in take.frames.tolist():
            paths.update(path for path in (footage.image_path(frame), footage.matte_path(frame)) if path)
    if take.texture is not None:
        texture = Path(take.texture)
        paths.update(str(path) for path in texture.parent.glob(escape(texture.name).replace(UDIM, "[0-9]" * 4)))
    return hashlib.sha256(json.dumps([_size_and_time(path) for path in sorted(paths)]).encode("utf-8")).hexdigest()


def _size_and_time(path: str) -> Optional[Tuple[int, int]]:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_size, int(found.st_mtime)


def is_solved(out: Path, wanted: str) -> bool:
    """Whether the folder ``out`` holds a whole solution of what ``fingerprint`` identifies as ``wanted``."""
    if (out / CHECKPOINT).exists() or not (out / SOLUTION).exists():
        return False
    try:
        provenance = read_json(out / SOLUTION, "solution").get("provenance")
    except TakeError:
        return False
    return isinstance(provenance, dict) and provenance.get("fingerprint") == wanted
