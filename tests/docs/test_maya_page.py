"""The Maya compatibility page says of every assumption what is known."""

from __future__ import annotations

import re

from .pages import ROOT

PAGE = (ROOT / "docs" / "maya_compatibility.md").read_text(encoding="utf-8")
STATUSES = {"verified", "inferred", "untested", "mended"}


def test_every_assumption_has_a_status_and_its_reason():
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for table in re.split(r"\n\n", PAGE)
        if table.startswith("| assumption |")
        for line in table.splitlines()[2:]
    ]
    assert len(rows) > 30
    for assumption, status, evidence in rows:
        assert status in STATUSES, assumption
        assert evidence, f"'{assumption}' is {status} without a reason"
