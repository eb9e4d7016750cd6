"""Meshes that joints carry, put together for the contract: where their points are at rest, and what carries them.

Changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

import numpy as np

from facesolve.take.rig_logic import CHANNEL, Port
from facesolve.take.skeleton import CHANNELS, RIG_SPACE, Channel, Joint, Skin
from facesolve_maya.scene.findings import SAMPLING, Refusal, Report
from facesolve_maya.scene.geometry import world_matrix
from facesolve_maya.scene.head import above_in_dag, head_now, mesh_in_rig_space, not_carried
from facesolve_maya.scene.plugs import short_name
from facesolve_maya.scene.undisturbed import undisturbed

from .expressions import Expression
from .history import Span
from .joints import Joints, ReadJoint
from .logic import Logic
from .skin import read_skin

_SAME = 1e-5
_HELD = 2e-3  # of a vertex: less than that which hangs elsewhere is rounding of painted weights
_UNITS = (1.0,) * 3 + (180.0 / np.pi,) * 3 + (1.0,) * 3  # contract's units of an internal one, by channel


@dataclass(frozen=True, eq=False)
class CarriedMesh:
    """A mesh of V vertices with what carries it.

    to_rig: (4, 4) row-vector matrix from object to rig space at rest. joints: (I,) of each influence, or ``RIG_SPACE``.
    inverse_bind: (I, 4, 4) row-vector, rig space to the joint's own. rest: (I, 4, 4) row-vector, the joints in rig
    space at the first time. weights: (V, I), which add up to 1. dual_quaternions: the skinCluster that blends by them,
    "" for none.
    """

    to_rig: np.ndarray
    joints: Tuple[int, ...]
    inverse_bind: np.ndarray
    rest: np.ndarray
    weights: np.ndarray
    dual_quaternions: str = ""

    def baked(self, points: np.ndarray, offsets: bool = False) -> np.ndarray:
        """Points or offsets (V, 3) of rig space, carried as at the first time."""
        matrices = np.einsum("vi,ixy->vxy", self.weights, self.inverse_bind @ self.rest)
        moved = np.einsum("vx,vxy->vy", points, matrices[:, :3, :3])
        return moved if offsets else moved + matrices[:, 3, :3]


def carried_mesh(shape: str, span: Span, joints: Joints, report: Report) -> CarriedMesh:
    """What carries a mesh. Refusal when it does not follow the head."""
    count, head, times = len(span.rest), joints.head, joints.times
    if span.skin is not None:
        return _skinned(shape, span, joints, report)
    to_rig = mesh_in_rig_space(shape, head, times)
    transform = shape.rpartition("|")[0]
    place, rest = RIG_SPACE, np.eye(4)
    if above_in_dag(head, shape) and joints.moves(transform):
        place, rest = joints.index(transform), to_rig
    return CarriedMesh(to_rig, (place,), np.linalg.inv(rest)[None], rest[None], np.ones((count, 1)))


def _skinned(shape: str, span: Span, joints: Joints, report: Report) -> CarriedMesh:
    assert span.skin is not None
    skin = read_skin(span.skin, shape, len(span.rest), joints.times)
    below = np.array([joints.below_head(node) for node in skin.influences])
    held = skin.weights.sum(axis=0)
    if not (below & (held > 0)).any():
        raise not_carried(joints.head, shape)
    with undisturbed((), joints.times[0]):
        off = np.linalg.inv(head_now(joints.head)).T
        rest = np.stack([world_matrix(node) @ off for node in skin.influences])
    main = int(np.argmax(np.where(below, held, -1.0)))
    to_rig = skin.bind[main] @ rest[main]
    places = [joints.index(node) if carried else RIG_SPACE for node, carried in zip(skin.influences, below)]
    inverse_bind = np.linalg.inv(to_rig) @ skin.bind
    # what does not hang on the head, and what the skin leaves alone, is held to it as it is at the first time
    still = np.linalg.inv(to_rig) @ np.concatenate([skin.bind @ rest, (skin.world @ off)[None]])
    places.append(RIG_SPACE)
    inverse_bind = np.concatenate([inverse_bind, still[-1:]])
    rest = np.concatenate([rest, np.eye(4)[None]])
    for index, place in enumerate(places[:-1]):
        if place == RIG_SPACE:
            inverse_bind[index], rest[index] = still[index], np.eye(4)
    outside = 1.0 - skin.weights[:, below].sum(axis=1)
    if outside.max(initial=0.0) > _HELD:
        report.note(
            span.skin.node,
            "{} vertices hang on nothing below '{}', in part at least; the solve takes them to follow it.".format(
                int((outside > _HELD).sum()), short_name(joints.head)
            ),
            "Choose a joint farther up, or add them to the skin, if they are to be solved.",
        )
    weights = np.concatenate([skin.weights, 1.0 - skin.weights.sum(axis=1, keepdims=True)], axis=1)
    weights[np.abs(weights) < 1e-9] = 0.0
    by_dual_quaternions = "" if skin.linear else span.skin.node
    return CarriedMesh(to_rig, tuple(places), inverse_bind, rest, weights, by_dual_quaternions)


def check_blending(mesh: CarriedMesh, joints: Joints) -> None:
    """Refusal where dual quaternions would put a vertex elsewhere than a linear skin does.

    Where all that carries a vertex moves as one rigid body, every rule gives the same. How Maya blends the others
    (which way round, what becomes of scales) is published nowhere. Joints must be settled.
    """
    if not mesh.dual_quaternions:
        return
    matrices = mesh.inverse_bind @ mesh.rest
    turns = matrices[:, :3, :3]
    rigid = np.abs(turns @ turns.transpose(0, 2, 1) - np.eye(3)).max(axis=(1, 2)) < _SAME
    carriers = np.array([joints.carrier(place) for place in mesh.joints])
    rigid &= np.array([not joints.scales(place) for place in mesh.joints])
    vertex, held = np.nonzero(mesh.weights)
    main = mesh.weights.argmax(axis=1)[vertex]
    apart = (carriers[main] != carriers[held]) | (np.abs(matrices[main] - matrices[held]).max(axis=(1, 2)) > _SAME)
    blended = len(np.unique(vertex[apart | ~rigid[held]]))
    if blended:
        raise Refusal(
            mesh.dual_quaternions,
            "it skins by dual quaternions, and {} of its vertices are shared by joints that move against each other or "
            "are scaled; how Maya blends those is not published.".format(blended),
            "Set Skinning Method to Classic Linear, or give each of these vertices to one joint. Or: " + SAMPLING + ".",
        )


def joined_skin(meshes: Sequence[CarriedMesh]) -> Skin:
    """One skin of all meshes, one after the other."""
    vertices, influences = sum(len(mesh.weights) for mesh in meshes), sum(len(mesh.joints) for mesh in meshes)
    weights = np.zeros((vertices, influences))
    row = column = 0
    for mesh in meshes:
        count, width = mesh.weights.shape
        weights[row : row + count, column : column + width] = mesh.weights
        row, column = row + count, column + width
    joints = [place for mesh in meshes for place in mesh.joints]
    inverse_bind = np.concatenate([mesh.inverse_bind for mesh in meshes]).transpose(0, 2, 1)
    return Skin.from_dense(joints, inverse_bind, weights)


def moving_numbers(joints: Sequence[ReadJoint]) -> List[Tuple[int, int, Expression]]:
    """Joint, place in ``CHANNELS`` and expression of every number that controls move."""
    return [
        (index, place, number)
        for index, joint in enumerate(joints)
        for place, number in enumerate(joint.numbers)
        if number.controls
    ]


def contract_joints(
    joints: Sequence[ReadJoint], moving: Sequence[Tuple[int, int, Expression]], logic: Logic
) -> Tuple[Tuple[Joint, ...], Tuple[Channel, ...]]:
    """Joints and channels; ``logic`` gets what moves them. moving: of ``moving_numbers``, plugs as controls have."""
    rests = [
        [0.0 if number.controls else number.value({}) * unit for number, unit in zip(joint.numbers, _UNITS)]
        for joint in joints
    ]
    channels: List[Channel] = []
    for index, place, expression in moving:
        port = Port(CHANNEL, len(channels))
        channels.append(Channel(index, CHANNELS[place]))
        rests[index][place] = logic.add(expression, port, _UNITS[place])
    names = _unique([joint.name for joint in joints])
    made = tuple(
        Joint(
            name=name,
            parent=joint.parent,
            translate=np.array(rest[:3]),
            rotate=np.array(rest[3:6]),
            scale=np.array(rest[6:]),
            rotate_order=joint.order,
            orient=joint.orient,
            axis=joint.axis,
            compensate=joint.compensate,
        )
        for name, joint, rest in zip(names, joints, rests)
    )
    return made, tuple(channels)


def _unique(names: List[str]) -> List[str]:
    """Names with a number behind those that come again."""
    seen: List[str] = []
    for name in names:
        free: Optional[str] = None
        for number in range(len(names) + 1):
            free = name if not number else "{} {}".format(name, number + 1)
            if free not in seen:
                break
        seen.append(str(free))
    return seen
