"""Parent and orient constraints. Several targets blend translations linearly; rotations of several are not offered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tests.maya_emulator.errors import EmulatorError
from tests.maya_emulator.graph import Plug

from .engine import computes
from .transforms import euler, rotation, translation

if TYPE_CHECKING:
    from .engine import Evaluator


def _target_world(engine: Evaluator, plug: Plug, index: int, time: float) -> np.ndarray:
    target = Plug(plug.node, (("target", index),))

    def get(name: str):
        return engine.child(target, name, time=time)

    turning = rotation(get("targetRotate"), get("targetRotateOrder")) @ rotation(get("targetJointOrient"), 0)
    if get("targetScaleCompensate"):
        turning = turning @ np.diag((*(1.0 / np.array(get("targetInverseScale"))), 1.0))
    pivot = np.array(get("targetRotatePivot"))
    parent = get("targetParentMatrix")
    local = (
        np.diag((*get("targetScale"), 1.0))
        @ translation(-pivot)
        @ turning
        @ translation(pivot + get("targetRotateTranslate") + get("targetTranslate"))
    )
    return local @ (np.eye(4) if parent is None else parent)


def _orthonormal(matrix: np.ndarray) -> np.ndarray:
    clean = matrix.copy()
    clean[:3, :3] /= np.linalg.norm(matrix[:3, :3], axis=1, keepdims=True)
    return clean


def _only_target(engine: Evaluator, plug: Plug, time: float) -> int:
    indices = engine.graph.indices(plug.node, (("target", None),))
    active = [i for i in indices if engine.child(Plug(plug.node, (("target", i),)), "targetWeight", time=time)]
    if len(active) != 1:
        raise EmulatorError(f"'{plug.node.name}' blends {len(active)} targets; only one is evaluated")
    return active[0]


@computes("parentConstraint", "constraintTranslate")
def parent_translate(engine: Evaluator, plug: Plug, time: float) -> tuple[float, ...]:
    time = time if engine.present is None else engine.present
    return tuple(_parented(engine, plug, time)[3, :3])


@computes("parentConstraint", "constraintRotate")
def parent_rotate(engine: Evaluator, plug: Plug, time: float) -> tuple[float, ...]:
    time = time if engine.present is None else engine.present
    order = engine.input(plug, "constraintRotateOrder", time)
    return euler(_orthonormal(_parented(engine, plug, time)), order)


def _parented(engine: Evaluator, plug: Plug, time: float) -> np.ndarray:
    index = _only_target(engine, plug, time)
    target = Plug(plug.node, (("target", index),))
    offset = rotation(engine.child(target, "targetOffsetRotate", time=time), 0) @ translation(
        engine.child(target, "targetOffsetTranslate", time=time)
    )
    inverse = engine.input(plug, "constraintParentInverseMatrix", time)
    world = offset @ _orthonormal(_target_world(engine, plug, index, time))
    return world @ (np.eye(4) if inverse is None else inverse)


@computes("orientConstraint", "constraintRotate")
def orient_rotate(engine: Evaluator, plug: Plug, time: float) -> tuple[float, ...]:
    time = time if engine.present is None else engine.present
    index = _only_target(engine, plug, time)
    offset = rotation(engine.input(plug, "offset", time), 0)
    inverse = engine.input(plug, "constraintParentInverseMatrix", time)
    world = offset @ _orthonormal(_target_world(engine, plug, index, time))
    local = world @ (np.eye(4) if inverse is None else inverse)
    return euler(_orthonormal(local), engine.input(plug, "constraintRotateOrder", time))
