"""Settings as plain values: the one table of take.json, provenance and settings files. Knows no rig and no take."""

from __future__ import annotations

import difflib
import os
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

import numpy as np

from .checks import FRAME, LARGEST, NAME, numbers, shown
from .errors import TakeError
from .reading import read_json, read_toml
from .settings import SCALARS, ControlSettings, HeadPin, Pin, Settings

CONTROL_KEYS = tuple(known.name for known in fields(ControlSettings) if known.name != "name")
KEYS = (*SCALARS, "controls", "pins", "head_pins")


def settings_record(settings: Settings) -> Dict[str, Any]:
    """``settings`` as JSON values: scalars, ``controls`` by name, ``pins`` and ``head_pins`` as lists of objects."""
    record: Dict[str, Any] = {name: _plain(getattr(settings, name)) for name in SCALARS}
    record["controls"] = {
        control.name: dict({key: getattr(control, key) for key in CONTROL_KEYS}, lock=_plain_lock(control.lock))
        for control in settings.controls
    }
    record["pins"] = [asdict(pin) for pin in settings.pins]
    record["head_pins"] = [{"frame": pin.frame, "head": pin.head.tolist()} for pin in settings.head_pins]
    return record


def settings_from(record: Mapping[str, Any], base: Optional[Settings] = None) -> Settings:
    """``base`` (the defaults when None) with what ``record`` says, a table as of ``settings_record``, parts of it.

    A control keeps what its table leaves out; a pin replaces one of the same control and frame. ``false`` takes back a
    lock, a rest or a partner. Raises TakeError with one sentence for an unknown key or a value of the wrong kind.
    """
    base = Settings() if base is None else base
    _check_keys(record, KEYS, "settings")
    values: Dict[str, Any] = {
        name: _scalar(name, record[name], getattr(base, name)) for name in SCALARS if name in record
    }
    controls = {control.name: control for control in base.controls}
    for name, table in _table(record.get("controls", {}), "controls").items():
        controls[name] = _control(controls.get(name, ControlSettings(name)), _table(table, "controls." + name))
    pins = {(pin.frame, pin.control): pin for pin in base.pins}
    for table in _tables(record.get("pins", []), "pins", ("frame", "control", "value")):
        control = NAME(table["control"], "settings: the control of a pin")
        pin = Pin(_frame(table, "pins"), control, _number(table["value"], "pins: value"))
        pins[(pin.frame, pin.control)] = pin
    heads = {pin.frame: pin for pin in base.head_pins}
    for table in _tables(record.get("head_pins", []), "head_pins", ("frame", "head")):
        frame = _frame(table, "head_pins")
        heads[frame] = HeadPin(frame, _matrix(table["head"], frame))
    return replace(
        base,
        controls=tuple(controls.values()),
        pins=tuple(pins.values()),
        head_pins=tuple(heads.values()),
        **values,
    )


@dataclass(frozen=True)
class SettingsChange:
    """What a user changes about a take's settings for one run.

    file: a settings file, or None. values: scalars by name, which win over the file.
    """

    file: Optional[Path] = None
    values: Mapping[str, Any] = field(default_factory=dict)

    def over(self, base: Settings) -> Settings:
        """``base`` with the changes. Raises TakeError for a bad file or value."""
        changed = base if self.file is None else read_settings(self.file, base)
        return settings_from(self.values, changed) if self.values else changed

    def arguments(self) -> List[str]:
        """The changes as arguments of ``facesolve solve``; the file's path becomes absolute."""
        arguments = [] if self.file is None else ["--settings", os.path.abspath(str(self.file))]
        for name, value in self.values.items():
            flag = name.replace("_", "-")
            if isinstance(value, bool):
                arguments.append("--{}{}".format("" if value else "no-", flag))
            else:
                text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
                arguments += ["--" + flag, text]
        return arguments


def read_settings(path: Path, base: Optional[Settings] = None) -> Settings:
    """``base`` with what the settings file ``path`` says: TOML, or JSON of the same keys when it ends in ``.json``.

    Raises TakeError with one sentence that names the file.
    """
    is_json = path.suffix.lower() == ".json"
    record = read_json(path, "settings") if is_json else read_toml(path, "settings")
    try:
        return settings_from(record, base)
    except TakeError as error:
        raise TakeError("'{}': {}".format(path, error)) from None


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _plain_lock(lock: Optional[np.ndarray]) -> Any:
    return None if lock is None else float(lock[0]) if len(lock) == 1 else lock.tolist()


def _control(control: ControlSettings, table: Mapping[str, Any]) -> ControlSettings:
    where = "controls.{}".format(control.name)
    _check_keys(table, CONTROL_KEYS, where)
    values: Dict[str, Any] = {}
    for key, value in table.items():
        name = "{}.{}".format(where, key)
        if key == "active":
            values[key] = _flag(value, name)
        elif key == "stiffness":
            values[key] = _number(value, name)
        elif key == "rest":
            values[key] = None if value is None or value is False else _number(value, name)
        elif key == "lock":
            values[key] = _lock(value, name)
        elif value is None or value is False:
            values[key] = None
        elif isinstance(value, str):
            values[key] = value
        else:
            raise TakeError("settings: {} is {}, expected the name of a control.".format(name, shown(value)))
    return replace(control, **values)


def _lock(value: Any, name: str) -> Any:
    if value is None or value is False:
        return None
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, list):
        return np.array([_number(entry, name) for entry in value])
    return _number(value, name)


def _scalar(name: str, value: Any, default: Any) -> Any:
    if isinstance(default, bool):
        return _flag(value, name)
    if isinstance(default, float):
        return _number(value, name)
    if isinstance(default, tuple):
        if not isinstance(value, (list, tuple)):
            raise TakeError("settings: {} is {}, expected a list of frames.".format(name, shown(value)))
        return tuple(FRAME(frame, "settings: a frame of {}".format(name)) for frame in value)
    if not isinstance(value, str):
        raise TakeError("settings: {} is {}, expected a word.".format(name, shown(value)))
    return value


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TakeError("settings: {} is {}, expected a number.".format(name, shown(value)))
    return float(value)


def _flag(value: Any, name: str) -> bool:
    if not isinstance(value, bool):
        raise TakeError("settings: {} is {}, expected true or false.".format(name, shown(value)))
    return value


def _frame(table: Mapping[str, Any], name: str) -> int:
    where = "settings: a frame of {}".format(name)
    frame: int = FRAME(table["frame"], where)
    return frame


def _matrix(value: Any, frame: int) -> np.ndarray:
    where = "settings: the head's pin at frame {}".format(frame)
    matrix: np.ndarray = numbers(LARGEST, 16)(value, where)
    if matrix.shape != (4, 4):
        raise TakeError("{} is not 4 rows of 4 numbers.".format(where))
    return matrix


def _table(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TakeError("settings: {} must be a table of names and values.".format(name))
    return value


def _tables(value: Any, name: str, keys: Tuple[str, ...]) -> List[Mapping[str, Any]]:
    if not isinstance(value, list):
        raise TakeError("settings: {} must be a list of tables.".format(name))
    tables = [_table(entry, "an entry of " + name) for entry in value]
    for table in tables:
        _check_keys(table, keys, name)
        missing = [key for key in keys if key not in table]
        if missing:
            raise TakeError("settings: an entry of {} lacks '{}'.".format(name, missing[0]))
    return tables


def _check_keys(table: Iterable[str], known: Tuple[str, ...], where: str) -> None:
    """Raises TakeError for the first key that is not known, with the one that was probably meant."""
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = "did you mean '{}'?".format(near[0]) if near else "known are {}.".format(", ".join(known))
            raise TakeError("{}: there is no {}; {}".format(where, shown(key), hint))
