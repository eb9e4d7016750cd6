"""Maya ASCII text to statements of tokens. Knows the syntax, not the commands."""

from __future__ import annotations

import re
from collections.abc import Iterator

_STATEMENT = re.compile(r'[^;"]*(?:"[^"\\]*(?:\\.[^"\\]*)*"[^;"]*)*;', re.DOTALL)
_LEAD = re.compile(r"(?:\s+|//[^\n]*(?:\n|$))+")
_TOKEN = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"|([{}(),])|([^\s"{}(),]+)', re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}


class Quoted(str):
    """A token that stood in quotes (escapes already resolved)."""


def statements(text: str) -> Iterator[str]:
    """The statements of a Maya ASCII file without their ``;`` (which only counts outside quotes) and comments."""
    position = 0
    while True:
        lead = _LEAD.match(text, position)
        if lead:
            position = lead.end()
        if position >= len(text):
            return
        match = _STATEMENT.match(text, position)
        if match is None:
            raise ValueError(f"the file ends inside a statement: {text[position : position + 80]!r}")
        position = match.end()
        yield match.group()[:-1]


def tokens(statement: str) -> list[str]:
    """Words and quoted strings of one statement; braces and commas of array literals are tokens of their own."""
    found: list[str] = []
    for match in _TOKEN.finditer(statement):
        quoted, punctuation, word = match.groups()
        if quoted is not None:
            found.append(Quoted(re.sub(r"\\(.)", lambda m: _ESCAPES.get(m.group(1), m.group(1)), quoted, flags=re.S)))
        else:
            found.append(punctuation or word)
    return found


def quote(text: str) -> str:
    """``text`` as a quoted Maya ASCII string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return '"' + escaped.replace("\r", "\\r") + '"'
