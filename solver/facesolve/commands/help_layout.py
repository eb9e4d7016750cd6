"""How help looks: cyclopts' panels, with the value that each flag takes behind its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cyclopts.help import DefaultFormatter

NAMES_WIDTH = 30


def layout(metavars: Mapping[str, str]) -> DefaultFormatter:
    """A formatter that shows ``--frames A-B`` where ``metavars`` has ``--frames``."""
    from cyclopts.help import ColumnSpec, DefaultFormatter, DescriptionRenderer

    def label(entry: Any) -> str:
        labels = [*entry.positive_names, *entry.positive_shorts]
        value = next((metavars[name] for name in entry.positive_names if metavars.get(name)), "")
        shown = " ".join([", ".join([*labels, *entry.negative_names]), *filter(None, [value])])
        return ("* " if entry.required else "") + shown

    columns = (
        ColumnSpec(renderer=label, max_width=NAMES_WIDTH, overflow="fold"),
        ColumnSpec(renderer=DescriptionRenderer(), overflow="fold"),
    )
    return DefaultFormatter(column_specs=columns)
