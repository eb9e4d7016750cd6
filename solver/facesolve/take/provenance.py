"""Where a solution came from: the names and types of what its ``provenance`` says, written and read in one place.

Knows nothing of how it is found out. Readers are forgiving: another tool may have written a solution.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Callable, Dict, Mapping, Optional, Tuple

Texts = Tuple[str, ...]
Gains = Tuple[Tuple[float, float, float], ...]


@dataclass(frozen=True)
class Provenance:
    """What a solution says of its making. A field that is not known is empty.

    facesolve, torch, python: versions. fingerprint: of what was solved, see ``take.solved``.
    device, rasterizer: what ran it, by name. date: ISO 8601, UTC.
    take: folder of the take, relative to the solution's or absolute; take_name: its name. actor: file of the actor's
    profile that the solve was given, in the same way.
    settings: as ``take.settings_record`` writes them. seconds: how long each stage took.
    start: how the start pose was found, in sentences. keyframes: take frame numbers that the template comes from.
    also_refined_on: further devices. residuals: kinds of a user's own residuals.
    texture: its files; None when none could be baked.
    camera_gains: (C, 3) of red, green and blue. camera_errors: by camera, what its calibration is off by.
    method: what made it, where it was not the solve itself; rates and steps: those of a first-order method.
    """

    facesolve: str = ""
    torch: str = ""
    python: str = ""
    fingerprint: str = ""
    device: str = ""
    rasterizer: str = ""
    date: str = ""
    take: str = ""
    take_name: str = ""
    actor: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    start: Texts = ()
    keyframes: Tuple[int, ...] = ()
    also_refined_on: Texts = ()
    residuals: Texts = ()
    texture: Optional[Texts] = ()
    camera_gains: Gains = ()
    camera_errors: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    method: str = ""
    rates: Mapping[str, Any] = field(default_factory=dict)
    steps: int = 0

    def record(self) -> Dict[str, Any]:
        """As JSON values, without what is not known."""
        known = {of.name: getattr(self, of.name) for of in fields(self)}
        return {name: _plain(value) for name, value in known.items() if value is None or value}


def read_provenance(record: Mapping[str, Any]) -> Provenance:
    """What ``record`` says; a value of another type than this version writes counts as not known."""
    known: Dict[str, Any] = {}
    for of in fields(Provenance):
        if of.name in record:
            try:
                known[of.name] = _READERS.get(of.name, _text)(record[of.name])
            except (TypeError, ValueError):
                continue
    return Provenance(**known)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return dict(value) if isinstance(value, Mapping) else value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError
    return value


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError
    return value


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TypeError
    return value


def _numbers(value: Any) -> Dict[str, float]:
    return {name: _number(number) for name, number in _object(value).items()}


def _gain(value: Any) -> Tuple[float, float, float]:
    red, green, blue = _several(_number)(value)
    return red, green, blue


def _several(one: Callable[[Any], Any]) -> Callable[[Any], Tuple[Any, ...]]:
    def read(value: Any) -> Tuple[Any, ...]:
        if not isinstance(value, list):
            raise TypeError
        return tuple(one(item) for item in value)

    return read


_READERS: Dict[str, Callable[[Any], Any]] = {
    "settings": _object,
    "seconds": lambda value: _numbers(value),
    "start": _several(_text),
    "keyframes": _several(_whole),
    "also_refined_on": _several(_text),
    "residuals": _several(_text),
    "texture": lambda value: None if value is None else _several(_text)(value),
    "camera_gains": _several(_gain),
    "camera_errors": lambda value: {name: _numbers(errors) for name, errors in _object(value).items()},
    "rates": _object,
    "steps": _whole,
}
