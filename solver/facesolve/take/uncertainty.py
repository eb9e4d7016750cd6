"""Which controls are least certain, and which the footage cannot tell apart. Knows arrays, no solution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Mapping, Sequence, Tuple

import numpy as np

CONFUSED = 0.8  # correlation from which on two controls are taken for each other


@dataclass(frozen=True)
class ConfusedPair:
    """Two controls that the footage cannot tell apart: correlation of their errors, -1..1, over the take."""

    first: str
    second: str
    correlation: float


@dataclass(frozen=True)
class UncertainControl:
    """A control and one standard deviation of it as a part of its range; ``time`` is where it is least certain.

    confused: another control that the footage could not tell from it, or empty.
    """

    name: str
    std: float
    time: float
    confused: str = ""
    correlation: float = 0.0


def uncertain_controls(
    names: Sequence[str],
    std: np.ndarray,
    times: np.ndarray,
    confused: Sequence[ConfusedPair],
    ranges: Mapping[str, float],
) -> List[UncertainControl]:
    """All controls with a standard deviation, by its median over the frames, largest first.

    std: (F, K), as of ``Solution.control_std``. times: (F,) scene times. ranges: as of ``Solution.uncertain_controls``.
    """
    partners = _confused_partners(confused)
    rows = []
    for index, name in enumerate(names):
        part = std[:, index] / (ranges.get(name) or 1.0)
        finite = np.isfinite(part)
        if not finite.any():
            continue
        time = times[int(np.argmax(np.where(finite, part, -1.0)))]
        partner, correlation = partners.get(name, ("", 0.0))
        rows.append(UncertainControl(name, float(np.median(part[finite])), float(time), partner, correlation))
    rows.sort(key=lambda row: -row.std)
    return rows


def _confused_partners(confused: Sequence[ConfusedPair]) -> Dict[str, Tuple[str, float]]:
    """For each control the one it is most confused with, where the correlation is strong."""
    partners: Dict[str, Tuple[str, float]] = {}
    for pair in sorted(confused, key=lambda pair: abs(pair.correlation)):
        if abs(pair.correlation) >= CONFUSED:
            partners[pair.first] = (pair.second, pair.correlation)
            partners[pair.second] = (pair.first, pair.correlation)
    return partners
