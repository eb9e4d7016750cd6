"""Tables that a spreadsheet shows and does not compute."""

from __future__ import annotations

import csv
import io

import pytest

from facesolve.take.csv_text import csv_text


@pytest.mark.parametrize("name", ['=HYPERLINK("http://x","y")', "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\tx"])
def test_a_name_is_never_a_formula(name: str) -> None:
    (header, row) = csv.reader(io.StringIO(csv_text([name, "b"], [[name, 1.5]]), newline=""))
    assert header == ["'" + name, "b"]
    assert row == ["'" + name, "1.5"]


def test_numbers_and_plain_names_stay_as_they_are() -> None:
    assert csv_text(["a,b", 'c"d'], [[-1, "-0.25"], ["+1e3", "x=1"]]) == '"a,b","c""d"\n-1,-0.25\n+1e3,x=1\n'
