"""MetaHuman DNA: bytes -> what the layers of a file say, checked against its size. Knows no rig.

Versions 2.1 to 2.8, as the format is documented with the OpenRigLogic project: big-endian numbers, 32-bit floats, and
lists behind their length. Layers for bodies and machine learning are passed over.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facesolve.take import TakeError
from facesolve.take.checks import MOST_CORNERS, MOST_SHAPES, MOST_VERTICES
from facesolve.take.reading import read_bytes

LARGEST = 2 << 30  # bytes of a file; heads with machine learning come to some hundred megabytes
GENERATION = 2
_LAYER_VERSIONS = {"desc": (1, 1), "defn": (1, 1), "bhvr": (1, 1), "geom": (1, 1), "dsce": (1, 0)}
_SECTIONS = ("desc", "defn", "bhvr", "controls", "joints", "channels", "maps", "geom")  # of 2.1, in their order
_SEQUENCES = ("xyz", "xzy", "yxz", "yzx", "zxy", "zyx")


@dataclass(frozen=True, eq=False)
class Descriptor:
    """Units and axes. axes: directions of x, y and z, 0 left, 1 right, 2 up, 3 down, 4 front, 5 back."""

    name: str
    meters: bool
    radians: bool
    axes: tuple[int, int, int]
    rotate_order: str  # the axis named first turns first
    signs: tuple[int, int, int]  # of the three angles, 1 or -1
    clockwise: bool


@dataclass(frozen=True, eq=False)
class Definition:
    """Names and the joints at rest: ``parents`` (J,) of which a root's is itself, ``translations`` and ``rotations``
    (J, 3) in the file's units. meshes: indices of the meshes of the finest level, ``mesh_names`` of all."""

    controls: tuple[str, ...]
    joints: tuple[str, ...]
    channels: tuple[str, ...]
    mesh_names: tuple[str, ...]
    meshes: tuple[int, ...]
    parents: np.ndarray
    translations: np.ndarray
    rotations: np.ndarray


@dataclass(frozen=True, eq=False)
class JointGroup:
    """A dense block: what ``inputs`` (n,), times ``values`` (m, n), add to the joints' ``outputs`` (m,), each nine
    times the joint's index and the place of the number: translation, rotation, scale."""

    inputs: np.ndarray
    outputs: np.ndarray
    values: np.ndarray


@dataclass(frozen=True, eq=False)
class Behavior:
    """Products ``rows`` (n,) of ``columns`` (n,) and ``factors`` (n,), joint groups, and which input each blend shape
    channel follows: ``channel_inputs`` and ``channel_outputs`` (c,)."""

    rows: np.ndarray
    columns: np.ndarray
    factors: np.ndarray
    groups: tuple[JointGroup, ...]
    channel_inputs: np.ndarray
    channel_outputs: np.ndarray


@dataclass(frozen=True, eq=False)
class DnaShape:
    """Offsets (n, 3) of ``vertices`` (n,) that blend shape ``channel`` adds."""

    channel: int
    vertices: np.ndarray
    deltas: np.ndarray


@dataclass(frozen=True, eq=False)
class DnaMesh:
    """``points`` (V, 3), ``uvs`` (T, 2), polygons of corners with ``corner_points`` and ``corner_uvs``, and the skin:
    ``skin_counts`` (V,) rows of ``skin_joints`` and ``skin_weights`` that belong to each vertex."""

    points: np.ndarray
    uvs: np.ndarray
    face_counts: np.ndarray
    corner_points: np.ndarray
    corner_uvs: np.ndarray
    skin_counts: np.ndarray
    skin_joints: np.ndarray
    skin_weights: np.ndarray
    shapes: tuple[DnaShape, ...]


@dataclass(frozen=True, eq=False)
class Dna:
    """The layers that make a rig. meshes: by index, those of the finest level. passed: ids of layers not read."""

    version: tuple[int, int]
    descriptor: Descriptor
    definition: Definition
    behavior: Behavior
    meshes: dict[int, DnaMesh]
    passed: tuple[str, ...]


def read_dna_file(path: Path) -> Dna:
    """The layers of a file. TakeError for other files, for damaged ones, and for generations that are not known."""
    data = read_bytes(path, "rig", LARGEST)
    try:
        return _dna(_Cursor(data))
    except _Broken as problem:
        raise TakeError(f"rig: '{path}' is no MetaHuman DNA that can be read: {problem}.") from None


class _Broken(ValueError):
    """What is wrong with the bytes, a few words."""


class _Cursor:
    """Takes numbers off the bytes; _Broken before anything is taken that is not there."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def skip_to(self, at: int) -> None:
        if not 0 <= at <= len(self.data):
            raise _Broken("it points behind its end")
        self.at = at

    def array(self, kind: str, count: int) -> np.ndarray:
        """``count`` numbers of a big-endian kind, as a view of the bytes."""
        size = count * np.dtype(kind).itemsize
        if size > len(self.data) - self.at:
            raise _Broken("it is cut short")
        found = np.frombuffer(self.data, kind, count, self.at)
        self.at += size
        return found

    def number(self, kind: str) -> int:
        return int(self.array(kind, 1)[0])

    def u16(self) -> int:
        return self.number(">u2")

    def count(self, smallest: int) -> int:
        """The length of a list whose entries are at least ``smallest`` bytes each."""
        count = self.number(">u4")
        if count * smallest > len(self.data) - self.at:
            raise _Broken("a list is longer than the file")
        return count

    def indices(self) -> np.ndarray:
        return self.array(">u2", self.count(2)).astype(np.int64)

    def wide_indices(self) -> np.ndarray:
        return self.array(">u4", self.count(4)).astype(np.int64)

    def floats(self) -> np.ndarray:
        found = self.array(">f4", self.count(4)).astype(np.float64)
        if not np.isfinite(found).all():
            raise _Broken("it holds a number that is not finite")
        return found

    def vectors(self, count: int = 3) -> np.ndarray:
        """(n, count) of lists of each coordinate."""
        columns = [self.floats() for _ in range(count)]
        if len({len(column) for column in columns}) > 1:
            raise _Broken("lists of coordinates differ in length")
        return np.stack(columns, 1)

    def text(self) -> str:
        size = self.count(1)
        raw = self.data[self.at : self.at + size]
        self.at += size
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            raise _Broken("a name is no text") from None

    def names(self) -> tuple[str, ...]:
        return tuple(self.text() for _ in range(self.count(4)))


def _dna(cursor: _Cursor) -> Dna:
    if cursor.data[:3] != b"DNA":
        raise _Broken("it does not begin with DNA")
    cursor.skip_to(3)
    version = cursor.u16(), cursor.u16()
    if version[0] != GENERATION or version[1] < 1:
        raise _Broken(f"its version is {version[0]}.{version[1]}, and 2.1 to 2.8 are known")
    places, passed = _places(cursor, version)
    for layer in ("desc", "defn", "bhvr", "geom"):
        if layer not in places:
            raise _Broken(f"it lacks the layer '{layer}'; write it with all layers")
    cursor.skip_to(places["desc"][0])
    name, units, axes = _descriptor(cursor)
    turning: tuple[str, tuple[int, int, int], bool] = ("xyz", (1, 1, 1), False)
    if "dsce" in places:
        turning = _descriptor_extension(cursor, *places["dsce"])
    cursor.skip_to(places["defn"][0])
    definition = _definition(cursor)
    behavior = _behavior(cursor, places)
    cursor.skip_to(places["geom"][0])
    meshes = _meshes(cursor, set(definition.meshes), version == (2, 1))
    descriptor = Descriptor(name, units[0] == 1, units[1] == 1, axes, *turning)
    return Dna(version, descriptor, definition, behavior, meshes, passed)


def _places(cursor: _Cursor, version: tuple[int, int]) -> tuple[dict[str, tuple[int, int]], tuple[str, ...]]:
    """Offset and size of each layer, and the ids of layers that are not read. 2.1 has a fixed table without sizes."""
    if version == (2, 1):
        return {name: (cursor.number(">u4"), 0) for name in _SECTIONS}, ()
    places: dict[str, tuple[int, int]] = {}
    passed = []
    for _ in range(cursor.count(16)):
        entry = cursor.array(">u4", 4).astype(np.int64)
        layer = int(entry[0]).to_bytes(4, "big").decode("ascii", "replace").rstrip("\0")
        if layer not in _LAYER_VERSIONS:
            passed.append(layer)
            continue
        of_layer = divmod(int(entry[1]), 1 << 16)
        if of_layer != _LAYER_VERSIONS[layer]:
            raise _Broken(f"its layer '{layer}' is of version {of_layer[0]}.{of_layer[1]}, which is not known")
        if entry[3]:
            places[layer] = int(entry[2]), int(entry[3])
    return places, tuple(passed)


def _descriptor(cursor: _Cursor) -> tuple[str, tuple[int, int], tuple[int, int, int]]:
    name = cursor.text()
    cursor.array(">u2", 3)  # archetype, gender, age
    for _ in range(cursor.count(8)):
        cursor.text()
        cursor.text()
    units = cursor.u16(), cursor.u16()
    axes = cursor.u16(), cursor.u16(), cursor.u16()
    return name, units, axes


def _descriptor_extension(cursor: _Cursor, at: int, size: int) -> tuple[str, tuple[int, int, int], bool]:
    """Rotation order, signs of angles and, from 2.8 on, whether faces wind clockwise.

    The first four numbers are of one width, which follows from the size, as does the fifth's.
    """
    width = next((width for width in (4, 2, 1) if size >= 4 * width), 0)
    last = size - 4 * width
    if not width or last not in (0, 1, 2, 4):
        raise _Broken(f"its layer 'dsce' has {size} bytes")
    cursor.skip_to(at)
    order, *signs = cursor.array(f">i{width}", 4).tolist()
    if not 0 <= order < len(_SEQUENCES) or any(sign not in (-1, 0, 1) for sign in signs):
        raise _Broken("its joints turn in a way that is not known")
    clockwise = bool(last) and cursor.number(f">u{last}") == 1
    x, y, z = (-1 if sign < 0 else 1 for sign in signs)
    return _SEQUENCES[order], (x, y, z), clockwise


def _first_level(cursor: _Cursor) -> np.ndarray:
    """What the finest level of detail holds: a list that gives each level a row of indices, then the rows."""
    levels = cursor.indices()
    rows = [cursor.indices() for _ in range(cursor.count(4))]
    if not len(levels):
        return np.zeros(0, np.int64)
    if levels[0] >= len(rows):
        raise _Broken("a level of detail has no list")
    return rows[levels[0]]


def _definition(cursor: _Cursor) -> Definition:
    for _ in range(3):  # joints, blend shapes and maps: a finer level holds what the coarser ones do
        _first_level(cursor)
    meshes = _first_level(cursor)
    cursor.names()  # controls of the animator's interface
    controls, joints, channels = cursor.names(), cursor.names(), cursor.names()
    cursor.names()  # maps
    mesh_names = cursor.names()
    for _ in range(2):  # which mesh a channel is of; the geometry says so, too
        cursor.indices()
    parents = cursor.indices()
    translations, rotations = cursor.vectors(), cursor.vectors()
    if not len(joints) == len(parents) == len(translations) == len(rotations):
        raise _Broken("its lists of joints differ in length")
    if (len(parents) and parents.max() >= len(joints)) or (len(meshes) and meshes.max() >= len(mesh_names)):
        raise _Broken("it names a joint or a mesh that it does not have")
    chosen = tuple(dict.fromkeys(meshes.tolist())) or tuple(range(len(mesh_names)))
    return Definition(controls, joints, channels, mesh_names, chosen, parents, translations, rotations)


def _behavior(cursor: _Cursor, places: dict[str, tuple[int, int]]) -> Behavior:
    cursor.skip_to(places.get("controls", places["bhvr"])[0])
    cursor.u16()  # how many products there are: their rows tell
    for _ in range(2):  # from the animator's interface to the controls
        cursor.indices()
    for _ in range(4):
        cursor.floats()
    rows, columns, factors = cursor.indices(), cursor.indices(), cursor.floats()
    if not len(rows) == len(columns) == len(factors):
        raise _Broken("its lists of products differ in length")
    if "joints" in places:
        cursor.skip_to(places["joints"][0])
    cursor.array(">u2", 2)  # rows and columns of all groups together
    groups = tuple(_group(cursor) for _ in range(cursor.count(20)))
    if "channels" in places:
        cursor.skip_to(places["channels"][0])
    cursor.indices()
    inputs, outputs = cursor.indices(), cursor.indices()
    if len(inputs) != len(outputs):
        raise _Broken("its lists of blend shape channels differ in length")
    return Behavior(rows, columns, factors, groups, inputs, outputs)


def _group(cursor: _Cursor) -> JointGroup:
    levels, inputs, outputs, values = cursor.indices(), cursor.indices(), cursor.indices(), cursor.floats()
    cursor.indices()  # the joints, which the outputs name, too
    if len(values) < len(inputs) * len(outputs) or (len(levels) and levels[0] > len(outputs)):
        raise _Broken("a group of joints lacks values")
    kept = int(levels[0]) if len(levels) else len(outputs)  # rows of the finest level
    table = values[: len(inputs) * len(outputs)].reshape(len(outputs), len(inputs))
    return JointGroup(inputs, outputs[:kept], table[:kept])


def _meshes(cursor: _Cursor, wanted: set[int], next_in_file: bool) -> dict[int, DnaMesh]:
    """The meshes ``wanted``. next_in_file: before each stands where the next one begins, not its own size."""
    found = {}
    for index in range(cursor.count(4)):
        given = cursor.number(">u4")
        end = given if next_in_file else cursor.at + given
        if end < cursor.at:
            raise _Broken("a mesh ends before it begins")
        if index in wanted:
            found[index] = _mesh(cursor)
        cursor.skip_to(end)
    if set(found) != wanted:
        raise _Broken("it lacks the geometry of a mesh")
    return found


def _mesh(cursor: _Cursor) -> DnaMesh:
    points, uvs = cursor.vectors(), cursor.vectors(2)
    cursor.vectors()  # normals
    layout_points, layout_uvs = cursor.wide_indices(), cursor.wide_indices()
    cursor.wide_indices()
    counts, layouts = _faces(cursor)
    cursor.u16()  # most influences of a vertex
    skin_counts, joints, weights = _skin(cursor)
    shapes = tuple(_shape(cursor, len(points)) for _ in range(cursor.count(18)))
    if len(points) > MOST_VERTICES or len(layouts) > MOST_CORNERS or len(shapes) > MOST_SHAPES:
        raise _Broken("a mesh is larger than any head")
    if len(layout_points) != len(layout_uvs) or (len(layouts) and layouts.max() >= len(layout_points)):
        raise _Broken("a polygon has a corner that is not there")
    corner_points, corner_uvs = layout_points[layouts], layout_uvs[layouts]
    if len(corner_points) and (corner_points.max() >= len(points) or corner_uvs.max() >= max(len(uvs), 1)):
        raise _Broken("a polygon uses a point that is not there")
    if len(skin_counts) not in (0, len(points)):
        raise _Broken("its skin is of another mesh")
    return DnaMesh(points, uvs, counts, corner_points, corner_uvs, skin_counts, joints, weights, shapes)


def _faces(cursor: _Cursor) -> tuple[np.ndarray, np.ndarray]:
    """Corners of each polygon, and all corners one after the other."""
    counts, corners = [], []
    for _ in range(cursor.count(4)):
        face = cursor.array(">u4", cursor.count(4))
        counts.append(len(face))
        corners.append(face)
    flat = np.concatenate(corners).astype(np.int64) if corners else np.zeros(0, np.int64)
    return np.array(counts, np.int64), flat


def _skin(cursor: _Cursor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Influences of each vertex, and the joints and weights of all of them."""
    counts, joints, weights = [], [], []
    for _ in range(cursor.count(8)):
        own = cursor.array(">f4", cursor.count(4))
        names = cursor.array(">u2", cursor.count(2))
        if len(own) != len(names):
            raise _Broken("a vertex has more weights than joints, or fewer")
        counts.append(len(own))
        weights.append(own)
        joints.append(names)
    if not counts:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    flat = np.concatenate(weights).astype(np.float64)
    if not np.isfinite(flat).all():
        raise _Broken("it holds a skin weight that is not finite")
    return np.array(counts, np.int64), np.concatenate(joints).astype(np.int64), flat


def _shape(cursor: _Cursor, vertex_count: int) -> DnaShape:
    deltas, vertices, channel = cursor.vectors(), cursor.wide_indices(), cursor.u16()
    if len(deltas) != len(vertices) or (len(vertices) and vertices.max() >= vertex_count):
        raise _Broken("a blend shape moves a vertex that is not there")
    if len(np.unique(vertices)) != len(vertices):
        raise _Broken("a blend shape moves a vertex twice")
    order = np.argsort(vertices)
    return DnaShape(channel, vertices[order], deltas[order])
