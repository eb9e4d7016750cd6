"""Heads whose angles want to jump: turns through gimbal lock, and a rotation that Maya itself flipped."""

import numpy as np
import pytest
from maya import cmds
from scipy.spatial.transform import Rotation

from facesolve.take import Take
from facesolve_maya.apply import ApplyRequest, apply_solution
from facesolve_maya.apply.channels import head_channels
from facesolve_maya.scene.head import head_at
from facesolve_maya.scene.rotate_order import ROTATE_ORDERS, rotation_matrix
from tests.facesolve_maya.small_head import make_solution, small_take

FRAMES = 31  # 15 degrees a frame


def longer(take: Take) -> Take:
    """The small take with more frames."""
    return Take(
        name="long",
        rig=take.rig,
        cameras=take.cameras,
        footage=take.footage,
        frames=np.arange(1, FRAMES + 1),
        fps=take.fps,
    )


def degrees_apart(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.degrees(np.linalg.norm(Rotation.from_matrix(first.T @ second).as_rotvec())))


@pytest.mark.parametrize("number", range(6))
def test_a_turn_through_gimbal_lock_is_keyed_without_a_jump(small, tmp_path, number):
    """The middle axis turns by 450 degrees: three frames lie exactly at a pole, where two axes are one."""
    take = longer(small_take(tmp_path))
    cmds.setAttr("head_GRP.rotateOrder", number)
    t = np.linspace(0.0, 1.0, FRAMES)
    wanted = np.zeros((FRAMES, 3))
    for axis, values in zip(ROTATE_ORDERS[number], (20 - 40 * t, 450 * t, 30 + 15 * t), strict=True):
        wanted[:, "xyz".index(axis)] = values
    heads = []
    for time, angles in zip(take.scene_times, wanted, strict=True):
        cmds.setAttr("head_GRP.rotate", *angles)
        heads.append(head_at("head_GRP", time))
    cmds.setAttr("head_GRP.rotate", *wanted[0])
    controls = np.tile(take.rig.default_controls, (FRAMES, 1))
    apply_solution(ApplyRequest(take, make_solution(take, controls, np.stack(heads)), head="head_GRP"))
    keyed = np.array([cmds.getAttr("head_GRP.rotate", time=time)[0] for time in take.scene_times])
    assert np.abs(keyed - wanted).max() < 2.0  # at a pole the split between two axes is free
    for row, time in enumerate(take.scene_times):
        np.testing.assert_allclose(head_at("head_GRP", time), heads[row], atol=1e-6)
    for row, time in enumerate(take.scene_times[:-1] + 0.5):
        shown = head_at("head_GRP", time)[:3, :3]
        assert degrees_apart(shown, heads[row][:3, :3]) < 15.5
        assert degrees_apart(shown, heads[row + 1][:3, :3]) < 15.5


@pytest.fixture
def flipping(maya, facesolve_data):
    """Maya's own scene of a rotation that flips: a cube is constrained to a joint that inverse kinematics turn."""
    cmds.file(str(facesolve_data / "maya" / "mayausd_UsdExportEulerFilterTest.ma"), open=True, force=True)
    return maya


def test_a_rotation_that_maya_flipped_is_keyed_without_the_flip(flipping):
    """The constraint holds two rotations as Maya saved them, 13 degrees apart but on both sides of +-180 degrees.

    The stand-in has no inverse kinematics; the way between the two is the shortest.
    """
    saved = [cmds.getAttr(f"pCube1_parentConstraint1.{name}")[0] for name in ("lastTargetRotate", "restRotate")]
    assert np.abs(np.subtract(*saved)).max() > 340
    ends = Rotation.from_matrix([rotation_matrix(np.radians(angles), "xyz").T for angles in saved])
    apart = (ends[0].inv() * ends[1]).as_rotvec()
    times = tuple(np.linspace(1.0, 3.0, 9))
    heads = np.tile(np.eye(4), (9, 1, 1))
    heads[:, :3, :3] = [(ends[0] * Rotation.from_rotvec(share * apart)).as_matrix() for share in np.linspace(0, 1, 9)]
    cmds.setAttr("joint1.rotate", *saved[0])
    channels = head_channels("joint1", heads, times)
    assert np.abs(np.degrees(np.diff(channels[:, 3:], axis=0))).max() < 3
    for row, angles in enumerate(np.degrees(channels[:, 3:])):
        cmds.setAttr("joint1.rotate", *angles)
        np.testing.assert_allclose(head_at("joint1", 1.0)[:3, :3], heads[row, :3, :3], atol=1e-9)


def test_a_constrained_head_takes_keys_on_a_layer_only(flipping):
    from facesolve_maya.apply.layer import why_not_keyable, why_not_settable

    assert why_not_keyable("pCube1.rotateZ") == ""
    assert why_not_settable("pCube1.rotateZ") == "driven by 'pCube1_parentConstraint1.constraintRotateZ'"
