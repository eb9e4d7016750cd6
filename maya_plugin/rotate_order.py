"""Euler angles in Maya's six rotate orders. numpy only; row vectors, as in Maya: ``v @ matrix``."""

from __future__ import annotations

from typing import Tuple

import numpy as np

ROTATE_ORDERS = ("xyz", "yzx", "zxy", "xzy", "yxz", "zyx")  # the enumeration of transform.rotateOrder
_SINGULAR = 1.0 - 1e-12


def rotation_matrix(angles: np.ndarray, order: str) -> np.ndarray:
    """(3, 3) rotation by angles (x, y, z) in radians, applied axis by axis as ``order`` reads."""
    matrix = np.eye(3)
    for axis in order:
        index = "xyz".index(axis)
        cosine, sine = np.cos(angles[index]), np.sin(angles[index])
        turn = np.eye(3)
        following, last = (index + 1) % 3, (index + 2) % 3
        turn[following, following] = turn[last, last] = cosine
        turn[following, last], turn[last, following] = sine, -sine
        matrix = matrix @ turn
    return matrix


def euler_angles(matrix: np.ndarray, order: str) -> np.ndarray:
    """(3,) angles (x, y, z) in radians that give the rotation ``matrix`` (3, 3); the middle one within +-90 degrees."""
    first, middle, last = ("xyz".index(axis) for axis in order)
    sign = 1.0 if (middle - first) % 3 == 1 else -1.0
    angles = np.zeros(3)
    sine = float(np.clip(-sign * matrix[first, last], -1.0, 1.0))
    angles[middle] = np.arcsin(sine)
    if abs(sine) < _SINGULAR:
        angles[first] = np.arctan2(sign * matrix[middle, last], matrix[last, last])
        angles[last] = np.arctan2(sign * matrix[first, middle], matrix[first, first])
    else:
        angles[first] = np.arctan2(-sign * matrix[last, middle], matrix[middle, middle])
    return angles


def unwrapped(angles: np.ndarray, order: str, before: np.ndarray) -> np.ndarray:
    """The angles nearest to ``before`` that mean the same rotation as ``angles``; all (3,) radians.

    A rotation has two sets of angles, each up to whole turns.
    """
    first, middle, last = ("xyz".index(axis) for axis in order)
    other = angles.copy()
    other[first] += np.pi
    other[last] += np.pi
    other[middle] = np.pi - angles[middle]
    candidates = [c + 2.0 * np.pi * np.rint((before - c) / (2.0 * np.pi)) for c in (angles, other)]
    return min(candidates, key=lambda c: float(np.abs(c - before).sum()))


def euler_curve(matrices: np.ndarray, order: str, before: Tuple[float, float, float]) -> np.ndarray:
    """(F, 3) angles in radians of rotations (F, 3, 3) without jumps, the first set near ``before``."""
    curve = np.zeros((len(matrices), 3))
    near = np.asarray(before, np.float64)
    for index, matrix in enumerate(matrices):
        near = unwrapped(euler_angles(matrix, order), order, near)
        curve[index] = near
    return curve
