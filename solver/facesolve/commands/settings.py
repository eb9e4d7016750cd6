"""The settings of a solve as flags: one for each scalar of ``Settings``, and a file that holds all of them."""

from __future__ import annotations

from dataclasses import field, fields, make_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facesolve.take.documented import field_help
from facesolve.take.settings import CHOICES, SCALARS, Settings
from facesolve.take.settings_record import SettingsChange

if TYPE_CHECKING:
    _Flags: Any = object


def _flag(name: str, default: Any) -> tuple[str, Any, Any]:
    shown = (
        ("yes" if default else "no")
        if isinstance(default, bool)
        else "none"
        if isinstance(default, tuple)
        else f"{default:g}"
        if isinstance(default, float)
        else default
    )
    text = field_help(Settings)[name].rstrip(".")
    about = {"help": f"{text} (default: {shown}).", "choices": CHOICES.get(name, ())}
    kind = tuple[int, ...] if isinstance(default, tuple) else type(default)
    return name, kind | None, field(default=None, metadata=about)


if not TYPE_CHECKING:
    _Flags = make_dataclass(
        "_Flags",
        [
            ("settings", Path | None, None),
            *(_flag(known.name, known.default) for known in fields(Settings) if known.name in SCALARS),
        ],
        frozen=True,
    )


class SettingsFlags(_Flags):
    """What a user chose of the settings; None where nothing was chosen, so that the take's own settings hold.

    Attributes:
        settings: settings file, TOML or JSON, overrides the take's settings; flags override it.
    """

    def change(self) -> SettingsChange:
        """The choice as a change of a take's settings."""
        given = {name: getattr(self, name) for name in SCALARS}
        return SettingsChange(self.settings, {name: value for name, value in given.items() if value is not None})
