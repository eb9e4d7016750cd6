"""Rigs from USD and glTF: samples of their documentation, what Facesolve wrote itself, and files that are wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facesolve.export.usd import write_usd
from facesolve.geometry.rig_files import read_rig
from facesolve.take import Rig, TakeError
from facesolve.take.rig_evaluation import RigEvaluator
from facesolve.take.skinning import euler_rotations
from tests.export import performances

from . import gltf

SAMPLES = Path(__file__).parent / "rig_samples"


def vertices(rig: Rig, **controls: float) -> np.ndarray:
    """(V, 3) at values by name, a dot in it written as two underscores."""
    values = rig.default_controls[None].copy()
    for name, value in controls.items():
        values[0, rig.control_names.index(name.replace("__", "."))] = value
    return RigEvaluator(rig).vertices(values)[0]


def test_the_morph_sample_of_khronos_is_read() -> None:
    rig = read_rig(SAMPLES / "simple_morph.gltf")
    assert rig.control_names == ["target_0", "target_1"]
    np.testing.assert_allclose(rig.neutral, [[0, 0, 0], [100, 0, 0], [50, 50, 0]])
    np.testing.assert_allclose(vertices(rig, target_0=1.0)[2], [-50, 150, 0])
    np.testing.assert_allclose(vertices(rig, target_0=0.5, target_1=0.5)[2], [50, 150, 0])


def test_the_skin_sample_of_khronos_is_read() -> None:
    """Its second joint stands at y = 1 and carries what is above it, the vertices in between by quarters."""
    said: list[str] = []
    rig = read_rig(SAMPLES / "simple_skin.gltf", said.append)
    assert rig.control_names == ["jaw.rotateX", "jaw.rotateY", "jaw.rotateZ"]
    assert said[0].endswith("the turns of 'jaw' are controls, in degrees about each axis.")
    np.testing.assert_allclose(vertices(rig), rig.neutral, atol=1e-5)
    turned = vertices(rig, jaw__rotateZ=30.0)
    top = rig.neutral[8]
    np.testing.assert_allclose(top, [-50, 200, 0])
    about = euler_rotations(np.array([0.0, 0.0, 30.0]), "xyz")
    np.testing.assert_allclose(turned[8], about @ (top - [0, 100, 0]) + [0, 100, 0], atol=1e-4)
    half = rig.neutral[4]
    expected = 0.5 * half + 0.5 * (about @ (half - [0, 100, 0]) + [0, 100, 0])
    np.testing.assert_allclose(turned[4], expected, atol=1e-4)


def test_the_blend_shape_sample_of_openusd_is_read() -> None:
    rig = read_rig(SAMPLES / "blend_shapes.usda")
    assert rig.control_names == ["iso", "right"]
    np.testing.assert_allclose(rig.neutral[1], [0, 0.8660254, 0])
    np.testing.assert_allclose(vertices(rig, iso=1.0, right=0.5)[1], [-0.25, 1.5 * 0.8660254 + 0.5, 0], atol=1e-6)


def test_the_joint_sample_of_openusd_is_read() -> None:
    """Ten centimeters in a unit; the second joint is at z = 2 and carries the third."""
    rig = read_rig(SAMPLES / "joints.usda")
    assert [joint.name for joint in rig.joints] == ["Shoulder", "Jaw", "Hand"]
    np.testing.assert_allclose(rig.neutral[0], [5, -5, 40])
    about = euler_rotations(np.array([25.0, 0.0, 0.0]), "xyz")
    turned = vertices(rig, Jaw__rotateX=25.0)
    np.testing.assert_allclose(turned[0], about @ (rig.neutral[0] - [0, 0, 20]) + [0, 0, 20], atol=1e-5)
    np.testing.assert_allclose(turned[4:8], rig.neutral[4:8], atol=1e-6)


def test_what_facesolve_exports_as_usd_comes_back(tmp_path: Path) -> None:
    performance = performances.performance(tmp_path)
    source = performance.take.rig
    write_usd(performance, tmp_path / "head.usda")
    rig = read_rig(tmp_path / "head.usda")
    assert [mesh.vertex_count for mesh in rig.meshes] == [mesh.vertex_count for mesh in source.meshes]
    np.testing.assert_allclose(rig.neutral, source.neutral, atol=1e-5)
    np.testing.assert_array_equal(rig.face_vertices, source.face_vertices)
    np.testing.assert_allclose(rig.uvs[rig.face_uvs], source.uvs[source.face_uvs], atol=1e-6)
    assert set(rig.target_names) == set(source.target_names)
    assert [rig.targets[c.target].name for c in rig.combinations] == ["jaw_smile"]
    weights = {"jaw": 0.7, "face:smile": 0.3, "puff": 1.0, "eye": 0.2}
    values = np.array([[weights.get(name, 0.0) for name in rig.control_names]])
    plain = Rig(
        **{
            **{name: getattr(source, name) for name in ("neutral", "face_counts", "face_vertices", "targets")},
            "controls": rig.controls,
            "drivers": tuple(
                performances.Driver.identity(k, source.target_names.index(c.name)) for k, c in enumerate(rig.controls)
            ),
            "combinations": source.combinations,
        }
    )
    np.testing.assert_allclose(RigEvaluator(rig).vertices(values), RigEvaluator(plain).vertices(values), atol=1e-5)


@pytest.fixture
def head(tmp_path: Path) -> Rig:
    path = tmp_path / "head.glb"
    path.write_bytes(gltf.glb_bytes())
    return read_rig(path)


def test_a_glb_with_seam_sparse_target_and_skin_moves_by_the_formula(head: Rig) -> None:
    assert head.control_names[:2] == ["smile", "blink"]
    assert [mesh.vertex_count for mesh in head.meshes] == [5, 3]
    skin = slice(0, 5)
    np.testing.assert_allclose(head.neutral[skin], 100 * gltf.POINTS, atol=1e-5)
    about = euler_rotations(np.array([10.0, 20.0, -5.0]), "xyz")
    turns = dict(zip(("jaw_JNT__rotateX", "jaw_JNT__rotateY", "jaw_JNT__rotateZ"), (10.0, 20.0, -5.0), strict=True))
    found = vertices(head, smile=0.5, blink=1.0, **turns)[skin]
    points = gltf.POINTS.astype(np.float64) + gltf.BLINK
    for vertex, offset in gltf.SMILE.items():
        points[vertex] += 0.5 * np.array(offset)
    share = gltf.WEIGHTS[:, 1:] / 255
    carried = (points - gltf.JAW_AT) @ about.T + gltf.JAW_AT
    np.testing.assert_allclose(found, 100 * ((1 - share) * points + share * carried), atol=1e-4)


def test_a_mesh_without_a_skin_hangs_on_its_node(head: Rig) -> None:
    turned = vertices(head, Eye__L__rotateX=40.0)[5:]
    about = euler_rotations(np.array([40.0, 0.0, 0.0]), "xyz")
    rest = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]])  # of the quaternion (1, 1, 1, 1) / 2
    expected = 100 * (2 * gltf.POINTS[:3] @ (rest @ about).T + (0.02, 0.1, 0.05))
    np.testing.assert_allclose(turned, expected, atol=1e-4)


def _with(change: Callable[[dict[str, Any]], None]) -> bytes:
    record, binary = gltf.document()
    change(record)
    return gltf.packed(json.dumps(record).encode(), binary)


def _set(place: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """Sets a member by a path of names and numbers."""
    *way, last = [int(part) if part.isdigit() else part for part in place.split(".")]

    def change(record: dict[str, Any]) -> None:
        found: Any = record
        for step in way:
            found = found[step]
        found[last] = value

    return change


BROKEN = {
    "another file": (b"PK\x03\x04", "is no glTF"),
    "glTF 1": (_with(_set("asset.version", "1.0")), "is glTF 1.0, and 2.0 is read"),
    "compression": (
        _with(_set("extensionsRequired", ["KHR_draco_mesh_compression"])),
        "needs KHR_draco_mesh_compression",
    ),
    "a buffer elsewhere": (_with(_set("buffers.0.uri", "../secret.bin")), "cannot name a file"),
    "a view": (_with(_set("bufferViews.0.byteLength", 4)), "is shorter than what lies in it"),
    "an accessor": (_with(_set("meshes.0.primitives.0.attributes.POSITION", 99)), "of which there are"),
    "a huge accessor": (_with(_set("accessors.0.count", 40_000_000)), "is shorter than what lies in it"),
    "a target of another mesh": (_with(_set("accessors.5.count", 7)), "has 7 entries, expected 6"),
    "nodes in a circle": (_with(_set("nodes.1.children", [0])), "is twice in the scene"),
    "a triangle": (_with(_set("meshes.1.primitives.0.indices", 4)), "uses a vertex that its primitive does not have"),
    "a rotation": (_with(_set("nodes.2.rotation", [0, 0, 0, 0])), "has a rotation of length 0"),
    "a number that is none": (_with(_set("nodes.2.translation", [1, 2, "x"])), "expected a number"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_damaged_gltf_is_refused_in_one_sentence(tmp_path: Path, what: str) -> None:
    data, words = BROKEN[what]
    (tmp_path / "head.glb").write_bytes(data)
    with pytest.raises(TakeError, match=words) as caught:
        read_rig(tmp_path / "head.glb")
    assert "\n" not in str(caught.value)
    assert re.search("xport it|write it without|give it another name", str(caught.value))  # what to do


BROKEN_USD = {
    "text": ("#usda 1.0\n(", "is not readable USD"),
    "no mesh": ("#usda 1.0\n", "holds no mesh of polygons"),
    "polygons": ("faceVertexIndices = [0, 1, 7]", "polygons that do not fit its points"),
    "offsets": ("offsets = [(0, 0.8660254, 0), (1, 1, 1)]", "has 2 offsets for 1 points"),
    "points of a shape": ("pointIndices = [5]", "moves points that the mesh does not have"),
    "a number": ("offsets = [(0, nan, 0)]", "hold a number that is not finite"),
    "words": ("skel:blendShapes = 7", "is not readable USD|are of another kind"),
}


@pytest.mark.parametrize("what", BROKEN_USD)
def test_damaged_usd_is_refused_in_one_sentence(tmp_path: Path, what: str) -> None:
    text, words = BROKEN_USD[what]
    if not text.startswith("#"):
        name = text.partition(" = ")[0]
        lines = (SAMPLES / "blend_shapes.usda").read_text(encoding="utf-8").split("\n")
        at = next(index for index, line in enumerate(lines) if f"{name} = " in line)
        lines[at] = lines[at][: lines[at].index(name)] + text
        text = "\n".join(lines)
    (tmp_path / "head.usda").write_text(text, encoding="utf-8")
    with pytest.raises(TakeError, match=words) as caught:
        read_rig(tmp_path / "head.usda")
    assert "\n" not in str(caught.value)
    assert re.search("xport", str(caught.value))  # what to do


def test_a_scene_without_anything_to_solve_for_says_so(tmp_path: Path) -> None:
    record = json.loads((SAMPLES / "simple_skin.gltf").read_text(encoding="utf-8"))
    record["nodes"][2]["name"] = "elbow"
    (tmp_path / "arm.gltf").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(TakeError, match="neither a blend shape nor a joint that is called a jaw or an eye"):
        read_rig(tmp_path / "arm.gltf")


def test_dense_rigs_may_say_ranges_and_defaults(tmp_path: Path) -> None:
    """Identity modes go from -3 to 3; what a file does not say is 0..1."""
    arrays = {
        "neutral": np.eye(3),
        "deltas": np.ones((2, 3, 3)),
        "names": np.array(["longer", "jaw"]),
        "face_counts": np.array([3]),
        "faces": np.array([0, 1, 2]),
    }
    np.savez(tmp_path / "plain.npz", **arrays)
    assert read_rig(tmp_path / "plain.npz").bounds.tolist() == [[0, 1], [0, 1]]
    said = {"ranges": np.array([[-3.0, 3.0], [0.0, 2.0]]), "defaults": np.array([0.5, 0.0])}
    np.savez(tmp_path / "said.npz", **arrays, **said)
    rig = read_rig(tmp_path / "said.npz")
    assert (rig.bounds.tolist(), rig.default_controls.tolist()) == ([[-3, 3], [0, 2]], [0.5, 0])
    np.savez(tmp_path / "off.npz", **arrays, ranges=said["ranges"], defaults=np.array([4.0, 0.0]))
    with pytest.raises(TakeError, match=r"range -3\.0\.\.3\.0 and default 4\.0"):
        read_rig(tmp_path / "off.npz")
