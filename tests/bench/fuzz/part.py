"""A part of a reader's inputs, in a process of its own that has forked from one with everything loaded."""

from __future__ import annotations

import json
import os
from pathlib import Path

from .campaign import run
from .subjects import SUBJECTS


def errors_of(result: Path) -> Path:
    """The file of what libraries say while the part is read."""
    return result.with_suffix(".errors")


def number_of(result: Path) -> Path:
    """The file that holds the number of the input that is read."""
    return result.with_suffix(".number")


def read_part(name: str, seed: int, first: int, end: int, result: Path) -> None:
    """Reads the inputs ``first`` to ``end - 1`` of the reader ``name``; their tally goes into ``result``."""
    for stream in (1, 2):
        os.dup2(os.open(errors_of(result), os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)

    def begin(number: int) -> None:
        number_of(result).write_text(str(number), encoding="ascii")

    tally = run(SUBJECTS[name], range(first, end), seed, begin)
    figures = {name: value for name, value in vars(tally).items() if name != "sentences"}
    result.write_text(json.dumps(figures), encoding="utf-8")
