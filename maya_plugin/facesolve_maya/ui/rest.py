"""Where controls rest, if not where their attributes have their default. Knows neither Qt nor maya."""

from __future__ import annotations

from dataclasses import replace
from typing import Sequence

from .model import ControlRow, PanelSettings

_SAME = 1e-6  # of a control's range


def resting(settings: PanelSettings, rows: Sequence[ControlRow]) -> int:
    """How many controls rest away from their default."""
    return sum(settings.choice(row.name).rest is not None for row in rows)


def with_rest(settings: PanelSettings, rows: Sequence[ControlRow], values: Sequence[float]) -> PanelSettings:
    """``settings`` with each control at rest where its value is; at their defaults if no values are given.

    Controls that cannot be solved are left out, and so are those whose value is their default.
    """
    for number, row in enumerate(rows):
        rest = None
        if values and not row.obstacle and abs(values[number] - row.default) > _SAME * (row.maximum - row.minimum):
            rest = min(max(values[number], row.minimum), row.maximum)
        settings = settings.with_choice(row.name, replace(settings.choice(row.name), rest=rest))
    return settings
