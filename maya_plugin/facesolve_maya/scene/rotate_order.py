"""Euler angles in Maya's six rotate orders. numpy only; row vectors, as in Maya: ``v @ matrix``."""

from __future__ import annotations

from typing import Tuple

import numpy as np

ROTATE_ORDERS = ("xyz", "yzx", "zxy", "xzy", "yxz", "zyx")  # the enumeration of transform.rotateOrder
_SINGULAR = 1.0 - 1e-12  # sine of the middle angle from which the other two are one
_TURN = 2.0 * np.pi


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
    first, middle, last, sign = _roles(order)
    angles = np.zeros(3)
    sine = float(np.clip(-sign * matrix[first, last], -1.0, 1.0))
    angles[middle] = np.arcsin(sine)
    if abs(sine) < _SINGULAR:
        angles[first] = np.arctan2(sign * matrix[middle, last], matrix[last, last])
        angles[last] = np.arctan2(sign * matrix[first, middle], matrix[first, first])
    else:
        angles[first] = np.arctan2(-sign * matrix[last, middle], matrix[middle, middle])
    return angles


def nearest_angles(matrix: np.ndarray, order: str, before: np.ndarray) -> np.ndarray:
    """Among all angles that give the rotation ``matrix`` (3, 3), those nearest to ``before``; (3,) radians.

    A rotation has two sets of angles, each up to whole turns. With the middle axis at +-90 degrees (gimbal lock) the
    other two turn about one axis and only their sum or difference is given: then both go an equal part of the way.
    """
    first, middle, last, sign = _roles(order)
    angles = euler_angles(matrix, order)
    other = angles.copy()
    other[[first, last]] += np.pi
    other[middle] = np.pi - angles[middle]
    sets = [_nearest_turn(angles, before), _nearest_turn(other, before)]
    if abs(np.sin(angles[middle])) >= _SINGULAR:
        together = -sign * np.sign(angles[middle])
        for found in sets:
            rest = angles[first] - before[first] - together * before[last]
            half = 0.5 * (rest - _TURN * np.rint(rest / _TURN))
            found[first], found[last] = before[first] + half, before[last] + together * half
    return min(sets, key=lambda found: float(np.abs(found - before).sum()))


def euler_curve(matrices: np.ndarray, order: str, before: np.ndarray) -> np.ndarray:
    """(F, 3) angles in radians of rotations (F, 3, 3) without jumps, the first set near ``before`` (3,)."""
    curve = np.zeros((len(matrices), 3))
    near = before
    for index, matrix in enumerate(matrices):
        near = nearest_angles(matrix, order, near)
        curve[index] = near
    return curve


def _roles(order: str) -> Tuple[int, int, int, float]:
    """Which axis turns first, in the middle and last, and 1 for the cyclic orders, -1 for the others."""
    first, middle, last = ("xyz".index(axis) for axis in order)
    return first, middle, last, 1.0 if (middle - first) % 3 == 1 else -1.0


def _nearest_turn(angles: np.ndarray, before: np.ndarray) -> np.ndarray:
    return angles + _TURN * np.rint((before - angles) / _TURN)
