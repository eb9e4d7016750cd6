"""The size of an OpenEXR image from its header, for Maya's image class reads bytes and refuses float images."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO, Tuple

_MAGIC = b"\x76\x2f\x31\x01"
_LONGEST = 256  # bytes of a name; what is longer is no header


def exr_size(path: Path) -> Tuple[int, int]:
    """(width, height) of the data window in pixels; (0, 0) when ``path`` holds no OpenEXR header."""
    try:
        with path.open("rb") as stream:
            if stream.read(4) != _MAGIC:
                return 0, 0
            stream.read(4)  # version and flags
            return _data_window(stream)
    except (OSError, struct.error):
        return 0, 0


def _data_window(stream: BinaryIO) -> Tuple[int, int]:
    while True:
        name = _text(stream)
        if not name:
            return 0, 0
        kind, size = _text(stream), struct.unpack("<i", stream.read(4))[0]
        value = stream.read(size)
        if (name, kind) == (b"dataWindow", b"box2i"):
            left, top, right, bottom = struct.unpack("<4i", value)
            return right - left + 1, bottom - top + 1


def _text(stream: BinaryIO) -> bytes:
    """Bytes up to a zero; none at the end of the header or of the file."""
    found = b""
    while len(found) < _LONGEST:
        byte = stream.read(1)
        if byte in (b"", b"\0"):
            return found
        found += byte
    return b""
