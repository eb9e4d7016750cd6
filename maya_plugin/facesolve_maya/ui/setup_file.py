"""The rig's control set-up as a file, made once and used for every shot; a settings file as batch and solve take it.

Knows neither Qt nor maya.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Iterable, Tuple

from facesolve.take import Settings
from facesolve.take.files import write_json
from facesolve.take.settings import SCALARS
from facesolve.take.settings_record import SettingsChange, settings_record

from .model import ControlChoice, PanelSettings

ENDING = ".facesolve.json"


def write_setup(path: Path, settings: PanelSettings, controls: Iterable[str]) -> None:
    """Writes what is decided about ``controls``, and the strengths; what belongs to one shot stays out."""
    record = settings_record(settings.solver_settings(tuple(controls)))
    write_json(path, {name: record[name] for name in (*SCALARS, "controls")})


def with_setup(path: Path, settings: PanelSettings, controls: Iterable[str]) -> Tuple[PanelSettings, Tuple[str, ...]]:
    """``settings`` with the set-up in ``path``, and the names in it that are none of ``controls``.

    What existing keys mean stays as it was: that belongs to the shot. Raises TakeError.
    """
    found, known = SettingsChange(path).over(Settings()), set(controls)
    scalars = {"head_mode" if name == "head" else name: getattr(found, name) for name in SCALARS}
    choices = {name: ControlChoice(keys=settings.choice(name).keys) for name in known}
    for control in found.controls:
        if control.name in known:
            choices[control.name] = replace(
                choices[control.name],
                active=control.active,
                stiffness=control.stiffness,
                symmetric=control.symmetric,
                exclusive=control.exclusive,
            )
    changed = {name: choice for name, choice in choices.items() if choice != ControlChoice()}
    kept = {name: choice for name, choice in settings.controls.items() if name not in known}
    strangers = tuple(control.name for control in found.controls if control.name not in known)
    return replace(settings, controls={**kept, **changed}, **scalars), strangers
