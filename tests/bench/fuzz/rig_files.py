"""Rigs that other programs wrote: MetaHuman DNA, glTF and USD."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np

from facesolve.geometry.rig_files import read_rig
from facesolve.take.rig_evaluation import RigEvaluator
from tests.geometry import dna, gltf

from .campaign import Files, Subject
from .mutations import Random, mutated_bytes, mutated_json, mutated_text, pick

SAMPLES = Path(__file__).parents[2] / "geometry" / "rig_samples"
_COUNTS = (0, 1, 2, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x10000, 40_000_000)
_NUMBERS = (0.0, 1e30, -1e30, float("nan"), float("inf"), 1e-42, 100.0)


def _mutated_words(data: bytes, random: Random) -> bytes:
    """A few numbers of two or four bytes replaced: lengths, indices, versions and values are all of them."""
    out = bytearray(data)
    for _ in range(int(random.integers(1, 5))):
        at = int(random.integers(max(len(out) - 4, 1)))
        choice = int(random.integers(3))
        if choice == 0:
            new = struct.pack(">I", pick(random, _COUNTS))
        elif choice == 1:
            new = struct.pack(">f", pick(random, _NUMBERS))
        else:
            new = struct.pack(">H", int(random.integers(65536)) if random.random() < 0.5 else int(random.integers(12)))
        out[at : at + len(new)] = new
    return bytes(out)


def _mutated(files: Files, random: Random) -> Files:
    name = pick(random, sorted(files))
    if name.endswith(".gltf"):
        return {name: mutated_json(files[name], random)}
    if name.endswith(".usda"):
        return {name: mutated_text(files[name], random)}
    if name.endswith(".glb") and random.random() < 0.7:
        record, binary = gltf.document()
        changed = mutated_json(json.dumps(record).encode(), random)
        return {name: gltf.packed(changed, binary if random.random() < 0.8 else mutated_bytes(binary, random))}
    change = _mutated_words if random.random() < 0.7 else mutated_bytes
    return {name: change(files[name], random)}


def _read(folder: Path) -> None:
    """What pack does with a rig; the evaluation tells whether the parts really fit together."""
    for path in sorted(folder.iterdir()):
        said: list[str] = []
        rig = read_rig(path, said.append)
        assert all("\n" not in sentence for sentence in said)
        with np.errstate(all="ignore"):
            RigEvaluator(rig).vertices(rig.default_controls[None])


def _subject(name: str, files: Callable[[], dict[str, bytes]]) -> Subject:
    def make(folder: Path) -> None:
        folder.mkdir(parents=True)
        for file, data in files().items():
            (folder / file).write_bytes(data)

    return Subject(f"rig, {name}", make, _mutated, _read)


def _samples(*names: str) -> dict[str, bytes]:
    return {name: (SAMPLES / name).read_bytes() for name in names}


SUBJECTS = (
    _subject("DNA 2.1", lambda: {"head.dna": dna.dna_bytes(dna.sample(), (2, 1))}),
    _subject(
        "DNA 2.8", lambda: {"head.dna": dna.dna_bytes(dna.sample(), (2, 8), [(b"dsce", b"\0\0\0\0\0\0\0\1" * 2)])}
    ),
    _subject("glTF", lambda: _samples("simple_skin.gltf", "simple_morph.gltf")),
    _subject("glb", lambda: {"head.glb": gltf.glb_bytes()}),
    _subject("USD", lambda: _samples("joints.usda", "blend_shapes.usda")),
)
