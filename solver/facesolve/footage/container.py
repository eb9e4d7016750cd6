"""Sizes and wholeness of JPEG, PNG, TIFF and BMP files from their structure, without decoding pixels.

Image libraries differ in whether a cut file is an error, a warning on stderr or a gray area; here it is an error.
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass

JPEG, PNG, TIFF, BMP, EXR = "JPEG", "PNG", "TIFF", "BMP", "OpenEXR"

_MAGIC = (
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"II*\0", TIFF),
    (b"MM\0*", TIFF),
    (b"II+\0", TIFF),
    (b"MM\0+", TIFF),
    (b"BM", BMP),
    (b"\x76\x2f\x31\x01", EXR),
)
_JPEG_SIZE = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # start-of-frame markers (ITU-T T.81, table B.1)
_JPEG_SCAN, _JPEG_END = 0xDA, 0xD9
_MOST_SCANS = 100  # an image of thousands of scans takes hours to decode; progressive ones have about ten
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # in coded data FF is followed by 00 or a restart marker
_TIFF_TYPES = {3: "H", 4: "L", 13: "L", 16: "Q", 18: "Q"}  # SHORT, LONG, IFD, LONG8, IFD8
_TIFF_WIDTH, _TIFF_HEIGHT = 256, 257
_TIFF_ORIENTATION, _TIFF_SAMPLES, _TIFF_PLANES = 274, 277, 284
_TIFF_DATA = ((273, 279), (324, 325))  # offsets and byte counts of strips, of tiles


class UnreadableImage(ValueError):
    """A file is not a usable image; the text completes "'<path>' ..." and ends with what to do."""


@dataclass(frozen=True)
class Container:
    """Format of an image file and its stored size in pixels.

    orientation: 1 to 8, how EXIF says it is to be turned. planar: a plane for each color.
    """

    format: str
    width: int
    height: int
    orientation: int = 1
    planar: bool = False

    @property
    def shown(self) -> tuple[int, int]:
        """(width, height) when it is upright."""
        return (self.height, self.width) if self.orientation > 4 else (self.width, self.height)


def image_format(head: bytes) -> str:
    """Format of the file that begins with ``head`` (8 bytes or more); UnreadableImage for any other."""
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if not head:
        raise UnreadableImage("is empty (0 bytes); copy the file again.")
    if any(magic.startswith(head) for magic, _ in _MAGIC):
        raise _cut("it is too short for a signature")
    raise UnreadableImage("is not a JPEG, PNG, TIFF, BMP or OpenEXR image; convert the footage to one of them.")


def read_container(data: bytes) -> Container:
    """Size of the whole JPEG, PNG, TIFF or BMP file ``data``; raises UnreadableImage when it is cut short or damaged.

    Follows ITU-T T.81 annex B (JPEG), the PNG specification section 5 with its checksums, TIFF 6.0 and BigTIFF, and
    Windows bitmaps.
    """
    name = image_format(data[:8])
    walk = {JPEG: _jpeg, PNG: _png, TIFF: _tiff, BMP: _bmp}[name]
    try:
        width, height = walk(data)
    except (struct.error, IndexError, OverflowError):
        raise _cut("it ends inside a header") from None
    return Container(name, width, height, *_manner(name, data))


class OtherSize(UnreadableImage):
    """An image is not of the expected size but of ``width`` x ``height`` pixels; it was not decoded."""

    def __init__(self, width: int, height: int) -> None:
        super().__init__(f"is {width}x{height} pixels, which is not the expected size.")
        self.width, self.height = width, height


def _manner(name: str, data: bytes) -> tuple[int, bool]:
    """EXIF orientation and whether colors lie in planes of their own."""
    try:
        if name == TIFF:
            tags = _tiff_tags(data, "<" if data[:2] == b"II" else ">")
            planar = tags.get(_TIFF_PLANES, (1,))[0] == 2 and tags.get(_TIFF_SAMPLES, (1,))[0] > 1
            return _orientation(tags), planar
        if name == JPEG:
            exif = _jpeg_exif(data)
            return (1 if exif is None else _orientation(_tiff_tags(exif, "<" if exif[:2] == b"II" else ">"))), False
    except (struct.error, IndexError, OverflowError):  # a damaged note about the picture is no damage of the picture
        pass
    return 1, False


def _orientation(tags: dict[int, tuple[int, ...]]) -> int:
    value = tags.get(_TIFF_ORIENTATION, (1,))[0]
    return value if 1 <= value <= 8 else 1


def _jpeg_exif(data: bytes) -> bytes | None:
    """The TIFF structure of a JPEG's EXIF block; None without one."""
    position = 2
    while data[position] == 0xFF and data[position + 1] not in (_JPEG_SCAN, _JPEG_END):
        (length,) = struct.unpack_from(">H", data, position + 2)
        if data[position + 1] == 0xE1 and data[position + 4 : position + 10] == b"Exif\0\0":
            return data[position + 10 : position + 2 + length]
        position += 2 + length
    return None


def no_such_image(number: int, count: int) -> UnreadableImage:
    """What to raise when image ``number`` of a file with ``count`` images is asked for."""
    return UnreadableImage(
        f"has {count} images, 0 to {count - 1}, but image {number} is needed; check the frame range and the offset."
    )


def _cut(reason: str) -> UnreadableImage:
    return UnreadableImage(f"is truncated or damaged ({reason}); copy the file again.")


def _jpeg(data: bytes) -> tuple[int, int]:
    position, size, scans = 2, None, 0
    while True:
        marker = _JPEG_MARKER.search(data, position)
        if marker is None:
            raise _cut("it has no end-of-image marker")
        code, position = data[marker.start() + 1], marker.end()
        if code == _JPEG_END:
            break
        if code == 0x01:  # TEM stands alone
            continue
        (length,) = struct.unpack_from(">H", data, position)
        if code in _JPEG_SIZE:
            height, width = struct.unpack_from(">HH", data, position + 3)
            size = width, height
        scans += code == _JPEG_SCAN
        position += length
    if scans > _MOST_SCANS:
        raise _cut(f"it has {scans} scans")
    if size is None:
        raise _cut("it has no frame header")
    return size


def _png(data: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from(">II", data, 16)
    position, view = 8, memoryview(data)
    while True:
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 8 + length
        (checksum,) = struct.unpack_from(">I", data, end)
        if zlib.crc32(view[position + 4 : end]) != checksum:
            raise _cut(f"the checksum of its {kind.decode('latin-1')} block is wrong")
        if kind == b"IEND":
            return width, height
        position = end + 4


def _bmp(data: bytes) -> tuple[int, int]:
    start, header = struct.unpack_from("<LL", data, 10)
    if header < 40:  # OS/2's: 16 bits each
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        coding = 0
    else:
        width, height, _, bits, coding = struct.unpack_from("<llHHL", data, 18)
    if width < 1 or not height:
        raise _cut("its header has no image size")
    # rows are padded to 4 bytes; run-length coded ones (1, 2) may be of any length
    if coding not in (1, 2) and start + (width * bits + 31) // 32 * 4 * abs(height) > len(data):
        raise _cut("it ends before its pixel data does")
    return width, abs(height)


def _tiff(data: bytes) -> tuple[int, int]:
    order = "<" if data[:2] == b"II" else ">"
    tags = _tiff_tags(data, order)
    if not tags.get(_TIFF_WIDTH) or not tags.get(_TIFF_HEIGHT):
        raise _cut("its directory has no image size")
    blocks = [
        (o, n) for where, size in _TIFF_DATA for o, n in zip(tags.get(where, ()), tags.get(size, ()), strict=False)
    ]
    if not blocks:
        raise _cut("its directory names no pixel data")
    if max(offset + count for offset, count in blocks) > len(data):
        raise _cut("it ends before its pixel data does")
    return tags[_TIFF_WIDTH][0], tags[_TIFF_HEIGHT][0]


def _tiff_tags(data: bytes, order: str) -> dict[int, tuple[int, ...]]:
    """Integer tags of the first directory of a TIFF (42) or BigTIFF (43) file."""
    big = data[2 if order == "<" else 3] == 43
    word, inline, entry = ("Q", 8, 20) if big else ("L", 4, 12)
    (start,) = struct.unpack_from(order + word, data, 8 if big else 4)
    (entries,) = struct.unpack_from(order + ("Q" if big else "H"), data, start)
    first = start + (8 if big else 2)
    struct.unpack_from(order + word, data, first + entries * entry)  # the link to the next directory ends this one
    tags = {}
    for position in range(first, first + entries * entry, entry):
        tag, kind, count = struct.unpack_from(order + "HH" + word, data, position)
        if kind not in _TIFF_TYPES:
            continue
        values = f"{order}{count}{_TIFF_TYPES[kind]}"
        where = position + entry - inline
        if struct.calcsize(values) > inline:
            (where,) = struct.unpack_from(order + word, data, where)
        tags[tag] = struct.unpack_from(values, data, where)
    return tags
