"""Reading of Norpix StreamPix ``.seq`` files: any image by its number, and when it was taken."""

from __future__ import annotations

import os
import struct
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np

from facesolve.footage.container import JPEG, UnreadableImage, image_format, no_such_image, read_container
from facesolve.footage.decode import decode_pixels

from .header import BAYER, BGR, BGRX, CHANNELS, HEADER_BYTES, RGB, SequenceHeader, read_header
from .index import find_images

MOSAIC = "none"  # in the place of a Bayer pattern: leave the mosaic as it is
MICROSECONDS = 1_000_000

_DEMOSAIC = {
    "RGGB": cv2.COLOR_BayerRGGB2RGB,
    "GRBG": cv2.COLOR_BayerGRBG2RGB,
    "GBRG": cv2.COLOR_BayerGBRG2RGB,
    "BGGR": cv2.COLOR_BayerBGGR2RGB,
}
_LEAST_MOSAIC = 4  # pixels on a side


class NorpixFile:
    """An open ``.seq`` file; ``read`` and ``stamps`` may be called from several threads.

    count: number of whole images; width, height: pixels; note: what is wrong with the file though ``count`` images
    can be read (follows its name in a sentence), or empty.
    bayer: the colors of the top left 2x2 pixels of single-channel images, ``RGGB``, ``GRBG``, ``GBRG`` or ``BGGR``;
    MOSAIC leaves them as they are. The file does not tell it, so a Bayer file cannot be opened without.
    Raises UnreadableImage when the file is missing, damaged or of a kind that is not read.
    """

    def __init__(self, path: Path, bayer: str | None = None) -> None:
        self._lock = threading.Lock()
        self._stream = _open(path)
        try:
            self._bytes = self._stream.seek(0, os.SEEK_END)
            self.header = read_header(self._at(0, HEADER_BYTES))
            self._bayer = _pattern(self.header, bayer)
            self._layout = find_images(self._stream, self._bytes, self.header, path.with_name(path.name + ".idx"))
        except OSError as error:
            self.close()
            raise _lost(error) from None
        except BaseException:
            self.close()
            raise
        self.count, self.note = self._layout.count, self._layout.note
        self.width, self.height = self.header.width, self.header.height

    def close(self) -> None:
        """Closes the file."""
        self._stream.close()

    def read(self, number: int) -> np.ndarray:
        """(H, W) gray or (H, W, 3) RGB of image ``number`` (0-based): uint8, or uint16 at full scale for 9 to 16 bits.

        Full scale: the significant bits are moved to the top and repeated below, so none is lost. Raises
        UnreadableImage.
        """
        data = self._image(number)
        pixels = self._raw(data, number) if self.header.codec is None else self._decoded(data, number)
        if self._bayer is None or pixels.ndim == 3:
            return pixels
        return cv2.cvtColor(pixels, _DEMOSAIC[self._bayer])

    def check(self, number: int) -> None:
        """UnreadableImage unless image ``number`` is whole and of the stated size; decodes no pixel."""
        if self.header.codec is None:
            self._located(number)
        else:
            self._check_coded(self._image(number), number)

    def jpeg(self, number: int) -> bytes | None:
        """Image ``number`` as the whole JPEG file that is stored, or None where another form is."""
        if self.header.codec != JPEG or self._bayer is not None:
            return None
        data = self._image(number)
        self._check_coded(data, number)
        return data

    def stamps(self, numbers: Iterable[int] | None = None) -> np.ndarray:
        """(N,) int64 microseconds since 1970 at which the images ``numbers`` (all when None) were taken.

        The time zone is the recording computer's; the file does not tell it. Files before version 5 need not have
        microseconds: where one of them is no number below 1000, all count as 0. Raises UnreadableImage.
        """
        wanted = range(self.count) if numbers is None else list(numbers)
        stored = np.empty((len(wanted), 3), np.int64)
        for row, number in enumerate(wanted):
            offset, size = self._located(number)
            data = self._at(offset + size, 8)
            if len(data) < 6:
                raise _damaged(number)
            stored[row] = struct.unpack("<IHH", data.ljust(8, b"\0"))
        if self.header.version < 5 and (stored[:, 2] > 999).any():
            stored[:, 2] = 0
        return stored @ (MICROSECONDS, 1000, 1)

    def _image(self, number: int) -> bytes:
        """Stored bytes of image ``number``."""
        offset, size = self._located(number)
        data = self._at(offset, size)
        if len(data) < size:
            raise _damaged(number)
        return data

    def _located(self, number: int) -> tuple[int, int]:
        if not 0 <= number < self.count:
            raise no_such_image(number, self.count)
        return self._layout.locate(number)

    def _at(self, offset: int, size: int) -> bytes:
        try:
            with self._lock:
                self._stream.seek(offset)
                return self._stream.read(size)
        except OSError as error:
            raise _lost(error) from None

    def _raw(self, data: bytes, number: int) -> np.ndarray:
        header = self.header
        pixels = np.frombuffer(data, "u1" if header.sample_bytes == 1 else "<u2")
        channels = CHANNELS[header.color]
        pixels = pixels.reshape((header.height, header.width, channels)[: 2 if channels == 1 else 3])
        if header.color in (BGR, BGRX):
            pixels = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB if header.color == BGR else cv2.COLOR_BGRA2RGB)
        return full_scale(pixels, header.bits, number)

    def _decoded(self, data: bytes, number: int) -> np.ndarray:
        self._check_coded(data, number)
        try:
            pixels = decode_pixels(data)
        except UnreadableImage as problem:
            raise _damaged(number, problem) from None
        if pixels.dtype not in (np.uint8, np.uint16) or (self.header.color == BAYER and pixels.ndim != 2):
            raise _damaged(number)
        return pixels

    def _check_coded(self, data: bytes, number: int) -> None:
        """UnreadableImage unless ``data`` is a whole image of the sequence's codec and size; no pixel is decoded."""
        header = self.header
        try:
            coded = read_container(data) if image_format(data[:8]) == header.codec else None
        except UnreadableImage as problem:
            raise _damaged(number, problem) from None
        if coded is None:
            raise _damaged(number)
        if (coded.width, coded.height) != (header.width, header.height):
            size = f"is {coded.width}x{coded.height} pixels instead of {header.width}x{header.height}"
            raise _damaged(number, f"{size}; copy the file again.")


def full_scale(stored: np.ndarray, bits: int, number: int) -> np.ndarray:
    """Samples of ``bits`` significant bits at the full scale of their type; any shape, uint8 or uint16.

    Full black and full white are kept; shifting back gives the stored values. UnreadableImage names image ``number``
    when a value has more bits.
    """
    size = 8 * stored.dtype.itemsize
    if bits == size:
        return stored.astype(stored.dtype.newbyteorder("="), copy=False)
    if stored.max() >> bits:
        raise UnreadableImage(
            f"holds at image {number} values above the {bits} bits that its header states; record or export it again."
        )
    top = stored.astype(np.uint32) << (size - bits)
    scaled = top.copy()
    for filled in range(bits, size, bits):
        scaled |= top >> filled
    return scaled.astype(stored.dtype.newbyteorder("="))


def _pattern(header: SequenceHeader, bayer: str | None) -> str | None:
    """Pattern to demosaic single-channel images with, or None."""
    if bayer is None and header.color == BAYER:
        raise UnreadableImage("holds a Bayer mosaic of unknown pattern; give it as '--bayer RGGB', GRBG, GBRG or BGGR.")
    if bayer is None or bayer == MOSAIC:
        return None
    if header.color in (BGR, RGB, BGRX):
        raise UnreadableImage("holds color images, not a Bayer mosaic; leave '--bayer' out.")
    if min(header.width, header.height) < _LEAST_MOSAIC:
        raise UnreadableImage(f"holds images of {header.width}x{header.height} pixels, too small for a Bayer mosaic.")
    return bayer


def _open(path: Path) -> BinaryIO:
    try:
        if path.exists() and not path.is_file():
            raise UnreadableImage("is not a file; check the footage path.")
        return path.open("rb")
    except FileNotFoundError:
        raise UnreadableImage("does not exist; check the footage path.") from None
    except UnreadableImage:
        raise
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise _lost(error) from None


def _lost(error: OSError | ValueError) -> UnreadableImage:
    reason = getattr(error, "strerror", None) or str(error)
    return UnreadableImage(f"cannot be read ({reason}); check the path and its permissions.")


def _damaged(number: int, problem: object = "is damaged or truncated; copy the file again.") -> UnreadableImage:
    """problem: completes "an image that ..."."""
    return UnreadableImage(f"holds an image, number {number}, that {problem}")
