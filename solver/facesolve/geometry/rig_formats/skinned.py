"""What USD and glTF have in common: meshes with morph targets on a skeleton -> a rig. Knows neither format.

These formats hold shapes and joints but no rig: every target becomes a control, and so do the turns of joints that are
called a jaw or an eye.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from facesolve.take import Combination, Control, Driver, Mesh, Rig, Shape, TakeError, Target
from facesolve.take.rig_logic import CHANNEL, CONTROL, Port, Response
from facesolve.take.skeleton import RIG_SPACE, Channel, Joint, Skin

JAW, EYE = 30.0, 40.0  # degrees about each axis
_NOT_EYES = {"lid", "lids", "brow", "brows", "lash", "lashes", "socket", "corner"}
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_SHEARED = 1e-4  # of a joint's axes: cosine between two of them
_FLAT = 1e-12  # determinant of a matrix that cannot be undone


@dataclass(frozen=True, eq=False)
class Bone:
    """A joint. parent: of an earlier bone, or RIG_SPACE. local: (4, 4) below the parent at rest, centimeters."""

    name: str
    parent: int
    local: np.ndarray


@dataclass(frozen=True, eq=False)
class Morph:
    """Shapes of one target on one mesh: at each weight the offsets (n, 3) of vertices (n,), in the mesh's space."""

    name: str
    shapes: tuple[tuple[float, np.ndarray, np.ndarray], ...]


@dataclass(frozen=True, eq=False)
class Part:
    """A mesh in a space of its own, centimeters.

    points: (V, 3). face_counts: (P,); corners: (sum,) vertex of each corner. uvs: (T, 2), corner_uvs: (sum,) or empty.
    influences: (V, m) into ``bones``, weights: (V, m). inverse_bind: (I, 4, 4) from the mesh's space to that of each
    bone ``bones`` (I,), which are indices of bones.
    """

    name: str
    points: np.ndarray
    face_counts: np.ndarray
    corners: np.ndarray
    uvs: np.ndarray
    corner_uvs: np.ndarray
    bones: np.ndarray
    inverse_bind: np.ndarray
    influences: np.ndarray
    weights: np.ndarray
    morphs: tuple[Morph, ...] = ()


@dataclass
class SkinnedScene:
    """Parts and bones. combinations: of targets by name, their method and the names that drive them."""

    parts: list[Part]
    bones: list[Bone]
    combinations: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)


def skinned_rig(scene: SkinnedScene, where: str, tell: Callable[[str], None]) -> Rig:
    """The rig of a scene; rig space is that of the bones without parents. TakeError for what cannot be one."""
    if not scene.parts:
        raise TakeError(f"{where} holds no mesh of polygons; export the meshes of the head.")
    joints = tuple(_joint(bone, where) for bone in _distinct(scene.bones))
    placed = [_Placed(part, _worlds(scene.bones)) for part in scene.parts]
    targets, combinations = _targets(placed, scene.combinations)
    turning = _turning(joints)
    combined = {combination.target for combination in combinations}
    free = [index for index in range(len(targets)) if index not in combined]
    controls = [Control(targets[index].name) for index in free]
    channels = tuple(Channel(joint, f"rotate{axis}") for joint, _ in turning for axis in "XYZ")
    names = {control.name for control in controls}
    for channel, limit in zip(channels, np.repeat([limit for _, limit in turning], 3).tolist(), strict=True):
        name = f"{joints[channel.joint].name}.{channel.attribute}"
        if name in names:
            raise TakeError(f"{where}: a blend shape and a joint's turn are both called '{name}'; rename one.")
        controls.append(Control(name, -limit, limit))
    if not controls:
        raise TakeError(
            f"{where} holds neither a blend shape nor a joint that is called a jaw or an eye; "
            "export blend shapes, or name the joints so."
        )
    if turning:
        listed = ", ".join(f"'{joints[joint].name}'" for joint, _ in turning)
        tell(f"{where}: the turns of {listed} are controls, in degrees about each axis.")
    firsts = np.cumsum([0, *(len(part.points) for part in placed)])
    uvs, face_uvs = _uvs(scene.parts)
    return Rig(
        neutral=np.concatenate([part.points for part in placed]),
        face_counts=np.concatenate([part.face_counts for part in scene.parts]),
        face_vertices=np.concatenate([p.corners + first for p, first in zip(scene.parts, firsts, strict=False)]),
        uvs=uvs,
        face_uvs=face_uvs,
        targets=targets,
        controls=tuple(controls),
        drivers=tuple(Driver.identity(place, index) for place, index in enumerate(free)),
        combinations=combinations,
        meshes=tuple(Mesh(part.name, len(part.points), len(part.face_counts)) for part in scene.parts),
        joints=joints,
        channels=channels,
        responses=tuple(
            Response.linear(Port(CHANNEL, place), Port(CONTROL, len(free) + place), 1.0)
            for place in range(len(channels))
        ),
        skin=_skin(placed),
    )


class _Placed:
    """A part in rig space at rest: where the bone that carries most of it takes it."""

    def __init__(self, part: Part, worlds: np.ndarray) -> None:
        self.part = part
        carried = worlds[part.bones] @ part.inverse_bind if len(part.bones) else np.zeros((0, 4, 4))
        shares = np.bincount(part.influences.ravel(), part.weights.ravel(), len(part.bones))
        self._to_rig = carried[int(shares.argmax())] if len(shares) and shares.max() > 0 else np.eye(4)
        if abs(np.linalg.det(self._to_rig)) < _FLAT:
            self._to_rig = np.eye(4)
        self.points = part.points @ self._to_rig[:3, :3].T + self._to_rig[:3, 3]
        self.inverse_bind = part.inverse_bind @ np.linalg.inv(self._to_rig)

    def turned(self, deltas: np.ndarray) -> np.ndarray:
        """Offsets (n, 3) of the part in rig space."""
        return deltas @ self._to_rig[:3, :3].T


def _worlds(bones: Sequence[Bone]) -> np.ndarray:
    """(J, 4, 4) bones in rig space at rest."""
    worlds = np.zeros((len(bones), 4, 4))
    for index, bone in enumerate(bones):
        worlds[index] = bone.local if bone.parent == RIG_SPACE else worlds[bone.parent] @ bone.local
    return worlds


def _distinct(bones: Sequence[Bone]) -> list[Bone]:
    """Bones with names of their own: files name them by their place in the hierarchy."""
    known: set[str] = set()
    found = []
    for index, bone in enumerate(bones):
        name = bone.name if bone.name and bone.name not in known else f"{bone.name}_{index}"
        known.add(name)
        found.append(Bone(name, bone.parent, bone.local))
    return found


def _joint(bone: Bone, where: str) -> Joint:
    """The joint with the bone's rest as orientation, so that its channels turn it about its own axes."""
    axes = bone.local[:3, :3]
    scale = np.linalg.norm(axes, axis=0)
    if not np.isfinite(bone.local).all() or scale.min() < _FLAT:
        raise TakeError(f"{where}: joint '{bone.name}' has no extent along an axis; give it a scale other than 0.")
    turn = axes / scale
    if np.abs(turn.T @ turn - np.eye(3)).max() > _SHEARED:
        raise TakeError(
            f"{where}: joint '{bone.name}' is sheared, which the rig model does not know; freeze the shear."
        )
    return Joint(bone.name, bone.parent, bone.local[:3, 3], scale=scale, orient=turn)


def _turning(joints: Sequence[Joint]) -> list[tuple[int, float]]:
    """Joints that are called a jaw or an eye, and how far they may turn."""
    found = []
    for index, joint in enumerate(joints):
        words = {word.lower() for word in _WORDS.findall(joint.name)}
        if "jaw" in words:
            found.append((index, JAW))
        elif words & {"eye", "eyeball"} and not words & _NOT_EYES:
            found.append((index, EYE))
    return found


def _targets(
    placed: Sequence[_Placed], combinations: dict[str, tuple[str, tuple[str, ...]]]
) -> tuple[tuple[Target, ...], tuple[Combination, ...]]:
    """Targets by name over all parts, and the combinations of which all drivers are there."""
    shapes: dict[str, dict[float, list[tuple[np.ndarray, np.ndarray]]]] = {}
    first = 0
    for part in placed:
        for morph in part.part.morphs:
            own = shapes.setdefault(morph.name, {})
            for weight, vertices, deltas in morph.shapes:
                own.setdefault(weight, []).append((vertices + first, part.turned(deltas)))
        first += len(part.points)
    targets = []
    for name, by_weight in shapes.items():
        made = [
            Shape(
                weight,
                np.concatenate([vertices for vertices, _ in found]).astype(np.int32),
                np.concatenate([deltas for _, deltas in found]),
            )
            for weight, found in sorted(by_weight.items())
        ]
        targets.append(Target(name, tuple(made)))
    place = {target.name: index for index, target in enumerate(targets)}
    known = tuple(
        Combination(place[name], tuple(place[driver] for driver in drivers), method)
        for name, (method, drivers) in combinations.items()
        if name in place and all(driver in place for driver in drivers)
    )
    return tuple(targets), known


def _uvs(parts: Sequence[Part]) -> tuple[np.ndarray, np.ndarray]:
    """UVs of all parts and those of each corner, or none where a part has none."""
    if not all(len(part.corner_uvs) for part in parts):
        return np.zeros((0, 2)), np.zeros(0, np.int64)
    firsts = np.cumsum([0, *(len(part.uvs) for part in parts)])
    of_corners = [part.corner_uvs + first for part, first in zip(parts, firsts, strict=False)]
    return np.concatenate([part.uvs for part in parts]), np.concatenate(of_corners)


def _skin(placed: Sequence[_Placed]) -> Skin | None:
    """The skin of all parts; None where no vertex hangs on a bone."""
    bones, inverse_bind, influences, weights, counts, first = [], [], [], [], [], 0
    for part in placed:
        own = part.part
        used = own.weights != 0
        counts.append(used.sum(1) if own.weights.size else np.zeros(len(own.points), np.int64))
        influences.append(own.influences[used] + first)
        weights.append(own.weights[used])
        bones.append(own.bones)
        inverse_bind.append(part.inverse_bind)
        first += len(own.bones)
    if not sum(len(weight) for weight in weights):
        return None
    return Skin(
        joints=np.concatenate(bones),
        inverse_bind=np.concatenate(inverse_bind),
        offsets=np.concatenate([[0], np.cumsum(np.concatenate(counts))]),
        influences=np.concatenate(influences),
        weights=np.concatenate(weights),
    )


def reversed_corners(counts: np.ndarray) -> np.ndarray:
    """(sum of the counts,) places of all corners, each polygon from its last corner to its first."""
    ends = np.cumsum(counts)
    starts = np.repeat(ends - counts, counts)
    return starts + np.repeat(ends, counts) - 1 - np.arange(int(ends[-1]) if len(ends) else 0)
