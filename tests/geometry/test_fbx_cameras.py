"""Cameras of FBX files: one that Blender wrote, and the SDK's rules for what Maya writes, in ASCII and binary."""

from __future__ import annotations

import gzip
import struct
import zlib
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from facesolve.geometry.camera_files import CameraFile, read_cameras
from facesolve.geometry.camera_formats.fbx_tree import Node, read_tree
from facesolve.take import TakeError
from facesolve.take.film import FilmBack, extrinsics_from_maya_world_matrix, intrinsics_from_film_back

SAMPLES = Path(__file__).parent / "camera_samples"
SIZE = (1920, 1080)
HOW = CameraFile(image_size=lambda name: SIZE)
# as Maya writes it: the rotation is the node's, which looks along -z, and PostRotation turns FBX's +x to there
SCENE = """; FBX 7.5.0 project file
GlobalSettings: {
    Properties70: {
        P: "UpAxis", "int", "Integer", "",1
        P: "UnitScaleFactor", "double", "Number", "",2.54
    }
}
Objects: {
    NodeAttribute: 11, "NodeAttribute::", "Camera" {
        Properties70: {
            P: "FilmWidth", "double", "Number", "",1.41732
            P: "FilmHeight", "double", "Number", "",0.94488
            P: "FilmOffsetX", "Number", "", "A",0.05
            P: "FilmOffsetY", "Number", "", "A",-0.02
            P: "ApertureMode", "enum", "", "",3
            P: "GateFit", "enum", "", "",4
            P: "FocalLength", "Number", "", "A",35.5
        }
    }
    Model: 12, "Model::left", "Camera" {
        Properties70: {
            P: "RotationActive", "bool", "", "",1
            P: "RotationOrder", "enum", "", "",4
            P: "PostRotation", "Vector3D", "Vector", "",0,-90,0
            P: "Lcl Translation", "Lcl Translation", "", "A",3,4,50
            P: "Lcl Rotation", "Lcl Rotation", "", "A",-4,17,2
            P: "Lcl Scaling", "Lcl Scaling", "", "A",1,1,1
        }
    }
    Model: 13, "Model::stage", "Null" {
        Properties70: {
            P: "RotationPivot", "Vector3D", "Vector", "",1,2,3
            P: "ScalingPivot", "Vector3D", "Vector", "",1,2,3
            P: "Lcl Translation", "Lcl Translation", "", "A",0,60,0
            P: "Lcl Rotation", "Lcl Rotation", "", "A",0,-20,5
        }
    }
    AnimationCurveNode: 14, "AnimCurveNode::R", "" {
    }
    AnimationCurve: 15, "AnimCurve::", "" {
        KeyValueFloat: *2 {
            a: 17,17
        }
    }
}
Connections: {
    C: "OO",11,12
    C: "OO",12,13
    C: "OO",13,0
    C: "OP",14,12, "Lcl Rotation"
    C: "OP",15,14, "d|Y"
}
"""


def test_blenders_camera_looks_where_blender_says():
    """The file states position and up besides the transform, and both fields of view; the direction is that of
    Blender's default scene, which turns the camera by 63.559 and 46.692 degrees."""
    notes: list[str] = []
    (camera,) = read_cameras(SAMPLES / "blender_6100.fbx", HOW, notes.append)
    center = -camera.rotation.T @ camera.translation
    np.testing.assert_allclose(center, (7.481132, 5.343665, 6.507640), atol=1e-5)
    x, y, z = Rotation.from_euler("xyz", (63.559, 0, 46.692), degrees=True).apply((0, 0, -1))
    np.testing.assert_allclose(camera.rotation[2], (x, z, -y), atol=2e-5)  # y up
    np.testing.assert_allclose(-camera.rotation[1], (-0.324014, 0.895396, -0.305421), atol=1e-5)
    fields = 2 * np.degrees(np.arctan(np.array(SIZE) / 2 / camera.intrinsics[[0, 1], [0, 1]]))
    np.testing.assert_allclose(fields, (49.134342, 28.841546), atol=1e-4)
    assert "holds no lens distortion" in notes[0]


def test_mayas_own_binary_file_is_read(tmp_path):
    """A camera at the origin, which in Maya looks along -z, film fit to fill."""
    path = tmp_path / "maya.fbx"
    path.write_bytes(gzip.decompress((SAMPLES / "maya_7700.fbx.gz").read_bytes()))
    (camera,) = read_cameras(path, replace(HOW, check_places=False))
    assert camera.name == "forwardCamera"
    np.testing.assert_allclose(camera.rotation, np.diag((1.0, -1, -1)), atol=1e-12)
    np.testing.assert_allclose(camera.translation, 0, atol=1e-12)
    focal = 35 / 25.4 / 1.41732 * 1920
    np.testing.assert_allclose(camera.intrinsics, [[focal, 0, 960], [0, focal, 540], [0, 0, 1]], atol=1e-9)


def expected_camera() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Intrinsics, rotation, translation of ``SCENE`` by Maya's own rules, lengths in units of 2.54 cm."""
    turn = Rotation.from_euler("zxy", (2, -4, 17), degrees=True).as_matrix()
    local, stage = np.eye(4), np.eye(4)
    local[:3, :3], local[:3, 3] = turn, (3, 4, 50)
    stage[:3, :3] = Rotation.from_euler("xyz", (0, -20, 5), degrees=True).as_matrix()
    stage[:3, 3] = np.array((1, 62, 3)) - stage[:3, :3] @ (1, 2, 3)  # about its pivot
    rotation, translation = extrinsics_from_maya_world_matrix((stage @ local).T)
    back = FilmBack(35.5, 1.41732, 0.94488, 0.05, -0.02, "overscan")
    return intrinsics_from_film_back(back, *SIZE), rotation, 2.54 * translation


def encoded(node: Node, version: int, at: int) -> bytes:
    """A binary record that begins at byte ``at``, as the format's description has it."""
    head = "<QQQB" if version >= 7500 else "<IIIB"
    values = b"".join(_value(value, node.name) for value in node.values)
    name = node.name.encode()
    inner = b""
    begin = at + struct.calcsize(head) + len(name) + len(values)
    for child in node.children:
        inner += encoded(child, version, begin + len(inner))
    inner += bytes(struct.calcsize(head)) if node.children else b""
    return struct.pack(head, begin + len(inner), len(node.values), len(values), len(name)) + name + values + inner


def _value(value: object, name: str) -> bytes:
    if isinstance(value, str):
        text = "\0\1".join(reversed(value.split("::"))) if "::" in value else value
        return b"S" + struct.pack("<I", len(text)) + text.encode()
    if isinstance(value, np.ndarray):
        packed = zlib.compress(value.astype("<f4").tobytes())
        return b"f" + struct.pack("<III", len(value), 1, len(packed)) + packed
    return b"L" + struct.pack("<q", value) if isinstance(value, int) else b"D" + struct.pack("<d", value)


def binary(text: str, folder: Path, version: int, keys: tuple[float, ...] = (17.0, 17.0)) -> Path:
    """The scene as a binary file."""
    (folder / "text.fbx").write_text(text)
    root = read_tree(folder / "text.fbx")
    for node in root.under("Objects", "AnimationCurve", "KeyValueFloat"):
        node.values, node.children = [np.array(keys)], []
    data = b"Kaydara FBX Binary  \0\x1a\0" + struct.pack("<I", version)
    for node in root.children:
        data += encoded(node, version, len(data))
    (folder / "c.fbx").write_bytes(data + bytes(25))
    return folder / "c.fbx"


@pytest.mark.parametrize("version", [0, 7400, 7500])
def test_mayas_camera_is_seen_as_maya_sees_it(tmp_path, version):
    path = tmp_path / "ascii.fbx"
    path.write_text(SCENE)
    (camera,) = read_cameras(binary(SCENE, tmp_path, version) if version else path, HOW)
    assert camera.name == "left"
    for found, right in zip((camera.intrinsics, camera.rotation, camera.translation), expected_camera(), strict=True):
        np.testing.assert_allclose(found, right, atol=1e-9)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("a: 17,17", "a: 17,18"), "camera 'left' in '.*' moves or zooms"),
        (('"Lcl Rotation"\n    C: "OP",15', '"LookAtProperty"\n    C: "OO",15'), "follows a target"),
        (('"ApertureMode", "enum", "", "",3', '"Roll", "Roll", "", "A",4'), "has a roll"),
        (
            ('"ApertureMode", "enum", "", "",3', '"CameraProjectionType", "enum", "", "",1'),
            "holds no perspective camera",
        ),
        (("Connections: {", "Connections: { {"), "a brace is missing"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(tmp_path, change, says):
    assert change[0] in SCENE
    (tmp_path / "c.fbx").write_text(SCENE.replace(*change))
    with pytest.raises(TakeError, match=says):
        read_cameras(tmp_path / "c.fbx", HOW)


def test_a_binary_file_cut_or_spoiled_anywhere_is_one_sentence(tmp_path):
    whole = binary(SCENE, tmp_path, 7500).read_bytes()
    path, random = tmp_path / "d.fbx", np.random.default_rng(0)
    for _ in range(60):
        spoiled = bytearray(whole[: random.integers(20, len(whole))])
        spoiled[random.integers(20, len(spoiled)) if len(spoiled) > 21 else 20 - 1] = random.integers(256)
        path.write_bytes(spoiled)
        with suppress(TakeError):  # and nothing else
            read_cameras(path, HOW)
    with pytest.raises(TakeError, match="moves or zooms"):
        read_cameras(binary(SCENE, tmp_path, 7500, (17.0, 19.0)), HOW)
