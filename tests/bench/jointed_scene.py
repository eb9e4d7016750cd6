"""How exactly a head on joints leaves Maya, on the stand-in: read, and beside it sampled as meshes that add up.

    python -m tests.bench.jointed_scene [--poses 50] [--only-read]

The demo's head as a scene: blendShapes and then a skin, a jaw, eyes and a neck with limits, jaw times lips through
arithmetic nodes, one weight behind an expression, one deformer set that holds part of the mesh.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from tests.maya_emulator.install import install

install()

from maya import cmds  # noqa: E402

from facesolve.demo.head import build_head  # noqa: E402
from facesolve.demo.jointed import TURNS, build_jointed_rig  # noqa: E402
from facesolve.take import Rig  # noqa: E402
from facesolve.take.rig_evaluation import RigEvaluator  # noqa: E402
from facesolve.take.skeleton import RIG_SPACE  # noqa: E402
from facesolve_maya.export.rig import read_rig  # noqa: E402
from facesolve_maya.export.sampling import sample_rig  # noqa: E402
from facesolve_maya.scene.findings import Report  # noqa: E402
from facesolve_maya.scene.geometry import shape_points  # noqa: E402
from facesolve_maya.scene.head import head_now  # noqa: E402
from tests.facesolve_maya.jointed_scene import skinned_scene, take_blend_shape_away  # noqa: E402
from tests.facesolve_maya.ma_scene import open_scene  # noqa: E402
from tests.maya_emulator.session import Session, current, use  # noqa: E402
from tests.maya_emulator.writer import scene_text  # noqa: E402

PRODUCT = "jawOpen_mouthPucker"
UNREADABLE = "mouthLowerDown"
TIMES = (1.0, 2.0)


def open_jointed_head(folder: Path) -> Rig:
    """The scene of ``build_jointed_rig``; returns that rig."""
    rig = build_jointed_rig(build_head())
    open_scene_of(rig, folder, UNREADABLE)
    return rig


def open_joints(rig: Rig, folder: Path) -> None:
    """A rig's mesh, targets, joints and skin as a scene below ``root``; no channel of a joint has limits.

    The blendShape's deformer set holds half of the vertices; a rig without targets has no blendShape.
    """
    assert rig.skin is not None
    faces = [face.tolist() for face in np.split(rig.face_vertices, np.cumsum(rig.face_counts)[:-1])]
    targets = {
        target.name: (index, [(5000 + round(1000 * s.weight), s.vertices, s.deltas) for s in target.shapes])
        for index, target in enumerate(rig.targets)
    }
    influences, weights = rig.skin.padded()
    still = len(rig.joints)
    dense = np.zeros((rig.vertex_count, still + 1))
    np.add.at(dense, (np.arange(rig.vertex_count)[:, None], influences), weights)
    joints = [("root", "", (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))]
    for joint in rig.joints:
        parent = "root" if joint.parent == RIG_SPACE else rig.joints[joint.parent].name
        joints.append((joint.name, parent, tuple(joint.translate.tolist()), (0.0, 0.0, 0.0)))
    partial = [
        'createNode groupParts -n "part";',
        f'\tsetAttr ".ic" -type "componentList" 1 "vtx[0:{rig.vertex_count // 2}]";',
    ]
    text = skinned_scene(
        nodes="\n".join(partial),
        points=rig.neutral.astype(float),
        faces=faces,
        targets=targets or {"unused": (0, [(6000, np.zeros(1, int), np.zeros((1, 3)))])},
        weights=dense[:, [still, *range(still)]],
        joints=joints,
    )
    group = 'connectAttr "headShapeOrig.w" "part.ig";\nconnectAttr "part.og" "BS.ip[0].ig";'
    if rig.targets:
        text = text.replace('connectAttr "headShapeOrig.w" "BS.ip[0].ig";', group)
    open_scene(text, folder)
    if not rig.targets:
        take_blend_shape_away()


def open_scene_of(rig: Rig, folder: Path, unreadable: str) -> None:
    """A rig with the demo's joints as a scene: PRODUCT follows from jaw and pucker, ``unreadable`` an expression."""
    open_joints(rig, folder)
    for turn in TURNS:
        for end, value in (("min", turn.minimum), ("max", turn.maximum)):
            limit = f"{turn.joint}.{end}Rot{turn.attribute[-1]}Limit"
            cmds.setAttr(limit, value)
            cmds.setAttr(limit + "Enable", True)
    cmds.createNode("remapValue", name="open_RMV")
    cmds.setAttr("open_RMV.inputMax", np.radians(14.0))  # an angle arrives in radians
    cmds.connectAttr("jaw.rotateX", "open_RMV.inputValue")
    cmds.createNode("multiplyDivide", name="product_MD")
    cmds.connectAttr("open_RMV.outValue", "product_MD.input1X")
    cmds.connectAttr("BS.mouthPucker", "product_MD.input2X")
    cmds.connectAttr("product_MD.outputX", f"BS.{PRODUCT}")
    cmds.createNode("expression", name="wiggle")
    cmds.setAttr("wiggle.internalExpression", ".O[0] = 0.02 * .I[0] * .I[1] + 0 * frame;", type="string")
    cmds.createNode("transform", name="face_CTL")
    for place, (name, high) in enumerate((("lower", 10.0), ("funnel", 1.0))):
        cmds.addAttr("face_CTL", longName=name, attributeType="double", minValue=0, maxValue=high, keyable=True)
        cmds.connectAttr("face_CTL." + name, f"wiggle.input[{place}]")
    cmds.connectAttr("wiggle.output[0]", f"BS.{unreadable}")


def save_and_open_again(folder: Path) -> None:
    """The scene as a file says it."""
    path = folder / "saved.ma"
    path.write_text(scene_text(current()), encoding="utf-8")
    use(Session())
    cmds.file(str(path), open=True, force=True)


def apart(rig: Rig, poses: int) -> np.ndarray:
    """(poses, V) cm between a rig and the scene at random poses."""
    random, low, high = np.random.default_rng(0), *rig.bounds.T
    found = []
    for _ in range(poses):
        values = random.uniform(low, high)
        for control, value in zip(rig.controls, values, strict=True):
            cmds.setAttr(control.plug, float(value))
        cmds.setAttr("root.rotate", *random.uniform(-20, 20, 3))
        placed = head_now("root")
        points = RigEvaluator(rig).vertices(values[None])[0] @ placed[:3, :3].T + placed[:3, 3]
        found.append(np.linalg.norm(points - shape_points("headShape"), axis=1))
    for control in rig.controls:
        cmds.setAttr(control.plug, control.default)
    return np.stack(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--poses", type=int, default=50)
    parser.add_argument("--only-read", action="store_true")
    given = parser.parse_args()
    poses = given.poses
    with tempfile.TemporaryDirectory() as folder:
        open_jointed_head(Path(folder))
    report, begun = Report(), time.process_time()
    rig, controls = read_rig(("head",), "root", TIMES, report)
    print(f"read in {time.process_time() - begun:.1f} s, {len(rig.controls)} controls, locked: {controls.locked}")
    print("\n".join(str(finding) for finding in report.findings))
    off = apart(rig, poses)
    print(f"read     worst {off.max():.2e} cm, mean {off.mean():.2e} cm")
    if given.only_read:
        return
    plugs = tuple(control.plug for control in rig.controls)
    cmds.setAttr("root.rotate", 0, 0, 0)
    off = apart(sample_rig(("head",), "root", plugs, TIMES, Report()), poses)
    print(f"sampled  worst {off.max():.2e} cm, mean {off.mean():.2e} cm, 95 % {np.quantile(off, 0.95):.2e} cm")


if __name__ == "__main__":
    main()
