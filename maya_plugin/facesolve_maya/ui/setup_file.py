"""The character's set-up as a file, made once and used for every shot: ``character.json``.

Knows neither Qt nor maya.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, Optional, Sequence, Tuple

from facesolve.take.character import (
    Character,
    CharacterControl,
    bare,
    beside,
    matched,
    namespace_of,
    read_character,
    write_character,
)
from facesolve.take.errors import TakeError
from facesolve.take.regions import region_of
from facesolve.take.settings import OF_FRAMES, SCALARS
from facesolve.take.settings_record import settings_from

from .model import ControlChoice, ControlRow, HeadRow, PanelSettings

ENDING = ".json"


def write_setup(path: Path, settings: PanelSettings, controls: Sequence[ControlRow]) -> None:
    """Writes what is decided about the head, ``controls`` and the strengths; what belongs to one shot stays out.

    What the panel does not know of a character (its rig, masks, the actor) stays as the file has it. Raises TakeError.
    """
    known = read_character(path) if path.is_file() else Character(path.stem)
    names = {row.name: row for row in controls}
    decided = {name: _control(row, settings.choice(name), known.controls.get(name)) for name, row in names.items()}
    scalars = {name: getattr(settings, _member(name)) for name in SCALARS if name not in OF_FRAMES}
    written = replace(
        known,
        head=bare(settings.head_transform),
        meshes=(bare(settings.mesh),) if settings.mesh else (),
        actor=_from_folder(path, settings.actor) if settings.actor else known.actor,
        sampled=tuple(bare(plug) for plug in settings.sampled),
        strengths=scalars,
        controls={**known.controls, **decided},
    )
    write_character(written, path)


def _control(row: ControlRow, choice: ControlChoice, known: Optional[CharacterControl]) -> CharacterControl:
    base = CharacterControl() if known is None else known
    return replace(
        base,
        region=base.region or region_of(row.name),
        minimum=row.minimum,
        maximum=row.maximum,
        active=choice.active,
        stiffness=choice.stiffness,
        symmetric=choice.symmetric,
        exclusive=choice.exclusive,
        rest=choice.rest,
    )


def _member(scalar: str) -> str:
    """What the panel calls a setting."""
    return "head_mode" if scalar == "head" else scalar


def with_setup(
    path: Path, settings: PanelSettings, controls: Sequence[ControlRow], heads: Sequence[HeadRow]
) -> Tuple[PanelSettings, Tuple[str, ...]]:
    """``settings`` with the set-up in ``path``, and the names in it that are none of ``controls``.

    The head is the one of the file under whatever namespace it has here; one that is chosen already stays. What
    existing keys mean stays as it was: that belongs to the shot. Raises TakeError, also when the scene has the head
    several times and none of them is chosen.
    """
    character = read_character(path)
    settings = _with_head(settings, character, heads)
    found = matched(character.controls, [row.name for row in controls])
    to_rig = {own: name for name, own in found.items()}
    choices = {row.name: ControlChoice(keys=settings.choice(row.name).keys) for row in controls}
    for name, own in found.items():
        decided = character.controls[own]
        choices[name] = replace(
            choices[name],
            active=decided.active,
            stiffness=decided.stiffness,
            symmetric=to_rig.get(decided.symmetric or ""),
            exclusive=to_rig.get(decided.exclusive or ""),
            rest=decided.rest,
        )
    changed = {name: choice for name, choice in choices.items() if choice != ControlChoice()}
    kept = {name: choice for name, choice in settings.controls.items() if name not in choices}
    strengths = settings_from(character.strengths)
    scalars: Dict[str, Any] = {
        _member(name): getattr(strengths, name) for name in character.strengths if name not in OF_FRAMES
    }
    strangers = tuple(own for own in character.controls if own not in to_rig)
    if character.actor:
        scalars["actor"] = str(beside(path, character.actor))
    if character.sampled:
        scalars["sampled"] = tuple(_under(name, namespace_of(settings.mesh)) for name in character.sampled)
    return replace(settings, controls={**kept, **changed}, **scalars), strangers


def _from_folder(path: Path, other: str) -> str:
    """The way from the file ``path`` to ``other``, which may be on another drive."""
    try:
        return Path(os.path.relpath(other, path.parent)).as_posix()
    except ValueError:
        return other


def _under(plug: str, namespace: str) -> str:
    """A bare plug with ``namespace``, empty for none, on every node of its path."""
    node, dot, attribute = plug.partition(".")
    parts = [namespace + ":" + part if part and namespace else part for part in node.split("|")]
    return "|".join(parts) + dot + attribute


def _with_head(settings: PanelSettings, character: Character, heads: Sequence[HeadRow]) -> PanelSettings:
    """``settings`` with the character's head, as far as it is there."""
    if not character.meshes or bare(settings.mesh) == character.meshes[0]:
        return settings
    there = [row for row in heads if bare(row.mesh) == character.meshes[0]]
    if len(there) > 1:
        raise TakeError(
            "set-up: the scene has the head as {}; choose one of them under Head and load again.".format(
                " and ".join("'{}'".format(row.mesh) for row in there)
            )
        )
    if not there:
        return settings
    transform = next((name for name in there[0].transforms if bare(name) == character.head), settings.head_transform)
    return replace(settings, mesh=there[0].mesh, head_transform=transform)
