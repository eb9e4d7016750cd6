"""FBX files, ASCII and binary, as a tree of nodes with values. Knows nothing of what the nodes mean.

Source: the files that Maya and Blender write; the layout of the binary records as Blender's developers describe it
("FBX binary file format specification"). Everything is bounded: size, nodes, depth, unpacked arrays.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from facesolve.take import TakeError
from facesolve.take.reading import MOST_VALUES, read_bytes

BINARY = b"Kaydara FBX Binary  \x00"
WIDE = 7500  # version from which on offsets have 64 bits
DEEPEST = 40
MOST_NODES = 500_000
LARGEST_ARRAY = 64 << 20  # bytes, unpacked
UNPACKED = ("KeyValueFloat",)  # arrays of other nodes are skipped
_TOKEN = re.compile(r';[^\n]*|"[^"]*"|[{}]|[^\s,{}":;]+:?')
_SCALARS = {"Y": "<h", "C": "<?", "B": "<b", "I": "<i", "F": "<f", "D": "<d", "L": "<q"}
_ARRAYS = {"f": "<f4", "d": "<f8", "l": "<i8", "i": "<i4", "b": "i1", "c": "i1"}


@dataclass
class Node:
    """A named record. values: numbers, texts, arrays (None where an array was skipped)."""

    name: str
    values: list[Any] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)

    def all(self, name: str) -> list[Node]:
        """The children of a name."""
        return [child for child in self.children if child.name == name]

    def under(self, *names: str) -> Iterator[Node]:
        """All nodes at the end of a path of names."""
        if not names:
            yield self
            return
        for child in self.all(names[0]):
            yield from child.under(*names[1:])

    def properties(self) -> dict[str, list[Any]]:
        """The values of ``Properties70`` (or 60) by name, without their types."""
        found = {p.values[0]: p.values[4:] for p in self.under("Properties70", "P") if p.values}
        return {p.values[0]: p.values[3:] for p in self.under("Properties60", "Property") if p.values} | found


def is_fbx(head: bytes) -> bool:
    """Whether a file that begins so is FBX."""
    return head.startswith(BINARY) or b"; FBX " in head[:200] or b"FBXHeaderExtension" in head


def read_tree(path: Path) -> Node:
    """The root. Raises TakeError for a damaged file, ValueError where its records do not fit together."""
    data = read_bytes(path, "calibration")
    if data.startswith(BINARY):
        return _Binary(data).root()
    try:
        return _ascii(data.decode("utf-8", "replace"))
    except RecursionError:
        raise TakeError(f"calibration: '{path}' is nested too deeply.") from None


def _ascii(text: str) -> Node:
    root = Node("")
    stack, node, count = [root], root, 0
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token[0] == ";":
            continue
        count += 1
        if count > MOST_VALUES:
            raise ValueError("too many values")
        if token == "{":
            stack.append(node)
            if len(stack) > DEEPEST:
                raise ValueError("nested too deeply")
        elif token == "}":
            if len(stack) == 1:
                raise ValueError("a brace too many")
            node = stack.pop()
        elif token.endswith(":") and token[0] != '"':
            node = Node(token[:-1])
            stack[-1].children.append(node)
        else:
            node.values.append(_value(token))
    if len(stack) > 1:
        raise ValueError("a brace is missing")
    return root


def _value(token: str) -> Any:
    if token[0] == '"':
        return token[1:-1].replace("&quot;", '"')
    try:
        return int(token)
    except ValueError:
        try:
            return float(token)
        except ValueError:
            return token


class _Binary:
    """Reads records; each must lie inside the one it belongs to."""

    def __init__(self, data: bytes) -> None:
        self._data, self._count = data, 0
        wide = struct.unpack_from("<I", data, 23)[0] >= WIDE
        self._head = struct.Struct("<QQQB" if wide else "<IIIB")

    def root(self) -> Node:
        """All records of the file."""
        root = Node("")
        self._fill(root, 27, len(self._data), 1)
        return root

    def _fill(self, parent: Node, at: int, end: int, depth: int) -> None:
        if depth > DEEPEST:
            raise ValueError("nested too deeply")
        while at + self._head.size <= end:
            after, count, length, name_length = self._head.unpack_from(self._data, at)
            if after == 0:
                return
            self._count += 1
            begin = at + self._head.size + name_length
            if not begin + length <= after <= end or self._count > MOST_NODES:
                raise ValueError("a record that does not fit into its file")
            node = Node(self._data[begin - name_length : begin].decode("utf-8", "replace"))
            node.values = self._values(begin, begin + length, count, node.name)
            self._fill(node, begin + length, after, depth + 1)
            parent.children.append(node)
            at = after

    def _values(self, at: int, end: int, count: int, name: str) -> list[Any]:
        if count > end - at:
            raise ValueError("more values than bytes")
        found: list[Any] = []
        for _ in range(count):
            if at >= end:
                raise ValueError("a value is missing")
            kind, at = chr(self._data[at]), at + 1
            if kind in _SCALARS:
                found.append(struct.unpack_from(_SCALARS[kind], self._data, at)[0])
                at += struct.calcsize(_SCALARS[kind])
            elif kind in "SR":
                (length,) = struct.unpack_from("<I", self._data, at)
                found.append(self._data[at + 4 : min(at + 4 + length, end)].decode("utf-8", "replace"))
                at += 4 + length
            elif kind in _ARRAYS:
                length, packed, size = struct.unpack_from("<III", self._data, at)
                stored = self._data[at + 12 : min(at + 12 + size, end)]
                found.append(_array(stored, _ARRAYS[kind], length, bool(packed)) if name in UNPACKED else None)
                at += 12 + size
            else:
                raise ValueError(f"a value of kind {kind!r}")
        return found


def _array(stored: bytes, kind: str, length: int, packed: bool) -> np.ndarray:
    size = length * np.dtype(kind).itemsize
    if size > LARGEST_ARRAY:
        raise ValueError("an array that is too large")
    if packed:
        try:
            stored = zlib.decompressobj().decompress(stored, size + 1)
        except zlib.error:
            raise ValueError("a damaged array") from None
    if len(stored) != size:
        raise ValueError("an array of another length")
    return np.frombuffer(stored, kind)
