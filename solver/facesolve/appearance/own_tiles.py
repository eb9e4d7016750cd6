"""UV tiles of their own for parts of the surface that lie over others in the UVs, as eyeballs over the skin.

Knows UVs and geometry; no footage and no files.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from facesolve.geometry.face_weight import connected_pieces
from facesolve.geometry.rig import RigModel
from facesolve.take import Rig

from .texel_layout import BORDER, carried_triangles, lay_out_texels

JUDGED_AT = 256  # texels a side
COVERED = 0.05  # of a piece's triangles under which the texture shows something else: then it is moved
MOST_ROWS = 8  # of tiles that are added


def own_tiles(model: RigModel) -> Rig:
    """The rig with such pieces moved to the same place in tiles above all others; the rig itself where there are none.

    Pieces with exactly the same UVs, as two eyes that share a picture, go on sharing. The same for every solve of a
    rig, so that a baked texture fits whoever asks again.
    """
    rig = model.rig
    if model.triangle_uvs is None:
        return rig
    pieces = connected_pieces(rig)
    polygon_piece = pieces[rig.face_vertices[np.concatenate([[0], np.cumsum(rig.face_counts)[:-1]])]]
    for _ in range(MOST_ROWS):
        hidden = ~carried_triangles(model, lay_out_texels(model, 1.0, JUDGED_AT)).cpu().numpy()
        of_piece = pieces[model.triangles[:, 0].cpu().numpy()]
        total = np.bincount(of_piece, minlength=pieces.max() + 1)
        share = np.bincount(of_piece, hidden, minlength=len(total)) / np.maximum(total, 1)
        moved = np.repeat((share > COVERED)[polygon_piece], rig.face_counts)
        if not moved.any():
            break
        rig = _moved_up(rig, moved)
        model = model.with_uvs(rig)
    return rig


def _moved_up(rig: Rig, moved: np.ndarray) -> Rig:
    """moved: (corners,) bool; their UVs go to the first rows of tiles that are free."""
    free = max(int(np.floor(rig.uvs[rig.face_uvs, 1].max() - BORDER)) + 1, 1)
    used, place = np.unique(rig.face_uvs[moved], return_inverse=True)
    lowest = np.floor(rig.uvs[used, 1].min() + BORDER)
    faces = rig.face_uvs.copy()
    faces[moved] = len(rig.uvs) + place
    added = rig.uvs[used] + np.array([0.0, free - lowest], np.float32)
    return replace(rig, uvs=np.concatenate([rig.uvs, added]), face_uvs=faces)
