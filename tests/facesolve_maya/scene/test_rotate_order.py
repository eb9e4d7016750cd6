"""Euler angles against scipy's rotations, and curves without jumps."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from facesolve_maya.scene.rotate_order import ROTATE_ORDERS, euler_angles, euler_curve, nearest_angles, rotation_matrix


@pytest.mark.parametrize("order", ROTATE_ORDERS)
def test_matrices_equal_scipys(order):
    rng = np.random.default_rng(0)
    for angles in rng.uniform(-3, 3, (20, 3)):
        by_axis = [angles["xyz".index(axis)] for axis in order]
        expected = Rotation.from_euler(order, by_axis).as_matrix().T  # lower case: extrinsic, columns
        np.testing.assert_allclose(rotation_matrix(angles, order), expected, atol=1e-12)


@pytest.mark.parametrize("order", ROTATE_ORDERS)
def test_angles_give_their_matrix_back_also_at_the_pole(order):
    rng = np.random.default_rng(1)
    poses = list(rng.uniform(-3, 3, (50, 3)))
    for sign in (1, -1):
        pole = rng.uniform(-1, 1, 3)
        pole["xyz".index(order[1])] = sign * np.pi / 2
        poses.append(pole)
    for angles in poses:
        matrix = rotation_matrix(angles, order)
        np.testing.assert_allclose(rotation_matrix(euler_angles(matrix, order), order), matrix, atol=1e-7)


@pytest.mark.parametrize("order", ROTATE_ORDERS)
def test_of_both_sets_of_angles_the_nearer_one_is_taken(order):
    angles = np.array([0.3, -0.4, 0.5])
    matrix = rotation_matrix(angles, order)
    far = nearest_angles(matrix, order, angles + np.full(3, np.pi))
    assert np.abs(far - angles).max() > 1
    np.testing.assert_allclose(rotation_matrix(far, order), matrix, atol=1e-12)
    np.testing.assert_allclose(nearest_angles(matrix, order, angles + 0.1), angles, atol=1e-12)


@pytest.mark.parametrize("order", ROTATE_ORDERS)
@pytest.mark.parametrize("sign", [1, -1])
def test_angles_that_were_wound_up_stay_so_at_the_pole(order, sign):
    first, middle, last = ("xyz".index(axis) for axis in order)
    pole = np.zeros(3)
    pole[[first, middle, last]] = 0.3, sign * np.pi / 2, -0.2
    wound = pole + 2 * np.pi * np.eye(3)[first] - 4 * np.pi * np.eye(3)[last] + 0.01
    found = nearest_angles(rotation_matrix(pole, order), order, wound)
    np.testing.assert_allclose(found, wound, atol=0.02)
    np.testing.assert_allclose(rotation_matrix(found, order), rotation_matrix(pole, order), atol=1e-9)


@pytest.mark.parametrize("order", ROTATE_ORDERS)
def test_a_curve_through_gimbal_lock_comes_back_as_it_was(order):
    """The middle axis turns by 450 degrees in steps of 15, so that three of the frames lie exactly at a pole."""
    t = np.linspace(0.0, 1.0, 31)
    axes = ["xyz".index(axis) for axis in order]
    curve = np.zeros((len(t), 3))
    for axis, values in zip(axes, (0.4 - 0.8 * t, 2.5 * np.pi * t, 0.7 + 0.3 * t), strict=True):
        curve[:, axis] = values
    matrices = np.stack([rotation_matrix(row, order) for row in curve])
    poles = np.abs(np.cos(curve[:, axes[1]])) < 1e-9
    assert poles.sum() == 3
    found = euler_curve(matrices, order, curve[0])
    # at a pole first and last are one turn, split evenly; from the next frame on they are as they were
    np.testing.assert_allclose(found[~poles], curve[~poles], atol=1e-9)
    np.testing.assert_allclose(found[poles], curve[poles], atol=0.06)
    np.testing.assert_allclose([rotation_matrix(row, order) for row in found], matrices, atol=1e-9)


def turning(order):
    """A head that turns twice about one axis while nodding: angles leave +-180 degrees."""
    t = np.linspace(0, 1, 200)
    curve = np.stack([0.3 * np.sin(9 * t), 4 * np.pi * t, 0.2 * np.cos(7 * t)], axis=1)
    return np.stack([rotation_matrix(row, "yxz") for row in curve])


@pytest.mark.parametrize("order", ROTATE_ORDERS)
def test_curves_have_no_jumps(order):
    matrices = turning(order)
    curve = euler_curve(matrices, order, np.zeros(3))
    np.testing.assert_allclose([rotation_matrix(row, order) for row in curve], matrices, atol=1e-7)
    assert np.abs(np.diff(curve, axis=0)).max() < 1.5
    if order == "yxz":
        assert np.abs(np.diff(curve, axis=0)).max() < 0.1
        raw = np.stack([euler_angles(matrix, order) for matrix in matrices])
        assert np.abs(np.diff(raw, axis=0)).max() > 3  # without unwrapping there are jumps
