"""A writer of .glb for tests: a small head with a seam, a sparse target, a normalized skin, a jaw and an eye."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np

POINTS = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 0.5]], np.float32) / 10  # meters
SEAM = (0, 1, 2, 3, 4, 0)  # vertices as they are written: the first one twice, for its two UVs
FACES = np.array([[0, 1, 2], [0, 2, 3], [5, 1, 4]], np.uint16)
SMILE = {2: (0.01, 0.02, 0.0), 3: (0.0, 0.01, 0.0)}
BLINK = np.array([[0, 0, 0.001 * k] for k in (1, 2, 3, 4, 5)], np.float32)
WEIGHTS = np.array([[255, 0], [128, 127], [0, 255], [0, 255], [255, 0]], np.uint8)
JAW_AT, TURN = (0.0, 0.05, 0.02), (0.5, 0.5, 0.5, 0.5)  # meters; a quaternion x, y, z, w


class _Buffer:
    def __init__(self) -> None:
        self.data = b""
        self.views: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []

    def view(self, array: np.ndarray) -> int:
        self.data += bytes(-len(self.data) % 4)
        self.views.append({"buffer": 0, "byteOffset": len(self.data), "byteLength": array.nbytes})
        self.data += array.tobytes()
        return len(self.views) - 1

    def add(self, array: np.ndarray, kind: str, **members: Any) -> int:
        codes = {"f4": 5126, "u1": 5121, "u2": 5123}
        entry = {"componentType": codes[array.dtype.str[1:]], "count": len(array), "type": kind}
        self.accessors.append({"bufferView": self.view(array), **entry, **members})
        return len(self.accessors) - 1

    def sparse(self, rows: dict[int, tuple[float, ...]], count: int) -> int:
        indices = self.view(np.array(list(rows), np.uint16))
        values = self.view(np.array(list(rows.values()), np.float32))
        sparse = {
            "count": len(rows),
            "indices": {"bufferView": indices, "componentType": 5123},
            "values": {"bufferView": values},
        }
        self.accessors.append({"componentType": 5126, "count": count, "type": "VEC3", "sparse": sparse})
        return len(self.accessors) - 1


def document() -> tuple[dict[str, Any], bytes]:
    """The JSON and the binary chunk."""
    own, seam = _Buffer(), list(SEAM)
    joints = np.zeros((len(seam), 4), np.uint8)
    joints[:, 1] = 1
    weights = np.zeros((len(seam), 4), np.uint8)
    weights[:, :2] = WEIGHTS[seam]
    inverse = np.tile(np.eye(4, dtype=np.float32), (2, 1, 1))
    inverse[1, :3, 3] = np.negative(JAW_AT)
    columns = inverse.transpose(0, 2, 1).copy().reshape(2, 16)
    primitive = {
        "attributes": {
            "POSITION": own.add(POINTS[seam], "VEC3"),
            "TEXCOORD_0": own.add(np.linspace(0, 1, 12, dtype=np.float32).reshape(6, 2), "VEC2"),
            "JOINTS_0": own.add(joints, "VEC4"),
            "WEIGHTS_0": own.add(weights, "VEC4", normalized=True),
        },
        "indices": own.add(FACES.ravel(), "SCALAR"),
        "targets": [
            {"POSITION": own.sparse(SMILE, len(seam))},
            {"POSITION": own.add(BLINK[seam], "VEC3")},
        ],
    }
    eye = {"attributes": {"POSITION": own.add(POINTS[:3], "VEC3")}}
    record = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0, 3]}],
        "nodes": [
            {"name": "neck", "children": [1, 2]},
            {"name": "jaw_JNT", "translation": JAW_AT},
            {"name": "Eye.L", "mesh": 1, "translation": [0.02, 0.1, 0.05], "rotation": TURN, "scale": [2, 2, 2]},
            {"name": "face", "mesh": 0, "skin": 0, "translation": [9, 9, 9]},
        ],
        "meshes": [
            {"name": "skin", "primitives": [primitive], "extras": {"targetNames": ["smile", "blink"]}},
            {"name": "eye", "primitives": [eye]},
        ],
        "skins": [{"joints": [0, 1], "inverseBindMatrices": own.add(columns, "MAT4")}],
        "accessors": own.accessors,
        "bufferViews": own.views,
        "buffers": [{"byteLength": len(own.data)}],
    }
    return record, own.data


def glb_bytes() -> bytes:
    """The head's file."""
    record, binary = document()
    return packed(json.dumps(record).encode(), binary)


def packed(text: bytes, binary: bytes) -> bytes:
    """The file of a JSON and a binary chunk."""
    text += b" " * (-len(text) % 4)
    binary += bytes(-len(binary) % 4)
    chunks = struct.pack("<II", len(text), 0x4E4F534A) + text + struct.pack("<II", len(binary), 0x004E4942) + binary
    return b"glTF" + struct.pack("<II", 2, 12 + len(chunks)) + chunks
