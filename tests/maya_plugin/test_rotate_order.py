"""Euler angles against scipy's rotations, and curves without jumps."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from maya_plugin.rotate_order import ROTATE_ORDERS, euler_angles, euler_curve, rotation_matrix, unwrapped


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
def test_both_sets_of_angles_mean_the_same_rotation(order):
    angles = np.array([0.3, -0.4, 0.5])
    far = unwrapped(angles, order, angles + np.full(3, np.pi))
    assert np.abs(far - angles).max() > 1
    np.testing.assert_allclose(rotation_matrix(far, order), rotation_matrix(angles, order), atol=1e-12)


def turning(order):
    """A head that turns twice about one axis while nodding: angles leave +-180 degrees."""
    t = np.linspace(0, 1, 200)
    curve = np.stack([0.3 * np.sin(9 * t), 4 * np.pi * t, 0.2 * np.cos(7 * t)], axis=1)
    return np.stack([rotation_matrix(row, "yxz") for row in curve])


@pytest.mark.parametrize("order", ROTATE_ORDERS)
def test_curves_have_no_jumps(order):
    matrices = turning(order)
    curve = euler_curve(matrices, order, (0.0, 0.0, 0.0))
    np.testing.assert_allclose([rotation_matrix(row, order) for row in curve], matrices, atol=1e-7)
    assert np.abs(np.diff(curve, axis=0)).max() < 1.5
    if order == "yxz":
        assert np.abs(np.diff(curve, axis=0)).max() < 0.1
        raw = np.stack([euler_angles(matrix, order) for matrix in matrices])
        assert np.abs(np.diff(raw, axis=0)).max() > 3  # without unwrapping there are jumps
