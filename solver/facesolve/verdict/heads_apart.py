"""How far two poses of a head lie apart. Knows no images."""

from __future__ import annotations

import numpy as np

from facesolve.take import Rig


def heads_apart(rig: Rig, one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Degrees and centimeters between two head transforms (4, 4), at the middle of the rig: its origin may lie at its
    feet."""
    cosine = (np.trace(one[:3, :3].T @ other[:3, :3]) - 1) / 2
    middle = np.append(rig.neutral.mean(0), 1.0)
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1)))), float(np.linalg.norm((other - one) @ middle))
