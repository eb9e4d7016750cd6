"""A character's set-up, ``character.json``: what is decided once about a rig and holds for every shot.

Holds, reads and writes data, and finds its names in a rig or scene under another namespace. ``character_rig`` applies
it to a rig. Knows neither torch nor Maya.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from .checks import (
    MEASURE,
    MOST_CONTROLS,
    MOST_MESHES,
    NAME,
    PATH,
    WORD,
    anything,
    exactly,
    flag,
    mapping,
    members,
    number,
    optional,
    several,
    whole,
)
from .errors import TakeError
from .files import write_json
from .reading import checked, read_json
from .settings import OF_FRAMES, SCALARS, ControlSettings, Settings
from .settings_record import settings_from

SCHEMA, KIND = 1, "facesolve character"
FILE = "character.json"
_NAMESPACES = re.compile(r"[^|:.\s]+:")


@dataclass(frozen=True)
class CharacterControl:
    """What is decided about one control.

    region: of the face, a word. minimum, maximum, rest: in the control's own units, None for the rig's own. lock: value
    that it keeps, or None. The others: as in ``ControlSettings``.
    """

    region: str = ""
    minimum: Optional[float] = None
    maximum: Optional[float] = None
    rest: Optional[float] = None
    active: bool = True
    lock: Optional[float] = None
    stiffness: float = 1.0
    symmetric: Optional[str] = None
    exclusive: Optional[str] = None


@dataclass(frozen=True)
class Character:
    """A character. Names of Maya's nodes are without namespaces; paths are relative to the file's folder.

    rig: file of the rig, with sampled logic if it has some, or empty where the scene is the rig. head: transform that
    carries the head's motion. meshes: those that are solved, all of the rig's when empty. photometric_mask, rigid_mask:
    files of one number per vertex of these meshes. actor: file of the actor's profile. sampled: controls whose effect
    was sampled, and tolerance: to which precision, millimeters. strengths: settings for the whole take by name.
    """

    name: str
    rig: str = ""
    head: str = ""
    meshes: Tuple[str, ...] = ()
    photometric_mask: str = ""
    rigid_mask: str = ""
    actor: str = ""
    sampled: Tuple[str, ...] = ()
    tolerance: Optional[float] = None
    strengths: Mapping[str, Any] = field(default_factory=dict)
    controls: Mapping[str, CharacterControl] = field(default_factory=dict)

    def settings(
        self, names: Sequence[str], base: Optional[Settings] = None, namespace: Optional[str] = None
    ) -> Settings:
        """``base`` (the defaults when None) with what is decided, for a rig whose controls are ``names``. TakeError."""
        found = matched(self.controls, names, namespace)
        to_rig = {own: name for name, own in found.items()}
        tables: Dict[str, Any] = {}
        for name, own in found.items():
            control = self.controls[own]
            partners = {key: getattr(control, key) for key in ("symmetric", "exclusive")}
            table: Dict[str, Any] = {key: to_rig[partner] for key, partner in partners.items() if partner in to_rig}
            table.update(active=control.active, stiffness=control.stiffness)
            if control.lock is not None:
                table["lock"] = control.lock
            if _settings_of(name, table) != _settings_of(name, {}):
                tables[name] = table
        return settings_from({**self.strengths, "controls": tables}, base)


def _settings_of(name: str, table: Mapping[str, Any]) -> Tuple[Any, ...]:
    control = ControlSettings(name, **table)
    lock = None if control.lock is None else float(control.lock[0])
    return control.active, lock, control.stiffness, control.symmetric, control.exclusive


def bare(name: str) -> str:
    """A name of Maya, a path or a plug, without namespaces."""
    return _NAMESPACES.sub("", name)


def matched(own: Iterable[str], names: Sequence[str], namespace: Optional[str] = None) -> Dict[str, str]:
    """Which of ``own`` each of ``names`` is: the same name, or the same without namespaces.

    namespace: the one that counts where names are there several times, empty for none. TakeError where it is needed.
    """
    wanted = list(own)
    found = {name: name for name in names if name in set(wanted)}
    by_bare: Dict[str, List[str]] = {}
    for name in names:
        if name not in found and (namespace is None or namespace_of(name) == namespace):
            by_bare.setdefault(bare(name), []).append(name)
    for name in wanted:
        candidates = by_bare.get(bare(name), []) if name not in found else []
        if len(candidates) > 1:
            raise TakeError(
                "character: '{}' is there as {}; say which namespace is meant.".format(
                    bare(name), " and ".join("'{}'".format(candidate) for candidate in candidates[:3])
                )
            )
        if candidates:
            found[candidates[0]] = name
    return found


def namespace_of(name: str) -> str:
    """The namespace of the last node in a path or plug, empty for none."""
    return name.rpartition("|")[2].partition(".")[0].rpartition(":")[0]


def write_character(character: Character, path: Path) -> None:
    """Writes ``character``; what is as the rig and the defaults have it is left out."""
    record: Dict[str, Any] = {"schema": SCHEMA, "kind": KIND, "name": character.name}
    for name in _WORDS:
        if getattr(character, name):
            record[name] = getattr(character, name)
    for name in ("meshes", "sampled"):
        if getattr(character, name):
            record[name] = list(getattr(character, name))
    if character.tolerance is not None:
        record["tolerance"] = character.tolerance
    record["strengths"] = dict(character.strengths)
    plain = asdict(CharacterControl())
    record["controls"] = {
        name: {key: value for key, value in asdict(control).items() if value != plain[key]}
        for name, control in character.controls.items()
    }
    write_json(path, record)


def read_character(path: Path) -> Character:
    """The character in ``path``. Raises TakeError."""
    record = checked(read_json(path, "character"), _MEMBERS, "character", path, "save it again")
    controls = {name: CharacterControl(**table) for name, table in record.pop("controls", {}).items()}
    for name, control in controls.items():
        if control.minimum is not None and control.maximum is not None and not control.minimum < control.maximum:
            raise TakeError(
                "character: '{}': control '{}' has an empty range; its minimum must be below its maximum.".format(
                    path, name
                )
            )
    for name in OF_FRAMES:
        if name in record.get("strengths", {}):
            raise TakeError("character: '{}': {} frames are those of one take; leave them out.".format(path, name))
    for name in ("meshes", "sampled"):
        record[name] = tuple(record.get(name, ()))
    del record["schema"], record["kind"]
    character = Character(controls=controls, **record)
    character.settings(list(controls))  # raises for a strength that no setting has
    return character


def beside(path: Path, relative: str) -> Path:
    """The file that ``relative`` names in the character file ``path``."""
    return path.parent / relative


_WORDS = ("rig", "head", "photometric_mask", "rigid_mask", "actor")
_VALUES = optional(MEASURE)
_CONTROL = {
    "region": WORD,
    "minimum": _VALUES,
    "maximum": _VALUES,
    "rest": _VALUES,
    "active": flag,
    "lock": _VALUES,
    "stiffness": number(0.0, 1e6),
    "symmetric": optional(NAME),
    "exclusive": optional(NAME),
}
_KNOWN = {
    "schema": whole(SCHEMA, SCHEMA),
    "kind": exactly(KIND),
    "name": NAME,
    **{name: PATH for name in _WORDS},
    "meshes": several(NAME, MOST_MESHES),
    "sampled": several(NAME, MOST_CONTROLS),
    "tolerance": optional(number(0.0, 1000.0)),
    "strengths": mapping(WORD, anything, len(SCALARS)),
    "controls": mapping(NAME, members(_CONTROL, optional=tuple(_CONTROL)), MOST_CONTROLS),
}
_MEMBERS = members(_KNOWN, optional=tuple(name for name in _KNOWN if name not in ("schema", "kind", "name")))
