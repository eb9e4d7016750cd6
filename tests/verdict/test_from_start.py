"""How far a solve lies from the start pose: in millimeters, and which frame the pose is rather of."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from facesolve.solve import solution
from facesolve.take import StartPose
from facesolve.verdict.from_start import NO_START_POSE, from_start
from tests.synthetic import Scene, head_scene


def start_at(scene: Scene, row: int, of_row: int, shift: float = 0.0) -> StartPose:
    """The true pose of one frame, some cm to the right, as the start pose of another."""
    take, head = scene.problem.take, scene.truth.head[of_row].double().numpy().copy()
    head[0, 3] += shift
    return StartPose(int(take.frames[row]), scene.truth.controls[of_row].double().numpy(), head)


def test_a_shifted_start_pose_is_as_far_off_as_it_was_shifted():
    scene = head_scene()
    found = from_start(scene.problem, start_at(scene, 1, 1, 0.4), scene.truth)
    assert found.mm == pytest.approx(4.0, abs=0.01)
    assert found.centimeters == pytest.approx(0.4, abs=1e-4)
    assert found.degrees == pytest.approx(0.0, abs=0.01)
    assert found.frame == scene.problem.take.frames[1]


def test_the_frame_that_a_start_pose_is_rather_of_is_known():
    scene = head_scene()
    found = from_start(scene.problem, start_at(scene, 0, 2), scene.truth)
    assert found.nearest == scene.problem.take.frames[2]
    assert found.nearest_mm == pytest.approx(0.0, abs=0.01)
    assert found.mm > 1.0


def test_a_start_pose_of_a_frame_outside_a_part_of_a_take_says_nothing():
    scene = head_scene()
    solved: Any = SimpleNamespace(problem=scene.problem, joint=SimpleNamespace(pose=scene.truth))
    take = replace(scene.problem.take, start=start_at(scene, 0, 2))
    assert solution._from_start(take, solved).mm > 1.0
    assert take.start is not None
    elsewhere = replace(take, start=replace(take.start, posed=False))
    assert solution._from_start(elsewhere, solved) is NO_START_POSE
