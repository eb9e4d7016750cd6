"""Kinds of values that files may hold: what a number, a name, a path or a list may be. Knows no file and no format.

A check takes a value and where it stands, and gives the value or raises TakeError with one sentence.
"""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, Iterable, Mapping, Sequence, Tuple

import numpy as np

from .errors import TakeError

Check = Callable[[Any, str], Any]

LONGEST_SHOWN = 40  # characters of a wrong value that a sentence quotes
LONGEST_CAUSE = 200  # of an error that it quotes
_CONTROL_CHARACTERS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def shown(value: Any) -> str:
    """``value`` as a sentence quotes it: short, printable, on one line."""
    if isinstance(value, (dict, list, tuple)):
        kind = "an object" if isinstance(value, dict) else "a list"
        return "{} of {}".format(kind, len(value))
    text = repr(value[: LONGEST_SHOWN + 1] if isinstance(value, str) else value)
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "..."


def cause(error: Exception) -> str:
    """What an error says, as a sentence quotes it: short, printable, on one line."""
    text = printable(str(error))
    return text if len(text) <= LONGEST_CAUSE else text[:LONGEST_CAUSE] + "..."


def printable(sentence: str) -> str:
    """A sentence on one line; what would steer a terminal, or is no character, stands in it as Python writes it."""
    line = " ".join(sentence.split())
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in line)


def refusal(value: Any, where: str, expected: str) -> TakeError:
    """The error that says what ``value`` is and what was expected instead."""
    return TakeError("{} is {}, expected {}.".format(where, shown(value), expected))


def whole(least: int, most: int) -> Check:
    """A whole number from ``least`` to ``most``, written without a fraction."""

    def check(value: Any, where: str) -> int:
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not least <= value <= most:
            raise refusal(value, where, "a whole number from {} to {}".format(least, most))
        return int(value)

    return check


def number(least: float, most: float) -> Check:
    """A finite number from ``least`` to ``most``, as a float."""

    def check(value: Any, where: str) -> float:
        real = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
        if not real or not least <= value <= most:
            raise refusal(value, where, "a number from {:g} to {:g}".format(least, most))
        return float(value)

    return check


def flag(value: Any, where: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise refusal(value, where, "true or false")
    return value


def text(longest: int, empty: bool = True, lines: bool = False) -> Check:
    """Text that can be printed: without control characters and halves of characters. lines: may have several."""

    def check(value: Any, where: str) -> str:
        if not isinstance(value, str):
            raise refusal(value, where, "text")
        if not empty and not value.strip():
            raise refusal(value, where, "text that is not empty")
        if len(value) > longest:
            raise TakeError("{} has {} characters, expected at most {}.".format(where, len(value), longest))
        odd = _CONTROL_CHARACTERS.search(re.sub("[\n\t]", " ", value) if lines else value)
        if odd:
            raise TakeError("{} holds the character {!a}, which cannot be printed.".format(where, odd.group()))
        return value

    return check


def choice(*words: Any) -> Check:
    """One of ``words``."""

    def check(value: Any, where: str) -> Any:
        if not any(value is word or (isinstance(word, str) and value == word) for word in words):
            raise refusal(value, where, "one of {}".format(", ".join("null" if w is None else str(w) for w in words)))
        return value

    return check


def exactly(wanted: str) -> Check:
    """The one text ``wanted``: what kind of file this is, or the name of the file of its arrays."""

    def check(value: Any, where: str) -> str:
        if value != wanted:
            raise refusal(value, where, "'{}'".format(wanted))
        return wanted

    return check


def optional(inner: Check) -> Check:
    """null, or what ``inner`` allows."""
    return lambda value, where: None if value is None else inner(value, where)


def either(*inner: Check) -> Check:
    """What one of ``inner`` allows; the sentence for anything else is the last one's."""

    def check(value: Any, where: str) -> Any:
        for one in inner[:-1]:
            try:
                return one(value, where)
            except TakeError:
                continue
        return inner[-1](value, where)

    return check


def several(inner: Check, most: int, least: int = 0) -> Check:
    """A list of ``least`` to ``most`` values of one kind."""

    def check(value: Any, where: str) -> Sequence[Any]:
        if not isinstance(value, list):
            raise refusal(value, where, "a list")
        if not least <= len(value) <= most:
            expected = str(least) if least == most else "{} to {}".format(least, most)
            raise TakeError("{} has {} entries, expected {}.".format(where, len(value), expected))
        return [inner(entry, "{}[{}]".format(where, index)) for index, entry in enumerate(value)]

    return check


def mapping(name: Check, inner: Check, most: int) -> Check:
    """An object of up to ``most`` values of one kind by name."""

    def check(value: Any, where: str) -> Dict[str, Any]:
        if not isinstance(value, dict):
            raise refusal(value, where, "an object")
        if len(value) > most:
            raise TakeError("{} has {} entries, expected at most {}.".format(where, len(value), most))
        return {
            name(key, "a name in {}".format(where)): inner(entry, "{}.{}".format(where, shown(key)[1:-1]))
            for key, entry in value.items()
        }

    return check


def members(known: Mapping[str, Check], optional: Tuple[str, ...] = (), others: bool = False) -> Check:
    """An object with the members ``known``; ``optional`` ones may be left out. others: ignore further members."""

    def check(value: Any, where: str) -> Dict[str, Any]:
        if not isinstance(value, dict):
            raise refusal(value, where, "an object")
        for name in known:
            if name not in value and name not in optional:
                raise TakeError("{} lacks '{}'.".format(where, name))
        for name in value:
            if name not in known and not others:
                raise TakeError("{} has '{}', which is not known.".format(where, shown(name)[1:-1]))
        separator = " " if where.endswith("':") else "."
        return {
            name: inner(value[name], "{}{}{}".format(where, separator, name))
            for name, inner in known.items()
            if name in value
        }

    return check


_FOLDERS = re.compile(r'[/\\:*?"<>|]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def file_name(value: Any, where: str) -> str:
    """A name that can be one file's or folder's on every system, and leads nowhere else."""
    name: str = NAME(value, where)
    if _FOLDERS.search(name) or name.strip(". ") != name or _RESERVED.fullmatch(name):
        raise TakeError("{} is {}, which cannot name a file; give it another name.".format(where, shown(name)))
    return name


def anything(value: Any, where: str) -> Any:
    """Any JSON value: for what is only kept and shown."""
    return value


def matrix(rows: int, columns: int, most: float) -> Check:
    """``rows`` lists of ``columns`` numbers each, of at most ``most``."""
    return several(several(number(-most, most), columns, columns), rows, rows)


def numbers(largest: float, most: int) -> Check:
    """A list of up to ``most`` numbers, or of rows of them, as an array of float64."""

    def check(value: Any, where: str) -> np.ndarray:
        rows = value if isinstance(value, list) else [value]
        flat = [one for row in rows for one in (row if isinstance(row, list) else [row])]
        if not isinstance(value, list) or any(isinstance(one, list) for one in flat):
            raise TakeError("{} is not an array of numbers.".format(where))
        if len(flat) > most:
            raise TakeError("{} has {} numbers, expected at most {}.".format(where, len(flat), most))
        for one in flat:
            number(-largest, largest)(one, "{}: a number".format(where))
        try:
            return np.array(value, np.float64)
        except ValueError:  # rows of different length
            raise TakeError("{} is not an array of numbers.".format(where)) from None

    return check


def check_names(names: Iterable[Any], where: str) -> None:
    """Raises TakeError, about ``where``, unless each of ``names`` is one."""
    for name in names:
        NAME(name, where)


# What the product's own quantities may be. Beyond these bounds a value is a slip, and a solve with it is nonsense.
LARGEST = 1e6  # of anything that is measured: centimeters (10 km), pixels, a control's own unit
FARTHEST = 1e9  # of cameras from the world's origin: coordinates of the earth, in centimeters
LONGEST_NAME, LONGEST_PATH = 300, 4096  # characters
MOST_CAMERAS, MOST_CONTROLS, MOST_SHAPES, MOST_MESHES = 1000, 20_000, 50_000, 10_000
MOST_FRAMES, MOST_VERTICES, MOST_CORNERS = 1_000_000, 5_000_000, 40_000_000
LARGEST_IMAGE = 65_535  # pixels along one side
LARGEST_FRAME = 10**9
FASTEST = 100_000.0  # frames a second
STRONGEST = 1e6  # strength of a prior, as a multiple of the normal one

NAME = text(LONGEST_NAME, empty=False)
WORD = text(LONGEST_NAME)
SENTENCE = text(100_000, lines=True)
PATH = text(LONGEST_PATH, empty=False)
SHA256 = text(64)
FRAME = whole(-LARGEST_FRAME, LARGEST_FRAME)
TIME = number(-LARGEST_FRAME, LARGEST_FRAME)
PIXELS = whole(1, LARGEST_IMAGE)
FPS = number(1e-3, FASTEST)
MEASURE = number(-LARGEST, LARGEST)
STRENGTH = number(0.0, STRONGEST)
CORRELATION = number(-1.0 - 1e-9, 1.0 + 1e-9)
COUNT = whole(0, 2**31 - 1)
