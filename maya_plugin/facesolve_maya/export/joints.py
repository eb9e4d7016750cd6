"""The transforms between the head and a skin's influences as the contract's joints. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, List, Optional, Tuple

import numpy as np
from maya import cmds

from facesolve.take.finding import WARNING, Finding
from facesolve.take.skeleton import CHANNELS, RIG_SPACE, ROTATE_ORDERS
from facesolve_maya.scene.findings import Refusal, Report
from facesolve_maya.scene.geometry import world_matrix
from facesolve_maya.scene.plugs import driver_of, has_attribute, kinds_of, short_name
from facesolve_maya.scene.rotate_order import rotation_matrix
from facesolve_maya.scene.units import centimeters, radians

from .controls import has_range
from .expressions import Constant, ControlValue, Expression, Sum
from .unread import Unread, put_in
from .upstream import read_expression

_SAME = 1e-9
LIMITS = "Set its limits (Limit Information, or the attribute's minimum and maximum) to have it solved."


@dataclass(eq=False)
class ReadJoint:
    """A joint of the contract with what its channels are, internal units, in the order of ``CHANNELS``.

    node: the transform that it stands for. orient, axis: (3, 3) rotations for column vectors.
    """

    name: str
    node: str
    parent: int
    numbers: List[Expression]
    order: str = "xyz"
    orient: np.ndarray = field(default_factory=lambda: np.eye(3))
    axis: np.ndarray = field(default_factory=lambda: np.eye(3))
    compensate: bool = False

    @property
    def moves(self) -> bool:
        """Whether a control moves one of its channels."""
        return any(number.controls for number in self.numbers)


@dataclass(eq=False)
class Joints:
    """Joints as far as they are read, each once, whatever hangs on them."""

    head: str
    times: Tuple[float, ...]
    report: Report
    joints: List[ReadJoint] = field(default_factory=list)
    unread: Unread = field(init=False)
    _place: Dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.unread = Unread(self.times, self.report, "channel", still=True)

    def below_head(self, node: str) -> bool:
        """Whether ``node`` is the head or hangs below it."""
        return node == self.head or node.startswith(self.head + "|")

    def index(self, node: str) -> int:
        """The joint that stands where ``node`` does; ``RIG_SPACE`` for the head without its scale."""
        if node == self.head:
            return self._head_scale()
        if node not in self._place:
            parent = self.index(node.rpartition("|")[0])
            with_parent = self._read(node, parent)
            self._place[node] = with_parent
        return self._place[node]

    def moves(self, node: str) -> bool:
        """Whether controls move ``node`` against the head."""
        return self.carrier(self.index(node)) != RIG_SPACE

    def carrier(self, place: int) -> int:
        """The nearest joint from ``place`` up that controls move; ``RIG_SPACE`` where there is none."""
        while place != RIG_SPACE and not self.joints[place].moves:
            place = self.joints[place].parent
        return place

    def scales(self, place: int) -> bool:
        """Whether controls scale the joint at ``place`` or one above it."""
        while place != RIG_SPACE:
            if any(number.controls for number in self.joints[place].numbers[6:]):
                return True
            place = self.joints[place].parent
        return False

    def _head_scale(self) -> int:
        """The head transform is rigid: a scale above or on the head is a joint of its own."""
        matrix = world_matrix(self.head)[:3, :3]
        scale = np.linalg.norm(matrix, axis=1)
        if np.abs(scale - 1.0).max() < 1e-6:
            return RIG_SPACE
        if "" not in self._place:
            joint = ReadJoint("head scale", self.head, RIG_SPACE, _still(scale=scale))
            self._place[""] = self._added(joint)
        return self._place[""]

    def _added(self, joint: ReadJoint) -> int:
        self.joints.append(joint)
        return len(self.joints) - 1

    def _read(self, node: str, parent: int) -> int:
        """``T(rp + rpt + t) O R A T(sp + spt - rp) S T(-sp)`` as one joint, or two where pivots matter."""
        if not cmds.getAttr(node + ".inheritsTransform"):
            raise Refusal(short_name(node), "it does not inherit the head's motion.", "Turn Inherits Transform on.")
        if np.abs(np.array(cmds.getAttr(node + ".shear")[0])).max() > _SAME:
            raise Refusal(short_name(node), "it is sheared.", "Freeze the shear.")
        parent = self._offset_parent(node, parent)
        numbers = [self._number(node, channel) for channel in CHANNELS]
        joint = ReadJoint(
            short_name(node),
            node,
            parent,
            numbers,
            ROTATE_ORDERS[int(cmds.getAttr(node + ".rotateOrder"))],
            axis=_rotation(node + ".rotateAxis"),
        )
        if "joint" in kinds_of(node):
            joint.orient = _rotation(node + ".jointOrient")
            joint.compensate = self._compensates(node, parent)
        pivot, shift = _vector(node + ".rotatePivot"), _vector(node + ".rotatePivotTranslate")
        scale_pivot, scale_shift = _vector(node + ".scalePivot"), _vector(node + ".scalePivotTranslate")
        if max(np.abs(v).max() for v in (pivot, shift, scale_pivot, scale_shift)) < _SAME:
            return self._added(joint)
        for axis in range(3):
            numbers[axis] = _plus(numbers[axis], pivot[axis] + shift[axis])
        joint.numbers = [*numbers[:6], *(Constant(1.0) for _ in range(3))]
        turned = self._added(joint)
        scales = [number.value({}) if not number.controls else None for number in numbers[6:]]
        if None in scales and np.abs(scale_pivot).max() > _SAME:
            raise Refusal(short_name(node), "its scale is driven, about a pivot.", "Put its scale pivot to its origin.")
        reach = scale_pivot + scale_shift - pivot
        below = ReadJoint(joint.name + " pivot", node, turned, [Constant(float(x)) for x in reach])
        below.numbers += [Constant(0.0)] * 3
        below.numbers += list(numbers[6:])
        if np.abs(scale_pivot).max() > _SAME:
            for axis in range(3):
                below.numbers[axis] = Constant(float(reach[axis] - scales[axis] * scale_pivot[axis]))
        return self._added(below)

    def _compensates(self, node: str, parent: int) -> bool:
        """Whether a joint takes out the scale of the transform right above it, where that has one."""
        above = driver_of(node + ".inverseScale")
        if not cmds.getAttr(node + ".segmentScaleCompensate") or above is None or parent == RIG_SPACE:
            return False
        if cmds.ls(above.partition(".")[0], long=True)[0] != node.rpartition("|")[0]:
            return False
        return any(not _is(number, 1.0) for number in self.joints[parent].numbers[6:])

    def _offset_parent(self, node: str, parent: int) -> int:
        plug = node + ".offsetParentMatrix"
        if not has_attribute(node, "offsetParentMatrix"):
            return parent
        found = cmds.getAttr(plug)
        matrix = np.eye(4) if found is None else np.array(found, np.float64).reshape(4, 4)
        if np.abs(matrix - np.eye(4)).max() < _SAME:
            return parent
        if driver_of(plug) is not None:
            self.report.warning(
                plug, "it is driven; the solve takes it as it is in the first frame.", "Drive the transform's channels."
            )
        scale = np.linalg.norm(matrix[:3, :3], axis=1)
        turn = matrix[:3, :3] / scale[:, None]
        if np.abs(turn @ turn.T - np.eye(3)).max() > 1e-6:
            raise Refusal(short_name(node), "its offset parent matrix is sheared.", "Remove the shear.")
        joint = ReadJoint(short_name(node) + " offset", node, parent, _still(matrix[3, :3], scale), orient=turn.T)
        return self._added(joint)

    def _number(self, node: str, channel: str) -> Expression:
        """What a channel is; as it is in the scene where that cannot be read or no limits say how far it goes."""
        plug = "{}.{}".format(short_name(node), channel)
        try:
            found = read_expression(plug)
        except Refusal as refusal:
            return self.unread.put(plug, refusal.findings[0])
        if not found.controls or (_own(found, plug) and cmds.getAttr(plug, lock=True)):
            return _now(plug, self.times[0])
        bare = sorted(control for control in found.controls if not has_range(control))
        if bare and _own(found, plug) and driver_of(plug) is None:
            return _now(plug, self.times[0])  # nobody says how far it may go: it stays
        if bare:
            return self.unread.put(plug, Finding(WARNING, bare[0], "it has no limits", LIMITS))
        return found

    def settle(self) -> None:
        """Records what could not be read, or leaves it to the scene."""
        settled = self.unread.settled()
        for joint in self.joints:
            joint.numbers = [put_in(number, settled) for number in joint.numbers]


def _own(expression: Expression, plug: str) -> bool:
    return isinstance(expression, ControlValue) and expression.plug == plug


def _now(plug: str, time: float) -> Constant:
    unit = _unit(plug.rpartition(".")[2])
    return Constant(float(cmds.getAttr(plug, time=time)) * unit)


def _unit(channel: str) -> float:
    """Internal units of a shown one, of one of ``CHANNELS``."""
    if channel.startswith("translate"):
        return centimeters()
    return radians() if channel.startswith("rotate") else 1.0


def _plus(number: Expression, more: float) -> Expression:
    if not number.controls:
        return Constant(number.value({}) + more)
    return Sum(((1.0, number), (1.0, Constant(float(more)))))


def _is(number: Expression, value: float) -> bool:
    return not number.controls and abs(number.value({}) - value) < _SAME


def _still(translation: Optional[np.ndarray] = None, scale: Optional[np.ndarray] = None) -> List[Expression]:
    shift = np.zeros(3) if translation is None else translation
    factors = np.ones(3) if scale is None else scale
    return [Constant(float(x)) for x in (*shift, 0.0, 0.0, 0.0, *factors)]


def _vector(plug: str) -> np.ndarray:
    return np.array(cmds.getAttr(plug)[0], np.float64) * centimeters()


def _rotation(plug: str) -> np.ndarray:
    """(3, 3) rotation for column vectors of three angles in xyz order."""
    return rotation_matrix(np.array(cmds.getAttr(plug)[0]) * radians(), "xyz").T
