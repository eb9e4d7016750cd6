"""The take that a solution belongs to, and which of its frames the solution holds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Optional

import numpy as np

from . import Solution, Take, TakeError, read_take
from .names import TAKE
from .provenance import read_provenance


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


def take_rows(solution: Solution, take: Take) -> np.ndarray:
    """(F,) 0-based take frame of each of the solution's frames. Raises TakeError for one that the take lacks."""
    strangers = sorted(set(solution.frames.tolist()) - set(take.frames.tolist()))
    if strangers:
        raise TakeError(f"solution: its frame {strangers[0]} is not one of the take's; is this the right take?")
    return np.searchsorted(take.frames, solution.frames)
