"""What a docstring says about each field or argument, so that help and tool tips need no second text."""

from __future__ import annotations

import inspect
import re
import textwrap
from typing import Any, Dict

_ENTRY = re.compile(r"(\w+): (.*)")


def field_help(documented: Any, section: str = "Attributes") -> Dict[str, str]:
    """The texts of a section of a Google-style docstring, each on one line, by the name of the field or argument."""
    _, _, rest = inspect.cleandoc(documented.__doc__ or "").partition(section + ":\n")
    texts: Dict[str, str] = {}
    name = ""
    for line in textwrap.dedent(rest.split("\n\n")[0]).splitlines():
        started = _ENTRY.match(line)
        if started is not None:
            name = started.group(1)
            texts[name] = started.group(2)
        elif name:
            texts[name] += " " + line.strip()
    return {name: text.replace("``", "").strip() for name, text in texts.items()}
