"""What a dataclass's docstring says about each of its fields, so that help and tool tips need no second text."""

from __future__ import annotations

import re
import textwrap
from typing import Dict

_FIELD = re.compile(r"(\w+): (.*)")


def field_help(documented: type) -> Dict[str, str]:
    """The text of each field in the ``Attributes:`` section of a Google-style docstring, on one line, by field name."""
    _, found, section = textwrap.dedent("    " + (documented.__doc__ or "")).partition("Attributes:\n")
    texts: Dict[str, str] = {}
    name = ""
    for line in textwrap.dedent(section.split("\n\n")[0]).splitlines() if found else ():
        started = _FIELD.match(line)
        if started is not None:
            name = started.group(1)
            texts[name] = started.group(2)
        elif name:
            texts[name] += " " + line.strip()
    return {name: text.replace("``", "").strip() for name, text in texts.items()}
