"""XML files of other programs as trees, without entities, which could fill the memory. Knows no format."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

from facesolve.take import TakeError
from facesolve.take.reading import DEEPEST, MOST_CONTAINERS, read_bytes


class _Refused(ValueError):
    """Why a document is not read, a few words."""


def parsed(path: Path) -> ElementTree.Element:
    """The root element. Raises TakeError for what is no XML, for document types, and for trees beyond all limits."""
    data = read_bytes(path, "calibration")
    builder = ElementTree.TreeBuilder()
    parser = expat.ParserCreate(namespace_separator="}")
    depth = count = 0

    def started(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, count
        depth, count = depth + 1, count + 1
        if depth > DEEPEST or count > MOST_CONTAINERS:
            raise _Refused("it has too many elements, or they are nested too deeply")
        builder.start(_qualified(name), {_qualified(key): value for key, value in attributes.items()})

    def ended(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(_qualified(name))

    def declared(*_: object) -> None:
        raise _Refused("it declares a document type, which no camera file does")

    parser.StartElementHandler, parser.EndElementHandler = started, ended
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = builder.data, declared
    try:
        parser.Parse(data, True)
        return builder.close()
    except (expat.ExpatError, _Refused, ValueError, LookupError, AssertionError) as problem:
        raise TakeError(f"calibration: '{path}' is not readable XML ({problem}); export it again.") from None


def _qualified(name: str) -> str:
    """``{uri}name`` as ElementTree has it, of expat's ``uri}name``."""
    return "{" + name if "}" in name else name
