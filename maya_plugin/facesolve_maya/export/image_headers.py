"""Sizes of images and movies from the first bytes of their files: what no version of Maya has to know. No scene.

PNG, JPEG, TIFF, DPX and OpenEXR; MP4, MOV and AVI. Any other file, and a damaged one, has the size (0, 0).
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO, Callable, Dict, Optional, Tuple

Size = Tuple[int, int]

_LONGEST_NAME = 256  # bytes of a name in an OpenEXR header; what is longer is no header
_MOST_PARTS = 100_000  # boxes, chunks, tags or segments: a damaged file must not be read forever
_LARGEST = 1 << 20  # pixels of a side
# of the boxes of an MP4, those that lead to what a video track's images are like
_INSIDE = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
_UNKNOWN = (0, 0)


def stored_size(path: Path) -> Size:
    """(width, height) in pixels as the file stores its images, before any turning."""
    try:
        with path.open("rb") as stream:
            for magic, read in _READERS.items():
                stream.seek(0)
                if _begins_with(stream, magic):
                    width, height = read(stream)
                    return (width, height) if 0 < width <= _LARGEST and 0 < height <= _LARGEST else _UNKNOWN
    except (OSError, struct.error, OverflowError, RecursionError):
        pass  # damaged, or not what its first bytes say
    return _UNKNOWN


def _begins_with(stream: BinaryIO, magic: bytes) -> bool:
    """Whether the next bytes are ``magic``, a dot in it for any."""
    found = stream.read(len(magic))
    return len(found) == len(magic) and all(wanted in (byte, ord(".")) for wanted, byte in zip(magic, found))


def _unpacked(stream: BinaryIO, form: str) -> Tuple[int, ...]:
    return struct.unpack(form, stream.read(struct.calcsize(form)))


def _png(stream: BinaryIO) -> Size:
    stream.seek(16)
    width, height = _unpacked(stream, ">2I")
    return width, height


def _jpeg(stream: BinaryIO) -> Size:
    stream.seek(2)
    for _ in range(_MOST_PARTS):
        lead, marker, length = _unpacked(stream, ">BBH")
        if lead != 0xFF:
            return _UNKNOWN
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            _, height, width = _unpacked(stream, ">BHH")
            return width, height
        stream.seek(length - 2, 1)
    return _UNKNOWN


def _tiff(order: str) -> Callable[[BinaryIO], Size]:
    def read(stream: BinaryIO) -> Size:
        stream.seek(4)
        stream.seek(_unpacked(stream, order + "I")[0])
        found = {}
        for _ in range(_unpacked(stream, order + "H")[0]):
            tag, kind, _ = _unpacked(stream, order + "HHI")
            value = stream.read(4)
            found[tag] = struct.unpack(order + "H", value[:2])[0] if kind == 3 else struct.unpack(order + "I", value)[0]
        return found.get(256, 0), found.get(257, 0)

    return read


def _dpx(order: str) -> Callable[[BinaryIO], Size]:
    def read(stream: BinaryIO) -> Size:
        stream.seek(772)
        width, height = _unpacked(stream, order + "2I")
        return width, height

    return read


def _exr(stream: BinaryIO) -> Size:
    stream.seek(8)  # magic, version and flags
    for _ in range(_MOST_PARTS):
        name = _text(stream)
        if not name:
            return _UNKNOWN
        kind, size = _text(stream), _unpacked(stream, "<i")[0]
        value = stream.read(size)
        if (name, kind) == (b"dataWindow", b"box2i"):
            left, top, right, bottom = struct.unpack("<4i", value)
            return right - left + 1, bottom - top + 1
    return _UNKNOWN


def _text(stream: BinaryIO) -> bytes:
    """Bytes up to a zero; none at the end of the header or of the file."""
    found = b""
    while len(found) < _LONGEST_NAME:
        byte = stream.read(1)
        if byte in (b"", b"\0"):
            return found
        found += byte
    return b""


def _mp4(stream: BinaryIO) -> Size:
    """The size of the first video track: in the sample description, after the boxes that lead there."""
    stream.seek(0, 2)
    return _in_boxes(stream, 0, stream.tell()) or _UNKNOWN


def _in_boxes(stream: BinaryIO, start: int, end: int) -> Optional[Size]:
    at = start
    for _ in range(_MOST_PARTS):
        if at + 8 > end:
            return None
        stream.seek(at)
        size, kind = _unpacked(stream, ">I4s")
        inside = at + 8
        if size == 1:
            size, inside = _unpacked(stream, ">Q")[0], at + 16
        elif size == 0:
            size = end - at
        if size < 8:
            return None
        if kind in _INSIDE:
            found = _in_boxes(stream, inside, min(at + size, end))
            if found is not None:
                return found
        elif kind == b"stsd":
            stream.seek(inside + 8 + 8 + 24)  # count of entries; size and kind of the first; what is not its size
            width, height = _unpacked(stream, ">2H")
            if width and height:
                return width, height
        at += size
    return None


def _avi(stream: BinaryIO) -> Size:
    stream.seek(32 + 32)  # RIFF, list and chunk headers; the main header up to its width
    width, height = _unpacked(stream, "<2I")
    return width, height


_READERS: Dict[bytes, Callable[[BinaryIO], Size]] = {
    b"\x89PNG\r\n\x1a\n": _png,
    b"\xff\xd8\xff": _jpeg,
    b"II*\0": _tiff("<"),
    b"MM\0*": _tiff(">"),
    b"SDPX": _dpx(">"),
    b"XPDS": _dpx("<"),
    b"\x76\x2f\x31\x01": _exr,
    b"....ftyp": _mp4,
    b"....moov": _mp4,
    b"....mdat": _mp4,
    b"....wide": _mp4,
    b"RIFF....AVI LIST": _avi,
}
