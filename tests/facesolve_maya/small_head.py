"""A small scene that asks much of an application: a head below a turned, scaled parent, in meters, ten frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from maya import cmds

from facesolve.take import Solution, Take
from facesolve_maya.export import ExportRequest, export_take
from tests.facesolve_maya.ma_scene import blend_scene, open_scene
from tests.maya_emulator.curve import Key
from tests.maya_emulator.session import Session


def open_small_head(maya: Session, folder: Path) -> None:
    """Two targets, one behind a control; the head's parent is moved and animated."""
    targets = {"a": (0, [(6000, [0], [[1, 0, 0]])]), "b": (2, [(6000, [1], [[0, 2, 0]])])}
    open_scene(blend_scene(targets=targets), folder)
    cmds.createNode("transform", name="body")
    cmds.parent("head_GRP", "body", relative=True)
    cmds.setAttr("body.rotate", 20, 30, 40)
    cmds.setAttr("body.translate", 1, 2, 3)
    cmds.setAttr("body.scale", 2, 2, 2)
    cmds.setKeyframe("body.translateY", time=1, value=2)
    cmds.setKeyframe("body.translateY", time=10, value=9)
    cmds.setAttr("head_GRP.rotateOrder", 3)
    cmds.setAttr("head_GRP.rotatePivot", 0.5, 1, -1)
    cmds.createNode("transform", name="face_CTL")
    cmds.addAttr("face_CTL", longName="open", attributeType="double", minValue=0, maxValue=10, keyable=True)
    curve = cmds.createNode("animCurveUU", name="sdk")
    maya.graph.set_keys(maya.node(curve), [Key(0.0, 0.0, 2, 2), Key(10.0, 1.0, 2, 2)])
    cmds.connectAttr("face_CTL.open", "sdk.input")
    cmds.connectAttr("sdk.output", "BS.a")
    cmds.currentUnit(linear="m")


def small_take(tmp_path: Path, **request: object) -> Take:
    """The take of the small scene; its footage is black."""
    import cv2

    cmds.createNode("camera", name="camShape", parent=cmds.createNode("transform", name="cam"))
    for number in range(1, 11):
        cv2.imwrite(str(tmp_path / f"plate.{number:04d}.png"), np.zeros((8, 8, 3), np.uint8))
    return export_take(
        ExportRequest(
            ("head",),
            "head_GRP",
            ("cam",),
            tuple(float(t) for t in range(1, 11)),
            name="small",
            footage={"cam": str(tmp_path / "plate.{frame:04d}.png")},
            **request,
        )
    )


def small_solution(take: Take, seed: float = 0, rows: np.ndarray | None = None) -> Solution:
    """Waves on both controls and a head that turns by 450 degrees; ``rows``: the frames it has."""
    from scipy.spatial.transform import Rotation

    rows = np.arange(len(take.frames)) if rows is None else rows
    t = rows / 9
    controls = np.stack([5 + 4 * np.sin(3 * t + seed), 0.5 + 0.4 * np.cos(4 * t)], axis=1)
    heads = np.tile(np.eye(4), (len(rows), 1, 1))
    angles = np.stack([0.2 * np.sin(5 * t), 2.5 * np.pi * t, 0.3 * np.cos(3 * t)], axis=1)
    heads[:, :3, :3] = Rotation.from_euler("yxz", angles[:, [1, 0, 2]]).as_matrix()
    heads[:, :3, 3] = np.stack([t, 2 * t, -t], axis=1)
    return make_solution(take, controls, heads, rows)


def make_solution(take: Take, controls: np.ndarray, heads: np.ndarray, frames: np.ndarray | None = None) -> Solution:
    """The solution with these controls (F, K) and heads (F, 4, 4)."""
    frames = np.arange(len(take.frames)) if frames is None else frames
    count, again = len(frames), np.isin(take.repeat_frames, take.frames[frames])
    return Solution(
        frames=take.frames[frames],
        scene_times=take.scene_times[frames],
        repeat_times=take.repeat_times[again],
        repeat_frames=take.repeat_frames[again],
        fps=take.fps,
        control_names=tuple(take.rig.control_names),
        controls=controls,
        head=heads,
        control_std=np.zeros_like(controls),
        head_std=np.zeros((count, 6)),
        camera_names=tuple(camera.name for camera in take.cameras),
        residual=np.full((count, len(take.cameras)), 0.02),
        provenance={"facesolve": "0.1.0", "date": "2026-01-01T00:00:00+00:00", "settings": {"quality": "final"}},
    )
