"""Transform, joint and DAG matrices. Row vectors, as in Maya: ``point @ matrix``, translation in the last row."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tests.maya_emulator.graph import Plug
from tests.maya_emulator.schema import is_a

from .engine import computes

if TYPE_CHECKING:
    from .engine import Evaluator

ROTATE_ORDERS = ("xyz", "yzx", "zxy", "xzy", "yxz", "zyx")


def translation(xyz: np.ndarray | tuple[float, ...]) -> np.ndarray:
    """(4, 4) translation."""
    matrix = np.eye(4)
    matrix[3, :3] = xyz
    return matrix


def rotation(angles: tuple[float, ...], order: int) -> np.ndarray:
    """(4, 4) rotation by ``angles`` (radians) applied in the order of Maya's enumeration (0 xyz ... 5 zyx)."""
    matrix = np.eye(4)
    for axis in ROTATE_ORDERS[order]:
        index = "xyz".index(axis)
        c, s = math.cos(angles[index]), math.sin(angles[index])
        i, j = (index + 1) % 3, (index + 2) % 3
        turn = np.eye(4)
        turn[i, i] = turn[j, j] = c
        turn[i, j], turn[j, i] = s, -s
        matrix = matrix @ turn
    return matrix


def euler(matrix: np.ndarray, order: int) -> tuple[float, float, float]:
    """The angles (radians) for which ``rotation`` gives the 3x3 part of ``matrix`` (one of two sets)."""
    first, second, third = ("xyz".index(a) for a in ROTATE_ORDERS[order])
    sign = 1.0 if (second - first) % 3 == 1 else -1.0
    m = matrix[:3, :3]
    angles = [0.0, 0.0, 0.0]
    sine = max(-1.0, min(1.0, -sign * m[first, third]))
    angles[second] = math.asin(sine)
    if abs(sine) < 1 - 1e-12:
        angles[first] = math.atan2(sign * m[second, third], m[third, third])
        angles[third] = math.atan2(sign * m[first, second], m[first, first])
    else:
        angles[first] = math.atan2(-sign * m[third, second], m[second, second])
    return angles[0], angles[1], angles[2]


def _shear(xy: float, xz: float, yz: float) -> np.ndarray:
    matrix = np.eye(4)
    matrix[1, 0], matrix[2, 0], matrix[2, 1] = xy, xz, yz
    return matrix


@computes("transform", "matrix")
def local_matrix(engine: Evaluator, plug: Plug, time: float) -> np.ndarray:
    """Scale, shear, rotation about the pivots (and a joint's orientation), translation."""

    def get(name: str):
        return engine.input(plug, name, time)

    order = get("rotateOrder")
    scaling = np.diag((*get("scale"), 1.0)) @ _shear(*get("shear"))
    scale_pivot, rotate_pivot = np.array(get("scalePivot")), np.array(get("rotatePivot"))
    turning = rotation(get("rotateAxis"), 0) @ rotation(get("rotate"), order)
    if plug.node.type == "joint":
        turning = turning @ rotation(get("jointOrient"), 0)
        if get("segmentScaleCompensate"):
            turning = turning @ np.diag((*(1.0 / np.array(get("inverseScale"))), 1.0))
    return (
        translation(-scale_pivot)
        @ scaling
        @ translation(scale_pivot + get("scalePivotTranslate") - rotate_pivot)
        @ turning
        @ translation(rotate_pivot + get("rotatePivotTranslate") + get("translate"))
    )


@computes("dagNode", "matrix")
def shape_matrix(engine: Evaluator, plug: Plug, time: float) -> np.ndarray:
    return np.eye(4)


@computes("dagNode", "parentMatrix")
def parent_matrix(engine: Evaluator, plug: Plug, time: float) -> np.ndarray:
    parent = plug.node.parent
    if parent is None:
        return np.eye(4)
    return engine.value(Plug(parent, (("worldMatrix", 0),)), time)


@computes("dagNode", "worldMatrix")
def world_matrix(engine: Evaluator, plug: Plug, time: float) -> np.ndarray:
    """``matrix @ offsetParentMatrix @ parent``; without inheritsTransform the parent's part is left out."""
    local = engine.input(plug, "matrix", time)
    above = engine.value(Plug(plug.node, (("parentMatrix", 0),)), time)
    if is_a(plug.node.type, "transform"):
        offset = engine.input(plug, "offsetParentMatrix", time)
        if offset is not None:
            local = local @ offset
        if not engine.input(plug, "inheritsTransform", time):
            return local
    return local @ above


@computes("dagNode", "inverseMatrix")
def inverse_matrix(engine: Evaluator, plug: Plug, time: float) -> np.ndarray:
    return np.linalg.inv(engine.input(plug, "matrix", time))


@computes("dagNode", "worldInverseMatrix")
def world_inverse_matrix(engine: Evaluator, plug: Plug, time: float) -> np.ndarray:
    return np.linalg.inv(engine.value(Plug(plug.node, (("worldMatrix", 0),)), time))


@computes("dagNode", "parentInverseMatrix")
def parent_inverse_matrix(engine: Evaluator, plug: Plug, time: float) -> np.ndarray:
    return np.linalg.inv(engine.value(Plug(plug.node, (("parentMatrix", 0),)), time))
