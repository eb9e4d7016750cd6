"""A solution of a head on joints is keyed onto its controls, and the scene then shows it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from maya import cmds

from facesolve.take import Footage, Solution, Take
from facesolve.take.rig_evaluation import RigEvaluator
from facesolve_maya.apply import ApplyRequest, apply_solution
from facesolve_maya.export.rig import read_rig
from facesolve_maya.scene.findings import Report
from facesolve_maya.scene.geometry import shape_points
from facesolve_maya.scene.rotate_order import rotation_matrix
from tests.facesolve_maya.jointed_scene import build_controls, skinned_scene, take_blend_shape_away
from tests.facesolve_maya.ma_scene import open_scene
from tests.take import rigs

FRAMES = np.arange(1, 6)


@pytest.fixture(params=["blendShape and joints", "joints alone"])
def take(maya, tmp_path: Path, request: pytest.FixtureRequest) -> Take:
    open_scene(skinned_scene(), tmp_path)
    build_controls()
    if request.param == "joints alone":
        take_blend_shape_away()
    cmds.setAttr("root_JNT.rotateOrder", 3)
    rig, _ = read_rig(("head",), "root_JNT", (1.0, 5.0), Report())
    footage = (Footage("cam0", (tmp_path / "cam0.{frame}.png").as_posix()),)
    return Take("jointed", rig, (rigs.camera(),), footage, FRAMES, 24.0, scene_times=FRAMES.astype(float))


def solution_of(take: Take) -> Solution:
    """Everything moves all the time."""
    count, width = len(FRAMES), len(take.rig.controls)
    low, high = take.rig.bounds.T
    controls = low + (high - low) * (0.5 + 0.45 * np.sin(np.arange(count)[:, None] + np.arange(width)))
    heads = np.tile(np.eye(4), (count, 1, 1))
    for row in range(count):
        heads[row, :3, :3] = rotation_matrix(np.array([0.1, 0.3, -0.2]) * row, "xyz").T
        heads[row, :3, 3] = row, -0.5 * row, 2.0
    return Solution(
        frames=FRAMES,
        scene_times=take.scene_times,
        fps=24.0,
        control_names=tuple(take.rig.control_names),
        controls=controls,
        head=heads,
        control_std=np.zeros_like(controls),
        head_std=np.zeros((count, 6)),
        camera_names=("cam0",),
        residual=np.zeros((count, 1)),
        provenance={"facesolve": "0.1.0", "take": "../take"},
    )


def test_the_scene_shows_the_solved_head_at_every_frame(take: Take) -> None:
    """Weights, control attributes, one axis of an eye and of a neck, and a head that is an oriented joint."""
    solution = solution_of(take)
    report = apply_solution(ApplyRequest(take, solution, head="root_JNT"))
    assert report.skipped == ()
    assert {"face_CTL.jaw", "eye_JNT.rotateX", "neck_JNT.rotateZ", "root_JNT.rotateX"} <= set(report.plugs)
    solved = RigEvaluator(take.rig).vertices(solution.controls)
    for row, time in enumerate(solution.scene_times):
        cmds.currentTime(float(time))
        head = solution.head[row]
        np.testing.assert_allclose(shape_points("headShape"), solved[row] @ head[:3, :3].T + head[:3, 3], atol=1e-3)
