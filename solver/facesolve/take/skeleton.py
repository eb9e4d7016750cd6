"""Joints and skin of a rig in the contract: where joints stand at rest, and which vertices they carry.

Holds and validates data only; ``rig_evaluation`` evaluates it. Must not know torch or Maya.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Sequence, Tuple

import numpy as np

from .errors import TakeError

CHANNELS = (
    "translateX",
    "translateY",
    "translateZ",
    "rotateX",
    "rotateY",
    "rotateZ",
    "scaleX",
    "scaleY",
    "scaleZ",
)
ROTATE_ORDERS = ("xyz", "yzx", "zxy", "xzy", "yxz", "zyx")  # Maya's, in the order of its enumeration
RIG_SPACE = -1  # as a parent or as what carries vertices: what never moves within the rig


def _no_turn() -> np.ndarray:
    return np.eye(3)


@dataclass(frozen=True, eq=False)
class Joint:
    """A joint below another one: ``local = T(translate) C O R(rotate) A S(scale)``, for column vectors.

    name: unique within the rig. parent: index of an earlier joint, or ``RIG_SPACE``. translate: (3,) centimeters;
    rotate: (3,) degrees; scale: (3,): the channels at rest. rotate_order: the axis named first turns first.
    orient: (3, 3) rotation O (Maya's jointOrient). axis: (3, 3) rotation A (Maya's rotateAxis). compensate: whether C
    takes the parent's scale out again (Maya's segmentScaleCompensate), else C is the identity.
    """

    name: str
    parent: int = RIG_SPACE
    translate: np.ndarray = field(default_factory=lambda: np.zeros(3))
    rotate: np.ndarray = field(default_factory=lambda: np.zeros(3))
    scale: np.ndarray = field(default_factory=lambda: np.ones(3))
    rotate_order: str = "xyz"
    orient: np.ndarray = field(default_factory=_no_turn)
    axis: np.ndarray = field(default_factory=_no_turn)
    compensate: bool = False

    @property
    def rest(self) -> np.ndarray:
        """(9,) the channels at rest, in the order of ``CHANNELS``."""
        return np.concatenate([self.translate, self.rotate, self.scale]).astype(np.float64)


@dataclass(frozen=True)
class Channel:
    """A number of a joint that controls move: what they say is added to the joint's rest.

    joint: index into ``Rig.joints``. attribute: one of ``CHANNELS``; centimeters, degrees or a factor.
    """

    joint: int
    attribute: str


@dataclass(frozen=True, eq=False)
class Skin:
    """Linear-blend skinning: ``x = sum_i weight_i world_i inverse_bind_i p`` over the influences i of a vertex.

    ``p`` is the vertex with all targets that come before the skin, in rig space; a vertex without influences stays
    where it is. Weights are used as they are: they should add up to 1.

    joints: (I,) int32 the joint of each influence, ``RIG_SPACE`` for one that never moves.
    inverse_bind: (I, 4, 4) float64 rig space to the joint's own space, when the joint is where it was bound.
    offsets: (V+1,) int64 the rows of the next two arrays that belong to each vertex.
    influences: (n,) int32 indices below I. weights: (n,) float32.
    """

    joints: np.ndarray
    inverse_bind: np.ndarray
    offsets: np.ndarray
    influences: np.ndarray
    weights: np.ndarray

    def __post_init__(self) -> None:
        for name, kind in (
            ("joints", np.int32),
            ("inverse_bind", np.float64),
            ("offsets", np.int64),
            ("influences", np.int32),
            ("weights", np.float32),
        ):
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), kind))

    @staticmethod
    def from_dense(joints: Sequence[int], inverse_bind: np.ndarray, weights: np.ndarray) -> Skin:
        """Skin of dense weights (V, I); weights of 0 are left out."""
        weights = np.asarray(weights)
        vertex, influence = np.nonzero(weights)
        counts = np.bincount(vertex, minlength=len(weights))
        return Skin(
            joints=np.asarray(joints),
            inverse_bind=inverse_bind,
            offsets=np.concatenate([[0], np.cumsum(counts)]),
            influences=influence,
            weights=weights[vertex, influence],
        )

    def padded(self) -> Tuple[np.ndarray, np.ndarray]:
        """(V, m) int64 influences and (V, m) float64 weights of each vertex, filled up with weights of 0; m >= 1."""
        counts = np.diff(self.offsets)
        width = max(1, int(counts.max(initial=0)))
        influences, weights = np.zeros((len(counts), width), np.int64), np.zeros((len(counts), width))
        vertex = np.repeat(np.arange(len(counts)), counts)
        place = np.arange(len(vertex)) - self.offsets[vertex]
        influences[vertex, place] = self.influences
        weights[vertex, place] = self.weights
        return influences, weights


def check_joints(joints: Sequence[Joint], channels: Sequence[Channel]) -> None:
    """Raises TakeError when joints do not form trees or a channel does not exist."""
    names = [joint.name for joint in joints]
    if len(set(names)) != len(names):
        twice = next(name for i, name in enumerate(names) if name in names[:i])
        raise TakeError("rig: two joints are named '{}'; names must be unique.".format(twice))
    for index, joint in enumerate(joints):
        if not RIG_SPACE <= joint.parent < index:
            raise TakeError("rig: joint '{}' must come after its parent.".format(joint.name))
        if joint.rotate_order not in ROTATE_ORDERS:
            raise TakeError(
                "rig: joint '{}' has rotate order '{}', expected one of {}.".format(
                    joint.name, joint.rotate_order, ", ".join(ROTATE_ORDERS)
                )
            )
        for name, shape in (
            ("translate", (3,)),
            ("rotate", (3,)),
            ("scale", (3,)),
            ("orient", (3, 3)),
            ("axis", (3, 3)),
        ):
            value = np.asarray(getattr(joint, name), np.float64)
            if value.shape != shape or not np.isfinite(value).all():
                raise TakeError("rig: joint '{}' needs a finite {} of shape {}.".format(joint.name, name, shape))
    seen = set()
    for channel in channels:
        if not 0 <= channel.joint < len(joints) or channel.attribute not in CHANNELS:
            raise TakeError("rig: there is no channel '{}' of joint {}.".format(channel.attribute, channel.joint))
        if channel in seen:
            raise TakeError(
                "rig: channel '{}' of joint '{}' is listed twice.".format(channel.attribute, names[channel.joint])
            )
        seen.add(channel)


def check_skin(skin: Skin, joint_count: int, vertex_count: int) -> None:
    """Raises TakeError when the skin does not fit the rig's joints and vertices."""
    count = len(skin.joints)
    if skin.inverse_bind.shape != (count, 4, 4) or not np.isfinite(skin.inverse_bind).all():
        raise TakeError("rig: the skin needs a finite inverse bind matrix for each of its {} influences.".format(count))
    if count and not (skin.joints.min() >= RIG_SPACE and skin.joints.max() < joint_count):
        raise TakeError("rig: the skin uses a joint outside 0..{}.".format(joint_count - 1))
    total = len(skin.weights)
    fits = skin.offsets.shape == (vertex_count + 1,) and skin.influences.shape == skin.weights.shape == (total,)
    if not fits or skin.offsets[0] != 0 or skin.offsets[-1] != total or (skin.offsets[1:] < skin.offsets[:-1]).any():
        raise TakeError("rig: the skin's weights do not fit the rig's {} vertices.".format(vertex_count))
    if total and not (skin.influences.min() >= 0 and skin.influences.max() < count):
        raise TakeError("rig: the skin uses an influence outside 0..{}.".format(count - 1))
    if not np.isfinite(skin.weights).all():
        raise TakeError("rig: a skin weight is not finite; repair the skin and export again.")
