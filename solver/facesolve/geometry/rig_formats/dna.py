"""MetaHuman DNA as a rig: raw controls, their capped products, joint groups, blend shapes and skin. Knows no bytes.

The rules are those of the OpenRigLogic project's design document: a product of inputs is a further input, at most 1;
joint groups are dense blocks of factors on inputs, added to the joints at rest; a blend shape channel follows an input.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from facesolve.take import Control, Mesh, Rig, Shape, TakeError, Target
from facesolve.take.reading import about
from facesolve.take.rig_logic import CHANNEL, CONTROL, SIGNAL, TARGET, Port, Response
from facesolve.take.skeleton import CHANNELS, RIG_SPACE, Channel, Joint, Skin
from facesolve.take.skinning import euler_rotations, joint_matrices

from .dna_file import Dna, DnaMesh, read_dna_file
from .skinned import reversed_corners

_ATTRIBUTES = len(CHANNELS)
_METERS = 100.0
_DIRECTIONS = (
    (1, 0, 0),
    (-1, 0, 0),
    (0, 1, 0),
    (0, -1, 0),
    (0, 0, 1),
    (0, 0, -1),
)  # left, right, up, down, front, back
_SEE_THROUGH = ("eyeshell", "eyelashes", "eyeedge", "saliva", "cartilage")  # meshes of a MetaHuman's head


def read_dna(path: Path, tell: Callable[[str], None]) -> Rig:
    """The rig of a DNA file at its finest level of detail; its controls are the raw controls, 0 to 1.

    Files whose axes are right-handed with y up keep their numbers; others are turned to x left, y up, z front.
    tell: called with a sentence for each kind of thing that is left out. Raises TakeError.
    """
    dna = read_dna_file(path)
    try:
        return _Built(dna, f"rig: '{path}'", tell).rig()
    except TakeError as error:
        raise about(path, error) from None


class _Built:
    """A rig in the making: indices of the file, and what became of them."""

    def __init__(self, dna: Dna, where: str, tell: Callable[[str], None]) -> None:
        self._dna, self._where, self._tell = dna, where, tell
        self._scale = _METERS if dna.descriptor.meters else 1.0
        self._basis = _basis(dna, where)
        self._chosen = self._visible()
        self._firsts = np.cumsum([0, *(len(mesh.points) for mesh in self._chosen.values())])
        self._signals: list[str] = []
        self._responses: list[Response] = []
        self._unread: set[int] = set()

    def rig(self) -> Rig:
        """The rig. Raises TakeError where the file's parts do not fit together."""
        ports = self._inputs()
        joints, places = self._joints()
        channels = self._channels(ports, joints, places)
        targets = self._follow_channels(ports, self._shapes())
        if self._unread:
            self._tell(
                f"{self._where}: {len(self._unread)} inputs come from poses of the body or from machine learning, "
                f"which are not read; what follows them stays at rest."
            )
        controls, responses = self._used_controls()
        points = np.concatenate([mesh.points for mesh in self._chosen.values()])
        faces, counts, uvs, face_uvs = self._faces()
        return Rig(
            neutral=self._scale * points @ self._basis.T,
            face_counts=counts,
            face_vertices=faces,
            uvs=uvs,
            face_uvs=face_uvs,
            targets=targets,
            controls=controls,
            drivers=(),
            meshes=self._named_meshes(),
            joints=joints,
            channels=channels,
            signals=tuple(self._signals),
            responses=responses,
            skin=self._skin(joints, places),
        )

    def _visible(self) -> dict[str, DnaMesh]:
        """The meshes by name, without those that are seen through."""
        named = {self._dna.definition.mesh_names[index]: mesh for index, mesh in self._dna.meshes.items()}
        clear = [name for name in named if any(word in name.lower() for word in _SEE_THROUGH)]
        if clear:
            self._tell(f"{self._where}: left out, because a camera sees through them: {', '.join(clear)}.")
        kept = {name: mesh for name, mesh in named.items() if name not in clear and len(mesh.points)}
        if not kept:
            raise TakeError(f"{self._where} holds no mesh; write it with its geometry.")
        return kept

    def _named_meshes(self) -> tuple[Mesh, ...]:
        return tuple(Mesh(name, len(mesh.points), len(mesh.face_counts)) for name, mesh in self._chosen.items())

    def _inputs(self) -> dict[int, Port]:
        """What each input of the file is: a control, or a signal that holds a product, after the products it reads."""
        behavior, count = self._dna.behavior, len(self._dna.definition.controls)
        ports = {index: Port(CONTROL, index) for index in range(count)}
        entries: dict[int, list[int]] = {}
        for place, row in enumerate(behavior.rows.tolist()):
            entries.setdefault(row, []).append(place)
        waiting = {row: behavior.columns[places].tolist() for row, places in entries.items() if row >= count}
        while waiting:
            ready = [row for row, reads in waiting.items() if all(read not in waiting for read in reads)]
            if not ready:
                raise TakeError(f"{self._where}: products of controls depend on each other in a circle.")
            for row in ready:
                reads = waiting.pop(row)
                self._unread |= {read for read in reads if read not in ports}
                if all(read in ports for read in reads):
                    factor = float(behavior.factors[entries[row]].prod())
                    ports[row] = self._capped([ports[read] for read in reads], factor, row)
                else:
                    self._unread.add(row)
        return ports

    def _capped(self, inputs: list[Port], factor: float, row: int) -> Port:
        """A signal that is the product of inputs between 0 and 1, times a factor, and at most 1."""
        product = Port(SIGNAL, len(self._signals))
        self._signals.append(f"input {row}")
        self._responses.append(Response.product(product, inputs, factor))
        if factor <= 1.0:
            return product
        capped = Port(SIGNAL, len(self._signals))
        self._signals.append(f"input {row} capped")
        self._responses.append(Response.curve(capped, product, (0.0, 1.0, 2.0), (0.0, 1.0, 1.0)))
        return capped

    def _shapes(self) -> dict[int, list[Shape]]:
        """Per channel the shape that it adds over all meshes together, as far as it adds any."""
        parts: dict[int, list[tuple[np.ndarray, np.ndarray]]] = {}
        for first, mesh in zip(self._firsts, self._chosen.values(), strict=False):
            for shape in mesh.shapes:
                if len(shape.vertices):
                    parts.setdefault(shape.channel, []).append((shape.vertices + first, shape.deltas))
        shapes = {}
        for channel, found in parts.items():
            deltas = self._scale * np.concatenate([deltas for _, deltas in found]) @ self._basis.T
            shapes[channel] = [Shape(1.0, np.concatenate([vertices for vertices, _ in found]).astype(np.int32), deltas)]
        return shapes

    def _follow_channels(self, ports: dict[int, Port], shapes: dict[int, list[Shape]]) -> tuple[Target, ...]:
        """Targets of the channels that follow an input which is read, and the responses that say so."""
        names, behavior = self._dna.definition.channels, self._dna.behavior
        followed = dict(zip(behavior.channel_outputs.tolist(), behavior.channel_inputs.tolist(), strict=True))
        targets: list[Target] = []
        for channel, own in sorted(shapes.items()):
            if channel >= len(names):
                raise TakeError(f"{self._where}: a blend shape is of channel {channel}, which has no name.")
            if channel not in followed:
                continue
            if followed[channel] not in ports:
                self._unread.add(followed[channel])
                continue
            output = Port(TARGET, len(targets))
            self._responses.append(Response.weighted(output, (ports[followed[channel]],), (1.0,)))
            targets.append(Target(names[channel], tuple(own)))
        return tuple(targets)

    def _joints(self) -> tuple[tuple[Joint, ...], dict[int, int]]:
        """The joints that carry vertices and those above them, parents first, and the place of each by its index."""
        definition, descriptor = self._dna.definition, self._dna.descriptor
        parents = definition.parents.tolist()
        needed: set[int] = set()
        for mesh in self._chosen.values():
            if len(mesh.skin_joints) and mesh.skin_joints.max() >= len(parents):
                raise TakeError(f"{self._where}: the skin uses a joint that the file does not have.")
            for joint in np.unique(mesh.skin_joints).tolist():
                while joint not in needed:
                    needed.add(joint)
                    joint = parents[joint]
        degrees = np.degrees(definition.rotations) if descriptor.radians else definition.rotations
        orients = euler_rotations(degrees * descriptor.signs, descriptor.rotate_order)
        joints: list[Joint] = []
        places: dict[int, int] = {}
        left = sorted(needed)
        while left:
            ready = [joint for joint in left if parents[joint] == joint or parents[joint] in places]
            if not ready:
                raise TakeError(f"{self._where}: its joints are below each other in a circle.")
            for joint in ready:
                places[joint] = len(joints)
                root = parents[joint] == joint
                turn = self._basis if root else np.eye(3)
                joints.append(
                    Joint(
                        name=definition.joints[joint],
                        parent=RIG_SPACE if root else places[parents[joint]],
                        translate=turn @ (self._scale * definition.translations[joint]),
                        rotate_order=descriptor.rotate_order,
                        orient=turn @ orients[joint],
                    )
                )
            left = [joint for joint in left if joint not in places]
        return tuple(joints), places

    def _channels(
        self, ports: dict[int, Port], joints: tuple[Joint, ...], places: dict[int, int]
    ) -> tuple[Channel, ...]:
        """The channels that joint groups move, and the responses that move them."""
        found: dict[Channel, int] = {}
        for group in self._dna.behavior.groups:
            known = np.array([index in ports for index in group.inputs.tolist()], bool)
            self._unread |= set(group.inputs[~known].tolist()) if len(known) else set()
            for output, values in zip(group.outputs.tolist(), group.values, strict=True):
                joint, attribute = divmod(output, _ATTRIBUTES)
                used = np.flatnonzero(known & (values != 0.0))
                if joint not in places or not len(used):
                    continue
                inputs = [ports[index] for index in group.inputs[used].tolist()]
                factors = values[used] * self._unit(attribute)
                for name, share in self._directions(joints[places[joint]], attribute):
                    channel = Channel(places[joint], name)
                    port = Port(CHANNEL, found.setdefault(channel, len(found)))
                    self._responses.append(Response.weighted(port, inputs, share * factors))
        return tuple(found)

    def _unit(self, attribute: int) -> float:
        """What a number of the file is in ours: centimeters, degrees, a factor."""
        if attribute < 3:
            return self._scale
        if attribute < 6:
            radians = self._dna.descriptor.radians
            return float(np.degrees(1.0) if radians else 1.0) * self._dna.descriptor.signs[attribute - 3]
        return 1.0

    def _directions(self, joint: Joint, attribute: int) -> list[tuple[str, float]]:
        """Our channels that one of the file is: a root moves along the file's axes, which may not be ours."""
        if attribute >= 3 or joint.parent != RIG_SPACE:
            return [(CHANNELS[attribute], 1.0)]
        return [(CHANNELS[axis], float(share)) for axis, share in enumerate(self._basis[:, attribute]) if share]

    def _used_controls(self) -> tuple[tuple[Control, ...], tuple[Response, ...]]:
        """The controls that move anything, and the responses that do, reading them by their new places."""
        names = self._dna.definition.controls
        needed: list[Response] = []
        ports: set[Port] = set()
        for response in reversed(self._responses):
            if response.output.kind != SIGNAL or response.output in ports:
                needed.append(response)
                ports.update(response.inputs)
        read = {port.index for port in ports if port.kind == CONTROL}
        kept = {index: place for place, index in enumerate(sorted(read))}
        if not kept:
            raise TakeError(f"{self._where}: no control moves anything; write it with its behavior.")
        renamed: dict[Port, Port] = {}

        def moved(port: Port) -> Port:
            if port.kind != CONTROL:
                return port
            return renamed.setdefault(port, Port(CONTROL, kept[port.index]))

        responses = tuple(
            Response(r.output, tuple(map(moved, r.inputs)), r.values, r.axes, r.method) for r in reversed(needed)
        )
        return tuple(Control(names[index]) for index in kept), responses

    def _faces(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Polygons of all meshes with their UVs, wound so that their normals point outward in our axes."""
        turned = self._dna.descriptor.clockwise != (np.linalg.det(self._basis) < 0)
        faces, counts, uvs, face_uvs, first_uv = [], [], [], [], 0
        for first, mesh in zip(self._firsts, self._chosen.values(), strict=False):
            order = reversed_corners(mesh.face_counts) if turned else slice(None)
            faces.append(mesh.corner_points[order] + first)
            face_uvs.append(mesh.corner_uvs[order] + first_uv)
            counts.append(mesh.face_counts)
            uvs.append(mesh.uvs)
            first_uv += len(mesh.uvs)
        has_uvs = all(len(mesh.uvs) for mesh in self._chosen.values())
        none = np.zeros(0, np.int32)
        return (
            np.concatenate(faces),
            np.concatenate(counts),
            np.concatenate(uvs) if has_uvs else np.zeros((0, 2), np.float32),
            np.concatenate(face_uvs) if has_uvs else none,
        )

    def _skin(self, joints: tuple[Joint, ...], places: dict[int, int]) -> Skin | None:
        """The skin, bound where the joints are at rest; None where no vertex hangs on a joint."""
        counts = [
            mesh.skin_counts if len(mesh.skin_counts) else np.zeros(len(mesh.points), np.int64)
            for mesh in self._chosen.values()
        ]
        influences = np.concatenate([mesh.skin_joints for mesh in self._chosen.values()])
        if not len(influences):
            return None
        lookup = np.zeros(max(places) + 1, np.int64)
        lookup[list(places)] = list(places.values())
        rest = joint_matrices(joints, (), np.zeros((1, 0)))[0]
        return Skin(
            joints=np.arange(len(joints)),
            inverse_bind=np.linalg.inv(rest),
            offsets=np.concatenate([[0], np.cumsum(np.concatenate(counts))]),
            influences=lookup[influences],
            weights=np.concatenate([mesh.skin_weights for mesh in self._chosen.values()]),
        )


def _basis(dna: Dna, where: str) -> np.ndarray:
    """(3, 3) from the file's axes to ours: nothing for right-handed axes with y up."""
    if any(not 0 <= axis < len(_DIRECTIONS) for axis in dna.descriptor.axes):
        raise TakeError(f"{where}: its axes are {dna.descriptor.axes}, expected directions from 0 to 5.")
    basis = np.array([_DIRECTIONS[axis] for axis in dna.descriptor.axes], np.float64).T
    handed = np.linalg.det(basis)
    if abs(handed) < 0.5:
        raise TakeError(f"{where}: two of its axes point the same way.")
    upright = dna.descriptor.axes[1] == 2
    return np.eye(3) if handed > 0 and upright else basis
