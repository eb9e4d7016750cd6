"""How help looks: text filled to the terminal, and the value that each flag takes behind its name."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .flags import Flag

if TYPE_CHECKING:
    from cyclopts.help import DefaultFormatter

NAMES_WIDTH = 30  # columns for a flag and its value


def laid_out(flags: Sequence[Flag]) -> DefaultFormatter:
    """A formatter of panels that shows ``--frames A-B`` rather than ``--frames`` alone, and our defaults."""
    from cyclopts.help import ColumnSpec, DefaultFormatter  # with rich, which only help needs

    by_name = {(flag.value if flag.is_input else flag.names[0]).lower(): flag for flag in flags}

    def flag_of(entry: Any) -> Flag | None:
        name = entry.positive_names[0].lower() if entry.positive_names else ""  # a choice of words comes in capitals
        return by_name.get(name.removeprefix("--")) or by_name.get(name)

    def label(entry: Any) -> str:
        flag = flag_of(entry)
        if flag is None:
            return ", ".join(entry.all_options)
        shown = flag.value if flag.is_input else " ".join(filter(None, (", ".join(flag.names), flag.value)))
        return f"* {shown}" if flag.required else shown

    def about(entry: Any) -> str:
        flag = flag_of(entry)
        told = flag.help if flag is not None else str(entry.description)
        return told + (f" (default: {flag.default})" if flag is not None and flag.default else "")

    columns = (
        ColumnSpec(renderer=label, max_width=NAMES_WIDTH, overflow="fold"),
        ColumnSpec(renderer=about, overflow="fold"),
    )
    return DefaultFormatter(column_specs=columns)


def paragraphs(text: str, width: int) -> str:
    """``text`` with its paragraphs filled to ``width``; a line that is indented by two begins an entry of a list."""
    blocks: list[str] = []
    for block in text.split("\n\n"):
        entries: list[str] = []
        for line in block.splitlines():
            deeper = line.startswith("   ") or not line.startswith("  ")
            if entries and deeper:
                entries[-1] += " " + line.strip()
            else:
                entries.append(line.rstrip())
        blocks.append("\n".join(filled(entry, width, _hanging(entry)) for entry in entries))
    return "\n\n".join(blocks)


def filled(text: str, width: int, indent: str) -> str:
    """``text`` in lines of at most ``width``, broken between words, further lines indented."""
    return textwrap.fill(
        text,
        width,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
        replace_whitespace=False,
    )


def _hanging(entry: str) -> str:
    """The indent of the further lines of an entry ``  name   text``: that of its text."""
    if not entry.startswith("  "):
        return ""
    name, gap, _ = entry[2:].partition("  ")
    behind = entry[2 + len(name) :]
    return " " * (2 + len(name) + len(behind) - len(behind.lstrip())) if gap else "    "
