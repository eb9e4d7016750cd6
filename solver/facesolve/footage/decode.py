"""Image files to arrays of stored values: JPEG, PNG, TIFF and BMP by OpenCV, OpenEXR by OpenImageIO where installed."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np

from .container import EXR, UnreadableImage, image_format, read_container

try:
    import simplejpeg
except ImportError:  # no wheel for this machine: OpenCV decodes the same pixels, but hides damage
    simplejpeg = None

_MOST_EXR_PIXELS = 1 << 28  # where no size is expected
_MOST_OVERSCAN = 4  # times the expected pixels, of an OpenEXR data window


class OtherSize(UnreadableImage):
    """An image is not of the expected size but of ``width`` x ``height`` pixels; it was not decoded."""

    def __init__(self, width: int, height: int) -> None:
        super().__init__(f"is {width}x{height} pixels, which is not the expected size.")
        self.width, self.height = width, height


def read_pixels(path: Path, size: tuple[int, int] | None = None) -> np.ndarray:
    """Stored values of the image file ``path``: (H, W) gray or (H, W, 3) RGB; uint8, uint16 or float32.

    size: expected (width, height); OtherSize is raised, and no memory spent, when the file states another.
    Alpha is dropped; an EXIF orientation is not applied (calibration is of the stored image).
    Raises UnreadableImage when the file is missing, cut short, damaged or of another kind.
    """
    data = read_bytes(path)
    if image_format(data[:8]) == EXR:
        return _read_exr(path, size)
    container = read_container(data)
    _expect(size, container.width, container.height)
    return decode_pixels(data)


def decode_pixels(data: bytes) -> np.ndarray:
    """Stored values of the JPEG, PNG, TIFF or BMP file ``data`` as of ``read_pixels``. Raises UnreadableImage."""
    if data[:3] == b"\xff\xd8\xff":
        pixels = _decode_jpeg(data)
        if pixels is not None:
            return pixels
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        pixels = None
    if pixels is None:
        raise UnreadableImage("cannot be decoded (damaged, or a variant that OpenCV lacks); write or copy it again.")
    if pixels.dtype not in (np.uint8, np.uint16, np.float32):
        raise UnreadableImage(f"stores {pixels.dtype} values; convert it to 8 or 16 bits or 32-bit float.")
    if pixels.ndim == 2:
        return pixels
    if pixels.shape[2] == 2:
        return pixels[..., 0]
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB if pixels.shape[2] == 3 else cv2.COLOR_BGRA2RGB)


def _decode_jpeg(data: bytes) -> np.ndarray | None:
    """(H, W) gray or (H, W, 3) RGB uint8, the same as OpenCV's; None for kinds of JPEG that are left to OpenCV.

    Raises UnreadableImage for damage that OpenCV reports on stderr at most, and fills with gray.
    """
    if simplejpeg is None:
        return None
    try:
        space = simplejpeg.decode_jpeg_header(data)[2]
    except ValueError:  # twelve bits, lossless, arithmetic coding
        return None
    if space not in ("Gray", "YCbCr", "RGB"):
        return None
    try:
        pixels: np.ndarray = simplejpeg.decode_jpeg(data, "GRAY" if space == "Gray" else "RGB")
    except ValueError as damage:
        raise UnreadableImage(f"is damaged ({str(damage)[:80]}); copy the file again.") from None
    return pixels[..., 0] if space == "Gray" else pixels


def image_size(path: Path) -> tuple[int, int]:
    """(width, height) of the image file ``path`` without decoding its pixels; UnreadableImage as ``read_pixels``.

    JPEG, PNG, TIFF and BMP files are proved whole; of an OpenEXR file only the header is read.
    """
    data = read_bytes(path)
    if image_format(data[:8]) == EXR:
        with _exr(path) as source:
            spec = source.spec()
            return spec.full_width, spec.full_height
    container = read_container(data)
    return container.width, container.height


def read_bytes(path: Path) -> bytes:
    """Content of ``path``; UnreadableImage when it is missing or cannot be opened."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise UnreadableImage("does not exist; check the footage path, the frame range and the offset.") from None
    except OSError as error:
        raise UnreadableImage(f"cannot be opened ({error.strerror}); check the path and its permissions.") from None


def optional_module(name: str, extra: str) -> ModuleType:
    """The module ``name``, or UnreadableImage that names the extra to install."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise UnreadableImage(f'needs {name} to be read; run: pip install "facesolve[{extra}]".') from None


@contextmanager
def _exr(path: Path) -> Iterator[Any]:
    """The open OpenEXR file; UnreadableImage when it cannot be opened."""
    oiio = optional_module("OpenImageIO", "exr")
    source = oiio.ImageInput.open(str(path))
    if source is None:
        raise UnreadableImage(f"cannot be opened as OpenEXR ({_reason(oiio)}); write or copy it again.")
    try:
        yield source
    finally:
        source.close()


def _read_exr(path: Path, size: tuple[int, int] | None) -> np.ndarray:
    """(H, W) or (H, W, 3) float32 over the display window; black where the data window does not reach."""
    with _exr(path) as source:
        spec = source.spec()
        _expect(size, spec.full_width, spec.full_height)
        most = _MOST_EXR_PIXELS if size is None else _MOST_OVERSCAN * size[0] * size[1]
        if max(spec.width * spec.height, spec.full_width * spec.full_height) > most:
            raise UnreadableImage(f"holds {spec.width}x{spec.height} pixels, which is too many; write it again.")
        channels = _color_channels(list(spec.channelnames))
        first, last = min(channels), max(channels) + 1
        stored = None if spec.deep else source.read_image(0, 0, first, last, "float")
        if stored is None:
            raise UnreadableImage(f"is truncated or damaged ({_reason(source)}); copy the file again.")
    data = np.asarray(stored, np.float32).reshape(spec.height, spec.width, -1)[..., [c - first for c in channels]]
    x, y = spec.x - spec.full_x, spec.y - spec.full_y
    if (x, y, spec.width, spec.height) != (0, 0, spec.full_width, spec.full_height):
        data = _place(data, x, y, spec.full_width, spec.full_height)
    return data[..., 0] if data.shape[2] == 1 else np.ascontiguousarray(data)


def _expect(size: tuple[int, int] | None, width: int, height: int) -> None:
    if size not in (None, (width, height)):
        raise OtherSize(width, height)


def _color_channels(names: list[str]) -> list[int]:
    """Indices of R, G, B (of the plain layer, else of the first one that has them), or of the luminance channel."""
    for layer in ["", *dict.fromkeys(name.rpartition(".")[0] + "." for name in names if "." in name)]:
        wanted = [layer + channel for channel in "RGB"]
        if all(name in names for name in wanted):
            return [names.index(name) for name in wanted]
    if "Y" in names or len(names) == 1:
        return [names.index("Y") if "Y" in names else 0]
    raise UnreadableImage(f"has no R, G, B or Y channels, only {', '.join(names)}; write the beauty pass as RGB.")


def _place(data: np.ndarray, x: int, y: int, width: int, height: int) -> np.ndarray:
    """``data`` put at column x, row y of a black (height, width, C) canvas; what falls outside is cut."""
    canvas = np.zeros((height, width, data.shape[2]), np.float32)
    rows = slice(max(y, 0), min(y + data.shape[0], height))
    columns = slice(max(x, 0), min(x + data.shape[1], width))
    if rows.stop <= rows.start or columns.stop <= columns.start:  # all of it lies outside
        return canvas
    canvas[rows, columns] = data[rows.start - y : rows.stop - y, columns.start - x : columns.stop - x]
    return canvas


def _reason(module_or_source: Any) -> str:
    """What OpenImageIO says went wrong, in one line; it may quote bytes of a damaged file that are no text."""
    try:
        return " ".join(module_or_source.geterror().split()) or "no reason given"
    except UnicodeDecodeError:
        return "its header is damaged"
