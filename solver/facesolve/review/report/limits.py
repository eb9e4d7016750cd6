"""What each control of a solution may do: range, rest, pins, and which ones the solve was told to hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from facesolve.take import Solution, Take
from facesolve.take.provenance import read_provenance

LOCKED, SWITCHED_OFF = "locked", "off"


@dataclass(frozen=True)
class PinnedValue:
    """A pin. index: 0-based frame of the solution; control: 0-based."""

    index: int
    control: int
    value: float


@dataclass(frozen=True, eq=False)
class Limits:
    """Per control, in the solution's order. known: (K,) bool, the take tells its range; else it is taken as 0..1.

    minimum, maximum, default: (K,). plugs: where Maya keys it, or empty. held: (K,) ``locked``, ``off`` or
    empty. has_deviations: any control has a standard deviation.
    """

    known: np.ndarray
    minimum: np.ndarray
    maximum: np.ndarray
    default: np.ndarray
    plugs: tuple[str, ...]
    held: tuple[str, ...]
    pins: tuple[PinnedValue, ...]
    has_deviations: bool

    @property
    def span(self) -> np.ndarray:
        """(K,) maximum - minimum."""
        return self.maximum - self.minimum


def control_limits(solution: Solution, take: Take | None) -> Limits:
    """Ranges from ``take``; pins and locks from the settings that the solve ran with, as its provenance tells them."""
    controls = {} if take is None else {control.name: control for control in take.rig.controls}
    found = [controls.get(name) for name in solution.control_names]
    settings = read_provenance(solution.provenance).settings
    return Limits(
        known=np.array([control is not None for control in found], bool),
        minimum=np.array([0.0 if control is None else control.minimum for control in found]),
        maximum=np.array([1.0 if control is None else control.maximum for control in found]),
        default=np.array([0.0 if control is None else control.default for control in found]),
        plugs=tuple("" if control is None else control.plug for control in found),
        held=tuple(_held(settings, solution.control_names)),
        pins=tuple(_pins(settings, solution)),
        has_deviations=bool((np.isfinite(solution.control_std) & (solution.control_std > 0)).any()),
    )


def _held(settings: Mapping[str, Any], names: tuple[str, ...]) -> list[str]:
    held = dict.fromkeys(names, "")
    controls = settings.get("controls")
    for name, record in controls.items() if isinstance(controls, dict) else ():
        if name not in held or not isinstance(record, dict):
            continue
        if record.get("lock") is not None:
            held[name] = LOCKED
        elif record.get("active") is False:
            held[name] = SWITCHED_OFF
    return list(held.values())


def _pins(settings: Mapping[str, Any], solution: Solution) -> Iterator[PinnedValue]:
    places = {int(frame): index for index, frame in enumerate(solution.frames)}
    for record in _records(settings, "pins"):
        frame, name, value = record.get("frame"), record.get("control"), record.get("value")
        if isinstance(frame, int) and frame in places and name in solution.control_names and isinstance(value, float):
            yield PinnedValue(places[frame], solution.control_names.index(name), value)


def _records(settings: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """The objects listed under ``name``; provenance may have been written by another version, or by another tool."""
    listed = settings.get(name)
    return [record for record in listed if isinstance(record, dict)] if isinstance(listed, list) else []
