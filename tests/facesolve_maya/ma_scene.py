"""Small Maya ASCII scenes for tests: a mesh with a blendShape, written as Maya writes them. Python 3.7, for mayapy."""

from __future__ import annotations

import re
from pathlib import Path
from typing import List, Mapping, Sequence, Tuple

import numpy as np

ALIAS_LIST = '\taddAttr -ci true -h true -sn "aal" -ln "attributeAliasList" -dt "attributeAlias";'
Item = Tuple[int, Sequence[int], np.ndarray]

CUBE = np.array(
    [[-1, -1, 1], [1, -1, 1], [-1, 1, 1], [1, 1, 1], [-1, 1, -1], [1, 1, -1], [-1, -1, -1], [1, -1, -1]], float
)
CUBE_FACES = [[0, 1, 3, 2], [2, 3, 5, 4], [4, 5, 7, 6], [6, 7, 1, 0], [1, 7, 5, 3], [6, 0, 2, 4]]


def numbers(values: object) -> str:
    return " ".join(repr(float(v)) for v in np.ravel(values))


def blend_scene(
    points: np.ndarray = CUBE,
    faces: Sequence[Sequence[int]] = CUBE_FACES,
    targets: Mapping[str, Tuple[int, Sequence[Item]]] = {},
    *,
    nodes: str = "",
    connections: str = "",
    base: str = "headShapeOrig.w",
) -> str:
    """A scene with ``head`` (shape ``headShape``) below ``head_GRP``, deformed by ``BS``.

    targets: alias -> (weight index, items), an item being (5000 + 1000 * weight, vertices, offsets). nodes and
    connections: further statements. base: the plug whose geometry arrives at the blendShape.
    """
    edges: List[Tuple[int, int]] = []
    numbers_of = {}
    words = []
    for face in faces:
        corner = []
        for a, b in zip(face, [*face[1:], face[0]]):
            if (b, a) in numbers_of:
                corner.append(-numbers_of[b, a] - 1)
            else:
                numbers_of[a, b] = len(edges)
                corner.append(len(edges))
                edges.append((a, b))
        words.append(f"f {len(face)} {' '.join(map(str, corner))}")
    text = [
        "//Maya ASCII 2022 scene",
        'requires maya "2022";',
        "currentUnit -l centimeter -a degree -t film;",
        'createNode transform -n "head_GRP";',
        'createNode transform -n "head" -p "head_GRP";',
        'createNode mesh -n "headShape" -p "head";',
        'createNode mesh -n "headShapeOrig" -p "head";',
        '\tsetAttr ".io" yes;',
        f'\tsetAttr -s {len(points)} ".vt[0:{len(points) - 1}]" {numbers(points)};',
        f'\tsetAttr -s {len(edges)} ".ed[0:{len(edges) - 1}]" ' + " ".join(f"{a} {b} 0" for a, b in edges) + ";",
        f'\tsetAttr -s {len(faces)} ".fc[0:{len(faces) - 1}]" -type "polyFaces" {" ".join(words)} ;',
        'createNode blendShape -n "BS";',
        ALIAS_LIST,
    ]
    if any(item < 5000 for _, items in targets.values() for item, _, _ in items):
        text.append('\tsetAttr ".sn" yes;')
    aliases = []
    for alias, (index, items) in targets.items():
        text.append(f'\tsetAttr ".w[{index}]" 0;')
        aliases.append(f'"{alias}","weight[{index}]"')
        for item, vertices, offsets in items:
            place = f".it[0].itg[{index}].iti[{item}]"
            rows = np.c_[np.asarray(offsets, float).reshape(-1, 3), np.ones(len(vertices))]
            text.append(f'\tsetAttr "{place}.ipt" -type "pointArray" {len(rows)} {numbers(rows)} ;')
            names = " ".join(f'"vtx[{v}]"' for v in vertices)
            text.append(f'\tsetAttr "{place}.ict" -type "componentList" {len(vertices)} {names};')
    if aliases:
        text.append(f'\tsetAttr ".aal" -type "attributeAlias" {{{",".join(aliases)}}} ;')
    text += [nodes, f'connectAttr "{base}" "BS.ip[0].ig";', 'connectAttr "BS.og[0]" "headShape.i";', connections]
    return "\n".join(text) + "\n"


def open_scene(text: str, folder: Path) -> None:
    """Saves ``text`` as a scene and opens it."""
    from maya import cmds

    path = folder / "scene.ma"
    path.write_text(text, encoding="utf-8")
    cmds.file(str(path), open=True, force=True)


def fbx_array(text: str, header: str, name: str) -> np.ndarray:
    """The numbers of ``name: *n { a: ... }`` in the object that ``header`` begins, in an ASCII FBX."""
    start = text.index(header)
    match = re.compile(name + r": \*\d+ \{\s*a: ([-\d.,e\s]+)\}").search(text, start)
    assert match is not None
    return np.array(match.group(1).replace("\n", "").split(","), float)


def obj_points(path: Path) -> np.ndarray:
    """(V, 3) vertices of an OBJ file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return np.array([line.split()[1:4] for line in lines if line.startswith("v ")], float)
