"""Scenes whose heads hang on joints: a blendShape, then a skin, controls through arithmetic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .ma_scene import CUBE, CUBE_FACES, Item, blend_scene, numbers

Place = tuple[float, float, float]

JointLine = tuple[str, str, Place, Place]  # name, parent, where it stands below it, its turn there in degrees

JOINTS: tuple[JointLine, ...] = (
    ("root_JNT", "", (0.2, -3.0, 0.1), (0.0, 15.0, 0.0)),
    ("neck_JNT", "root_JNT", (0.0, 1.5, -0.2), (5.0, 0.0, 0.0)),
    ("jaw_JNT", "neck_JNT", (0.0, 1.0, 0.4), (20.0, 0.0, 3.0)),
    ("eye_JNT", "neck_JNT", (0.5, 2.0, 0.8), (0.0, 0.0, 0.0)),
)
TARGETS: Mapping[str, tuple[int, Sequence[Item]]] = {
    "smile": (0, [(5500, [0, 1], np.full((2, 3), 0.2)), (6000, [0, 1, 2], np.full((3, 3), 0.5))]),
    "pucker": (1, [(6000, [3, 4], np.array([[0.1, 0.4, 0.0], [0.3, 0.0, 0.2]]))]),
    "jaw_pucker": (2, [(6000, [3, 5], np.array([[0.0, -0.3, 0.3], [0.2, 0.1, 0.0]]))]),
    "blink": (3, [(6000, [6, 7], np.array([[0.0, -0.6, 0.0], [0.0, -0.5, 0.1]]))]),
    "squint": (4, [(6000, [6], np.array([[0.1, 0.3, 0.0]]))]),
    "sneer": (5, [(6000, [2], np.array([[0.0, 0.3, 0.2]]))]),
}
WEIGHTS = np.random.default_rng(3).dirichlet(np.ones(4), 8).round(3)
WEIGHTS[:, 3] = 1.0 - WEIGHTS[:, :3].sum(axis=1)
WEIGHTS[7] = (0.0, 0.0, 0.0, 1.0)


def world_matrices(joints: Sequence[JointLine]) -> np.ndarray:
    """(J, 4, 4) row-vector world matrices of the joints where they are bound."""
    found = {}
    for name, parent, place, turn in joints:
        matrix = np.eye(4)
        for axis, degrees in enumerate(turn):
            cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
            i, j = (axis + 1) % 3, (axis + 2) % 3
            about = np.eye(4)
            about[i, i] = about[j, j] = cosine
            about[i, j], about[j, i] = sine, -sine
            matrix = matrix @ about
        matrix[3, :3] = place
        found[name] = matrix @ found[parent] if parent else matrix
    return np.stack([found[name] for name, _, _, _ in joints])


def skinned_scene(
    nodes: str = "",
    connections: str = "",
    points: np.ndarray = CUBE,
    faces: Sequence[Sequence[int]] = CUBE_FACES,
    targets: Mapping[str, tuple[int, Sequence[Item]]] = TARGETS,
    weights: np.ndarray = WEIGHTS,
    joints: Sequence[JointLine] = JOINTS,
) -> str:
    """A scene whose mesh ``head`` is deformed by ``BS`` and then by ``SKIN`` on the joints."""
    text = []
    for name, parent, place, turn in joints:
        below = f' -p "{parent}"' if parent else ""
        text.append(f'createNode joint -n "{name}"{below};')
        text.append(f'\tsetAttr ".t" -type "double3" {numbers(place)} ;')
        text.append(f'\tsetAttr ".jo" -type "double3" {numbers(turn)} ;')
    text.append('createNode animCurveUA -n "side_AC";')
    text.append('\tsetAttr ".tan" 2;')
    text.append('\tsetAttr -s 3 ".ktv[0:2]" -1 -8 0 0 1 6;')
    text.append('createNode skinCluster -n "SKIN";')
    for vertex, row in enumerate(weights):
        for index in np.flatnonzero(row):
            text.append(f'\tsetAttr ".wl[{vertex}].w[{index}]" {float(row[index])!r};')
    for index, matrix in enumerate(world_matrices(joints)):
        text.append(f'\tsetAttr ".pm[{index}]" -type "matrix" {numbers(np.linalg.inv(matrix))} ;')
    joined = [f'connectAttr "{name}.wm" "SKIN.ma[{index}]";' for index, (name, _, _, _) in enumerate(joints)]
    joined += [f'connectAttr "{parent}.s" "{name}.is";' for name, parent, _, _ in joints if parent]
    plain = blend_scene(
        points, faces, targets, nodes="\n".join([*text, nodes]), connections="\n".join([*joined, connections])
    )
    through = 'connectAttr "BS.og[0]" "SKIN.ip[0].ig";\nconnectAttr "SKIN.og[0]" "headShape.i";'
    return plain.replace('connectAttr "BS.og[0]" "headShape.i";', through)


def take_blend_shape_away() -> None:
    """The mesh goes straight into the skin: a face on joints alone."""
    from maya import cmds

    before = cmds.connectionInfo("BS.input[0].inputGeometry", sourceFromDestination=True)
    cmds.disconnectAttr("BS.outputGeometry[0]", "SKIN.input[0].inputGeometry")
    cmds.connectAttr(before, "SKIN.input[0].inputGeometry")


def build_controls() -> None:
    """A control node that drives jaw and weights through every kind of arithmetic; eye and neck turn by themselves."""
    from maya import cmds

    def node(kind: str, name: str, **values: float) -> str:
        cmds.createNode(kind, name=name)
        for attribute, value in values.items():
            cmds.setAttr(f"{name}.{attribute}", value)
        return name

    cmds.createNode("transform", name="face_CTL")
    for name, low, high in (
        ("jaw", 0, 25),
        ("side", -1, 1),
        ("smile", 0, 1),
        ("pucker", 0, 1),
        ("lid", -1, 1),
        ("cheek", 0, 10),
    ):
        cmds.addAttr("face_CTL", longName=name, attributeType="double", minValue=low, maxValue=high, keyable=True)
    node("unitConversion", "jaw_UC", conversionFactor=np.pi / 180.0)
    cmds.connectAttr("face_CTL.jaw", "jaw_UC.input")
    cmds.connectAttr("jaw_UC.output", "jaw_JNT.rotateX")
    cmds.connectAttr("face_CTL.side", "side_AC.input")
    cmds.connectAttr("side_AC.output", "jaw_JNT.rotateY")
    cmds.connectAttr("face_CTL.smile", "BS.smile")
    cmds.connectAttr("face_CTL.pucker", "BS.pucker")
    # an open jaw times a pucker
    node("remapValue", "open_RMV", inputMin=2.0, inputMax=20.0)
    cmds.connectAttr("face_CTL.jaw", "open_RMV.inputValue")
    node("multiplyDivide", "jaw_pucker_MD")
    cmds.connectAttr("open_RMV.outValue", "jaw_pucker_MD.input1X")
    cmds.connectAttr("face_CTL.pucker", "jaw_pucker_MD.input2X")
    cmds.connectAttr("jaw_pucker_MD.outputX", "BS.jaw_pucker")
    # the lid goes both ways: only up counts, and only while the smile is below a half
    node("clamp", "lid_CLP", maxR=1.0)
    cmds.connectAttr("face_CTL.lid", "lid_CLP.inputR")
    node("condition", "lid_CND", operation=4, secondTerm=0.5, colorIfFalseR=0.2)
    cmds.connectAttr("face_CTL.smile", "lid_CND.firstTerm")
    cmds.connectAttr("lid_CLP.outputR", "lid_CND.colorIfTrueR")
    cmds.connectAttr("lid_CND.outColorR", "BS.blink")
    # half the cheek, some of the smile, less what the lid is away from open
    node("setRange", "cheek_SR", maxX=1.0, oldMaxX=10.0)
    cmds.connectAttr("face_CTL.cheek", "cheek_SR.valueX")
    node("reverse", "lid_REV")
    cmds.connectAttr("lid_CLP.outputR", "lid_REV.inputX")
    node("plusMinusAverage", "squint_PMA", operation=3)
    cmds.connectAttr("cheek_SR.outValueX", "squint_PMA.input1D[0]")
    cmds.connectAttr("lid_REV.outputX", "squint_PMA.input1D[1]")
    node("blendWeighted", "squint_BW")
    cmds.connectAttr("squint_PMA.output1D", "squint_BW.input[0]")
    cmds.connectAttr("face_CTL.smile", "squint_BW.input[1]")
    cmds.setAttr("squint_BW.weight[0]", 0.5)
    cmds.setAttr("squint_BW.weight[1]", 0.3)
    cmds.connectAttr("squint_BW.output", "BS.squint")
    for joint, axes, reach in (("eye_JNT", "XY", 30.0), ("neck_JNT", "XYZ", 20.0)):
        for axis in axes:
            for end, value in (("min", -reach), ("max", reach)):
                limit = f"{joint}.{end}Rot{axis}Limit"
                cmds.setAttr(limit, value)
                cmds.setAttr(limit + "Enable", True)
