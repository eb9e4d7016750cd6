"""The panel's settings as text that is stored with the scene. Knows neither Qt nor maya."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import Any, Dict, Optional
from urllib.parse import quote, unquote

from facesolve.take.reading import json_value

from .model import KEY_MODES, ControlChoice, PanelSettings

SCHEMA = 1


def settings_to_text(settings: PanelSettings) -> str:
    """One line of ASCII without quotes or backslashes, whatever the names hold: Maya escapes those once too often."""
    record = dict(asdict(settings), schema=SCHEMA)
    return quote(json.dumps(record, sort_keys=True), safe="{}[]:,. _-/|")


def settings_from_text(text: str) -> Optional[PanelSettings]:
    """The settings in ``text``; None when it is empty, foreign, damaged or from a newer version.

    A single value of the wrong kind falls back to its default, so that one odd value does not lose the rest.
    """
    try:
        record = json_value(unquote(text))
    except ValueError:
        return None
    if not isinstance(record, dict) or record.get("schema") != SCHEMA:
        return None
    default = PanelSettings()
    values: Dict[str, Any] = {}
    for field in fields(PanelSettings):
        value = record.get(field.name)
        if field.name == "controls":
            values["controls"] = _choices(value)
        elif field.name in ("skipped_cameras", "sampled"):
            values[field.name] = tuple(map(str, value)) if isinstance(value, list) else ()
        elif field.name == "footage":
            values["footage"] = {str(k): str(v) for k, v in value.items()} if isinstance(value, dict) else {}
        elif _same_kind(value, getattr(default, field.name)):
            values[field.name] = type(getattr(default, field.name))(value)
    return PanelSettings(**values)


def _same_kind(value: Any, default: Any) -> bool:
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    return isinstance(value, (int, float) if isinstance(default, float) else type(default))


def _choices(value: Any) -> Dict[str, ControlChoice]:
    choices: Dict[str, ControlChoice] = {}
    for name, record in value.items() if isinstance(value, dict) else ():
        if not isinstance(record, dict):
            continue
        stiffness: Any = record.get("stiffness")
        keys, symmetric, exclusive = record.get("keys"), record.get("symmetric"), record.get("exclusive")
        rest: Any = record.get("rest")
        choices[str(name)] = ControlChoice(
            active=record.get("active") is not False,
            keys=keys if keys in KEY_MODES else ControlChoice.keys,
            stiffness=float(stiffness) if _same_kind(stiffness, 1.0) and stiffness >= 0 else ControlChoice.stiffness,
            symmetric=symmetric if isinstance(symmetric, str) else None,
            exclusive=exclusive if isinstance(exclusive, str) else None,
            rest=float(rest) if _same_kind(rest, 1.0) else None,
        )
    return choices
