"""The 52 face shapes of ARKit in Live Link Face's order, and which controls of a rig they are, by name.

The columns and their order are those of files that the Live Link Face app recorded (for example
https://github.com/alexdjulin/LiveLinkFace-CSV-Retarget-For-Motionbuilder/tree/main/anim); what each shape means:
https://developer.apple.com/documentation/arkit/arfaceanchor/blendshapelocation. Right comes before left for jaw and
mouth there, unlike in Unreal's EARFaceBlendShape.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .errors import ExportError

_EYE = ("EyeBlink", "EyeLookDown", "EyeLookIn", "EyeLookOut", "EyeLookUp", "EyeSquint", "EyeWide")
ARKIT_SHAPES = (
    *(f"{name}Left" for name in _EYE),
    *(f"{name}Right" for name in _EYE),
    *("JawForward", "JawRight", "JawLeft", "JawOpen"),
    *("MouthClose", "MouthFunnel", "MouthPucker", "MouthRight", "MouthLeft"),
    *("MouthSmileLeft", "MouthSmileRight", "MouthFrownLeft", "MouthFrownRight"),
    *("MouthDimpleLeft", "MouthDimpleRight", "MouthStretchLeft", "MouthStretchRight"),
    *("MouthRollLower", "MouthRollUpper", "MouthShrugLower", "MouthShrugUpper"),
    *("MouthPressLeft", "MouthPressRight", "MouthLowerDownLeft", "MouthLowerDownRight"),
    *("MouthUpperUpLeft", "MouthUpperUpRight"),
    *("BrowDownLeft", "BrowDownRight", "BrowInnerUp", "BrowOuterUpLeft", "BrowOuterUpRight"),
    *("CheekPuff", "CheekSquintLeft", "CheekSquintRight", "NoseSneerLeft", "NoseSneerRight", "TongueOut"),
)
_DIRECTIONS = ("JawRight", "JawLeft", "MouthRight", "MouthLeft")  # where to, not which half of the face
_SIDES = ("Left", "Right")


@dataclass(frozen=True)
class ShapeMatch:
    """sources: for each matched shape the indices of its controls (their mean is the shape). unmatched: controls."""

    sources: dict[str, tuple[int, ...]]
    unmatched: tuple[str, ...]


def match_shapes(control_names: Sequence[str]) -> ShapeMatch:
    """Which controls are which ARKit shapes, by name alone.

    Case, underscores, a namespace and a node name do not count; a side may be written Left, L, left_, l_ before or
    after the rest. Two halves of a shape that ARKit does not split (browInnerUp_L, browInnerUp_R) become one; a control
    for both sides (eyeBlink) serves both. Raises ExportError when two controls claim one place.
    """
    places: dict[str, list[int]] = {}
    for index, name in enumerate(control_names):
        places.setdefault(_plain(name), []).append(index)
    sources: dict[str, tuple[int, ...]] = {}
    for shape in ARKIT_SHAPES:
        for alternative in _alternatives(shape):  # the closest spelling wins
            found = [sorted(k for name in spellings for k in places.get(name, [])) for spellings in alternative]
            for candidates in found:
                if len(candidates) > 1:
                    names = " and ".join(f"'{control_names[index]}'" for index in candidates)
                    raise ExportError(f"export: {names} would both become {shape}; rename all but one of them.")
            if any(found):
                sources[shape] = tuple(index for candidates in found for index in candidates)
                break
    used = {index for indices in sources.values() for index in indices}
    return ShapeMatch(sources, tuple(name for index, name in enumerate(control_names) if index not in used))


def _alternatives(shape: str) -> Iterator[list[list[str]]]:
    """Ways in which a rig may hold ``shape``, best first: each a list of parts, each part a list of spellings."""
    side = next((side for side in _SIDES if shape.endswith(side) and shape not in _DIRECTIONS), None)
    if side is not None:
        base = shape.removesuffix(side)
        yield [_sided(base, side)]
        yield [[_plain(base)]]
        return
    yield [[_plain(shape)]]
    if shape not in _DIRECTIONS:
        yield [_sided(shape, side) for side in _SIDES]


def _sided(base: str, side: str) -> list[str]:
    name = _plain(base)
    return [written for mark in (side.lower(), side[0].lower()) for written in (name + mark, mark + name)]


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", re.split(r"[:.|]", name)[-1].lower())
