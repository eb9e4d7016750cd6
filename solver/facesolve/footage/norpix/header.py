"""The header of a Norpix StreamPix ``.seq`` file: what it says, checked for contradictions. Knows no pixels.

All numbers are little-endian. Layout after the StreamPix manual's sequence format, versions 3 to 5.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from facesolve.footage.container import JPEG, PNG, UnreadableImage

HEADER_BYTES = 1024
NEWEST_VERSION, OLDEST_VERSION = 5, 3
MONO, BAYER, BGR, RGB, BGRX = "mono", "bayer", "bgr", "rgb", "bgrx"
CHANNELS = {MONO: 1, BAYER: 1, BGR: 3, RGB: 3, BGRX: 4}
MAX_PIXELS = 1 << 27  # of one image; the largest camera sensors have less, and a lying header must not cost more
STAMP_BYTES = 6  # at least, behind each image: seconds and milliseconds

_MAGIC = 0xFEED
_MOST_PADDING = 1 << 20
_FIRST_IMAGE = {3: 1024, 4: 1024, 5: 8192}
_COLORS = {100: MONO, 101: BAYER, 200: BGR, 400: RGB, 500: BGRX}
_CODED = {1: (MONO, PNG), 2: (BGR, PNG), 102: (MONO, JPEG), 103: (BAYER, JPEG), 201: (BGR, JPEG)}
_NO_COMPRESSION, _JPEG_COMPRESSION = 0, 1
_COMPRESSIONS = {
    2: "run lengths",
    3: "Huffman",
    4: "LZ",
    5: "fast run lengths",
    6: "fast Huffman",
    7: "fast LZ",
    8: "H.264",
    9: "wavelets",
}
_UNREADABLE = {
    0: "of an unknown kind",
    **dict.fromkeys((112, 113, 114, 115), "mono or Bayer aligned to the high bits"),
    **dict.fromkeys((131, 132, 133, 134), "packed mono or Bayer"),
    300: "planar color",
    **dict.fromkeys((600, 610, 700, 800, 900), "YUV"),
}
_REMEDY = "in StreamPix export the sequence as uncompressed mono, Bayer or BGR, or as JPEG."


@dataclass(frozen=True)
class SequenceHeader:
    """What a ``.seq`` header says about every image.

    color: one of CHANNELS. codec: ``JPEG``, ``PNG``, or None for raw pixels. sample_bytes: 1 or 2; bits: significant
    bits of a sample (both of raw pixels). first: offset of the first image; image_bytes: a raw image; stride: from one
    raw image to the next. index_end: where a codec's images end, when the header says so (else 0).
    """

    version: int
    width: int
    height: int
    color: str
    codec: str | None
    sample_bytes: int
    bits: int
    first: int
    image_bytes: int
    stride: int
    suggested_fps: float
    index_end: int


def read_header(head: bytes) -> SequenceHeader:
    """The header at the start of a file, ``head`` (HEADER_BYTES or more). Raises UnreadableImage for anything wrong."""
    if len(head) >= 4 and struct.unpack_from("<I", head)[0] != _MAGIC:
        raise UnreadableImage("is not a Norpix sequence; check the footage path.")
    if len(head) < HEADER_BYTES:
        raise UnreadableImage(f"is truncated (its header is {len(head)} bytes of {HEADER_BYTES}); copy the file again.")
    (version,) = struct.unpack_from("<i", head, 28)
    if not OLDEST_VERSION <= version <= NEWEST_VERSION:
        raise UnreadableImage(f"is a Norpix sequence of version {version}; versions 3 to 5 can be read.")
    width, height, depth, bits, image_bytes, image_format, _, _, stride = struct.unpack_from("<9I", head, 548)
    (fps,) = struct.unpack_from("<d", head, 584)
    (compression,) = struct.unpack_from("<I", head, 620)
    (index_end,) = struct.unpack_from("<q", head, 648)
    if not 0 < width * height <= MAX_PIXELS:
        raise _lies(f"images of {width}x{height} pixels")
    color, codec = _pixels(image_format, compression)
    sample_bytes = 1
    if codec is None:
        sample_bytes = _sample_bytes(width * height * CHANNELS[color], image_bytes)
        bits = _significant(bits, depth, sample_bytes)
        if not image_bytes + STAMP_BYTES <= stride <= image_bytes + _MOST_PADDING:
            raise _lies(f"images of {image_bytes} bytes every {stride} bytes")
    return SequenceHeader(
        version=version,
        width=width,
        height=height,
        color=color,
        codec=codec,
        sample_bytes=sample_bytes,
        bits=bits,
        first=_FIRST_IMAGE[version],
        image_bytes=image_bytes,
        stride=stride,
        suggested_fps=fps if 0 < fps < 1e6 else 0.0,  # false for NaN too
        index_end=index_end,
    )


def _pixels(image_format: int, compression: int) -> tuple[str, str | None]:
    """(color, codec) of the codes in the header."""
    if compression in _COMPRESSIONS:
        raise UnreadableImage(f"is compressed with {_COMPRESSIONS[compression]}, which cannot be read; {_REMEDY}")
    if compression not in (_NO_COMPRESSION, _JPEG_COMPRESSION):
        raise _lies(f"compression {compression}")
    if image_format in _CODED:
        return _CODED[image_format]
    if image_format in _COLORS:
        return _COLORS[image_format], JPEG if compression == _JPEG_COMPRESSION else None
    if image_format in _UNREADABLE:
        kind = _UNREADABLE[image_format]
        raise UnreadableImage(f"holds images {kind} (format {image_format}), which cannot be read; {_REMEDY}")
    raise _lies(f"image format {image_format}")


def _sample_bytes(samples: int, image_bytes: int) -> int:
    """Bytes of one of the ``samples`` of a raw image."""
    for size in (1, 2):
        if samples * size == image_bytes:
            return size
    raise _lies(f"{image_bytes} bytes for an image of {samples} samples")


def _significant(bits: int, depth: int, sample_bytes: int) -> int:
    """Significant bits of a sample; where the fields say nothing that fits (some count whole pixels), all bits."""
    smallest, largest = (1, 8) if sample_bytes == 1 else (9, 16)
    return next((stated for stated in (bits, depth) if smallest <= stated <= largest), largest)


def _lies(what: str) -> UnreadableImage:
    return UnreadableImage(f"has a damaged header ({what}); copy the file again or {_REMEDY}")
