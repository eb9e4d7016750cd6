"""What a solve has done so far, on disk, so that a killed solve continues where it was. Knows nothing about faces."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from facesolve.take import SolveError, TakeError
from facesolve.take.files import check_new, write_npz
from facesolve.take.names import CHECKPOINT, SOLUTION, STATE
from facesolve.take.reading import read_npz

SECONDS_BETWEEN = 5.0


def check_out(out: Path, resume: bool, overwrite: bool) -> None:
    """TakeError when a solve into ``out`` would replace a solution or an interrupted solve without the user's word."""
    if resume:
        return
    if (out / CHECKPOINT).exists() and not overwrite:
        raise TakeError(
            f"'{out / CHECKPOINT}' belongs to an interrupted solve; give --resume to continue it, or --overwrite to "
            "start again."
        )
    check_new(out / SOLUTION, overwrite)


class Checkpoint:
    """Arrays by name in ``OUT/checkpoint.npz``, written atomically and not more often than every few seconds.

    fingerprint: identifies take, settings and version. resume: go on from the folder's checkpoint where there is one;
    that of another solve is refused, or with ``overwrite`` replaced.
    """

    _REMEDY = "Give --overwrite to start again."

    def __init__(self, folder: Path, fingerprint: str, resume: bool, overwrite: bool = False) -> None:
        self._path = folder / CHECKPOINT
        self._fingerprint = fingerprint
        self._written = time.monotonic()
        self._arrays: dict[str, np.ndarray] = {}
        if not (resume and self._path.exists() and self._load(overwrite)):
            self.put("solve", dict, now=True)  # from here on there is something to resume

    def _load(self, overwrite: bool) -> bool:
        """Whether the checkpoint that is there is this solve's. Raises SolveError unless another may be overwritten."""
        try:
            arrays = read_npz(self._path, "resume")
            if str(arrays.pop("fingerprint", "")) != self._fingerprint:
                raise TakeError(
                    f"resume: '{self._path}' belongs to another take, other footage, other settings, another version "
                    "or kind of device."
                )
        except TakeError as error:
            if overwrite:
                return False
            raise SolveError(f"{error} {self._REMEDY}") from None
        self._arrays = arrays
        return True

    def get(self, name: str) -> dict[str, np.ndarray] | None:
        """The arrays of a part that was put, or None."""
        prefix = name + "/"
        part = {key[len(prefix) :]: value for key, value in self._arrays.items() if key.startswith(prefix)}
        return part or None

    def put(self, name: str, part: Callable[[], Mapping[str, np.ndarray]], now: bool = False) -> None:
        """Replaces a part on disk: at once with ``now``, else only if the last writing was some seconds ago."""
        if not now and time.monotonic() - self._written < SECONDS_BETWEEN:
            return
        prefix = name + "/"
        self._arrays = {key: value for key, value in self._arrays.items() if not key.startswith(prefix)}
        self._arrays.update({prefix + key: np.asarray(value) for key, value in part().items()})
        write_npz(self._path, {**self._arrays, "fingerprint": np.array(self._fingerprint)})
        self._written = time.monotonic()

    def remove(self) -> None:
        """The solve is done: nothing to resume."""
        self._path.unlink(missing_ok=True)

    def keep(self) -> None:
        """The solve is done, and what it knew is wanted: it becomes ``OUT/state.npz``."""
        self._path.replace(self._path.with_name(STATE))


class KeptState(Checkpoint):
    """All that a solve knew at its end, of ``Checkpoint.keep``. Raises SolveError when it is another solve's."""

    _REMEDY = "Solve the take again with --keep-state, or solve the range instead."

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self._path = folder / STATE
        self._fingerprint = fingerprint
        self._load(overwrite=False)

    def put(self, name: str, part: Callable[[], Mapping[str, np.ndarray]], now: bool = False) -> None:
        """Does nothing: the solve is done."""


class NoCheckpoint(Checkpoint):
    """Keeps nothing: for a solve that is not worth resuming."""

    def __init__(self) -> None:
        self._arrays = {}

    def put(self, name: str, part: Callable[[], Mapping[str, np.ndarray]], now: bool = False) -> None:
        """Does nothing."""

    def remove(self) -> None:
        """Does nothing."""
