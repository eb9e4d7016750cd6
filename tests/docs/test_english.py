"""The pages are in plain American English: none of the turns and spellings that the house has banned."""

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
    r"\w*(?:colour|centre|normalis|linearis|synchronis|optimis|regularis|initialis|behaviour|licence|modelled|millimetre)\w*",
    r"\blearnt\b|\bspoilt\b|\bgrey\b",
)


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_banned_turn_or_british_spelling(page: Path):
    text = prose(page)
    found = [match[0] for pattern in BANNED for match in re.finditer(pattern, text, re.IGNORECASE | re.MULTILINE)]
    assert not found
