"""MetaHuman DNA: the format's public sample, its rules, the demo's head written as one, and files that are wrong."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facesolve.geometry.rig_files import read_rig
from facesolve.geometry.rig_formats.dna_file import Behavior, read_dna_file
from facesolve.take import Rig, TakeError
from facesolve.take.rig_evaluation import RigEvaluator
from facesolve.take.skeleton import CHANNELS
from tests.bench.dna_fixtures import end, fixtures

from . import dna
from .dna import Written


@pytest.fixture(scope="module")
def demo() -> dna.DemoHead:
    return dna.DemoHead()


def read(folder: Path, written: Written | bytes, said: list[str] | None = None) -> Rig:
    path = folder / "head.dna"
    path.write_bytes(written if isinstance(written, bytes) else dna.dna_bytes(written))
    return read_rig(path, (said if said is not None else []).append)


def test_the_writer_of_these_tests_writes_what_the_public_sample_holds() -> None:
    data = dna.dna_bytes(dna.sample(), further=[(b"unk1", bytes(16)), (b"unk2", bytes(32))])
    places = dna.layer_places(data)
    assert {name: places[name][1] for name in dna.SIZES} == dna.SIZES
    assert [places[name][0] for name in ("desc", "defn", "bhvr", "geom", "unk1", "unk2")] == [
        *(0x6B, 0xC2, 0x3DC, 0x922, 0xD5A, 0xD6A)
    ]
    at, size = places["desc"]
    assert data[at : at + size].hex() == dna.DESCRIPTOR_BYTES
    assert bytes.fromhex(dna.FIRST_GROUP_BYTES) in data
    old = dna.dna_bytes(dna.sample(), (2, 1))
    table = np.frombuffer(old, ">u4", 8, 7).tolist()
    assert table == [0x27, 0x7E, 0x398, 0x398, 0x5AA, 0x766, 0x792, 0x8DE]


@pytest.mark.parametrize("version", [(2, minor) for minor in range(1, 9)])
def test_every_version_of_the_sample_is_read(tmp_path: Path, version: tuple[int, int]) -> None:
    path = tmp_path / "sample.dna"
    path.write_bytes(dna.dna_bytes(dna.sample(), version, [(b"mlbh", bytes(7))] if version > (2, 2) else []))
    found = read_dna_file(path)
    assert found.version == version
    dna.assert_holds_the_sample(found)
    assert found.passed == (("mlbh",) if version > (2, 2) else ())


def test_the_files_of_the_public_tests_are_put_together_as_there(tmp_path: Path) -> None:
    """Of the bench that reads them all."""
    content = dna.dna_bytes(dna.sample())
    halves = [", ".join(f"0x{byte:02x}" for byte in half) for half in (content[:500], content[500:])]
    source = [
        f"const unsigned char Raw::{name}[] = {{ {half} // 0xff\n}};" for name, half in zip("ab", halves, strict=True)
    ]
    joined = "".join(f"bytes.insert(bytes.end(), {name}, {name} + sizeof({name}));" for name in "ab")
    source.append(f"std::vector<char> Raw::getBytes() {{ std::vector<char> bytes; {joined} return bytes; }}")
    (tmp_path / "Fixtures.cpp").write_text("\n".join(source), encoding="utf-8")
    ((name, found),) = fixtures(tmp_path)
    assert (name, found) == ("Raw", content)
    assert end(name, found, tmp_path) == "9 controls, 7 joints, 6 vertices"


@pytest.mark.parametrize("layer", [b"desc", b"geom"])
def test_a_layer_of_a_later_version_or_without_anything_in_it_is_refused(tmp_path: Path, layer: bytes) -> None:
    content = bytearray(dna.dna_bytes(dna.sample()))
    entry = content.index(layer)
    content[entry + 7] = 2
    with pytest.raises(TakeError, match=f"its layer '{layer.decode()}' is of version 1.2, which is not known"):
        read(tmp_path, bytes(content))
    content[entry + 7], content[entry + 12 : entry + 16] = 1, bytes(4)
    with pytest.raises(TakeError, match=f"it lacks the layer '{layer.decode()}'"):
        read(tmp_path, bytes(content))


def test_the_sample_evaluates_by_the_rules_of_the_design_document(tmp_path: Path) -> None:
    """Products of inputs, each with its factor, at most 1; joint groups times inputs; channels follow their input."""
    sample = dna.sample()
    rig = read(tmp_path, sample)
    raw = np.random.default_rng(1).uniform(0, 1, 9)
    inputs = np.concatenate([raw, np.zeros(12)])
    behavior = sample.behavior
    for row in range(9, 21):
        entries = np.flatnonzero(behavior.rows == row)
        if len(entries):
            inputs[row] = min(1.0, np.prod([behavior.factors[e] * raw[behavior.columns[e]] for e in entries]))
    expected = np.zeros(81)
    for group in behavior.groups:
        expected[group.outputs] += group.values @ inputs[group.inputs]
    names = rig.control_names
    controls = raw[[["RA", "RB", "RC", "RD", "RE", "RF", "RG", "RH", "RI"].index(name) for name in names]][None]
    values = RigEvaluator(rig).channel_values(controls)[0]
    found = np.zeros(81)
    for channel, value in zip(rig.channels, values, strict=True):
        joint = "ABCDEFGHI".index(rig.joints[channel.joint].name[1])
        found[9 * joint + CHANNELS.index(channel.attribute)] = value
    kept = ["ABCDEFGHI".index(joint.name[1]) for joint in rig.joints]
    assert sorted(kept) == list(range(7))  # the last two carry nothing
    scale = np.tile([100.0] * 3 + [np.degrees(1.0)] * 3 + [1.0] * 3, 9)
    scale[0] = -100.0  # the root's x axis points right, ours left
    of_kept = np.flatnonzero(np.isin(np.arange(81) // 9, kept))
    np.testing.assert_allclose(found[of_kept], (scale * expected)[of_kept], rtol=1e-6, atol=1e-7)
    weights = dict(zip(rig.target_names, RigEvaluator(rig).target_weights(controls)[0], strict=True))
    assert weights == {"BC": pytest.approx(raw[2])}


PRODUCTS = {(4.0, 3.0): 0.24, (0.5, 2.0): 0.02, (100.0,): 1.0, (4.0, 10.0): 0.8}


@pytest.mark.parametrize("factors", PRODUCTS)
def test_products_are_those_of_the_public_tests(tmp_path: Path, factors: tuple[float, ...]) -> None:
    """Of inputs 0.1 and 0.2, as OpenRigLogic's TestPSDNet expects them."""
    count = len(factors)
    product = Behavior(np.full(count, 9), np.arange(count), np.array(factors), (), np.array([9]), np.array([2]))
    rig = read(tmp_path, replace(dna.sample(), behavior=product, group_levels=(), channel_levels=()))
    weights = RigEvaluator(rig).target_weights(np.array([[0.1, 0.2][:count]]))
    assert rig.target_names == ["BC"]
    assert weights[0, 0] == pytest.approx(PRODUCTS[factors], abs=1e-4)


def test_the_demo_head_as_a_dna_moves_as_the_contract_rig(tmp_path: Path, demo: dna.DemoHead) -> None:
    rig = read(tmp_path, demo.written)
    random = np.random.default_rng(3)
    controls = random.uniform(*demo.rig.bounds.T, (20, len(demo.rig.controls)))
    jaw = demo.rig.control_names.index("jaw_open")
    controls[:, jaw] = random.uniform(0.0, 14.0, 20)  # beyond, a DNA caps the product of jaw and lips
    raw = demo.raw(controls)[:, [demo.names.index(name) for name in rig.control_names]]
    apart = RigEvaluator(rig).vertices(raw) - RigEvaluator(demo.rig).vertices(controls)
    assert np.abs(apart).max() < 1e-4
    assert rig.joints[0].name == "neck"
    assert [mesh.vertex_count for mesh in rig.meshes] == [mesh.vertex_count for mesh in demo.rig.meshes]
    np.testing.assert_allclose(demo.back(raw, rig.control_names), controls, atol=1e-9)


def test_axes_of_another_hand_are_turned_with_joints_and_faces(tmp_path: Path, demo: dna.DemoHead) -> None:
    """The head mirrored by hand, and said to be, evaluates as the one that is not."""
    plain = read(tmp_path, demo.written)
    flip = np.array([-1.0, 1.0, 1.0])
    meshes = tuple(
        replace(mesh, points=mesh.points * flip, shapes=tuple(replace(s, deltas=s.deltas * flip) for s in mesh.shapes))
        for mesh in demo.written.meshes
    )
    own = demo.written.definition
    groups = tuple(
        replace(g, values=-g.values) if g.outputs[0] % 9 in (4, 5) else g for g in demo.written.behavior.groups
    )
    mirrored = replace(
        demo.written,
        meshes=meshes,
        definition=replace(own, translations=own.translations * flip),
        behavior=replace(demo.written.behavior, groups=groups),
    )
    rig = read(tmp_path, dna.with_axes(mirrored, (1, 2, 4)))
    controls = np.random.default_rng(0).uniform(0, 1, (3, len(rig.controls)))
    np.testing.assert_allclose(RigEvaluator(rig).vertices(controls), RigEvaluator(plain).vertices(controls), atol=1e-4)
    first = plain.face_vertices[: plain.face_counts[0]].tolist()
    assert rig.face_vertices[: plain.face_counts[0]].tolist() == first[::-1]


def test_rotation_order_signs_and_winding_of_later_versions_are_read(tmp_path: Path, demo: dna.DemoHead) -> None:
    order_zyx = np.array([5, -1, 1, 1], ">i4").tobytes() + b"\x01"
    path = tmp_path / "head.dna"
    path.write_bytes(dna.dna_bytes(replace(demo.written, extension=order_zyx), (2, 8)))
    found = read_dna_file(path).descriptor
    assert (found.rotate_order, found.signs, found.clockwise) == ("zyx", (-1, 1, 1), True)
    rig = read_rig(path, print)
    assert rig.joints[1].rotate_order == "zyx"


def test_what_cannot_be_read_is_told_and_stays_at_rest(tmp_path: Path) -> None:
    sample = dna.sample()
    groups = (replace(sample.behavior.groups[0], inputs=np.array([0, 1, 2, 3, 6, 7, 40])), *sample.behavior.groups[1:])
    names = ("MA", "MB_eyeshell", "MC")
    written = replace(
        sample,
        behavior=replace(sample.behavior, groups=groups),
        definition=replace(sample.definition, mesh_names=names),
    )
    said: list[str] = []
    rig = read(tmp_path, written, said)
    assert [mesh.name for mesh in rig.meshes] == ["MA"]
    assert "because a camera sees through them: MB_eyeshell." in said[0]
    assert "1 inputs come from poses of the body or from machine learning" in said[1]


BROKEN = {
    "another file": (lambda data: b"PK" + data[2:], "does not begin with DNA"),
    "a generation": (lambda data: data[:4] + b"\x63" + data[5:], "its version is 99.2"),
    "nothing": (lambda data: b"", "does not begin with DNA"),
    "a cut": (lambda data: data[:9], "it is cut short"),
    "a list": (lambda data: data[:0x6B] + b"\xff" * 4 + data[0x6F:], "a list is longer than the file"),
    "an index of 4 thousand million layers": (lambda data: data[:7] + b"\xff" * 4 + data[11:], "longer than the file"),
    "a layer behind the end": (lambda data: data[:19] + b"\xde\xad\xbe\xef" + data[23:], "points behind its end"),
    "a layer less": (lambda data: data[:11] + b"none" + data[15:], "lacks the layer 'desc'"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_damaged_files_are_refused_in_one_sentence(tmp_path: Path, what: str) -> None:
    """As OpenRigLogic's TestMalformedInput refuses them."""
    change, words = BROKEN[what]
    data = change(dna.dna_bytes(dna.sample(), further=[(b"unk1", bytes(16)), (b"unk2", bytes(32))]))
    with pytest.raises(TakeError, match=words) as caught:
        read(tmp_path, data)
    assert "\n" not in str(caught.value)
    assert re.search("rite (it|the DNA)", str(caught.value))  # what to do


def test_joints_and_products_in_a_circle_are_refused(tmp_path: Path) -> None:
    sample = dna.sample()
    circle = replace(sample, definition=replace(sample.definition, parents=np.array([1, 0, 0, 1, 1, 4, 2, 4, 2])))
    with pytest.raises(TakeError, match="joints are below each other in a circle"):
        read(tmp_path, circle)
    columns = np.array([9 if column == 2 else column for column in sample.behavior.columns])
    with pytest.raises(TakeError, match="products of controls depend on each other in a circle"):
        read(tmp_path, replace(sample, behavior=replace(sample.behavior, columns=columns)))
