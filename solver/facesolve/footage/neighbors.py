"""Images that decode without an error to something else than was filmed: those that agree with no image next to them.

A decoder fills what it cannot read with gray, with black or with a piece of another frame, and says nothing. What was
filmed goes on from image to image: one that its neighbors do not lead to, on either side, is damaged.
"""

from __future__ import annotations

import cv2
import numpy as np

SMALL = (24, 32)  # rows and columns of the small pictures that are compared
FLOOR = 0.1  # of white: less may be light that flickers, noise, or eyes that blink
TIMES = 1.8  # what is usual in the sequence
JUMP = 2.5  # times what is usual: from one image to the next, which then stays
JUMP_FLOOR = 0.18  # of white: twice what a face does that changes its expression from image to image
CELLS = 8  # of a small picture that must be off: about 1 %
FEWEST = 4  # pictures of which something can be said


def small_picture(pixels: np.ndarray) -> np.ndarray:
    """(24, 32, 3) float32 in 0..1, means over stored values (H, W) or (H, W, 3); white is full scale."""
    full = float(np.iinfo(pixels.dtype).max) if pixels.dtype.kind == "u" else 1.0
    small = cv2.resize(pixels, SMALL[::-1], interpolation=cv2.INTER_AREA).astype(np.float32) / full
    colors = np.repeat(small[..., None], 3, axis=2) if small.ndim == 2 else small
    return np.nan_to_num(np.clip(colors, 0.0, 1.0), nan=0.0)


def odd_pictures(pictures: np.ndarray) -> list[int]:
    """Indices of the small pictures (F, 24, 32, 3), consecutive in time, that do not go on from their neighbors.

    Compared with what is usual in the sequence, so that fast motion is not taken for damage. Of fewer than four nothing
    is known. A single flash of light or a cut is odd, too: a solve can use neither.
    """
    count = len(pictures)
    if count < FEWEST:
        return []
    between = [_off(pictures, i, i - 1, i + 1, 0.0) for i in range(count)]
    ahead = [_off(pictures, i, i - 1, i - 2, 1.0) for i in range(count)]
    behind = [_off(pictures, i, i + 1, i + 2, 1.0) for i in range(count)]
    is_odd = [_unusual(values) for values in (between, ahead, behind)]
    odd = set()
    for index in range(1, count - 1):
        known = [kind[index] for kind in is_odd if kind[index] is not None]
        if all(known):
            odd.add(index)
        elif is_odd[0][index]:  # one side leads here, so the other side is damaged
            odd.add(index + 1 if is_odd[1][index] is False else index - 1)
    for index in range(2, count - 1):  # both sides go on by themselves, but not from one to the other
        if min(ahead[index], behind[index - 1]) > max(JUMP_FLOOR, JUMP * np.nanmedian(ahead)) and index - 1 not in odd:
            odd.add(index)
    for end, neighbor, kind in ((0, 1, is_odd[2]), (count - 1, count - 2, is_odd[1])):
        if kind[end] and neighbor not in odd:
            odd.add(end)
    return sorted(odd)


def _off(pictures: np.ndarray, index: int, near: int, far: int, reach: float) -> float:
    """How far a picture is out of the values between its neighbor ``near`` and what ``far`` makes one expect.

    reach 0: expected is ``far`` itself, on the other side; 1: expected is the neighbor moved on as from ``far`` to it.
    NaN where there are no such neighbors. Of white, for all but the worst cells.
    """
    if not (0 <= near < len(pictures) and 0 <= far < len(pictures)):
        return float("nan")
    one = pictures[near]
    other = one + reach * (one - pictures[far]) if reach else pictures[far]
    low, high = np.minimum(one, other), np.maximum(one, other)
    out = np.maximum(low - pictures[index], pictures[index] - high).max(axis=2)
    return float(np.partition(out.ravel(), -CELLS)[-CELLS])


def _unusual(values: list[float]) -> list[bool | None]:
    """Which values are far above the median; None for those that are not known."""
    usual = max(float(np.nanmedian(values)), FLOOR / TIMES) if not np.isnan(values).all() else 0.0
    return [None if np.isnan(value) else value > TIMES * usual for value in values]
