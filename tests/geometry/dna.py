"""MetaHuman DNA for tests: a writer, the values of the format's public sample, and the demo's jointed head as a DNA.

The sample is that of the OpenRigLogic project (MIT license, github.com/EpicGames/OpenRigLogic, tests/dnatests): the
same values, and some of its bytes as they stand there.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from facesolve.demo.head import build_head
from facesolve.demo.jointed import TURNS, build_jointed_rig
from facesolve.demo.shapes import COMBINATION, JAW_ANGLE
from facesolve.geometry.rig_formats.dna_file import (
    Behavior,
    Definition,
    Descriptor,
    Dna,
    DnaMesh,
    DnaShape,
    JointGroup,
)
from facesolve.take import Rig, Shape
from facesolve.take.skeleton import CHANNELS, RIG_SPACE

UPRIGHT = (0, 2, 4)  # left, up, front
LAYERS = ("desc", "defn", "bhvr", "geom")
VERSION_OF_LAYER, VERSION_OF_EXTENSION = 0x00010001, 0x00010000
# of version 2.2 in the public sample, after the name of the sample's parts
DESCRIPTOR_BYTES = (
    "0000000474657374" + "00050002002a" + "00000002"
    "000000056b65792d41" + "0000000776616c75652d41" + "000000056b65792d42" + "0000000776616c75652d42"
    "00010001" + "000100020004" + "00020000" + "0000000141" + "00000006746573744442"
)
FIRST_GROUP_BYTES = (
    "00000002" + "00030003" + "00000007" + "0000000100020003000600070008" + "00000003" + "000200030005" + "00000015"
    "000000003d4ccccd3dcccccd3e19999a3e4ccccd3e8000003e99999a"
    "3eb333333ecccccd3ee666663f0000003f0ccccd3f19999a3f266666"
    "3f3333333f4000003f4ccccd3f59999a3f6666663f7333333f800000"
    "00000001" + "0000"
)
SIZES = {"desc": 0x57, "defn": 0x31A, "bhvr": 0x546, "geom": 0x438}


@dataclass(frozen=True, eq=False)
class Written:
    """What a file is to hold. conditionals: rows that lead from interfaces to controls, which only take place.

    levels: of detail; every level holds what the first one does but ``meshes``, one list for each level.
    """

    descriptor: Descriptor
    definition: Definition
    behavior: Behavior
    meshes: tuple[DnaMesh, ...]
    levels: tuple[tuple[int, ...], ...]
    conditionals: int = 0
    psd_count: int = 0
    metadata: tuple[tuple[str, str], ...] = ()
    extension: bytes | None = None
    group_levels: tuple[tuple[int, ...], ...] = ()
    channel_levels: tuple[int, ...] = ()
    index_levels: tuple[tuple[tuple[int, ...], ...], ...] = ()


def dna_bytes(given: Written, version: tuple[int, int] = (2, 2), further: Sequence[tuple[bytes, bytes]] = ()) -> bytes:
    """The file of a version. further: ids of four letters and contents of layers that are not known."""
    head = b"DNA" + struct.pack(">2H", *version)
    parts = [_descriptor(given), _definition(given), b"".join(_behavior(given))]
    if version == (2, 1):
        places, at = [], len(head) + 8 * 4
        controls, joints, channels, maps = _behavior(given)
        for part in (*parts[:2], b"", controls, joints, channels, maps):
            places.append(at)
            at += len(part)
        geometry = _geometry(given, at)
        table = struct.pack(">8I", *places, at)
        return head + table + b"".join(parts) + geometry + b"AND"
    named = [(id_.encode(), part) for id_, part in zip(LAYERS, (*parts, _geometry(given, None)), strict=True)]
    if given.extension is not None:
        named.append((b"dsce", given.extension))
    named += list(further)
    at = len(head) + 4 + 16 * len(named)
    table = struct.pack(">I", len(named))
    for id_, part in named:
        of_layer = VERSION_OF_EXTENSION if id_ == b"dsce" else VERSION_OF_LAYER
        table += id_ + struct.pack(">3I", of_layer, at, len(part))
        at += len(part)
    return head + table + b"".join(part for _, part in named)


def layer_places(data: bytes) -> dict[str, tuple[int, int]]:
    """Offset and size of each layer, from the index of a file of version 2.2 and later."""
    count = struct.unpack(">I", data[7:11])[0]
    entries = [struct.unpack(">4s3I", data[11 + 16 * i : 27 + 16 * i]) for i in range(count)]
    return {id_.decode(): (at, size) for id_, _, at, size in entries}


def _list(kind: str, values: Any) -> bytes:
    array = np.asarray(values).astype(kind)
    return struct.pack(">I", len(array)) + array.tobytes()


def _text(word: str) -> bytes:
    return struct.pack(">I", len(word.encode())) + word.encode()


def _names(words: Sequence[str]) -> bytes:
    return struct.pack(">I", len(words)) + b"".join(map(_text, words))


def _vectors(values: np.ndarray) -> bytes:
    return b"".join(_list(">f4", column) for column in np.asarray(values).reshape(-1, values.shape[-1]).T)


def _descriptor(given: Written) -> bytes:
    own = given.descriptor
    out = _text(own.name) + struct.pack(">3H", 5, 2, 42) + struct.pack(">I", len(given.metadata))
    out += b"".join(_text(key) + _text(value) for key, value in given.metadata)
    out += struct.pack(">2H", own.meters, own.radians) + struct.pack(">3H", *own.axes)
    return out + struct.pack(">2H", len(given.levels), 0) + _text("A") + _text("testDB")


def _definition(given: Written) -> bytes:
    own = given.definition
    rows: list[Sequence[Sequence[int]]] = list(given.index_levels)
    if not rows:
        everything = [range(len(own.joints)), range(len(own.channels)), ()]
        rows = [[row] * len(given.levels) for row in everything]
    out = b""
    for of_levels in (*rows, given.levels):
        out += _list(">u2", range(len(of_levels))) + struct.pack(">I", len(of_levels))
        out += b"".join(_list(">u2", row) for row in of_levels)
    interface = [f"G{letter}" for letter in "ABCDEFGHI"]
    maps = [f"A{letter}" for letter in "ABCDEFGHIJ"]
    for words in (interface, own.controls, own.joints, own.channels, maps, own.mesh_names):
        out += _names(words)
    pairs = len(own.channels)
    out += _list(">u2", np.repeat(range(3), (3, 4, 2))[:pairs] if pairs == 9 else [0] * pairs)
    out += _list(">u2", range(pairs)) + _list(">u2", own.parents)
    return out + _vectors(own.translations) + _vectors(own.rotations)


def _conditionals(count: int) -> bytes:
    return _list(">u2", [0] * count) * 2 + _list(">f4", [0.0] * count) * 4


def _behavior(given: Written) -> tuple[bytes, bytes, bytes, bytes]:
    own = given.behavior
    controls = struct.pack(">H", given.psd_count) + _conditionals(given.conditionals)
    controls += _list(">u2", own.rows) + _list(">u2", own.columns) + _list(">f4", own.factors)
    joints = struct.pack(">2HI", 9 * len(given.definition.joints), 10, len(own.groups))
    for place, group in enumerate(own.groups):
        levels = given.group_levels[place] if given.group_levels else [len(group.outputs)] * len(given.levels)
        joints += _list(">u2", levels) + _list(">u2", group.inputs) + _list(">u2", group.outputs)
        joints += _list(">f4", group.values.ravel()) + _list(">u2", np.unique(group.outputs // 9))
    levels = given.channel_levels or [len(own.channel_inputs)] * len(given.levels)
    channels = _list(">u2", levels) + _list(">u2", own.channel_inputs) + _list(">u2", own.channel_outputs)
    maps = _list(">u2", (15, 6)[: len(given.levels)]) + _conditionals(given.conditionals)
    return controls, joints, channels, maps


def _geometry(given: Written, at: int | None) -> bytes:
    """at: where the layer begins, for 2.1, whose meshes say where the next one does."""
    out = struct.pack(">I", len(given.meshes))
    for mesh in given.meshes:
        body = _mesh(mesh)
        out += struct.pack(">I", len(body) if at is None else at + len(out) + 4 + len(body)) + body
    return out


def _mesh(mesh: DnaMesh) -> bytes:
    corners = len(mesh.corner_points)
    out = _vectors(mesh.points) + _vectors(mesh.uvs) + _vectors(mesh.points)
    out += _list(">u4", mesh.corner_points) + _list(">u4", mesh.corner_uvs) + _list(">u4", range(corners))
    out += struct.pack(">I", len(mesh.face_counts))
    ends = np.cumsum(mesh.face_counts)
    out += b"".join(_list(">u4", range(end - n, end)) for end, n in zip(ends, mesh.face_counts, strict=True))
    out += struct.pack(">HI", 8, len(mesh.skin_counts))
    ends = np.cumsum(mesh.skin_counts)
    for end, count in zip(ends, mesh.skin_counts, strict=True):
        own = slice(end - count, end)
        out += _list(">f4", mesh.skin_weights[own]) + _list(">u2", mesh.skin_joints[own])
    out += struct.pack(">I", len(mesh.shapes))
    for shape in mesh.shapes:
        out += _vectors(shape.deltas) + _list(">u4", shape.vertices) + struct.pack(">H", shape.channel)
    return out


def _sample_mesh(first: float, channels: dict[int, int], weights: Sequence[float]) -> DnaMesh:
    """channels: how many vertices the shape of each moves."""
    points = np.repeat(np.arange(first, first + 3)[:, None], 3, 1)
    corners = np.arange(3)
    shapes = tuple(DnaShape(channel, corners[:count], points[:count]) for channel, count in channels.items())
    counts = np.array([3, 2, 2])
    return DnaMesh(points, points[:, :2], counts[:1], corners, corners, counts, np.arange(7), np.array(weights), shapes)


def sample() -> Written:
    """The public sample; only its interface's rows to the controls are left at zero."""
    letters = "ABCDEFGHI"
    steps = np.repeat(np.arange(1.0, 10.0)[:, None], 3, 1)
    definition = Definition(
        tuple(f"R{x}" for x in letters),
        tuple(f"J{x}" for x in letters),
        tuple(f"B{x}" for x in letters),
        ("MA", "MB", "MC"),
        (0, 1),
        np.array([0, 0, 0, 1, 1, 4, 2, 4, 2]),
        steps,
        steps,
    )
    third = np.array([0.31, 0.36, 0.42, 0.47, 0.53, 0.58, 0.64, 0.69, 0.75, 0.80, 0.86, 0.91]).reshape(3, 4)
    groups = (
        JointGroup(np.array([0, 1, 2, 3, 6, 7, 8]), np.array([2, 3, 5]), np.arange(21).reshape(3, 7) / 20),
        JointGroup(np.array([3, 4, 7, 8, 9]), np.array([18, 20, 36, 38]), np.arange(1, 21).reshape(4, 5) / 100),
        JointGroup(np.array([4, 5, 8, 9]), np.array([55, 56, 63]), third),
        JointGroup(np.array([2, 5, 6, 8]), np.array([45, 46, 71]), third),
    )
    rows = [8, 8, 8, 9, 9, 10, 10, 10, 11, 12, 13, 13, 13, 14, 14, 15, 16, 18, 18, 18, 18, 19, 19, 20]
    columns = [0, 3, 6, 2, 5, 2, 3, 7, 3, 2, 0, 1, 2, 3, 6, 0, 4, 0, 3, 4, 5, 6, 7, 2]
    factors = [1, 0.9, 0.9, 0.6, 1, 0.8, 0.9, 0.8, 1, 0.3, 1, 0.9, 1, 0.9, 0.5, 0.5, 0.9, 0.7, 0.6, 1, 1, 1, 0.6, 1]
    followed = np.array([0, 1, 2, 3, 6, 7, 8])
    return Written(
        descriptor=Descriptor("test", True, True, (1, 2, 4), "xyz", (1, 1, 1), False),
        definition=definition,
        behavior=Behavior(np.array(rows), np.array(columns), np.array(factors), groups, followed, followed),
        meshes=(
            _sample_mesh(7.0, {2: 3}, (0.7, 0.1, 0.2, 0.5, 0.5, 0.4, 0.6)),
            _sample_mesh(4.0, {2: 3}, (0.4, 0.3, 0.3, 0.8, 0.2, 0.1, 0.9)),
            _sample_mesh(1.0, {2: 3, 3: 2}, (0.1, 0.3, 0.6, 0.3, 0.7, 0.2, 0.8)),
        ),
        levels=((0, 1), (2,)),
        conditionals=15,
        psd_count=12,
        metadata=(("key-A", "value-A"), ("key-B", "value-B")),
        group_levels=((3, 3), (4, 2), (3, 2), (3, 0)),
        channel_levels=(7, 4),
        index_levels=(
            (tuple(range(9)), (0, 1, 2, 3, 6, 8)),
            (tuple(range(9)), (2, 5, 7, 8)),
            (tuple(range(10)), (2, 5, 7, 8)),
        ),
    )


def assert_holds_the_sample(found: Dna, logic: bool = True) -> None:
    """That a file says what the public sample does, whatever its version.

    logic: its products and the channels of its shapes, too.
    """
    expected = sample()
    assert (found.descriptor.meters, found.descriptor.radians, found.descriptor.axes) == (True, True, (1, 2, 4))
    assert found.definition.controls == tuple(["RA", "RB", "RC", "RD", "RE", "RF", "RG", "RH", "RI"])
    assert found.definition.meshes == (0, 1)
    np.testing.assert_array_equal(found.definition.parents, expected.definition.parents)
    np.testing.assert_array_equal(found.definition.rotations, expected.definition.rotations)
    if logic:
        np.testing.assert_array_equal(found.behavior.rows, expected.behavior.rows)
        np.testing.assert_array_equal(found.behavior.columns, expected.behavior.columns)
        np.testing.assert_allclose(found.behavior.factors, expected.behavior.factors, atol=1e-7)
    for group, wanted in zip(found.behavior.groups, expected.behavior.groups, strict=True):
        np.testing.assert_array_equal(group.inputs, wanted.inputs)
        np.testing.assert_array_equal(group.outputs, wanted.outputs)
        np.testing.assert_allclose(group.values, wanted.values, atol=1e-7)
    np.testing.assert_array_equal(found.behavior.channel_inputs, expected.behavior.channel_inputs)
    assert sorted(found.meshes) == list(expected.definition.meshes)
    for index, mesh in found.meshes.items():
        np.testing.assert_array_equal(mesh.points, expected.meshes[index].points)
        np.testing.assert_array_equal(mesh.corner_points, expected.meshes[index].corner_points)
        np.testing.assert_array_equal(mesh.skin_joints, expected.meshes[index].skin_joints)
        np.testing.assert_allclose(mesh.skin_weights, expected.meshes[index].skin_weights, atol=1e-7)
        for shape, wanted_shape in zip(mesh.shapes, expected.meshes[index].shapes, strict=True):
            assert shape.channel == wanted_shape.channel or not logic
            np.testing.assert_array_equal(shape.vertices, wanted_shape.vertices)
            np.testing.assert_array_equal(shape.deltas, wanted_shape.deltas)


class DemoHead:
    """The demo's jointed head as a DNA: each of its turns is one raw control for either direction."""

    def __init__(self) -> None:
        self.rig = build_jointed_rig(build_head())
        turned = {turn.control for turn in TURNS}
        self.shapes = [control.name for control in self.rig.controls if control.name not in turned]
        self.sides = [(turn, limit) for turn in TURNS for limit in (turn.minimum, turn.maximum) if limit]
        self.names = (
            *self.shapes,
            *(f"{turn.control}_{'plus' if limit > 0 else 'minus'}" for turn, limit in self.sides),
        )
        self.written = self._written()

    def raw(self, controls: np.ndarray) -> np.ndarray:
        """(F, raw) of the rig's controls (F, K)."""
        of = {name: column for name, column in zip(self.rig.control_names, controls.T, strict=True)}
        sides = [np.clip(of[turn.control] / limit, 0.0, 1.0) for turn, limit in self.sides]
        return np.stack([*(of[name] for name in self.shapes), *sides], 1)

    def back(self, raw: np.ndarray, names: Sequence[str]) -> np.ndarray:
        """(F, K) the rig's controls of raw ones (F, n) called ``names``."""
        of = {name: column for name, column in zip(names, raw.T, strict=True)}
        out = np.zeros((len(raw), len(self.rig.controls)))
        for name in self.shapes:
            out[:, self.rig.control_names.index(name)] = of[name]
        for (turn, limit), name in zip(self.sides, self.names[len(self.shapes) :], strict=True):
            out[:, self.rig.control_names.index(turn.control)] += limit * of[name]
        return out

    def _written(self) -> Written:
        rig, raw_count = self.rig, len(self.names)
        products, moved = self._products(), self._moved()
        follows = [source if isinstance(source, int) else self.names.index(source) for source, _, _ in moved.values()]
        groups = []
        for place, (turn, limit) in enumerate(self.sides, len(self.shapes)):
            joint = next(index for index, joint in enumerate(rig.joints) if joint.name == turn.joint)
            output = 9 * joint + CHANNELS.index(turn.attribute)
            groups.append(JointGroup(np.array([place]), np.array([output]), np.array([[limit]])))
        joints = len(rig.joints)
        parents = [index if joint.parent == RIG_SPACE else joint.parent for index, joint in enumerate(rig.joints)]
        rows = [(raw_count + row, column, factor) for row, entries in enumerate(products) for column, factor in entries]
        behavior = Behavior(
            *(np.array(column) for column in zip(*rows, strict=True)),
            tuple(groups),
            np.array(follows),
            np.arange(len(moved)),
        )
        definition = Definition(
            self.names,
            (*(joint.name for joint in rig.joints), "shoulders"),
            tuple(moved),
            tuple(mesh.name for mesh in rig.meshes),
            tuple(range(len(rig.meshes))),
            np.array([*parents, joints]),  # shoulders hang on a joint that stands still
            np.array([*(joint.translate for joint in rig.joints), np.zeros(3)]),
            np.zeros((joints + 1, 3)),
        )
        descriptor = Descriptor("demo", False, False, UPRIGHT, "xyz", (1, 1, 1), False)
        meshes = _meshes(rig, joints, [(vertices, deltas) for _, vertices, deltas in moved.values()])
        levels = (tuple(range(len(rig.meshes))),)
        return Written(descriptor, definition, behavior, meshes, levels, psd_count=len(products))

    def _products(self) -> list[list[tuple[int, float]]]:
        """Inputs and factors: jaw and pucker, jaw and funnel, then what caps a control where its in-between is."""
        jaw, opening = self.names.index("jaw_open_plus"), TURNS[0].maximum / float(np.degrees(JAW_ANGLE))
        with_jaw = [[(jaw, opening), (self.names.index(name), 1.0)] for name in ("mouthPucker", "mouthFunnel")]
        between = [(t.name, t.shapes[0].weight) for t in self.rig.targets if len(t.shapes) > 1]
        return [*with_jaw, *([(self.names.index(name), 1.0 / weight)] for name, weight in between)]

    def _moved(self) -> dict[str, tuple[str | int, np.ndarray, np.ndarray]]:
        """By channel: the control or the index of the input that it follows, and the vertices that it moves.

        A target with an in-between is two channels: one follows the control, one the control over the in-between's
        weight, which a DNA caps at 1.
        """
        count = len(self.names)
        capped = count + 2
        moved: dict[str, tuple[str | int, np.ndarray, np.ndarray]] = {}
        for target in self.rig.targets:
            if len(target.shapes) == 1:
                shape = target.shapes[0]
                moved[target.name] = (
                    count if target.name == COMBINATION else target.name,
                    shape.vertices,
                    shape.deltas,
                )
                continue
            knee = target.shapes[0].weight
            half, full = (self._dense(shape) for shape in target.shapes)
            every = np.flatnonzero(np.abs(half).max(1) + np.abs(full).max(1))
            onward = (full - half) / (1 - knee)
            moved[target.name] = (target.name, every, onward[every])
            moved[f"{target.name}_capped"] = (capped, every, (half - knee * onward)[every])
            capped += 1
        lower = next(target for target in self.rig.targets if target.name == "mouthLowerDown").shapes[0]
        moved["mouthLowerDown_funnel"] = (count + 1, lower.vertices, 0.4 * lower.deltas)
        return moved

    def _dense(self, shape: Shape) -> np.ndarray:
        out = np.zeros((self.rig.vertex_count, 3))
        out[shape.vertices] = shape.deltas
        return out


def _meshes(rig: Rig, still: int, shapes: list[tuple[np.ndarray, np.ndarray]]) -> tuple[DnaMesh, ...]:
    """The rig's meshes with the vertices and offsets of each channel. still: the joint of what does not move."""
    assert rig.skin is not None
    joint_of = np.where(rig.skin.joints == RIG_SPACE, still, rig.skin.joints)
    ends = np.concatenate([[0], np.cumsum(rig.face_counts)])
    meshes, vertex, polygon = [], 0, 0
    for mesh in rig.meshes:
        vertices = range(vertex, vertex + mesh.vertex_count)
        corners = slice(ends[polygon], ends[polygon + mesh.face_count])
        rows = slice(rig.skin.offsets[vertices.start], rig.skin.offsets[vertices.stop])
        own = []
        for channel, (moved, deltas) in enumerate(shapes):
            inside = (moved >= vertices.start) & (moved < vertices.stop)
            if inside.any():
                own.append(DnaShape(channel, moved[inside] - vertices.start, deltas[inside]))
        used, uvs = np.unique(rig.face_uvs[corners], return_inverse=True)
        meshes.append(
            DnaMesh(
                rig.neutral[vertices.start : vertices.stop],
                rig.uvs[used],
                rig.face_counts[polygon : polygon + mesh.face_count],
                rig.face_vertices[corners] - vertices.start,
                uvs,
                np.diff(rig.skin.offsets)[vertices.start : vertices.stop],
                joint_of[rig.skin.influences[rows]],
                rig.skin.weights[rows],
                tuple(own),
            )
        )
        vertex, polygon = vertices.stop, polygon + mesh.face_count
    return tuple(meshes)


def with_axes(given: Written, axes: tuple[int, int, int]) -> Written:
    """The file as it stands, said to have other axes."""
    return replace(given, descriptor=replace(given.descriptor, axes=axes))
