"""A character's set-up applied to a rig: the meshes that count, ranges and rest of controls, masks. Knows no Maya."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Dict, List, Optional, Sequence

import numpy as np

from .character import Character, CharacterControl, beside, matched
from .errors import TakeError
from .rig import Control, Rig, Shape, Target
from .skeleton import Skin
from .vertex_mask import read_mask


def rig_of_character(rig: Rig, character: Character, path: Path) -> Rig:
    """``rig`` as the character in ``path`` wants it. Raises TakeError for meshes and masks that do not fit."""
    if character.meshes:
        found = matched(character.meshes, [mesh.name for mesh in rig.meshes])
        missing = [name for name in character.meshes if name not in found.values()]
        if missing:
            raise TakeError(
                "character: '{}': the rig has no mesh '{}'; correct 'meshes', or give its own rig.".format(
                    path, missing[0]
                )
            )
        rig = with_meshes(rig, [place for place, mesh in enumerate(rig.meshes) if mesh.name in found])
    own = matched(character.controls, rig.control_names)
    controls = tuple(
        _ranged(control, character.controls[own[control.name]], path) if control.name in own else control
        for control in rig.controls
    )
    masks: Dict[str, np.ndarray] = {}
    for name, file in (("photometric_weight", character.photometric_mask), ("rigid_weight", character.rigid_mask)):
        if file:
            masks[name] = read_mask(beside(path, file), rig.vertex_count)
    return replace(rig, controls=controls, **masks)  # type: ignore[arg-type]


def _ranged(control: Control, wanted: CharacterControl, path: Path) -> Control:
    low = control.minimum if wanted.minimum is None else wanted.minimum
    high = control.maximum if wanted.maximum is None else wanted.maximum
    rest = control.default if wanted.rest is None else wanted.rest
    if not low < high:
        text = "character: '{}': control '{}' would have the range {}..{}; correct its minimum or maximum."
        raise TakeError(text.format(path, control.name, low, high))
    return replace(control, minimum=low, maximum=high, default=min(max(rest, low), high))


def with_meshes(rig: Rig, chosen: Sequence[int]) -> Rig:
    """``rig`` with the meshes of these indices, in its own order; targets that move none of them keep no vertex."""
    of_vertex = np.repeat(np.arange(len(rig.meshes)), [mesh.vertex_count for mesh in rig.meshes])
    of_polygon = np.repeat(np.arange(len(rig.meshes)), [mesh.face_count for mesh in rig.meshes])
    kept = np.isin(of_vertex, chosen)
    if kept.all():
        return rig
    place = np.cumsum(kept) - 1
    polygons = np.isin(of_polygon, chosen)
    corners = np.repeat(polygons, rig.face_counts)
    used = rig.face_vertices[corners]
    if not kept[used].all():
        raise TakeError(
            "character: a polygon uses vertices of several meshes, so that none can be left out; take 'meshes' out."
        )
    targets: List[Target] = []
    for target in rig.targets:
        shapes = []
        for shape in target.shapes:
            inside = kept[shape.vertices]
            shapes.append(Shape(shape.weight, place[shape.vertices[inside]].astype(np.int32), shape.deltas[inside]))
        targets.append(replace(target, shapes=tuple(shapes)))
    weights = {
        name: getattr(rig, name)[kept]
        for name in ("photometric_weight", "rigid_weight")
        if getattr(rig, name) is not None
    }
    return replace(
        rig,
        neutral=rig.neutral[kept],
        face_counts=rig.face_counts[polygons],
        face_vertices=place[used],
        face_uvs=rig.face_uvs[corners] if len(rig.face_uvs) else rig.face_uvs,
        targets=tuple(targets),
        meshes=tuple(mesh for index, mesh in enumerate(rig.meshes) if index in set(chosen)),
        skin=_kept_skin(rig.skin, kept),
        **weights,
    )


def _kept_skin(skin: Optional[Skin], kept: np.ndarray) -> Optional[Skin]:
    if skin is None:
        return None
    counts = np.diff(skin.offsets)
    rows = np.repeat(kept, counts)
    return replace(
        skin,
        offsets=np.concatenate([[0], np.cumsum(counts[kept])]),
        influences=skin.influences[rows],
        weights=skin.weights[rows],
    )
