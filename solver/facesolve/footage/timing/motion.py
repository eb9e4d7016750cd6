"""How much later one video shows the same motion than another, where neither stamps nor sound tell."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from facesolve.footage.container import UnreadableImage
from facesolve.footage.exr import optional_module

_MOST = 900  # images that are compared
_SMALL = (96, 54)
_FEWEST = 30
_CLEAR, _NEXT = 0.5, 0.85  # correlation of the best lag, and how near the next may come


def motion_curve(path: Path) -> np.ndarray:
    """(n,) how much each of a video's first images differs from the one before, the first 0. Raises UnreadableImage."""
    av = optional_module("av", "video")
    try:
        with av.open(str(path), metadata_errors="replace") as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            before, changes = None, []
            for frame in container.decode(stream):
                gray = frame.to_ndarray(format="gray")
                small = cv2.resize(gray, _SMALL, interpolation=cv2.INTER_AREA).astype(np.float32)
                changes.append(0.0 if before is None else float(np.abs(small - before).mean()))
                before = small
                if len(changes) == _MOST:
                    break
    except (av.FFmpegError, OSError) as error:
        raise UnreadableImage(f"cannot be decoded ({error.strerror}); copy or encode it again.") from None
    return np.array(changes)


def find_frame_lag(first: np.ndarray, second: np.ndarray) -> tuple[int, bool]:
    """How many images later the second's motion (n,) comes in the first (m,), and whether that leaves no doubt."""
    if min(len(first), len(second)) < _FEWEST:
        return 0, False
    a, b = _changes(first), _changes(second)
    scores = {}
    for lag in range(_FEWEST - len(b), len(a) - _FEWEST + 1):
        x, y = a[max(lag, 0) : lag + len(b)], b[max(-lag, 0) : len(a) - lag]
        length = min(len(x), len(y))
        x, y = x[:length] - x[:length].mean(), y[:length] - y[:length].mean()
        power = np.linalg.norm(x) * np.linalg.norm(y)
        scores[lag] = float(x @ y / power) if power > 0 else 0.0
    best = max(scores, key=scores.__getitem__)
    others = [score for lag, score in scores.items() if abs(lag - best) > 2]
    clear = scores[best] > _CLEAR and (not others or max(others) < _NEXT * scores[best])
    return best, clear


def _changes(curve: np.ndarray) -> np.ndarray:
    """Of a motion curve what is neither exposure nor noise: its logarithm, less its slow part."""
    logarithm = np.log(1e-2 + curve[1:])
    width = min(31, len(logarithm) // 2 * 2 - 1)
    slow = np.convolve(np.pad(logarithm, width // 2, mode="edge"), np.ones(width) / width, "valid")
    return np.asarray(logarithm - slow, np.float64)
