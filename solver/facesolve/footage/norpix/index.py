"""Where the images of a Norpix ``.seq`` file lie: by arithmetic, by its ``.idx`` file, or by walking through it.

Nothing that the file says is believed before it fits the file's size. Knows no pixels.
"""

from __future__ import annotations

import struct
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from facesolve.footage.container import JPEG, PNG, UnreadableImage

from .header import HEADER_BYTES, STAMP_BYTES, SequenceHeader

MAX_IMAGES = 1 << 24
# A coded image must not be smaller than its pixels allow: the size of a Huffman-coded block, of a deflate window
PIXELS_PER_BYTE = {JPEG: 512, PNG: 1100}

_SIGNATURE = {JPEG: b"\xff\xd8", PNG: b"\x89P"}
_SMALLEST = {JPEG: 40, PNG: 57}
_STARTS = (HEADER_BYTES, 8192)
_GAPS = (8, 16, 6, 14)  # between the end of an image and the next record: a time stamp, and padding of some writers
_TAIL = max(_GAPS) + 6  # what is read behind an image: up to the next record's size and signature
_INDEX_RECORDS = tuple(
    np.dtype({"names": ["offset", "size"], "formats": ["<i8", "<u4"], "offsets": [0, 8], "itemsize": itemsize})
    for itemsize in (24, 32)
)
_PROBES = 64  # records of an index that are compared with the file


@dataclass(frozen=True, eq=False)
class RawLayout:
    """Raw images, one every ``stride`` bytes."""

    first: int
    image_bytes: int
    stride: int
    count: int
    note: str = ""

    def locate(self, number: int) -> tuple[int, int]:
        """(offset, size) in bytes of image ``number``; its time stamp follows."""
        return self.first + number * self.stride, self.image_bytes


@dataclass(frozen=True, eq=False)
class CodedLayout:
    """Coded images of different sizes; offsets and sizes (N,) in bytes, without the size field before each image."""

    offsets: np.ndarray
    sizes: np.ndarray
    note: str = ""

    @property
    def count(self) -> int:
        return len(self.offsets)

    def locate(self, number: int) -> tuple[int, int]:
        """(offset, size) in bytes of image ``number``; its time stamp follows."""
        return int(self.offsets[number]), int(self.sizes[number])


Layout = RawLayout | CodedLayout


def find_images(stream: BinaryIO, file_bytes: int, header: SequenceHeader, index: Path) -> Layout:
    """Where the whole images of ``stream`` are; ``index`` is its ``.idx`` file, which need not exist.

    What is cut or damaged behind them, or an index that does not fit, is reported in the layout's ``note`` (a sentence
    that follows the file's name, or nothing). Raises UnreadableImage when there is no image at all.
    """
    if header.codec is None:
        layout: Layout = _raw(header, file_bytes)
    else:
        layout = _coded(_Walk(stream, file_bytes, header, header.codec), index)
    if layout.count == 0:
        raise UnreadableImage("holds no complete image (the recording or the file was truncated); copy the file again.")
    if layout.count > MAX_IMAGES:
        raise UnreadableImage(f"claims {layout.count} images; more than {MAX_IMAGES} cannot be read.")
    return layout


def _raw(header: SequenceHeader, file_bytes: int) -> RawLayout:
    room = file_bytes - header.first
    count = max(room, 0) // header.stride
    rest = room - count * header.stride
    if rest >= header.image_bytes + STAMP_BYTES:  # some writers leave the padding behind the last image out
        count, rest = count + 1, 0
    note = f"ends inside image {count}, which is left out." if rest > 0 and count > 0 else ""
    return RawLayout(header.first, header.image_bytes, header.stride, count, note)


def _coded(walk: _Walk, index: Path) -> CodedLayout:
    start = next((at for at in _STARTS if walk.record_size(at) is not None), None)
    if start is None:
        raise UnreadableImage(f"holds no {walk.codec} image where the first should be; copy the file again.")
    notes = []
    indexed = _from_index(walk, start, index)
    if indexed is None and index.is_file():
        notes.append(f"has an index, '{index.name}', that does not match it and was ignored.")
    if indexed is not None:
        walk.offsets.extend((indexed["offset"][:-1] + 4).tolist())
        walk.sizes.extend((indexed["size"][:-1].astype(np.int64) - 4).tolist())
        start = int(indexed["offset"][-1])  # the file may go on behind its index
    notes.append(walk.on_from(start))
    offsets, sizes = np.frombuffer(walk.offsets, np.int64), np.frombuffer(walk.sizes, np.int64)
    return CodedLayout(offsets, sizes, " It ".join(filter(None, notes)))


class _Walk:
    """Records (size, image, time stamp) one behind the other. offsets, sizes: images found so far."""

    def __init__(self, stream: BinaryIO, file_bytes: int, header: SequenceHeader, codec: str) -> None:
        self.file_bytes, self.codec = file_bytes, codec
        self.offsets, self.sizes = array("q"), array("q")
        self._stream = stream
        self._signature = _SIGNATURE[codec]
        pixels = header.width * header.height
        self._least = 4 + max(_SMALLEST[codec], -(-pixels // PIXELS_PER_BYTE[codec]))
        self._index_end = header.index_end

    def record_size(self, at: int) -> int | None:
        """Size of the record at byte ``at``; None unless one begins there whose image lies within the file."""
        return self._size(at, self._bytes(at, 6))

    def on_from(self, at: int) -> str:
        """Adds the images of all records from the one at byte ``at`` on; tells in words when the file is not whole."""
        size, gaps = self.record_size(at), list(_GAPS)
        while size is not None and len(self.offsets) <= MAX_IMAGES:
            end = at + size
            if end + STAMP_BYTES > self.file_bytes:
                return f"ends inside the time stamp of image {len(self.offsets)}, which is left out."
            self.offsets.append(at + 4)
            self.sizes.append(size - 4)
            tail = self._bytes(end, _TAIL)
            for gap in gaps:
                size = self._size(end + gap, tail[gap:])
                if size is not None:
                    break
            else:
                return self._ending(end, tail)
            at = end + gap
            gaps = [gap, *(other for other in _GAPS if other != gap)]  # most likely the next image's too
        return ""

    def _ending(self, end: int, tail: bytes) -> str:
        """What follows the last image found: a time stamp and nothing, padding or the file's own index, else damage."""
        over = self.file_bytes - end <= max(_GAPS) or not any(tail[8:])
        if over or end <= self._index_end <= end + 8192:
            return ""
        return f"is damaged or truncated after image {len(self.offsets) - 1}; the images up to it can be read."

    def _size(self, at: int, start: bytes) -> int | None:
        """Size of the record at byte ``at`` that begins with ``start``."""
        if len(start) < 6 or start[4:6] != self._signature:
            return None
        (size,) = struct.unpack_from("<I", start)
        return size if self._least <= size <= self.file_bytes - at else None

    def _bytes(self, at: int, count: int) -> bytes:
        self._stream.seek(at)
        return self._stream.read(count)


def _from_index(walk: _Walk, start: int, index: Path) -> np.ndarray | None:
    """Records of the ``.idx`` file in one of its known layouts; None unless one fits the sequence."""
    most = walk.file_bytes // _SMALLEST[JPEG]
    if not index.is_file() or not 0 < index.stat().st_size <= most * _INDEX_RECORDS[-1].itemsize:
        return None
    data = index.read_bytes()
    for layout in _INDEX_RECORDS:
        records = np.frombuffer(data, layout, len(data) // layout.itemsize)
        if len(records) and _fits(records, walk, start):
            return records
    return None


def _fits(records: np.ndarray, walk: _Walk, start: int) -> bool:
    offsets, sizes = records["offset"], records["size"].astype(np.int64)
    if offsets[0] != start or offsets.min() < start or offsets.max() >= walk.file_bytes:
        return False
    ends = offsets + sizes + STAMP_BYTES
    if (sizes < 4).any() or ends.max() > walk.file_bytes or (ends[:-1] > offsets[1:]).any():
        return False
    probes = np.unique(np.linspace(0, len(records) - 1, _PROBES).astype(int))
    return all(walk.record_size(int(offsets[k])) == sizes[k] for k in probes)
