"""OpenEXR files to arrays by OpenImageIO: which part and layer is the picture, and where it lies. Knows no cameras."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from .container import OtherSize, UnreadableImage

_MOST_PIXELS = 1 << 28  # where no size is expected
_MOST_OVERSCAN = 4  # times the expected pixels, of a data window
# names of the picture among passes, likeliest first; any case, also as the first or last word of a name
_PICTURE = ("beauty", "rgba", "rgb", "combined", "composite", "final", "c", "color", "main", "image")
_MATTE = ("matte", "mask", "alpha", "a", "holdout")
# channels of three numbers that are no light
_NO_LIGHT = ("n", "normal", "normals", "p", "position", "uv", "st", "depth", "z", "velocity", "motion", "vector", "id")


def optional_module(name: str, extra: str) -> ModuleType:
    """The module ``name``, or UnreadableImage that names the extra to install."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise UnreadableImage(f'needs {name} to be read; run: pip install "facesolve[{extra}]".') from None


@dataclass(frozen=True)
class _Layer:
    """A picture in the file: part (0-based), its name (part and layer, empty for the plain one), channels by index."""

    part: int
    name: str
    channels: tuple[int, ...]


def exr_size(path: Path) -> tuple[int, int]:
    """(width, height) of the display window of the picture in the OpenEXR file; UnreadableImage as ``read_exr``."""
    with _opened(path) as source:
        source.seek_subimage(_picture(_layers(source)).part, 0)
        spec = source.spec()
        return spec.full_width, spec.full_height


def read_exr(path: Path, size: tuple[int, int] | None, matte: bool = False) -> np.ndarray:
    """(H, W) or (H, W, 3) float32 over the display window; zero where the data window does not reach.

    The picture is the plain R, G, B of the first part, or what is named as one (beauty, rgba, C ...) among several
    parts and layers. matte: read the matte instead: a layer named so, else the picture's alpha.
    Raises UnreadableImage that lists what there is where that is not clear, and for deep files.
    """
    with _opened(path) as source:
        layer = _matte(source) if matte else _picture(_layers(source))
        source.seek_subimage(layer.part, 0)
        spec = source.spec()
        _expect(size, spec.full_width, spec.full_height)
        most = _MOST_PIXELS if size is None else _MOST_OVERSCAN * size[0] * size[1]
        if max(spec.width * spec.height, spec.full_width * spec.full_height) > most:
            raise UnreadableImage(f"holds {spec.width}x{spec.height} pixels, which is too many; write it again.")
        if spec.deep:
            raise UnreadableImage("is a deep image; flatten it (Nuke: DeepToImage) and write it again.")
        first, last = min(layer.channels), max(layer.channels) + 1
        stored = source.read_image(layer.part, 0, first, last, "float")
        if stored is None:
            raise UnreadableImage(f"is truncated or damaged ({_reason(source)}); copy the file again.")
    chosen = [channel - first for channel in layer.channels]
    data = np.asarray(stored, np.float32).reshape(spec.height, spec.width, -1)[..., chosen]
    x, y = spec.x - spec.full_x, spec.y - spec.full_y
    if (x, y, spec.width, spec.height) != (0, 0, spec.full_width, spec.full_height):
        data = _place(data, x, y, spec.full_width, spec.full_height)
    return data[..., 0] if data.shape[2] == 1 else np.ascontiguousarray(data)


def _parts(source: Any) -> Iterator[tuple[int, str, list[str]]]:
    """Number, name and channels of each part."""
    part = 0
    while source.seek_subimage(part, 0):
        spec = source.spec()
        words = (spec.getattribute("oiio:subimagename"), spec.getattribute("view"))
        yield part, " ".join(dict.fromkeys(str(word) for word in words if word)), list(spec.channelnames)
        part += 1


def _layers(source: Any) -> list[_Layer]:
    """The pictures in the file: channels R, G, B of a layer, or one of luminance."""
    found, others = [], []
    for part, name, channels in _parts(source):
        others += channels
        for layer in dict.fromkeys(channel.rpartition(".")[0] for channel in channels):
            prefix = f"{layer}." if layer else ""
            full = " ".join(filter(None, (name, layer)))
            for wanted in ("RGB", "rgb", ("red", "green", "blue"), ("Red", "Green", "Blue"), "Y"):
                if all(prefix + channel in channels for channel in wanted):
                    found.append(_Layer(part, full, tuple(channels.index(prefix + channel) for channel in wanted)))
                    break
        if len(channels) == 1 and channels[0].lower() not in (*_NO_LIGHT, *_MATTE, "y"):
            found.append(_Layer(part, " ".join(filter(None, (name, channels[0]))), (0,)))
    if not found:
        names = ", ".join(dict.fromkeys(others))
        raise UnreadableImage(f"has no R, G, B or Y channels, only {names}; write the beauty pass as RGB.")
    return found


def _picture(layers: list[_Layer]) -> _Layer:
    """The one that is the picture."""
    light = [layer for layer in layers if not _words(layer.name) & set(_NO_LIGHT)]
    if len(light) == 1:
        return light[0]
    plain = [layer for layer in light if not layer.name]
    if len(plain) == 1:
        return plain[0]
    for word in _PICTURE:
        named = [layer for layer in light if word in _words(layer.name)]
        if len(named) == 1:
            return named[0]
    there = ", ".join(layer.name or "the plain channels" for layer in layers)
    raise UnreadableImage(
        f"holds several pictures ({there}); write the one to be used into a file of its own, or name it 'beauty'."
    )


def _matte(source: Any) -> _Layer:
    """A layer or channel that is a matte, else the alpha of the picture."""
    singles = [
        _Layer(part, channel, (index,))
        for part, name, channels in _parts(source)
        for index, channel in enumerate(channels)
        if _words(f"{name} {channel}") & set(_MATTE)
    ]
    for word in _MATTE:
        named = [layer for layer in singles if word in _words(layer.name)]
        if len(named) >= 1:
            plain = [layer for layer in named if "." not in layer.name]
            return (plain or named)[0]
    return singles[0] if singles else _picture(_layers(source))


def _words(name: str) -> set[str]:
    """The words of a layer's name in lower case: ``rgba_main`` and ``ViewLayer.Combined`` have two."""
    for mark in "._-: /":
        name = name.replace(mark, " ")
    return set(name.lower().split())


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The open OpenEXR file; UnreadableImage when it cannot be opened."""
    oiio = optional_module("OpenImageIO", "exr")
    source = oiio.ImageInput.open(str(path))
    if source is None:
        raise UnreadableImage(f"cannot be opened as OpenEXR ({_reason(oiio)}); write or copy it again.")
    try:
        yield source
    finally:
        source.close()


def _expect(size: tuple[int, int] | None, width: int, height: int) -> None:
    if size not in (None, (width, height)):
        raise OtherSize(width, height)


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


def read_planar(path: Path) -> np.ndarray:
    """(H, W, 3) of a TIFF with a plane for each color, as stored; OpenCV mixes them up."""
    with _opened(path) as source:
        spec = source.spec()
        stored = source.read_image(0, 0, 0, min(spec.nchannels, 3), "unknown")
        if stored is None:
            raise UnreadableImage(f"is truncated or damaged ({_reason(source)}); copy the file again.")
    pixels = np.asarray(stored).reshape(spec.height, spec.width, -1)
    return pixels[..., 0] if pixels.shape[2] < 3 else np.ascontiguousarray(pixels)
