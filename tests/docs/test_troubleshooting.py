"""Every message that the troubleshooting page quotes still stands in the source."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from .pages import ROOT

PAGE = ROOT / "docs" / "guide" / "troubleshooting.md"
GAP = "…"  # a name or a number


def quoted_messages() -> list[str]:
    """The messages of the page: what stands in code in the first column of the tables headed 'message'."""
    found, inside = [], False
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        inside = line.startswith("| message |") or (inside and line.startswith("|"))
        message = re.match(r"\| `(.+?)` \|", line)
        if inside and message is not None:
            found.append(message[1])
    return found


@cache
def sentences() -> str:
    """Every text of the source, one a line, with GAP where a value is put in."""
    texts = []
    for folder in ("solver", "maya_plugin"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    texts.append(re.sub(r"(?<!\{)\{[^{}]*\}(?!\})", GAP, node.value))
                elif isinstance(node, ast.JoinedStr):
                    parts = (part.value if isinstance(part, ast.Constant) else GAP for part in node.values)
                    texts.append("".join(str(part) for part in parts))
    return "\n".join(text.replace("\n", " ") for text in texts)


def test_the_page_knows_the_messages_that_users_meet_most():
    assert len(quoted_messages()) >= 30


@pytest.mark.parametrize("message", quoted_messages())
def test_a_quoted_message_stands_in_the_source(message: str):
    words = (re.escape(part) for part in message.split(GAP))
    assert re.search("[^\n]*?".join(words), sentences()) is not None
