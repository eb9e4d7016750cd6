"""A mesh's skinCluster: its influences, how they were bound, and the weights of the vertices. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Tuple

import maya.api.OpenMaya as om
import maya.api.OpenMayaAnim as oma
import numpy as np
from maya import cmds

from facesolve_maya.scene.findings import Refusal
from facesolve_maya.scene.motion import world_matrices
from facesolve_maya.scene.plugs import short_name

from .blendshape import members, steady
from .history import Step

_DUAL_QUATERNIONS = (1, 2)  # skinningMethod: all, or blended in by weights; old files have -1 for classic linear
_SAME = 1e-4
_NEARLY_ALL = 0.9  # of a skin's weight, below the joint that is taken for the head


@dataclass(frozen=True, eq=False)
class MeshSkin:
    """I influences of a mesh of V vertices.

    influences: long names of the nodes. bind: (I, 4, 4) row-vector matrices from the mesh's object space to the
    influence's own space where it was bound. weights: (V, I) envelope and set in them; what they lack of 1 stays.
    world: (4, 4) of the mesh, row vectors. linear: whether influences are blended as matrices, not as dual quaternions.
    """

    influences: Tuple[str, ...]
    bind: np.ndarray
    weights: np.ndarray
    world: np.ndarray
    linear: bool = True


def read_skin(step: Step, shape: str, count: int, times: Tuple[float, ...]) -> MeshSkin:
    """The skin of a mesh of ``count`` vertices. Refusal names what a solve could not know."""
    node = step.node
    envelope = steady(node + ".envelope", node, "envelope", times)
    skin = oma.MFnSkinCluster(om.MSelectionList().add(node).getDependNode(0))
    paths = _influences(skin)
    if not paths:
        raise Refusal(node, "this skinCluster has no influences.", "Bind the mesh again.")
    weights = _weights(skin, shape, count)
    weights *= envelope * members(node, step.geometry, count)[:, None]
    geometry = _matrix(node + ".geomMatrix")
    _refuse_moved_mesh(node, shape, geometry, times)
    places = [skin.indexForInfluenceObject(path) for path in paths]  # type: ignore[arg-type]
    bind = [geometry @ _matrix("{}.bindPreMatrix[{}]".format(node, place)) for place in places]
    linear = int(cmds.getAttr(node + ".skinningMethod")) not in _DUAL_QUATERNIONS
    return MeshSkin(tuple(path.fullPathName() for path in paths), np.stack(bind), weights, geometry, linear)


def carrying_joints(node: str, shape: str, count: int) -> Tuple[str, ...]:
    """What may be the head of a mesh of ``count`` vertices on a skinCluster: from the nearest joint that carries nearly
    all of it, up to the top. Long names; none where the skin cannot be read."""
    skin = oma.MFnSkinCluster(om.MSelectionList().add(node).getDependNode(0))
    names = [path.fullPathName() for path in _influences(skin)]
    if not names:
        return ()
    held = _weights(skin, shape, count).sum(axis=0)
    candidate, found = names[int(np.argmax(held))], []
    while candidate:
        below = sum(share for name, share in zip(names, held) if (name + "|").startswith(candidate + "|"))
        if below >= _NEARLY_ALL * held.sum():
            found.append(candidate)
        candidate = candidate.rpartition("|")[0]
    return tuple(found)


def _influences(skin: oma.MFnSkinCluster) -> List[om.MDagPath]:
    found = skin.influenceObjects()
    return [found[index] for index in range(len(found))]


def _weights(skin: oma.MFnSkinCluster, shape: str, count: int) -> np.ndarray:
    """(V, I) as painted."""
    component = om.MFnSingleIndexedComponent()
    everything = component.create(om.MFn.kMeshVertComponent)
    component.setCompleteData(count)
    flat, width = skin.getWeights(om.MSelectionList().add(shape).getDagPath(0), everything)  # type: ignore[call-overload]
    return np.array(flat, np.float64).reshape(count, width)


def _matrix(plug: str) -> np.ndarray:
    value = cmds.getAttr(plug)
    return np.eye(4) if value is None else np.array(value, np.float64).reshape(4, 4)


def _refuse_moved_mesh(node: str, shape: str, geometry: np.ndarray, times: Tuple[float, ...]) -> None:
    """Refusal when the mesh is not where it was bound: joints would carry it, and its own transform once more."""
    some = tuple(sorted({times[0], times[len(times) // 2], times[-1]}))
    apart = np.abs(world_matrices((shape,), some)[shape] - geometry).max()
    if apart > _SAME * max(1.0, float(np.abs(geometry).max())):
        raise Refusal(
            node,
            "the transform of '{}' has moved since the mesh was bound, so that it moves twice.".format(
                short_name(shape)
            ),
            "Turn off Inherits Transform on the mesh, or put its transform back where it was bound.",
        )
