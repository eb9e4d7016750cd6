"""An edit is local: at once it ends where more rounds would, and a solve with it leaves other frames where they are.

Against full solves of real images: ``tests.bench.edit_study``.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import torch

from facesolve.footage.stream import TakeFootage
from facesolve.geometry.pose import Pose
from facesolve.geometry.rig import RigModel, apply_head
from facesolve.runtime.checkpoint import Checkpoint
from facesolve.runtime.progress import Silent
from facesolve.solve.edited import EditableSolve
from facesolve.solve.pipeline import solve_take
from facesolve.take import Pin, StartPose, Take
from tests import synthetic, textured

CPU, FRAME, BY = torch.device("cpu"), 3, 0.2


def surface(take: Take, pose: Pose) -> np.ndarray:
    """(F, V, 3) vertices in world space, millimeters."""
    model = RigModel(take.rig, dtype=torch.float64)
    return 10 * apply_head(pose.head.double(), model.vertices(pose.controls.double())).numpy()


def apart(take: Take, one: Pose, other: Pose) -> np.ndarray:
    """(F,) mean distance in millimeters."""
    return np.linalg.norm(surface(take, one) - surface(take, other), axis=2).mean(1)


def test_an_edit_moves_its_frame_and_no_other(tmp_path: Path) -> None:
    made, pose = textured.make_take(tmp_path, textured.rig(), frames=6), synthetic.performance(6)
    textured.film(made, pose)
    start = StartPose(0, pose.controls[0].numpy(), pose.head[0].numpy())
    take = replace(made, start=start, settings=replace(made.settings, quality="draft"))
    before = solve_take(take, CPU, Silent(), Checkpoint(tmp_path, "test", resume=False))
    control, value = take.rig.controls[0], float(before.joint.pose.controls[FRAME, 0])
    pin = Pin(FRAME, control.name, value - BY if value - BY > control.minimum else value + BY)
    with TakeFootage(take, CPU) as footage:
        edited = EditableSolve(before, footage).edit([pin], [])
        with mock.patch.dict(EditableSolve.edit.__globals__, ROUNDS=12):
            settled = EditableSolve(before, footage).edit([pin], [])
    assert abs(float(edited.joint.pose.controls[FRAME, 0]) - pin.value) < 1e-5
    moved = apart(take, edited.joint.pose, before.joint.pose)
    assert FRAME in edited.changed
    again = replace(take, settings=replace(take.settings, pins=(pin,), edited=(FRAME,)))
    whole = solve_take(again, CPU, Silent(), Checkpoint(tmp_path, "test", resume=False))
    resolved, others = whole.joint.pose, [frame for frame in range(6) if frame != FRAME]
    assert abs(float(resolved.controls[FRAME, 0]) - pin.value) < 1e-5
    count = len(take.rig.controls)
    steps = (resolved.controls - before.joint.pose.controls).abs() / before.joint.variance[:, :count].sqrt()
    assert before.keyframes.tolist() == list(range(6)), "every frame is a keyframe, so the pin would move all of them"
    for one, other in ((whole.bundled, before.bundled), (whole.refined, before.refined)):
        rows = others if one is whole.refined else list(range(6))
        assert torch.equal(one.pose.at(rows).controls, other.pose.at(rows).controls), (
            "the pin has a say in its frame alone"
        )
    assert steps[[0, 5]].max() < 1.5, "deviations, by smoothness; as any other pin, 7"
    assert moved.argmax() == FRAME
    assert apart(take, edited.joint.pose, settled.joint.pose).max() < 0.05 * moved[FRAME]
