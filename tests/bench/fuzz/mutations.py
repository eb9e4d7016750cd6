"""What can be wrong with a file: changes of JSON values, arrays, lines and bytes, by a random generator of numpy."""

from __future__ import annotations

import copy
import io
import json
import re
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

Random = np.random.Generator

DEEP = "a value that is nested deeply"  # stands in a JSON value for what json.dumps cannot write
TWICE = "a name that stands twice"
HOSTILE: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 255, 2**15, 2**31, -(2**31), 2**53 + 1, 2**63, 2**64, 10**30, -(10**30)),
    *(0.0, -0.0, 0.5, -1.5, 1e-320, 1e6, 1e9, 3e9, 1e30, 1e308, float("nan"), float("inf"), float("-inf")),
    *("", " ", "a", "0", "1.5", "nan", "true", "null", "a\0b", "\ud800", "\udcff", "\u2028", "x\ny", "\x1b[31m"),
    *("../../../../etc/passwd", "/etc/passwd", "C:\\a\\b", "\\\\host\\share\\a", "con", "aux.png", "~", ".", "..", "/"),
    *("{frame:0999999999d}", "{frame!r}", "{frame.__class__}", "{0}", "{", "}", "%999999d", "{frame:04d}{frame:9d}"),
    *("=1+1", "@x", '<script>alert("x")</script>', "</script>", "';--", '"; quit; "', "$(id)", "`id`", "x" * 5000),
    *([], {}, [[]], [None], [1, 2], ["a"], {"a": 1}, [[1, 0], [0, 1]], [1e308] * 3, [float("nan")] * 9, DEEP, TWICE),
)


def pick(random: Random, choices: Any) -> Any:
    """One of ``choices``."""
    return choices[int(random.integers(len(choices)))]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every member and entry inside a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, inner in items for place in [(*path, key), *places(inner, (*path, key))]]


def mutated_json(data: bytes, random: Random, changes: int = 2) -> bytes:
    """A JSON text with some of its values changed, its members lost, renamed, doubled, or its bytes damaged."""
    value = json.loads(data)
    for _ in range(int(random.integers(1, changes + 1))):
        inside = places(value)
        if inside:
            _change(value, pick(random, inside), random)
    text = json.dumps(value)
    depth = int(random.integers(5, 200_000))
    text = text.replace(json.dumps(DEEP), pick(random, ("[", '{"a":', "[[],")) * depth)
    if TWICE in text:
        text = text.replace(json.dumps(TWICE), "1", 1)
        text = text.replace("{", '{"a": 1, "a": 2, ', 1)
    return mutated_bytes(text.encode(), random) if random.random() < 0.1 else text.encode()


def _change(value: Any, place: tuple[Any, ...], random: Random) -> None:
    inner = value
    for key in place[:-1]:
        inner = inner[key]
    last, old = place[-1], inner[place[-1]]
    choice = int(random.integers(8))
    if choice == 0:
        del inner[last]
    elif choice == 1 and isinstance(inner, dict):
        inner[str(pick(random, ("", f"{last}_", "a", "\ud800", "..", "x" * 400)))] = inner.pop(last)
    elif choice == 2:
        other = pick(random, list(inner) if isinstance(inner, dict) else range(len(inner)))
        inner[last], inner[other] = inner[other], old
    elif choice == 3 and isinstance(old, (int, float)) and not isinstance(old, bool):
        inner[last] = pick(random, (-old, old + 1, old * 1e6, old / 1e6, str(old), float(old), [old]))
    elif choice == 4 and isinstance(old, list):
        inner[last] = pick(random, (old * 2, old[:-1], old[::-1], [old], [[x] for x in old], dict(enumerate(old))))
    else:
        inner[last] = copy.deepcopy(pick(random, HOSTILE))  # the next change may be one inside of it


def mutated_npz(data: bytes, random: Random, changes: int = 2) -> bytes:
    """An archive of arrays with some of another kind, shape or content, lost, doubled, renamed, lying or damaged."""
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    members: list[tuple[str, bytes]] = []
    changed = {pick(random, list(arrays)) for _ in range(int(random.integers(1, changes + 1)))}
    for name, array in arrays.items():
        if name not in changed:
            members.append((name, npy(array)))
            continue
        choice = int(random.integers(12))
        if choice == 0:
            continue
        stem = str(pick(random, (name + "_", "a", "../" + name, ""))) if choice == 1 else name
        other = mutated_array(array, random) if choice > 3 else array
        body = lying_npy(other, random) if choice == 2 else npy(other)
        members += [(stem, body)] * (2 if choice == 3 else 1)
    stream = io.BytesIO()
    method = pick(random, (zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED, zipfile.ZIP_BZIP2))
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, body in members:
            archive.writestr(zipfile.ZipInfo(name + ".npy"), body, method)
    packed = stream.getvalue()
    return mutated_bytes(packed, random) if random.random() < 0.15 else packed


def npy(array: np.ndarray) -> bytes:
    """The array as an ``.npy`` file; Python objects are pickled."""
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def lying_npy(array: np.ndarray, random: Random) -> bytes:
    """An array whose header says something else than what follows it."""
    data = npy(array)
    end = data.index(b"\n") + 1
    body = data[end:]
    shape = pick(random, ((10**9,), (10**12, 3), (-1,), (), (0,), (2**63,), (*array.shape, 2), "x", (1.5,)))
    kind = pick(random, ("<f4", "<f8", "|O", "<U9", "<U99999999", "|V4", "<c16", "<M8[s]", "nonsense", "|b1"))
    header = f"{{'descr': '{kind}', 'fortran_order': {pick(random, ('True', 'False', '3'))}, 'shape': {shape}, }}"
    text = pick(random, (header, header, "(" * 9000, "{'descr': " * 500, "__import__('os')", header + "," * 99))
    encoded = text.encode() + b"\n"
    return (
        b"\x93NUMPY"
        + pick(random, (b"\x01\x00", b"\x01\x00", b"\x02\x00", b"\x03\x00", b"\x09\x00"))
        + (len(encoded).to_bytes(2, "little") + encoded + body)
    )


def mutated_array(array: np.ndarray, random: Random) -> np.ndarray:
    """The array in another kind or shape, or with values that no rig has."""
    choice = int(random.integers(10))
    if choice == 0:
        kinds = ("U4", "S4", bool, np.int8, np.uint64, np.float16, complex, ">f8", ">i4", object, "M8[s]", "f8,i4")
        kind = pick(random, kinds)
        try:
            return array.astype(kind)
        except (ValueError, TypeError):
            return np.zeros(array.shape, kind)
    if choice == 1:
        shapes: tuple[Callable[[], np.ndarray], ...] = (
            lambda: array.T,
            lambda: array[None],
            lambda: array.reshape(-1),
            lambda: array[:-1] if array.ndim else array,
            lambda: array[:0] if array.ndim else array,
            lambda: np.concatenate([array, array]) if array.ndim else array,
            lambda: np.zeros((), array.dtype),
            lambda: array[..., None],
            lambda: np.asfortranarray(array),
        )
        return pick(random, shapes)()
    if array.dtype.kind == "U":
        other = array.astype("U300")
        if other.size:
            words = ("", "a", "a\nb", "../x", "\ud800", "\x1b", "x" * 300, str(other.flat[0]))
            other.flat[int(random.integers(other.size))] = pick(random, words)
        return other
    if not array.size or array.dtype.kind not in "fiub":
        return array
    other = array.copy()
    at = random.integers(other.size, size=pick(random, (1, 1, 3, other.size)))
    values = [0, 1, -1, 2, 127, 1e4, -1e6, 3e9, 1e30, 1e300, np.nan, np.inf, -np.inf, 1e-40]
    with np.errstate(all="ignore"):
        new = np.array(pick(random, values)).astype(other.dtype) if random.random() < 0.7 else other.flat[at[0]] * 3
    other.flat[at] = new
    return other


def mutated_bytes(data: bytes, random: Random) -> bytes:
    """Bytes that are flipped, cut, doubled, moved, or followed by others."""
    out = bytearray(data)
    for _ in range(int(random.integers(1, 4))):
        at = int(random.integers(len(out) + 1))
        length = int(random.integers(1, max(len(out) // 3, 2)))
        choice = int(random.integers(7))
        if choice == 0:
            del out[at:]
        elif choice == 1:
            del out[at : at + length]
        elif choice == 2:
            out[at:at] = out[at : at + length]
        elif choice == 3:
            out[at:at] = random.bytes(int(random.integers(1, 200)))
        elif choice == 4 and len(out) >= 8:
            value = pick(random, (0, 1, 0xFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x10000))
            at = min(at, len(out) - 4)
            out[at : at + 4] = value.to_bytes(4, pick(random, ("little", "big")))
        else:
            for _ in range(int(random.integers(1, 12))):
                if out:
                    out[int(random.integers(len(out)))] = int(random.integers(256))
    return bytes(out)


_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_WORD = re.compile(rb'[A-Za-z_]\w+|"[^"\n]*"')
_NUMBERS = (
    b"0",
    b"-1",
    b"nan",
    b"inf",
    b"-inf",
    b"1e999",
    b"1e308",
    b"1e-320",
    b"99999999999999999999",
    b"x",
    b"",
    b"0x1F",
)
_WORDS = (
    b"",
    b'""',
    b'"a\x00b"',
    b'"\\"',
    b'"../../a"',
    b'"\xff\xfe"',
    b"nan",
    b"None",
    b"<a>",
    b"&x;",
    b"{",
    b"}",
    b'"',
)


def mutated_text(data: bytes, random: Random, changes: int = 3) -> bytes:
    """Text with numbers, words and lines changed: for formats that other programs write as text."""
    for _ in range(int(random.integers(1, changes + 1))):
        choice = int(random.integers(8))
        if choice < 3:
            data = _replaced(data, _NUMBER, _NUMBERS, random)
        elif choice < 5:
            data = _replaced(data, _WORD, _WORDS, random)
        elif choice < 7:
            lines = data.split(b"\n")
            at, other = int(random.integers(len(lines))), int(random.integers(len(lines)))
            change = int(random.integers(4))
            if change == 0:
                del lines[at]
            elif change == 1:
                lines.insert(other, lines[at])
            elif change == 2:
                lines[at], lines[other] = lines[other], lines[at]
            else:
                lines[at] = pick(
                    random, (b"", b"[" * 3000, b"{" * 3000, b"(" * 3000, b"<a>" * 3000, b"\xff" * 40, b"- " * 3000)
                )
            data = b"\n".join(lines)
        else:
            data = mutated_bytes(data, random)
    return data


def _replaced(data: bytes, pattern: re.Pattern[bytes], by: tuple[bytes, ...], random: Random) -> bytes:
    found = list(pattern.finditer(data))
    if not found:
        return data
    match = pick(random, found)
    return data[: match.start()] + pick(random, by) + data[match.end() :]
