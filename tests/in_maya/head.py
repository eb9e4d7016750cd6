"""The scene of these tests: a head with an in-between and a driven weight below a turned, scaled parent, in meters.

Written as a Maya ASCII file, so that nothing but opening it is asked of Maya. Python 3.7, numpy only.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np

from facesolve.take import Solution, Take
from facesolve_maya.scene.rotate_order import rotation_matrix
from tests.facesolve_maya.ma_scene import blend_scene, open_scene

FRAMES = 10
SCALE = 2.0  # of the head in the world

_TARGETS = {
    "smile": (0, [(6000, [0, 1], [[1.0, 0.0, 0.0], [0.0, 0.5, 0.0]])]),
    "blink": (2, [(5500, [2, 3], [[0.0, 0.0, 1.0], [0.0, 0.3, 0.0]]), (6000, [2, 3], [[0.0, 0.6, 1.2], [0.1, 1, 0]])]),
}

_NODES = """
createNode transform -n "body";
\tsetAttr ".t" -type "double3" 100 200 300 ;
\tsetAttr ".r" -type "double3" 20 30 40 ;
\tsetAttr ".s" -type "double3" 2 2 2 ;
createNode transform -n "face_CTL";
\taddAttr -ci true -sn "open" -ln "open" -min 0 -max 10 -at "double";
\tsetAttr -k on ".open";
createNode animCurveUU -n "sdk";
\tsetAttr ".tan" 2;
\tsetAttr ".wgt" no;
\tsetAttr -s 2 ".ktv[0:1]"  0 0 10 1;
createNode transform -n "cam";
\tsetAttr ".t" -type "double3" 0 0 50 ;
createNode camera -n "camShape" -p "cam";
"""

_CONNECTIONS = """
connectAttr "face_CTL.open" "sdk.i";
connectAttr "sdk.o" "BS.w[0]";
"""


def rig_text() -> str:
    """The scene as a Maya ASCII file."""
    return blend_scene(targets=_TARGETS, nodes=_NODES, connections=_CONNECTIONS)


def open_head(folder: Path) -> None:
    """Opens the scene and writes its footage, black images, into ``folder``."""
    from maya import cmds

    open_scene(rig_text(), folder)
    cmds.parent("head_GRP", "body", relative=True)
    cmds.setAttr("head_GRP.rotateOrder", 3)
    cmds.setAttr("head_GRP.rotatePivot", 0.5, 1, -1)
    cmds.currentUnit(linear="m")
    for number in range(1, FRAMES + 1):
        (folder / "plate.{:04d}.png".format(number)).write_bytes(black_png(8, 8))


def black_png(width: int, height: int) -> bytes:
    """A black 8-bit RGB image."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        whole = kind + content
        return struct.pack(">I", len(content)) + whole + struct.pack(">I", zlib.crc32(whole))

    rows = zlib.compress((b"\0" + bytes(3 * width)) * height)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def black_exr(width: int, height: int) -> bytes:
    """A black image of one channel of floats, its rows not compressed, as openexr.com describes the file."""

    def attribute(name: str, kind: str, content: bytes) -> bytes:
        return "{}\0{}\0".format(name, kind).encode() + struct.pack("<i", len(content)) + content

    window = struct.pack("<4i", 0, 0, width - 1, height - 1)
    header = struct.pack("<2i", 20000630, 2)
    header += attribute("channels", "chlist", b"Y\0" + struct.pack("<4i", 2, 0, 1, 1) + b"\0")
    header += attribute("compression", "compression", b"\0")
    header += attribute("dataWindow", "box2i", window) + attribute("displayWindow", "box2i", window)
    header += attribute("lineOrder", "lineOrder", b"\0")
    header += attribute("pixelAspectRatio", "float", struct.pack("<f", 1.0))
    header += attribute("screenWindowCenter", "v2f", struct.pack("<2f", 0.0, 0.0))
    header += attribute("screenWindowWidth", "float", struct.pack("<f", 1.0)) + b"\0"
    row = 8 + 4 * width
    first = len(header) + 8 * height
    table = struct.pack("<{}q".format(height), *(first + row * y for y in range(height)))
    return header + table + b"".join(struct.pack("<2i", y, 4 * width) + bytes(4 * width) for y in range(height))


def take_of_head(folder: Path) -> Take:
    """The take that the export makes of the scene."""
    from facesolve_maya.export import ExportRequest, export_take

    times = tuple(float(time) for time in range(1, FRAMES + 1))
    footage = {"cam": str(folder / "plate.{frame:04d}.png")}
    return export_take(ExportRequest(("head",), "head_GRP", ("cam",), times, name="small", footage=footage))


def solution_of(take: Take) -> Solution:
    """Waves on both controls, a head that turns by 450 degrees and wanders."""
    t = np.linspace(0.0, 1.0, len(take.frames))
    low, high = take.rig.bounds.T
    controls = low + (0.5 + 0.45 * np.sin(4.0 * t[:, None] + np.arange(len(low)))) * (high - low)
    heads = np.tile(np.eye(4), (len(t), 1, 1))
    for row, x in enumerate(t):
        angles = np.array([0.2 * np.sin(5 * x), 2.5 * np.pi * x, 0.3 * np.cos(3 * x)])
        heads[row, :3, :3] = rotation_matrix(angles, "xyz").T
        heads[row, :3, 3] = x, 2 * x, -x
    count, cameras = len(t), len(take.cameras)
    return Solution(
        frames=take.frames,
        scene_times=take.scene_times,
        fps=take.fps,
        control_names=tuple(take.rig.control_names),
        controls=controls,
        head=heads,
        control_std=np.zeros_like(controls),
        head_std=np.zeros((count, 6)),
        camera_names=tuple(camera.name for camera in take.cameras),
        residual=np.full((count, cameras), 0.02),
        provenance={"facesolve": "0.1.0", "take": "../take"},
    )


def solved_points(take: Take, solution: Solution, row: int) -> np.ndarray:
    """(V, 3) world space, centimeters: what the solution means, by the exported rig."""
    head = solution.head[row]
    return rig_points(take, solution.controls[row]) @ head[:3, :3].T + head[:3, 3]


def rig_points(take: Take, controls: np.ndarray) -> np.ndarray:
    """(V, 3) in the head's space without its scale, centimeters, of the exported rig at controls (K,)."""
    from facesolve.take.rig_evaluation import RigEvaluator

    return RigEvaluator(take.rig).vertices(np.asarray(controls, float)[None])[0]


def maya_points(world: bool, shape: str = "headShape") -> np.ndarray:
    """(V, 3) centimeters that Maya itself has at the present time, in world or object space."""
    import maya.api.OpenMaya as om

    path = om.MSelectionList().add(shape).getDagPath(0)
    points = om.MFnMesh(path).getPoints(om.MSpace.kWorld if world else om.MSpace.kObject)
    return np.array([(point[0], point[1], point[2]) for point in points])


def scene_state() -> dict:
    """What undo must restore: the nodes, every curve's keys, and what the controls and the head are at each frame."""
    from maya import cmds

    plugs = ["face_CTL.open", "BS.smile", "BS.blink"]
    plugs += ["head_GRP.{}{}".format(kind, axis) for kind in ("translate", "rotate") for axis in "XYZ"]
    times = [0.5 * half for half in range(2, 2 * FRAMES + 1)]
    return {
        "nodes": sorted(cmds.ls()),
        "curves": {
            curve: (
                cmds.keyframe(curve, query=True, timeChange=True),
                cmds.keyframe(curve, query=True, valueChange=True),
            )
            for curve in cmds.ls(type="animCurve") or []
        },
        "sources": {plug: cmds.listConnections(plug, source=True, destination=False, plugs=True) for plug in plugs},
        "values": {plug: [cmds.getAttr(plug, time=time) for time in times] for plug in plugs},
    }
