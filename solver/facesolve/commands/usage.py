"""What is wrong with a command line, in one sentence. Knows cyclopts' errors; no command."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cyclopts import (
    CoercionError,
    CycloptsError,
    MissingArgumentError,
    UnknownCommandError,
    UnknownOptionError,
    UnusedCliTokensError,
)

from .words import UsageError


def usage_error(error: CycloptsError, given: Sequence[str]) -> UsageError:
    """``error`` as one sentence that ends with where to read more. given: the command line."""
    chain = " ".join(["facesolve", *(error.command_chain or ())])
    return UsageError(f"{_sentence(error, given)}; see '{chain} --help'.")


def _sentence(error: CycloptsError, given: Sequence[str]) -> str:
    if isinstance(error, MissingArgumentError) and error.argument is not None:
        name = error.argument.name
        if name in given:
            return f"{name} needs a value"
        return f"{name.removeprefix('--') if name[2:].isupper() else name} is missing"  # inputs have capital names
    if isinstance(error, UnusedCliTokensError):
        return f"'{(error.unused_tokens or ['?'])[0]}' is one argument too many"
    text = str(error)
    if isinstance(error, UnknownCommandError):
        text = text.split(" Available commands:")[0]
    if isinstance(error, (UnknownCommandError, UnknownOptionError, CoercionError)):
        text = text.replace('"', "'")
    first, *rest = re.split(r"[.?] (?=[A-Z])", text.strip().rstrip(".?"))
    return "; ".join(part[:1].lower() + part[1:] for part in (first, *rest))
