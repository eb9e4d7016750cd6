"""Writes Norpix ``.seq`` files of every kind that the reader knows, from the format's facts and not from the reader."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from tests.footage.specimens import HEIGHT, WIDTH, picture

FORMATS = {"mono": 100, "bayer": 101, "bgr": 200, "rgb": 400, "bgrx": 500}
BAYER_COLORS = {"RGGB": ((0, 1), (1, 2)), "GRBG": ((1, 0), (2, 1)), "GBRG": ((1, 2), (0, 1)), "BGGR": ((2, 1), (1, 0))}
START = 1_700_000_000_123_456  # microseconds since 1970
STEP = 16_667


@dataclass(frozen=True)
class Kind:
    """What a recording is like. color: key of FORMATS. bits: significant bits of a sample, above 8 stored in 16.

    codec: "" (raw), ``.jpg`` or ``.png``; old_codes: the compression is told by the image format alone. padded: 8 zero
    bytes behind each stamp of a coded image. index: bytes of a record of the ``.idx`` file, 0 for none.
    """

    version: int = 5
    color: str = "mono"
    bits: int = 8
    codec: str = ""
    old_codes: bool = False
    padded: bool = False
    index: int = 0
    first: int = 0
    bayer: str = "RGGB"


def stamps(count: int, start: int = START, step: int = STEP) -> np.ndarray:
    """(count,) microseconds since 1970, evenly spaced."""
    return start + step * np.arange(count, dtype=np.int64)


def stored_pixels(rgb: np.ndarray, kind: Kind) -> np.ndarray:
    """What a camera of ``kind`` stores of the (H, W, 3) uint16 picture ``rgb``: the top ``bits`` of each sample."""
    top = (rgb >> (16 - kind.bits)).astype("<u2" if kind.bits > 8 else "u1")
    if kind.color == "mono":
        return top[..., 1]
    if kind.color == "bayer":
        mosaic = np.empty(top.shape[:2], top.dtype)
        for y, row in enumerate(BAYER_COLORS[kind.bayer]):
            for x, channel in enumerate(row):
                mosaic[y::2, x::2] = top[y::2, x::2, channel]
        return mosaic
    if kind.color == "bgrx":
        return np.dstack([top[..., ::-1], np.full_like(top[..., :1], 7)])
    return top if kind.color == "rgb" else top[..., ::-1]


def pictures(count: int, width: int = WIDTH, height: int = HEIGHT) -> list[np.ndarray]:
    """(H, W, 3) uint16 RGB pictures that can be told apart."""
    return [picture(number, width, height, np.uint16) for number in range(count)]


def write_seq(path: Path, kind: Kind, images: Sequence[np.ndarray], times: np.ndarray | None = None) -> Path:
    """Writes ``images`` (H, W, 3) uint16 taken at ``times`` (microseconds) as a recording, and its index."""
    data = seq_bytes(kind, images, stamps(len(images)) if times is None else times)
    path.write_bytes(data[0])
    if kind.index:
        path.with_name(path.name + ".idx").write_bytes(data[1])
    return path


def seq_bytes(kind: Kind, images: Sequence[np.ndarray], times: np.ndarray) -> tuple[bytes, bytes]:
    """(the ``.seq`` file, the ``.idx`` file, empty without index)."""
    stored = [stored_pixels(image, kind) for image in images]
    first = kind.first or (8192 if kind.version == 5 and not kind.codec else 1024)
    header = _header(kind, stored[0])
    body = bytearray(header.ljust(first, b"\0"))
    index = bytearray()
    for pixels, time in zip(stored, np.asarray(times).tolist(), strict=True):
        stamp = struct.pack("<IHH", time // 1_000_000, time // 1000 % 1000, time % 1000)
        if kind.codec:
            coded = _coded(pixels, kind)
            record = struct.pack("<qI", len(body), len(coded) + 4) + stamp
            index += record.ljust(kind.index, b"\0") if kind.index else b""
            body += struct.pack("<I", len(coded) + 4) + coded + stamp + bytes(8 if kind.padded else 0)
        else:
            raw = np.ascontiguousarray(pixels).tobytes()
            body += (raw + stamp).ljust(_stride(kind.version, len(raw)), b"\0")
    return bytes(body), bytes(index)


def spoil_image(path: Path, number: int) -> None:
    """Takes the end-of-image marker from JPEG ``number`` of the recording at ``path``, which has an index."""
    offset, size = struct.unpack_from("<qI", path.with_name(path.name + ".idx").read_bytes(), 24 * number)
    data = bytearray(path.read_bytes())
    data[offset + size - 2 : offset + size] = bytes(2)
    path.write_bytes(data)


def _header(kind: Kind, pixels: np.ndarray) -> bytes:
    header = bytearray(1024)
    height, width = pixels.shape[:2]
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    size = pixels.size * pixels.dtype.itemsize
    code = FORMATS[kind.color]
    if kind.old_codes:
        code = {"mono.jpg": 102, "bayer.jpg": 103, "bgr.jpg": 201, "mono.png": 1, "bgr.png": 2}[kind.color + kind.codec]
    struct.pack_into("<I24s", header, 0, 0xFEED, "Norpix seq".encode("utf-16-le"))
    struct.pack_into("<ii", header, 28, kind.version, 1024)
    header[36 : 36 + 28] = "No Description".encode("utf-16-le")
    depth = 8 * pixels.dtype.itemsize * channels
    struct.pack_into("<9I", header, 548, width, height, depth, kind.bits, size, code, 0, 0, _stride(kind.version, size))
    struct.pack_into("<d", header, 584, 30.0)
    struct.pack_into("<I", header, 620, 1 if kind.codec and not kind.old_codes else 0)
    return bytes(header)


def _stride(version: int, size: int) -> int:
    block = 8192 if version == 5 else 512
    return -(-(size + 8) // block) * block


def _coded(pixels: np.ndarray, kind: Kind) -> bytes:
    """JPEG (of high quality) or PNG of stored pixels; colors are given to OpenCV as it wants them, BGR."""
    if kind.color == "rgb":
        pixels = pixels[..., ::-1]
    done, data = cv2.imencode(kind.codec, np.ascontiguousarray(pixels), [cv2.IMWRITE_JPEG_QUALITY, 98])
    assert done
    return bytes(data.tobytes())
