"""The baked texture on the thinned head: one JPEG of all tiles side by side, and where each triangle lies in it."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from facesolve.footage.container import UnreadableImage
from facesolve.footage.decode import read_pixels
from facesolve.render.texture_files import FIRST_UDIM
from facesolve.take import Rig

from .thinning import Thinned, fans

SIDES = {1: 1024, 2: 768}  # pixels of a tile by the number of tiles
LEAST_SIDE = 512
JPEG_QUALITY = 85
PLAIN = (135, 145, 158)  # blue, green, red: clay, where no tile lies
FAR = 0.1  # of a tile: so far no corner moves within a piece
COLUMNS = 10  # tiles in a row, by Mari's numbers


def skin_record(rig: Rig, mesh: Thinned, files: list[Path]) -> dict[str, Any] | None:
    """image: JPEG in base64, tiles side by side and plain clay last; uv: (T, 3, 2) float32 places in it, base64.

    files: of the tiles, each named ``NAME.<UDIM>.SUFFIX``. None where the rig has no UVs, or none can be read.
    """
    tiles = _tiles(files)
    if not len(rig.face_uvs) or not tiles:
        return None
    side = SIDES.get(len(tiles), LEAST_SIDE)
    pictures = [cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA) for picture in tiles.values()]
    pictures.append(np.full((side, side, 3), PLAIN, np.uint8))
    _, data = cv2.imencode(".jpg", np.concatenate(pictures, axis=1), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    places = _places(_corner_uvs(rig, mesh), list(tiles), side)
    return {
        "image": base64.b64encode(data.tobytes()).decode("ascii"),
        "uv": base64.b64encode(np.ascontiguousarray(places, "<f4").tobytes()).decode("ascii"),
    }


def _tiles(files: list[Path]) -> dict[tuple[int, int], np.ndarray]:
    """Pictures (h, w, 3) uint8 blue, green, red by (floor(u), floor(v)); those that cannot be read are left out."""
    found = {}
    for path in sorted(files):
        number = path.suffixes[-2][1:] if len(path.suffixes) > 1 else ""
        if not (number.isdigit() and int(number) >= FIRST_UDIM and path.is_file()):
            continue
        try:
            pixels = read_pixels(path)
        except UnreadableImage:
            continue
        v, u = divmod(int(number) - FIRST_UDIM, COLUMNS)
        if pixels.dtype == np.uint8 and pixels.ndim == 3:
            found[u, v] = np.ascontiguousarray(pixels[..., ::-1])
    return found


def _corner_uvs(rig: Rig, mesh: Thinned) -> np.ndarray:
    """(T, 3, 2) UVs of the thinned triangles' corners: of a corner that moved, the vertex' UV nearest to its old.

    A triangle that would be torn over two pieces of the UVs keeps those that it had.
    """
    vertices, own = fans(rig, rig.face_vertices)[mesh.origin], fans(rig, rig.face_uvs)
    chosen = own[mesh.origin]
    of_vertex = mesh.kept[mesh.triangles]
    corners = np.unique(np.stack([fans(rig, rig.face_vertices).ravel(), own.ravel()], 1), axis=0)
    first = np.searchsorted(corners[:, 0], np.arange(rig.vertex_count + 1))
    for row, corner in np.argwhere(of_vertex != vertices):
        vertex = of_vertex[row, corner]
        candidates = corners[first[vertex] : first[vertex + 1], 1]
        off = np.linalg.norm(rig.uvs[candidates] - rig.uvs[chosen[row, corner]], axis=1)
        chosen[row, corner] = candidates[off.argmin()]
    own = own[mesh.origin]
    torn = np.linalg.norm(rig.uvs[chosen] - rig.uvs[own], axis=2).max(axis=1) > FAR
    return np.asarray(rig.uvs[np.where(torn[:, None], own, chosen)], np.float64)


def _places(uvs: np.ndarray, tiles: list[tuple[int, int]], side: int) -> np.ndarray:
    """(T, 3, 2) places in the picture, 0..1, v upwards; of triangles without a tile in its last part."""
    tile = np.floor(uvs.mean(axis=1))
    place = np.full(len(uvs), len(tiles))
    for index, one in enumerate(tiles):
        place[(tile == one).all(axis=1)] = index
    edge = 0.5 / side  # half a texel, so that neighbors in the picture do not bleed in
    local = (uvs - tile[:, None]).clip(edge, 1 - edge)
    across = (place[:, None] + local[..., 0]) / (len(tiles) + 1)
    return np.stack([across, local[..., 1]], -1)
