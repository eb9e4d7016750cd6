"""The solved head as a sequence of Wavefront OBJ files, one a frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from facesolve.take import Rig
from facesolve.take.files import new_folder

from .performance import Performance

OWN = r"head\.-?\d{4,}\.obj"  # what it writes, by which an export that was there is known


def write_obj_sequence(
    performance: Performance, folder: Path, stabilized: bool = False, overwrite: bool = False
) -> None:
    """Writes ``head.<frame>.obj`` for every frame into the new ``folder``, all or nothing.

    Centimeters, world space; with ``stabilized`` rig space, the head transform left out. Vertices are in the rig's
    order, polygons and UVs as the rig has them, a group for each of its meshes. Positions have six decimals.
    Raises TakeError when ``folder`` is there already, unless ``overwrite``, which removes the frames of an export that
    was there.
    """
    faces = _faces(performance.rig)
    space = "head-stabilized (rig) space" if stabilized else "world space"
    comment = f"# Facesolve: take {_printable(performance.take.name)}, frame {{}}, {space}, centimeters\n"
    template = "v %.6f %.6f %.6f\n" * performance.rig.vertex_count
    with new_folder(folder, overwrite, OWN) as temporary:
        for frame, vertices in performance.vertices(stabilized):
            text = comment.format(frame) + template % tuple(vertices.ravel().tolist()) + faces
            (temporary / f"head.{frame:04d}.obj").write_text(text, encoding="utf-8", newline="\n")


def _faces(rig: Rig) -> str:
    """UVs, groups and polygons: what all frames share. OBJ counts from 1."""
    lines = [f"vt {u:.7g} {v:.7g}" for u, v in rig.uvs.tolist()]
    corners = [str(vertex) for vertex in (rig.face_vertices + 1).tolist()]
    if len(rig.face_uvs):
        corners = [f"{vertex}/{uv}" for vertex, uv in zip(corners, (rig.face_uvs + 1).tolist(), strict=True)]
    ends = np.cumsum(rig.face_counts).tolist()
    polygon = 0
    for mesh in rig.meshes:
        lines.append(f"g {_printable(mesh.name).replace(' ', '_')}")
        for _ in range(mesh.face_count):
            start = ends[polygon - 1] if polygon else 0
            lines.append("f " + " ".join(corners[start : ends[polygon]]))
            polygon += 1
    return "\n".join(lines) + "\n"


def _printable(name: str) -> str:
    return "".join(letter if letter.isprintable() and letter not in "{}" else "_" for letter in name)
