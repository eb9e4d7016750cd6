"""The joints of an exported head: itself, the rig's joints below it, what each vertex hangs on. Knows no USD."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facesolve.take.rig_evaluation import RigEvaluator

from .usd_names import unique_names

HEAD = "head"
_SAME = 1e-9


@dataclass(frozen=True, eq=False)
class SkeletonLayout:
    """n joints, parents first, the head first of all. Matrices are for column vectors, centimeters.

    paths: as USD writes them, ``head/neck/jaw``. rest: (n, 4, 4) below the parent at the rig's default controls.
    frames: (F, n, 4, 4) below the parent at every frame, the head's the head transform. bind: (n, 4, 4) in rig space.
    indices, weights: (V, m) what each vertex hangs on, weights add up to what the rig's do.
    """

    paths: tuple[str, ...]
    rest: np.ndarray
    frames: np.ndarray
    bind: np.ndarray
    indices: np.ndarray
    weights: np.ndarray


def skeleton_layout(evaluator: RigEvaluator, controls: np.ndarray, heads: np.ndarray) -> SkeletonLayout:
    """The layout at controls (F, K) and head transforms (F, 4, 4).

    A joint that meshes are bound to in different places gets a further one below it for each: USD knows one bind
    transform a joint.
    """
    rig = evaluator.rig
    if rig.skin is None:
        still = np.eye(4)[None]
        ones = np.ones((rig.vertex_count, 1))
        return SkeletonLayout((HEAD,), still, heads[:, None], still, np.zeros(ones.shape, np.int64), ones)
    parents = [0, *(joint.parent + 1 for joint in rig.joints)]  # the head comes first, and RIG_SPACE is -1
    names = [HEAD, *unique_names([joint.name for joint in rig.joints], (HEAD,))]
    worlds = np.concatenate(
        [
            np.tile(np.eye(4), (1 + len(controls), 1, 1, 1)),
            evaluator.joint_matrices(np.concatenate([rig.default_controls[None], controls])),
        ],
        1,
    )
    binds: dict[int, np.ndarray] = {0: np.eye(4)}
    of_influence = []
    for joint, inverse in zip(rig.skin.joints + 1, rig.skin.inverse_bind, strict=True):
        bind = np.linalg.inv(inverse)
        place = int(joint)
        if place in binds and np.abs(binds[place] - bind).max() > _SAME:
            place = len(parents)  # a further joint, which goes where the first one goes
            parents.append(int(joint))
            names.append(f"{names[joint]}_{place}")
        binds.setdefault(place, bind)
        of_influence.append(place)
    further = len(parents) - worlds.shape[1]
    worlds = np.concatenate([worlds, worlds[:, parents[len(parents) - further :]]], 1)
    local = np.linalg.inv(worlds[:, parents]) @ worlds
    local[1:, 0] = heads
    paths: list[str] = []
    for place, parent in enumerate(parents):
        paths.append(names[place] if not place else f"{paths[parent]}/{names[place]}")
    bind = np.stack([binds.get(place, worlds[0, place]) for place in range(len(parents))])
    influences, weights = rig.skin.padded()
    alone = np.diff(rig.skin.offsets) == 0
    indices = np.array([*of_influence, 0])[np.where(alone[:, None], -1, influences)]
    weights[alone, 0] = 1.0
    return SkeletonLayout(tuple(paths), local[0], local[1:], bind, indices, weights)


def decomposed(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rotation (..., 3, 3) and scale (..., 3) of matrices (..., 4, 4) without shear."""
    scale = np.linalg.norm(matrix[..., :3, :3], axis=-2)
    return matrix[..., :3, :3] / scale[..., None, :], scale
