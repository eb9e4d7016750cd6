"""The demo's head as a rig: skin and parts put together, with its blendshapes, in-betweens and one combination."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facesolve.take import Combination, Control, Driver, Mesh, Rig, Shape, Target

from .parts import Part, build_parts
from .shapes import COMBINATION, COMBINATION_DRIVERS, Anatomy, combination_shape, shape_functions
from .skin_grid import SkinGrid, build_skin

STILL = 1e-4  # centimeters: smaller offsets are left out of a shape


@dataclass(frozen=True, eq=False)
class Head:
    """The neutral head. vertices: (V, 3) cm, skin first, then the parts in order; faces: index lists into vertices."""

    skin: SkinGrid
    parts: tuple[Part, ...]
    vertices: np.ndarray
    uvs: np.ndarray
    faces: list[list[int]]
    face_uvs: list[list[int]]


def build_head() -> Head:
    """The neutral head, about 8000 vertices."""
    skin, parts = build_skin(), tuple(build_parts())
    vertices, uvs = [skin.vertices], [skin.uvs]
    faces, face_uvs = list(skin.faces), list(skin.face_uvs)
    first, first_uv = len(skin.vertices), len(skin.uvs)
    for part in parts:
        faces += (part.faces + first).tolist()
        face_uvs += (part.faces + first_uv).tolist()
        vertices.append(part.vertices)
        uvs.append(part.uvs)
        first += len(part.vertices)
        first_uv += len(part.uvs)
    return Head(skin, parts, np.concatenate(vertices), np.concatenate(uvs), faces, face_uvs)


def build_rig(head: Head) -> Rig:
    """``head`` with its controls (ARKit's names), all 0..1. Eyeballs, teeth and the mouth's inside only occlude."""
    anatomy = Anatomy.of(head.skin, head.parts, head.vertices, head.faces)
    targets = []
    for name, function in shape_functions().items():
        shapes = tuple(Shape.from_dense(offset, weight, STILL) for weight, offset in function(anatomy))
        targets.append(Target(name, shapes))
    controls = tuple(Control(target.name) for target in targets)
    names = [target.name for target in targets]
    targets.append(Target(COMBINATION, (Shape.from_dense(combination_shape(anatomy), 1.0, STILL),)))
    return Rig(
        neutral=head.vertices,
        face_counts=np.array([len(face) for face in head.faces]),
        face_vertices=np.concatenate([np.array(face) for face in head.faces]),
        targets=tuple(targets),
        controls=controls,
        drivers=tuple(Driver.identity(k, k) for k in range(len(controls))),
        combinations=(Combination(len(controls), tuple(names.index(name) for name in COMBINATION_DRIVERS)),),
        uvs=head.uvs,
        face_uvs=np.concatenate([np.array(face) for face in head.face_uvs]),
        meshes=(
            Mesh("skin", len(head.skin.vertices), len(head.skin.faces)),
            *(Mesh(part.name, len(part.vertices), len(part.faces)) for part in head.parts),
        ),
        photometric_weight=_photometric_weight(head),
    )


def _photometric_weight(head: Head) -> np.ndarray:
    weights = [(head.skin.depth == 0).astype(np.float32)]
    for part in head.parts:
        weights.append(np.full(len(part.vertices), float(part.name.startswith("ear")), np.float32))
    return np.concatenate(weights)
