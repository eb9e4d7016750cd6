"""A list of takes, as CSV or TOML, read into what is to be done with each. Does nothing itself."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from facesolve.take import TakeError
from facesolve.take.checks import LONGEST_PATH, file_name, refusal, shown, text
from facesolve.take.frame_range import parse_frames
from facesolve.take.reading import read_text, read_toml
from facesolve.take.settings_record import SettingsChange
from facesolve.take.timecode import rational_rate

from .requests import PackRequest

EXPORTS = {"usd": ".usdc", "obj": "", "csv": ".csv", "json": ".json"}  # the endings of what is written
PATHS = ("rig", "cameras", "start", "texture", "actor", "character")
NUMBERS = ("fps", "scale")
PATTERNS = ("footage", "matte", "sound")
NOT_HERE = {"clock", "distance", "cuts", "other_cameras"}  # of PackRequest: no value in one cell, or several takes
OWN = ("name", "take", "setup", "quality", "export", "priority", "out")
_BY_TIMECODE = re.compile(r"\d+:\d\d:\d\d[:;]\d+\s*-\s*\d+:\d\d:\d\d[:;]\d+")


@dataclass(frozen=True)
class Entry:
    """A take of the list. request: how it is packed, None where ``take`` is there already; then ``frames`` of it count.

    settings: changes for its solve. exports: keys of EXPORTS. priority: the largest first. out: folder of its solution.
    """

    name: str
    take: Path
    request: PackRequest | None
    settings: SettingsChange
    exports: tuple[str, ...]
    priority: int
    out: Path
    frames: tuple[int, int] | None = None


def read_manifest(path: Path, out: Path) -> tuple[Entry, ...]:
    """The takes of ``path``, by priority, then in the order of the file.

    Paths are relative to the file. ``out``: folder for takes and solutions. Raises TakeError that names the take.
    """
    rows = _rows(path)
    if not rows:
        raise TakeError(f"manifest: '{path}' lists no take.")
    entries = [_entry(row, number, path.parent, out) for number, row in enumerate(rows, 1)]
    names = [entry.name.casefold() for entry in entries]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise TakeError(f"manifest: two takes are named '{twice[0]}'; names become folders.")
    return tuple(sorted(entries, key=lambda entry: -entry.priority))


def _rows(path: Path) -> list[dict[str, Any]]:
    """Each take's values by column; empty ones are left out."""
    kind = path.suffix.lower()
    if kind == ".toml":
        record = read_toml(path, "manifest")
        if set(record) - {"defaults", "take"}:
            raise TakeError(f"manifest: '{path}' has tables other than [defaults] and [[take]].")
        defaults, takes = record.get("defaults", {}), record.get("take", [])
        if not isinstance(defaults, dict) or not isinstance(takes, list) or not all(isinstance(t, dict) for t in takes):
            raise TakeError(f"manifest: '{path}' must hold one [defaults] and a [[take]] for each take.")
        return [{**defaults, **take} for take in takes]
    if kind == ".csv":
        reader = csv.DictReader(io.StringIO(read_text(path, "manifest").lstrip("\ufeff"), newline=""))
        try:
            rows = [{str(name).strip(): value for name, value in row.items()} for row in reader]
        except csv.Error as error:
            raise TakeError(f"manifest: '{path}' cannot be read as CSV ({error}).") from None
        if any("None" in row for row in rows):
            raise TakeError(f"manifest: '{path}' has a line with more values than columns.")
        return [{name: value.strip() for name, value in row.items() if value and value.strip()} for row in rows]
    raise TakeError(f"manifest: '{path}' ends in neither .csv nor .toml.")


def _entry(row: Mapping[str, Any], number: int, folder: Path, out: Path) -> Entry:
    for column, value in row.items():
        _check_value(value, f"manifest, take {number}: {shown(column)[1:-1]}")
    name = str(row.get("name") or Path(str(row.get("take", ""))).name)
    if name in ("", ".", ".."):
        raise TakeError(f"manifest, take {number}: it needs a name that can be a folder's.")
    name = file_name(name, f"manifest, take {number}: name")
    where = f"manifest, take {number} '{name}'"
    known = {of.name for of in fields(PackRequest)} - NOT_HERE
    unknown = sorted(set(row) - known - set(OWN))
    if unknown:
        raise TakeError(f"{where}: {shown(unknown[0])} is no column; columns are {', '.join([*OWN, *sorted(known)])}.")
    take = row.get("take")
    packing = {key: value for key, value in row.items() if key in known}
    if take and set(packing) - {"frames"}:
        raise TakeError(f"{where}: 'take' is packed already; leave out {', '.join(sorted(set(packing) - {'frames'}))}.")
    exports = tuple(part for part in re.split(r"[\s;,]+", str(row.get("export", ""))) if part)
    for export in exports:
        if export not in EXPORTS:
            raise TakeError(f"{where}: export {shown(export)} is not one of {', '.join(EXPORTS)}.")
    setup = folder / str(row["setup"]) if "setup" in row else None
    quality = {"quality": str(row["quality"])} if "quality" in row else {}
    return Entry(
        name,
        folder / str(take) if take else out / "takes" / name,
        None if take else _request(packing, where, folder),
        SettingsChange(file=setup, values=quality),
        exports,
        _number(row.get("priority", 0), where, "priority", int),
        folder / str(row["out"]) if "out" in row else out / "solutions" / name,
        _of_packed(str(row["frames"]), where) if take and "frames" in row else None,
    )


def _request(values: Mapping[str, Any], where: str, folder: Path) -> PackRequest:
    needed = ("cameras", "footage") if "character" in values else ("rig", "cameras", "footage")
    missing = [name for name in needed if name not in values]
    if missing:
        raise TakeError(f"{where}: {', '.join(missing)} is missing; give it, or 'take' for a folder that is packed.")
    made: dict[str, Any] = dict(values)
    for name in values:
        if name in PATHS:
            made[name] = folder / str(values[name])
        elif name in PATTERNS:
            made[name] = str(folder / str(values[name]))
        elif name in NUMBERS:
            made[name] = _number(values[name], where, name, _rate if name == "fps" else float)
    frames = str(made.pop("frames", ""))
    if frames and "range" in made:
        raise TakeError(f"{where}: frames and range are both given; give one of them.")
    if _BY_TIMECODE.fullmatch(frames):
        made["range"] = "".join(frames.split())
    elif frames:
        made["frames"] = _numbered(frames, where)
    return PackRequest(**made)


def _rate(value: Any) -> float:
    """Frames a second of ``24``, ``29.97`` or ``30000/1001``."""
    return float(rational_rate(value))


def _of_packed(text: str, where: str) -> tuple[int, int]:
    """First and last frame of a take that is packed, whose timecode is gone."""
    if ":" in text:
        raise TakeError(f"{where}: 'take' is packed already; give its frames by number, not by timecode.")
    return _numbered(text, where)


def _numbered(text: str, where: str) -> tuple[int, int]:
    """First and last frame of ``1001-1040``."""
    try:
        return parse_frames(text)
    except TakeError as error:
        raise TakeError(f"{where}: {error}") from None


def _number(value: Any, where: str, name: str, kind: Callable[[Any], Any]) -> Any:
    try:
        return kind(value)
    except (TypeError, ValueError, OverflowError, TakeError):
        raise TakeError(f"{where}: {name} {shown(value)} is not a number.") from None


def _check_value(value: Any, where: str) -> None:
    """Raises TakeError for what no cell of a table can hold."""
    if isinstance(value, str):
        text(LONGEST_PATH)(value, where)
    elif isinstance(value, bool) or not isinstance(value, (int, float)):
        raise refusal(value, where, "text or a number")


def stamp(files: Sequence[Path]) -> dict[str, list[int]]:
    """Size and time of change of files, by which it is seen that they changed."""
    return {path.as_posix(): [path.stat().st_size, path.stat().st_mtime_ns] for path in files if path.is_file()}
