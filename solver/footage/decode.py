"""Image files to arrays of stored values: JPEG, PNG and TIFF by OpenCV, OpenEXR by OpenImageIO where installed."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np

from .container import EXR, UnreadableImage, image_format, read_container


def read_pixels(path: Path) -> np.ndarray:
    """Stored values of the image file ``path``: (H, W) gray or (H, W, 3) RGB; uint8, uint16 or float32.

    Alpha is dropped; an EXIF orientation is not applied (calibration is of the stored image).
    Raises UnreadableImage when the file is missing, cut short, damaged or of another kind.
    """
    data = read_bytes(path)
    if image_format(data[:8]) == EXR:
        return _read_exr(path)
    read_container(data)
    return decode_pixels(data)


def decode_pixels(data: bytes) -> np.ndarray:
    """Stored values of the JPEG, PNG or TIFF file ``data``, as ``read_pixels`` gives them. Raises UnreadableImage."""
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


def image_size(path: Path) -> tuple[int, int]:
    """(width, height) of the image file ``path`` without decoding its pixels; UnreadableImage as ``read_pixels``.

    JPEG, PNG and TIFF files are proved whole; of an OpenEXR file only the header is read.
    """
    data = read_bytes(path)
    if image_format(data[:8]) == EXR:
        source = _open_exr(path)
        spec = source.spec()
        source.close()
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


def _open_exr(path: Path) -> Any:
    oiio = optional_module("OpenImageIO", "exr")
    source = oiio.ImageInput.open(str(path))
    if source is None:
        raise UnreadableImage(f"cannot be opened as OpenEXR ({_one_line(oiio.geterror())}); write or copy it again.")
    return source


def _read_exr(path: Path) -> np.ndarray:
    """(H, W) or (H, W, 3) float32 over the display window; black where the data window does not reach."""
    source = _open_exr(path)
    try:
        spec = source.spec()
        channels = _color_channels(list(spec.channelnames))
        first, last = min(channels), max(channels) + 1
        stored = None if spec.deep else source.read_image(0, 0, first, last, "float")
        if stored is None:
            raise UnreadableImage(f"is truncated or damaged ({_one_line(source.geterror())}); copy the file again.")
    finally:
        source.close()
    data = np.asarray(stored, np.float32).reshape(spec.height, spec.width, -1)[..., [c - first for c in channels]]
    x, y = spec.x - spec.full_x, spec.y - spec.full_y
    if (x, y, spec.width, spec.height) != (0, 0, spec.full_width, spec.full_height):
        data = _place(data, x, y, spec.full_width, spec.full_height)
    return data[..., 0] if data.shape[2] == 1 else np.ascontiguousarray(data)


def _color_channels(names: list[str]) -> list[int]:
    """Indices of R, G, B (of the plain layer, else of the first one that has them), or of the luminance channel."""
    for layer in ["", *dict.fromkeys(name.rpartition(".")[0] + "." for name in names if "." in name)]:
        wanted = [layer + channel for channel in "RGB"]
        if all(name in names for name in wanted):
            return [names.index(name) for name in wanted]
    if "Y" in names or len(names) == 1:
        return [names.index("Y") if "Y" in names else 0]
    raise UnreadableImage(f"has no R, G, B or Y channels but {', '.join(names)}; write the beauty pass as RGB.")


def _place(data: np.ndarray, x: int, y: int, width: int, height: int) -> np.ndarray:
    """``data`` put at column x, row y of a black (height, width, C) canvas; what falls outside is cut."""
    canvas = np.zeros((height, width, data.shape[2]), np.float32)
    rows = slice(max(y, 0), min(y + data.shape[0], height))
    columns = slice(max(x, 0), min(x + data.shape[1], width))
    canvas[rows, columns] = data[rows.start - y : rows.stop - y, columns.start - x : columns.stop - x]
    return canvas


def _one_line(text: str) -> str:
    return " ".join(text.split()) or "no reason given"
