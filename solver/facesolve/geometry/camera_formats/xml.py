"""XML files of other programs as trees, without entities, which could fill the memory. Knows no format."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from facesolve.take import TakeError
from facesolve.take.reading import read_bytes


def parsed(path: Path) -> ElementTree.Element:
    """The root element. Raises TakeError for what is no XML, and for documents that declare entities."""
    data = read_bytes(path, "calibration")
    if b"<!ENTITY" in data or b"<!DOCTYPE" in data:
        raise TakeError(f"calibration: '{path}' declares a document type, which no camera file does; export it again.")
    try:
        return ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError) as problem:
        raise TakeError(f"calibration: '{path}' is not readable XML ({problem}); export it again.") from None
