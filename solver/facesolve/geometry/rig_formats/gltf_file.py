"""glTF 2.0, .gltf and .glb: JSON and buffers -> checked members, and arrays of accessors. Knows no rig.

Source: the glTF 2.0 specification of Khronos. Buffers lie in the file itself, in a data URI, or in a file next to it.
"""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np

from facesolve.take import TakeError
from facesolve.take.checks import (
    COUNT,
    MOST_CORNERS,
    MOST_MESHES,
    SENTENCE,
    Check,
    anything,
    choice,
    file_name,
    flag,
    mapping,
    members,
    number,
    several,
    text,
    whole,
)
from facesolve.take.reading import BadText, json_value, read_bytes

LARGEST = 2 << 30  # bytes of a file
_MAGIC, _JSON, _BINARY = b"glTF", 0x4E4F534A, 0x004E4942
_KINDS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
_UNPACKED = {"KHR_mesh_quantization", "KHR_texture_transform", "KHR_materials_unlit"}  # which need no decoder
_MOST, _MOST_TARGETS = 100_000, 5000  # nodes and accessors; morph targets of a mesh

_INDEX = whole(0, 10_000_000)
_NAME = text(1000)


def _vector(count: int) -> Check:
    return several(number(-1e9, 1e9), count, count)


def _optional(known: dict[str, Check], needed: tuple[str, ...] = ()) -> Check:
    return members(known, optional=tuple(name for name in known if name not in needed), others=True)


_SPARSE = _optional(
    {
        "count": whole(1, MOST_CORNERS),
        "indices": _optional(
            {"bufferView": _INDEX, "byteOffset": COUNT, "componentType": whole(5120, 5126)},
            ("bufferView", "componentType"),
        ),
        "values": _optional({"bufferView": _INDEX, "byteOffset": COUNT}, ("bufferView",)),
    },
    ("count", "indices", "values"),
)
_ACCESSOR = _optional(
    {
        "bufferView": _INDEX,
        "byteOffset": COUNT,
        "componentType": whole(5120, 5126),
        "normalized": flag,
        "count": whole(1, MOST_CORNERS),
        "type": choice(*_WIDTHS, "MAT2", "MAT3"),
        "sparse": _SPARSE,
    },
    ("componentType", "count", "type"),
)
_VIEW = _optional(
    {"buffer": _INDEX, "byteOffset": COUNT, "byteLength": COUNT, "byteStride": whole(4, 252)}, ("buffer", "byteLength")
)
_ATTRIBUTES = mapping(_NAME, _INDEX, 100)
_PRIMITIVE = _optional(
    {
        "attributes": _ATTRIBUTES,
        "indices": _INDEX,
        "mode": whole(0, 6),
        "targets": several(_ATTRIBUTES, _MOST_TARGETS),
    },
    ("attributes",),
)
_MESH = _optional(
    {
        "name": _NAME,
        "primitives": several(_PRIMITIVE, 1000, 1),
        "weights": several(number(-1e6, 1e6), _MOST_TARGETS),
        "extras": anything,
    },
    ("primitives",),
)
_NODE = _optional(
    {
        "name": _NAME,
        "children": several(_INDEX, _MOST),
        "matrix": _vector(16),
        "translation": _vector(3),
        "rotation": _vector(4),
        "scale": _vector(3),
        "mesh": _INDEX,
        "skin": _INDEX,
    }
)
_SKIN = _optional({"joints": several(_INDEX, _MOST, 1), "inverseBindMatrices": _INDEX}, ("joints",))
_BUFFER = _optional({"uri": text(LARGEST), "byteLength": COUNT}, ("byteLength",))
_DOCUMENT = _optional(
    {
        "asset": _optional({"version": _NAME}, ("version",)),
        "extensionsRequired": several(_NAME, 1000),
        "scene": _INDEX,
        "scenes": several(_optional({"nodes": several(_INDEX, _MOST)}), 1000),
        "nodes": several(_NODE, _MOST),
        "meshes": several(_MESH, MOST_MESHES),
        "skins": several(_SKIN, 1000),
        "accessors": several(_ACCESSOR, _MOST),
        "bufferViews": several(_VIEW, _MOST),
        "buffers": several(_BUFFER, 1000),
    },
    ("asset",),
)


class GltfFile:
    """A file's members, checked, and its accessors as arrays. ``where`` begins each sentence about it."""

    def __init__(self, path: Path) -> None:
        self.where = f"rig: '{path}'"
        self._path = path
        record, self._binary = self._chunks(read_bytes(path, "rig", LARGEST))
        self.record: dict[str, Any] = _DOCUMENT(record, f"{self.where}:")
        if not self.record["asset"]["version"].startswith("2."):
            raise TakeError(
                f"{self.where} is glTF {self.record['asset']['version']}, and 2.0 is read; export it as that."
            )
        packed = sorted(set(self.record.get("extensionsRequired", ())) - _UNPACKED)
        if packed:
            raise TakeError(f"{self.where} needs {', '.join(packed)}; write it without compression and extensions.")
        self._buffers: dict[int, bytes] = {}

    def listed(self, name: str) -> list[Any]:
        """A list of the document, empty where it has none."""
        found: list[Any] = self.record.get(name, [])
        return found

    def entry(self, name: str, index: int) -> Any:
        """An entry of a list of the document. TakeError when there is none."""
        found = self.listed(name)
        if index >= len(found):
            raise TakeError(f"{self.where} refers to {name}[{index}], of which there are {len(found)}.")
        return found[index]

    def array(self, index: int, kind: str, count: int | None = None) -> np.ndarray:
        """An accessor of the type ``kind`` as (n,) or (n, width) float64; whole numbers as they are.

        count: how many entries it must have, None for any that the file really holds.
        """
        accessor = self.entry("accessors", index)
        where = f"{self.where}: accessors[{index}]"
        if accessor["type"] != kind:
            raise TakeError(f"{where} is {accessor['type']}, expected {kind}.")
        if count is not None and accessor["count"] != count:
            raise TakeError(f"{where} has {accessor['count']} entries, expected {count}.")
        width, number_kind = _WIDTHS[kind], self._kind(accessor["componentType"], where)
        if "bufferView" in accessor:
            raw = self._viewed(
                accessor["bufferView"], accessor.get("byteOffset", 0), accessor["count"], width, number_kind
            )
        elif count is None or "sparse" not in accessor:
            raise TakeError(f"{where} has no data.")
        else:
            raw = np.zeros((count, width), number_kind)
        out = _real(raw, accessor.get("normalized", False))
        if "sparse" in accessor:
            self._set_sparse(out, accessor["sparse"], number_kind, accessor.get("normalized", False), where)
        if out.dtype.kind == "f" and not np.isfinite(out).all():
            raise TakeError(f"{where} holds a number that is not finite.")
        return out[:, 0] if width == 1 else out

    def _set_sparse(self, out: np.ndarray, sparse: Any, kind: str, normalized: bool, where: str) -> None:
        of, values = sparse["indices"], sparse["values"]
        index_kind = self._kind(of["componentType"], where)
        rows = self._viewed(of["bufferView"], of.get("byteOffset", 0), sparse["count"], 1, index_kind)[:, 0]
        new = self._viewed(values["bufferView"], values.get("byteOffset", 0), sparse["count"], out.shape[1], kind)
        if index_kind[1] != "u" or int(rows.max()) >= len(out):
            raise TakeError(f"{where} changes an entry that it does not have.")
        out[rows.astype(np.int64)] = _real(new, normalized)

    def _kind(self, number_kind: int, where: str) -> str:
        if number_kind not in _KINDS:
            raise TakeError(f"{where} holds numbers of kind {number_kind}, which glTF does not have.")
        return _KINDS[number_kind]

    def _viewed(self, view_index: int, offset: int, count: int, width: int, kind: str) -> np.ndarray:
        """(count, width) numbers of a view of a buffer, which may lie apart."""
        view = self.entry("bufferViews", view_index)
        data = self._buffer(view["buffer"])
        size = width * np.dtype(kind).itemsize
        stride = view.get("byteStride", size)
        first, end = view.get("byteOffset", 0) + offset, view.get("byteOffset", 0) + view["byteLength"]
        last = first + stride * (count - 1) + size
        if stride < size or last > min(end, len(data)):
            raise TakeError(f"{self.where}: bufferViews[{view_index}] is shorter than what lies in it.")
        shape, steps = (count, width), (stride, np.dtype(kind).itemsize)
        return np.ndarray(shape, kind, data, first, steps)

    def _buffer(self, index: int) -> bytes:
        if index not in self._buffers:
            record = self.entry("buffers", index)
            self._buffers[index] = self._loaded(record, index)
            if len(self._buffers[index]) < record["byteLength"]:
                raise TakeError(f"{self.where}: buffers[{index}] is shorter than it says.")
        return self._buffers[index]

    def _loaded(self, record: Any, index: int) -> bytes:
        uri = record.get("uri")
        if uri is None:
            if index or self._binary is None:
                raise TakeError(f"{self.where}: buffers[{index}] is nowhere.")
            return self._binary
        if not uri.startswith("data:"):
            name = file_name(unquote(uri), f"{self.where}: the file of buffers[{index}]")
            return read_bytes(self._path.parent / name, "rig", LARGEST)
        try:
            return base64.b64decode(uri.partition(",")[2], validate=True)
        except (binascii.Error, ValueError):
            raise TakeError(f"{self.where}: buffers[{index}] is not base64.") from None

    def _chunks(self, data: bytes) -> tuple[Any, bytes | None]:
        """The JSON, and the binary chunk of a .glb."""
        binary = None
        if data[:4] == _MAGIC:
            chunks: dict[int, bytes] = {}
            at = 12
            while at + 8 <= len(data):
                size, kind = (int(value) for value in np.frombuffer(data, "<u4", 2, at))
                chunks.setdefault(kind, data[at + 8 : at + 8 + size])
                at += 8 + size
            data, binary = chunks.get(_JSON, b""), chunks.get(_BINARY)
        try:
            return json_value(data), binary
        except BadText as problem:
            raise TakeError(f"{self.where} is no glTF ({problem}).") from None


def _real(raw: np.ndarray, normalized: bool) -> np.ndarray:
    """Numbers as float64, normalized ones in -1..1; whole numbers that are not, as int64."""
    if raw.dtype.kind == "f":
        return raw.astype(np.float64)
    if not normalized:
        return raw.astype(np.int64)
    most = np.iinfo(raw.dtype).max
    return np.maximum(raw.astype(np.float64) / most, -1.0)


def names_of_targets(mesh: Any, count: int) -> list[str]:
    """Names of a mesh's ``count`` targets: where most programs write them, else numbers."""
    extras = mesh.get("extras")
    given = extras.get("targetNames") if isinstance(extras, dict) else None
    if isinstance(given, list) and len(given) == count and all(isinstance(name, str) and name for name in given):
        return [SENTENCE(name, "rig: the name of a target") for name in given]
    return [f"target_{index}" for index in range(count)]
