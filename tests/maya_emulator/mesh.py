"""Polygon meshes as data: points, faces, UV sets; decoding of what a file holds. Knows no graph."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from .errors import EmulatorError


@dataclass(frozen=True)
class UVSet:
    """One UV set: coordinates (T, 2) and the UV index of each polygon corner (empty: none assigned)."""

    name: str
    points: np.ndarray
    corners: np.ndarray


@dataclass(frozen=True)
class MeshData:
    """points (V, 3) centimeters, object space; counts (P,) and corners (sum,) of the polygons."""

    points: np.ndarray
    counts: np.ndarray
    corners: np.ndarray
    uv_sets: tuple[UVSet, ...] = field(default_factory=tuple)

    def moved(self, points: np.ndarray) -> MeshData:
        """The same mesh with other points."""
        return replace(self, points=points)


def decode_faces(
    chunks: list[list[str]], edges: np.ndarray
) -> tuple[np.ndarray, np.ndarray, dict[int, tuple[np.ndarray, bool]]]:
    """Counts, corner vertices, and per UV set (corner UVs, complete) of ``polyFaces`` tokens.

    edges: (E, 2) vertex numbers; a face lists edges, negative ones (-n-1) backwards.
    """
    counts: list[int] = []
    corners: list[int] = []
    uvs: dict[int, list[int]] = {}
    pairs = edges.tolist()
    for words in chunks:
        position = 0
        while position < len(words):
            word = words[position]
            if word == "f":
                count = int(words[position + 1])
                for edge in words[position + 2 : position + 2 + count]:
                    number = int(edge)
                    corners.append(pairs[number][0] if number >= 0 else pairs[-number - 1][1])
                counts.append(count)
                position += 2 + count
            elif word == "mu":
                count = int(words[position + 2])
                uvs.setdefault(int(words[position + 1]), []).extend(
                    int(w) for w in words[position + 3 : position + 3 + count]
                )
                position += 3 + count
            elif word in ("mc", "h"):
                raise EmulatorError(f"polygon faces with '{word}' are not read")
            else:
                raise EmulatorError(f"unknown word '{word}' in polygon faces")
    sets = {index: (np.array(c, np.int32), len(c) == len(corners)) for index, c in uvs.items()}
    return np.array(counts, np.int32), np.array(corners, np.int32), sets


def cube(width: float, height: float, depth: float) -> MeshData:
    """Maya's polyCube with one subdivision, along y."""
    x, y, z = width / 2, height / 2, depth / 2
    points = np.array(
        [[-x, -y, z], [x, -y, z], [-x, y, z], [x, y, z], [-x, y, -z], [x, y, -z], [-x, -y, -z], [x, -y, -z]]
    )
    faces = [[0, 1, 3, 2], [2, 3, 5, 4], [4, 5, 7, 6], [6, 7, 1, 0], [1, 7, 5, 3], [6, 0, 2, 4]]
    return MeshData(points, np.full(6, 4, np.int32), np.array(faces, np.int32).ravel())
