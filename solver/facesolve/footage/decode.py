"""Image files to arrays of stored values: JPEG, PNG, TIFF and BMP by OpenCV, OpenEXR by OpenImageIO where installed."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from .container import EXR, OtherSize, UnreadableImage, image_format, read_container
from .exr import exr_size, read_exr, read_planar

try:
    import simplejpeg
except ImportError:  # no wheel for this machine: OpenCV decodes the same pixels, but hides damage
    simplejpeg = None

_MOST_OVERSCAN = 4  # times the expected pixels, of an OpenEXR data window


def read_pixels(path: Path, size: tuple[int, int] | None = None) -> np.ndarray:
    """Stored values of the image file ``path``: (H, W) gray or (H, W, 3) RGB; uint8, uint16 or float32.

    size: expected (width, height); OtherSize is raised, and no memory spent, when the file states another.
    Alpha is dropped; images are turned upright as their EXIF orientation says, as viewers and other readers do.
    Raises UnreadableImage when the file is missing, cut short, damaged or of another kind.
    """
    data = read_bytes(path)
    if image_format(data[:8]) == EXR:
        return read_exr(path, size)
    container = read_container(data)
    if size not in (None, container.shown):
        raise OtherSize(*container.shown)
    pixels = read_planar(path) if container.planar else decode_pixels(data)
    return _upright(pixels, container.orientation)


def read_matte(path: Path, size: tuple[int, int] | None = None) -> np.ndarray:
    """As ``read_pixels``, of a file that serves as matte: its alpha, or a matte layer of OpenEXR, where it has one."""
    data = read_bytes(path)
    if image_format(data[:8]) == EXR:
        return read_exr(path, size, matte=True)
    pixels = read_pixels(path, size)
    try:
        stored = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) if pixels.ndim == 3 else None
    except cv2.error:
        stored = None
    if stored is None or stored.ndim != 3 or stored.shape[2] not in (2, 4):
        return pixels
    return _upright(np.ascontiguousarray(stored[..., -1]), read_container(data).orientation)


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Pixels (H, W[, 3]) turned as an EXIF orientation (1 to 8) says."""
    if orientation in (2, 4, 5, 7):  # as in a mirror
        pixels = pixels[:, ::-1]
    quarters = {3: 2, 4: 2, 5: 1, 6: 3, 7: 3, 8: 1}.get(orientation, 0)
    return np.ascontiguousarray(np.rot90(pixels, quarters)) if orientation > 1 else pixels


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


def is_damaged_jpeg(data: bytes) -> bool:
    """Whether a JPEG image is cut or damaged; False for kinds of JPEG that the strict library does not know."""
    try:
        _decode_jpeg(data)
    except UnreadableImage:
        return True
    return False


def image_size(path: Path) -> tuple[int, int]:
    """(width, height) of the image file ``path`` without decoding its pixels; UnreadableImage as ``read_pixels``.

    JPEG, PNG, TIFF and BMP files are proved whole; of an OpenEXR file only the header is read.
    """
    data = read_bytes(path)
    if image_format(data[:8]) == EXR:
        return exr_size(path)
    container = read_container(data)
    return container.shown


def read_bytes(path: Path) -> bytes:
    """Content of ``path``; UnreadableImage when it is missing or cannot be opened."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise UnreadableImage("does not exist; check the footage path, the frame range and the offset.") from None
    except OSError as error:
        raise UnreadableImage(f"cannot be opened ({error.strerror}); check the path and its permissions.") from None
