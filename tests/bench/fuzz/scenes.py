"""Maya scenes through the exporter, on the stand-in: nodes, meshes, blendShapes, cameras and curves that lie."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from tests.maya_emulator import install

install()

from maya import cmds  # noqa: E402  # the stand-in is installed first

from facesolve.take import TakeError  # noqa: E402
from facesolve.take.finding import Finding  # noqa: E402
from facesolve_maya.export import ExportRequest, export_take  # noqa: E402
from facesolve_maya.scene.findings import ExportError  # noqa: E402
from tests.facesolve_maya.ma_scene import blend_scene  # noqa: E402
from tests.maya_emulator.errors import EmulatorError  # noqa: E402
from tests.maya_emulator.session import Session, use  # noqa: E402

from .campaign import Files, Subject  # noqa: E402
from .mutations import Random, mutated_text  # noqa: E402

NODES = """createNode transform -n "cam";
\tsetAttr ".t" -type "double3" 0 0 50;
createNode camera -n "camShape" -p "cam";
\tsetAttr ".fl" 50;
\tsetAttr ".cap" -type "double2" 1.4173 0.9449;
createNode transform -n "face_CTL";
\taddAttr -ci true -k true -sn "open" -ln "open" -min 0 -max 10 -at "double";
\tsetAttr -k on ".open" 2;
createNode animCurveUU -n "sdk";
\tsetAttr -s 3 ".ktv[0:2]"  0 0 5 0.3 10 1;
createNode animCurveTL -n "head_GRP_translateX";
\tsetAttr -s 2 ".ktv[0:1]"  1 0 10 3;
createNode animCurveTA -n "cam_rotateY";
\tsetAttr -s 2 ".ktv[0:1]"  1 0 10 5;
createNode animCurveUL -n "camShape_focalLength";
\tsetAttr -s 2 ".ktv[0:1]"  0 50 10 55;"""
CONNECTIONS = """connectAttr "face_CTL.open" "sdk.i";
connectAttr "sdk.o" "BS.w[0]";
connectAttr "head_GRP_translateX.o" "head_GRP.tx";
connectAttr "cam_rotateY.o" "cam.ry";"""
FRAMES = (1.0, 2.0, 3.0)


def _make(folder: Path) -> None:
    folder.mkdir(parents=True)
    half = (5500, [0, 1], [[0.5, 0, 0], [0, 0.2, 0]])
    full = (6000, [0, 1], [[1, 0, 0], [0, 1, 0]])
    targets = {"a": (0, [half, full]), "b": (2, [(6000, [1, 3], [[0, 2, 0], [1, 1, 1]])])}
    text = blend_scene(targets=targets, nodes=NODES, connections=CONNECTIONS)
    (folder / "scene.ma").write_text(text, encoding="utf-8")
    for number in range(1, 4):
        cv2.imwrite(str(folder / f"plate.{number:04d}.png"), np.zeros((8, 12, 3), np.uint8))


def _mutated(files: Files, random: Random) -> Files:
    return {name: mutated_text(data, random) for name, data in files.items()}


def _export(folder: Path) -> None:
    """What the stand-in itself cannot read or evaluate is not the product's: it counts as refused."""
    use(Session())
    try:
        cmds.file(str(folder / "scene.ma"), open=True, force=True)
    except Exception:
        raise TakeError("the stand-in cannot open the scene.") from None
    request = ExportRequest(
        ("head",), "head_GRP", ("cam",), FRAMES, footage={"cam": str(folder / "plate.{frame:04d}.png")}
    )
    try:
        take = export_take(request)
    except ExportError as error:
        raise TakeError(_one_of(error.findings)) from None
    except EmulatorError:
        raise TakeError("the stand-in cannot evaluate the scene.") from None
    assert np.isfinite(take.cameras[0].intrinsics).all()


def _one_of(findings: tuple[Finding, ...]) -> str:
    """The first of the findings, each of which is one line."""
    assert findings
    assert all("\n" not in finding.text for finding in findings)
    return findings[0].text


SUBJECTS = (Subject("Maya scenes", _make, _mutated, _export, changed=r"scene\.ma", seconds=2.0),)
