"""Angles against scipy, and their directions in words."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from facesolve.export.angles import Z_UP_TO_Y_UP, maya_rotate_xyz, yaw_pitch_roll

FORWARD, UP, LEFT = np.array([0.0, 0, 1]), np.array([0.0, 1, 0]), np.array([1.0, 0, 0])  # of a head that looks along +z


def test_maya_angles_equal_scipy() -> None:
    rotations = Rotation.random(200, rng=1)
    turned = Rotation.from_euler("xyz", maya_rotate_xyz(rotations.as_matrix()))
    assert (turned.inv() * rotations).magnitude().max() < 1e-7


def test_yaw_pitch_roll_equal_scipy() -> None:
    rotations = Rotation.random(200, rng=2)
    yaw, pitch, roll = yaw_pitch_roll(rotations.as_matrix()).T
    turned = Rotation.from_euler("YXZ", np.stack((-yaw, pitch, -roll), 1))
    assert (turned.inv() * rotations).magnitude().max() < 1e-7


@pytest.mark.parametrize(
    ("axis", "angle", "moved", "towards"),
    [(0, 0.3, FORWARD, -LEFT), (1, 0.3, FORWARD, -UP), (2, 0.3, UP, LEFT)],
    ids=["yaw turns right", "pitch looks down", "roll tilts to the left shoulder"],
)
def test_directions(axis: int, angle: float, moved: np.ndarray, towards: np.ndarray) -> None:
    about = (UP, LEFT, FORWARD)[axis]
    turn = min(
        (Rotation.from_rotvec(sign * angle * about) for sign in (1, -1)), key=lambda r: -(r.apply(moved) @ towards)
    )
    expected = np.zeros(3)
    expected[axis] = angle
    np.testing.assert_allclose(yaw_pitch_roll(turn.as_matrix()[None])[0], expected, atol=1e-12)


def test_curves_do_not_jump_at_half_a_turn() -> None:
    angles = np.linspace(2.8, 3.6, 20)
    rotations = Rotation.from_euler("z", angles[:, None]).as_matrix()
    np.testing.assert_allclose(maya_rotate_xyz(rotations)[:, 2], angles, atol=1e-9)


def test_z_up_scene_is_turned_to_y_up() -> None:
    np.testing.assert_array_equal(Z_UP_TO_Y_UP @ (0, 0, 1), UP)
    np.testing.assert_array_equal(Z_UP_TO_Y_UP @ (0, -1, 0), FORWARD)
    assert np.linalg.det(Z_UP_TO_Y_UP) == pytest.approx(1)
