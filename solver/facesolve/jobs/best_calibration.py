"""Which of several calibrations a take's footage agrees with best."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from facesolve.calibrate.detect import to_gray
from facesolve.calibrate.footage_agreement import FEWEST, NEAR, Matches, best_of, match
from facesolve.footage.reader import open_footage
from facesolve.take import Camera, Footage, FootageError, TakeError

LOOKED_AT = 5  # frames, spread over the take


def best_calibration(
    candidates: Sequence[Sequence[Camera]],
    names: Sequence[str],
    footage: Sequence[Footage],
    frames: np.ndarray,
    tell: Callable[[str], None],
) -> int:
    """The number of the candidate that the footage agrees with best; the first where no other is clearly better.

    candidates: cameras as of ``footage``; names: of their files, for the sentences. Raises TakeError when a candidate
    has other cameras.
    """
    wanted = [camera.name for camera in candidates[0]]
    for cameras, name in zip(candidates, names, strict=True):
        if [camera.name for camera in cameras] != wanted:
            there = ", ".join(camera.name for camera in cameras)
            raise TakeError(
                f"calibration: '{name}' has the cameras {there or 'of none of these names'}, '{names[0]}' has "
                f"{', '.join(wanted)}; give calibrations of the same cameras."
            )
    matches = _matches(candidates[0], footage, frames)
    count = sum(len(one.first) for one in matches)
    if count < FEWEST:
        tell(f"warning: only {count} points are seen alike by two cameras, too few to choose; '{names[0]}' is taken.")
        return 0
    best, errors, clear = best_of(candidates, matches)
    for name, error in zip(names, errors, strict=True):
        tell(
            f"{name}: points that cameras see alike lie {error:.2f} pixels from where it puts them (RMS; "
            f"wrong matches count as {NEAR:.0f})."
        )
    if not clear:
        tell(f"No calibration is clearly better than the first; '{names[0]}' is taken.")
        return 0
    tell(f"'{names[best]}' is taken.")
    return best


def _matches(cameras: Sequence[Camera], footage: Sequence[Footage], frames: np.ndarray) -> list[Matches]:
    """What cameras see alike in frames spread evenly; images that cannot be read show nothing."""
    plain = [replace(source, matte=None) for source in footage]
    readers = [open_footage(source, camera) for source, camera in zip(plain, cameras, strict=True)]
    found: list[Matches] = []
    try:
        for frame in frames[np.linspace(0, len(frames) - 1, min(LOOKED_AT, len(frames))).astype(int)].tolist():
            images = {}
            for index, reader in enumerate(readers):
                try:
                    images[index] = to_gray(reader.stored(frame))
                except FootageError:  # its own checks name it
                    continue
            found += match(images)
    finally:
        for reader in readers:
            reader.close()
    return found
