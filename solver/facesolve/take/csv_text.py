"""Tables as CSV that a spreadsheet opens as what it is: names are text there, never formulas. Knows no table."""

from __future__ import annotations

import csv
import io
from typing import Iterable, Sequence

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # with these a spreadsheet begins to compute, and may start programs


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """The table, lines ended by ``\\n``. Text that a spreadsheet would compute gets an apostrophe; numbers stay."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    for row in (header, *rows):
        writer.writerow([_cell(value) for value in row])
    return stream.getvalue()


def _cell(value: object) -> object:
    if not isinstance(value, str) or not value.startswith(_FORMULA):
        return value
    try:
        float(value)
    except ValueError:
        return "'" + value
    return value
