"""Pages are in plain American English, without the turns that the house has banned; the source has one spelling."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .pages import ROOT, pages, prose

BANNED = (
    r"at hand",
    r"(?:at most|by|to) so (?:many|much)",
    r"\bbeside\b",
    r"(?:goes|go|going) on with",
    r"is asked|asks for",
    r"is told|was told",
    r"the same each time",
    r"(?:^|[.:;] )(?-i:Of )(?!course)",
    r"\bspoilt\b",
)
BRITISH = (
    r"[^\W_]*(?:colour|centre|metre(?!d)|normalis|linearis|synchronis|optimis|regularis|initialis|behaviour|neighbour)[^\W_]*",
    r"[^\W_]*(?:licence|modelled|labelled(?!by)|travelling|learnt|grey)[^\W_]*",
)


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_banned_turn_or_british_spelling(page: Path):
    text = prose(page)
    found = [
        match[0] for pattern in BANNED + BRITISH for match in re.finditer(pattern, text, re.IGNORECASE | re.MULTILINE)
    ]
    assert not found


@pytest.mark.parametrize("folder", ["solver", "maya_plugin", "tests"])
def test_names_comments_and_messages_are_spelled_the_american_way(folder: str):
    found = [
        f"{path.relative_to(ROOT).as_posix()}: {match[0]}"
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in (".py", ".js", ".css", ".html") and "vendor" not in path.parts and path != Path(__file__)
        for pattern in BRITISH
        for match in re.finditer(pattern, path.read_text(encoding="utf-8"), re.IGNORECASE)
    ]
    assert not found
