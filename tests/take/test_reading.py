"""The reading layer: whatever the bytes are, there is a value or one sentence, and no memory for what is not there."""

from __future__ import annotations

import io
import json
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from facesolve.take import TakeError, read_take, write_take
from facesolve.take.reading import DEEPEST, ArrayKind, ArrayTable, read_json, read_npz, read_toml

from . import rigs

TABLE = ArrayTable({"neutral": ArrayKind("numbers", (("V", 3),))}, {"V": 1000})

BAD_JSON = {
    "[" * 100_000: "nested",
    '{"a":' * 5000: "nested",
    '{"a": ' + "[" * (DEEPEST + 1) + "]" * (DEEPEST + 1) + "}": "nested more than",
    '{"a": "' + '\\"' * 200_000: "Unterminated string",
    '{"a": [' + "{}," * 250_000 + "{}]}": "objects and lists",
    '{"a": NaN}': "NaN",
    '{"a": 1e999}': "beyond 64 bits",
    '{"a": 1' + "0" * 400 + "}": "beyond 64 bits",
    '{"a": 1' + "0" * 5000 + "}": "not valid JSON",
    '{"a": 1, "a": 2}': "'a' twice",
    '{"a": "\\ud800"}': "which is no text",
    '{"\\ud800": 1}': "which is no text",
    '{"a": "x\\u0000y"}': "which is no text",
}


@pytest.mark.parametrize("text", BAD_JSON, ids=lambda text: text[:20])
def test_json_that_no_reader_should_meet_is_one_sentence(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TakeError, match=BAD_JSON[text]) as caught:
        read_json(path, "take")
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 400 + len(str(path))


def test_brackets_in_text_do_not_count_as_nesting(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"a": "[" * 1000, 'b"': "{\\", "c": '\\"['}), encoding="utf-8")
    assert read_json(path, "take")["a"] == "[" * 1000


def test_toml_has_the_same_limits(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    for text in ("a = " + "[" * 5000 + "]" * 5000, "a = 1" + "0" * 400, "[" + "a." * 60_000 + "a]"):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(TakeError, match=r"a\.toml"):
            read_toml(path, "settings")


def test_a_path_that_is_none_is_one_sentence() -> None:
    with pytest.raises(TakeError, match="is not a path"):
        read_json(Path("a\0b"), "take")
    with pytest.raises(TakeError, match="is not a path"):
        read_npz(Path("a\0b"), "take")


def npy(header: str, data: bytes) -> bytes:
    text = header.encode("latin-1")
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data


def archive(path: Path, *members: tuple[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in members:
            out.writestr(name, data)
    return path


def whole(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


HEADER = "{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}\n"
BAD_ARRAYS = {
    "says more than is there": (npy(HEADER.format("<f4", "(900000000, 3)"), b"\0" * 12), "not a readable"),
    "says less than is there": (npy(HEADER.format("<f4", "(1, 3)"), b"\0" * 24), "not a readable"),
    "negative": (npy(HEADER.format("<f4", "(-1, -3)"), b"\0" * 12), "not a readable"),
    "header is nested": (npy("(" * 9000, b""), "not a readable"),
    "header is no header": (npy("__import__('os').getcwd()\n", b""), "not a readable"),
    "objects": (whole(np.array([[None] * 3])), "not a readable"),
    "text": (whole(np.array([["a"] * 3])), "neutral is of type <U1, expected numbers"),
    "complex": (whole(np.ones((2, 3), complex)), "is of type complex128, expected numbers"),
    "structured": (whole(np.zeros((2, 3), [("a", "f4")])), "expected numbers"),
    "another shape": (whole(np.ones((2, 4))), r"has shape \(2, 4\), expected \(V, 3\)"),
    "too many": (whole(np.ones((1001, 3))), "has shape"),
    "not finite": (whole(np.array([[0, np.inf, 0]])), r"not finite, at \[0, 1\]"),
}


@pytest.mark.parametrize("what", BAD_ARRAYS)
def test_arrays_that_are_not_what_the_table_says_are_refused(what: str, tmp_path: Path) -> None:
    data, sentence = BAD_ARRAYS[what]
    path = archive(tmp_path / "rig.npz", ("neutral.npy", data))
    tracemalloc.start()
    try:
        with pytest.raises(TakeError, match=sentence):
            read_npz(path, "rig", table=TABLE)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_an_array_that_stands_twice_is_refused(tmp_path: Path) -> None:
    one = ("neutral.npy", whole(np.ones((2, 3))))
    with pytest.warns(UserWarning, match="Duplicate"):
        path = archive(tmp_path / "rig.npz", one, one)
    with pytest.raises(TakeError, match="twice"):
        read_npz(path, "rig", table=TABLE)


def test_an_unknown_array_is_not_unpacked(tmp_path: Path) -> None:
    path = archive(
        tmp_path / "rig.npz", ("neutral.npy", whole(np.ones((2, 3)))), ("big.npy", whole(np.zeros(4_000_000)))
    )
    with pytest.raises(TakeError, match="'big', an array that is not known"):
        read_npz(path, "rig", table=TABLE)
    lenient = ArrayTable(TABLE.known, TABLE.sizes, others=True)
    tracemalloc.start()
    try:
        assert list(read_npz(path, "rig", table=lenient)) == ["neutral"]
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_arrays_come_back_in_every_order_and_kind(tmp_path: Path) -> None:
    arrays = {
        "a": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
        "b": np.array("text"),
        "c": np.zeros((0, 3), np.float32),
        "d": np.array([True, False]),
        "e": np.arange(5, dtype=">i4"),
    }
    np.savez(tmp_path / "a.npz", **arrays)
    for name, array in read_npz(tmp_path / "a.npz", "any").items():
        np.testing.assert_array_equal(array, arrays[name])
        assert array.flags.writeable


def test_offsets_that_would_mix_up_shapes_are_refused(tmp_path: Path) -> None:
    write_take(rigs.take(tmp_path), tmp_path)
    arrays = read_npz(tmp_path / "take.npz", "take")
    record = json.loads((tmp_path / "take.json").read_text(encoding="utf-8"))
    for name, change in (("shape_offsets", 1), ("driver_offsets", 1), ("shape_target", -9)):
        changed = {**arrays, name: arrays[name] + change}
        np.savez(tmp_path / "take.npz", **changed)
        (tmp_path / "take.json").write_text(json.dumps({**record, "sha256": ""}), encoding="utf-8")
        with pytest.raises(TakeError, match="rig: "):
            read_take(tmp_path)
