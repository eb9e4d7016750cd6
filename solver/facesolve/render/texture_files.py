"""A texture on disk: one image a UDIM tile. Knows files and color encoding; no geometry."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from facesolve.footage.color import srgb_bytes, to_linear
from facesolve.footage.container import UnreadableImage
from facesolve.footage.decode import read_pixels
from facesolve.take import TakeError
from facesolve.take.files import write_atomic
from facesolve.take.names import TEXTURE, UDIM

from . import Texture
from .texture import UDIM_COLUMNS, Tile

FIRST_UDIM = 1001
MOST_TEXELS = 4096  # a side; larger tiles are made smaller, footage shows no more of a head


def udim_number(tile: Tile) -> int:
    """Mari's number of the tile (floor(u), floor(v)): 1001 + u + 10 v."""
    return FIRST_UDIM + tile[0] + UDIM_COLUMNS * tile[1]


def write_texture(texture: Texture, folder: Path) -> list[Path]:
    """Writes ``texture.<UDIM>.png`` for every tile, 8-bit sRGB, each whole or not at all; returns the files by tile.

    Row 0 is at v = 1, as texture images lie on disk. Light outside 0..1 is clipped.
    """
    files = []
    for tile, pyramid in sorted(texture.pyramids.items(), key=lambda item: udim_number(item[0])):
        path = folder / TEXTURE.replace(UDIM, str(udim_number(tile)))
        light = pyramid[0][0].permute(1, 2, 0).cpu().numpy()
        _, data = cv2.imencode(".png", np.ascontiguousarray(srgb_bytes(light)[..., ::-1]))
        write_atomic(path, data.tobytes())
        files.append(path)
    return files


def read_texture(path: str | Path) -> Texture:
    """The texture in an image file, or in one file a UDIM tile where the name holds ``<UDIM>``; linear light RGB.

    8- and 16-bit images are taken as sRGB, OpenEXR and other float images as linear light. A plain image is tile
    (0, 0). Raises TakeError, one sentence, when there is no such file or one cannot be read.
    """
    path = Path(path)
    if UDIM not in path.name:
        return Texture.from_tiles({(0, 0): _read_tile(path)})
    files = _tile_files(path)
    if not files:
        raise TakeError(f"texture: no file matches '{path}'; {UDIM} stands for a tile's number, 1001 and above.")
    return Texture.from_tiles({tile: _read_tile(file) for tile, file in files.items()})


def _tile_files(pattern: Path) -> dict[Tile, Path]:
    """Files of the pattern's folder whose name is the pattern's with a UDIM number, by tile."""
    before, _, after = pattern.name.partition(UDIM)
    name = re.compile(re.escape(before) + r"(\d{4})" + re.escape(after))
    files = {}
    for file in sorted(pattern.parent.iterdir()) if pattern.parent.is_dir() else []:
        match = name.fullmatch(file.name)
        if match and int(match[1]) >= FIRST_UDIM:
            v, u = divmod(int(match[1]) - FIRST_UDIM, UDIM_COLUMNS)
            files[u, v] = file
    return files


def _read_tile(path: Path) -> Tensor:
    """(height, width, 3) linear light."""
    if not path.is_file():
        raise TakeError(f"texture: '{path}' does not exist; copy it there or pack again.")
    try:
        stored = read_pixels(path)
    except UnreadableImage as problem:
        raise TakeError(f"texture: '{path}' {problem}") from None
    light = to_linear(stored, "linear" if stored.dtype.kind == "f" else "srgb")
    if not np.isfinite(light).all():
        raise TakeError(f"texture: '{path}' holds a color that is not finite; write it again.")
    largest = max(light.shape[:2])
    if largest > MOST_TEXELS:
        height, width = (max(1, size * MOST_TEXELS // largest) for size in light.shape[:2])
        light = cv2.resize(light, (width, height), interpolation=cv2.INTER_AREA)
    if light.ndim == 2:
        light = np.repeat(light[..., None], 3, 2)
    return torch.from_numpy(np.ascontiguousarray(light))
